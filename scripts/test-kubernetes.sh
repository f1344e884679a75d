#!/bin/sh
# Plays the tests that need a control plane on another version of Kubernetes. `make test-kubernetes VERSION=1.32.2` does it.
#   scripts/test-kubernetes.sh VERSION [FILTER]
# BUILD=only stops after the build. The versions of its modules follow from what k8s.io/kubernetes asks for; Go's checksum database vouches for them.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/local/go/bin:$HOME/.cargo/bin
fail() {
    printf 'test-kubernetes: %s\n' "$@" >&2
    exit 1
}
version=${1#v}
case $version in
1.*.*) ;;
*) fail "say which version, for example VERSION=1.32.2" ;;
esac
shift
root=$PWD
folder=.build/kubernetes/$version
mkdir -p "$folder"
cp tests/controlplane/*.go "$folder"

# The module of tests/controlplane with another Kubernetes: its staging modules are replaced by their releases.
mod=$(cd "$folder" && GOFLAGS=-mod=mod go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/^\t"GoMod": "\(.*\)",*$/\1/p')
[ -n "$mod" ] || fail "the module proxy has no k8s.io/kubernetes v$version"
of() { awk -v module="$1" '$1 == module { print $2; exit }' "$mod"; }
staged=v0.${version#1.}
{
    printf 'module controlplane\n\n'
    grep -E '^(go|godebug) ' "$mod"
    printf '\nrequire (\n'
    for module in go.etcd.io/etcd/server/v3 golang.org/x/term; do printf '\t%s %s\n' "$module" "$(of "$module")"; done
    for module in apimachinery client-go component-base kubectl; do printf '\tk8s.io/%s %s\n' "$module" "$staged"; done
    printf '\tk8s.io/kubernetes v%s\n)\n\nreplace (\n' "$version"
    sed -n "s|^\t*\(k8s.io/[a-z-]*\) => ./staging/.*|\t\1 => \1 $staged|p" "$mod"
    printf ')\n'
} >"$folder/go.mod.new"
cmp -s "$folder/go.mod.new" "$folder/go.mod.asked" || {
    cp "$folder/go.mod.new" "$folder/go.mod"
    (cd "$folder" && GOFLAGS=-mod=mod go mod tidy) || fail "its modules can't be put together"
    mv "$folder/go.mod.new" "$folder/go.mod.asked"
}
scripts/build-controlplane.sh "$folder/controlplane" "$folder"
[ "${BUILD:-}" != only ] || exit 0
echo "test-kubernetes: Kubernetes $version" >&2
exec "$root/$folder/controlplane" exec --dir ".test/kubernetes-$version" --delete -- cargo test --workspace --locked --test api_server --test e2e -- "$@"

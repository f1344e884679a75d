#!/bin/sh
# Builds the control plane for demos and tests.
#   scripts/build-controlplane.sh OUTPUT [FOLDER]     FOLDER is its module: tests/controlplane, or the same with another Kubernetes
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
module=$(cd "${2:-$root/tests/controlplane}" && pwd)
case $1 in
/*) output=$1 ;;
*) output=$PWD/$1 ;;
esac

fail() {
    printf 'controlplane: %s\n' "$@" >&2
    exit 1
}

[ "$(uname -s)" = Linux ] || fail "needs Linux: it finds its processes through /proc." \
    "On another system, work in a Linux container or virtual machine."

PATH=$PATH:/usr/local/go/bin # where Go's own installer puts it
command -v go >/dev/null || fail "needs Go 1.24 or newer, and found no 'go' on the PATH." \
    "Get it from https://go.dev/dl/ or from your system's packages, then run make again."

cd "$module"
# The module's 'go' line is what go itself holds its own version against; with
# GOTOOLCHAIN=local it does not fetch a newer one.
if ! go list -m >/dev/null 2>&1; then
    go list -m >&2 || true
    fail "$(go env GOVERSION 2>/dev/null || echo go) cannot build this module: it needs Go 1.24 or newer, from https://go.dev/dl/"
fi

# The version of Kubernetes that go.mod asks for. Without it the servers call
# themselves v0.0.0-master, which clients refuse.
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
major_minor=${version#v}
major_minor=${major_minor%.*}
flag="-X k8s.io/component-base/version"

printf 'controlplane: building Kubernetes %s; the first build takes 6 minutes or more on two cores, later ones seconds\n' "$version" >&2
mkdir -p "$(dirname "$output")"
CGO_ENABLED=0 GOFLAGS='-mod=readonly -buildvcs=false' \
    "$root/scripts/with-progress.sh" controlplane \
    go build -o "$output.new" -ldflags "-s -w \
        $flag.gitVersion=$version \
        $flag.gitMajor=${major_minor%.*} \
        $flag.gitMinor=${major_minor#*.}" .
mv "$output.new" "$output"

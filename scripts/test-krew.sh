#!/bin/sh
# krew's own judge of manifests judges ours, and krew installs the plugin from its archive.
#   scripts/test-krew.sh BINARY
set -eu
cd "$(dirname "$0")/.."
tools=$PWD/.build/tools/bin
for tool in krew validate-krew-manifest; do
    scripts/build-go-tool.sh tests/krew sigs.k8s.io/krew/cmd/$tool "$tools/$tool"
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    printf 'krew: %s\n' "$@" >&2
    exit 1
}
scripts/krew.sh "$1" "$work" https://releases.example/holdfast >/dev/null
said=$("$tools/validate-krew-manifest" -manifest "$work/holdfast.yaml" -skip-install 2>&1) || fail "$said"
said=$(KREW_ROOT=$work/root "$tools/krew" install --manifest "$work/holdfast.yaml" --archive "$(echo "$work"/*.tar.gz)" 2>&1) || fail "$said"
"$work/root/bin/kubectl-holdfast" --help | grep -q '^Usage: kubectl holdfast ' || fail "what it installed doesn't call itself kubectl holdfast"
echo "krew: the manifest is one, and what it installs runs"

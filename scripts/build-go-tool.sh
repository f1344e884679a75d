#!/bin/sh
# Builds a Go program that only the tests need, from its own module.
#   scripts/build-go-tool.sh FOLDER PACKAGE OUTPUT
# go.sum pins every module; go builds only what has changed. LDFLAGS adds flags of the linker.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/local/go/bin
name=$(basename "$3")
command -v go >/dev/null || {
    echo "$name: needs Go 1.24 or newer, and found no 'go' on the PATH. Get it from https://go.dev/dl/, then run make again." >&2
    exit 1
}
mkdir -p "$(dirname "$3")"
output=$(cd "$(dirname "$3")" && pwd)/$name
cd "$1"
CGO_ENABLED=0 GOFLAGS='-mod=readonly -buildvcs=false' go build -trimpath -o "$output.new" -ldflags "-s -w ${LDFLAGS:-}" "$2"
mv "$output.new" "$output"

#!/bin/sh
# An archive of the program as krew installs it, and the manifest that names it: the plugin `kubectl holdfast`.
#   scripts/krew.sh BINARY FOLDER URL      URL is where the archive will be; `make krew` builds the binary
# For amd64 on Linux. The same binary gives the same archive.
set -eu
cd "$(dirname "$0")/.."
binary=$1
folder=$2
url=$3
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
archive=holdfast-$version-linux-amd64.tar.gz
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
install -m 0755 "$binary" "$work/kubectl-holdfast"
install -m 0644 LICENSE "$work/LICENSE"
mkdir -p "$folder"
tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 --format=gnu -cf - LICENSE kubectl-holdfast | gzip -n -6 >"$folder/$archive"
cat >"$folder/holdfast.yaml" <<YAML
apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: holdfast
spec:
  version: v$version
  homepage: $url
  shortDescription: Plan and report on customers of backup platforms
  description: |
    For clusters with the operator Holdfast, which makes backup platforms match
    what is declared in YAML. Says what an edit would change on the platform
    (plan), what was done (history), what is left to do at the platform's
    console (todo), and reports on many customers as table, CSV, JSON or a page.
  caveats: |
    For Linux on amd64 with glibc 2.36 or newer. Its commands read the cluster
    with your own rights.
  platforms:
    - selector:
        matchLabels: {os: linux, arch: amd64}
      uri: $url/$archive
      sha256: $(sha256sum "$folder/$archive" | cut -d ' ' -f 1)
      bin: kubectl-holdfast
YAML
echo "$folder/holdfast.yaml: $url/$archive"

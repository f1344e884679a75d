#!/bin/sh
# Unpacks packages of this Debian or Ubuntu into a folder. Nothing is installed, and root isn't needed.
#   scripts/unpack-debian.sh FOLDER PACKAGE…
# A folder that is complete, for the same list of packages, is left as it is.
set -eu
folder=$1
shift
fail() {
    printf 'unpack-debian: %s\n' "$@" >&2
    exit 1
}
[ "$(cat "$folder/.complete" 2>/dev/null)" != "$*" ] || exit 0
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
    fail "needs Debian or Ubuntu, whose packages ($*) it unpacks; this system has no apt-get or no dpkg-deb."
rm -rf "$folder"
mkdir -p "$folder/.packages"
(cd "$folder/.packages" && apt-get -qq -o APT::Sandbox::User=root download "$@") >&2 ||
    fail "these packages can't be fetched: $*. 'apt-get update' may help."
for package in "$folder"/.packages/*.deb; do
    dpkg-deb -x "$package" "$folder"
    # What it is, as scanners of images look for it.
    name=$(dpkg-deb -f "$package" Package)
    mkdir -p "$folder/var/lib/dpkg/status.d"
    dpkg-deb -f "$package" >"$folder/var/lib/dpkg/status.d/$name"
done
rm -rf "$folder/.packages"
echo "$*" >"$folder/.complete"

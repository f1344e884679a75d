#!/bin/sh
# An OCI image as a tar, without a daemon and without root: the binary, the libraries it is linked against, CA certificates, time zones.
#   scripts/image.sh BINARY OUTPUT.tar       `make image` builds both
# The same binary, commit and versions of the packages give the same digest. IMAGE names it (holdfast:<version> when absent).
set -eu
# The caller's would be in the archive, and in the way of a user without rights.
umask 022
binary=$1
output=$2
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

fail() {
    printf 'image: %s\n' "$@" >&2
    exit 1
}

for tool in ldd tar gzip sha256sum; do
    command -v $tool >/dev/null || fail "found no '$tool' on the PATH."
done
[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || fail "builds for amd64, on Linux on amd64. Elsewhere build from the Dockerfile."
[ -x "$binary" ] || fail "no binary at $binary; 'make image' builds it."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
created=$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null || echo 1970-01-01T00:00:00Z)
name=${IMAGE:-holdfast:$version}
# As .cargo/config.toml compiles it in; here as well for a binary that was built elsewhere. decisions/0051
allocator=$(sed -n 's/^JEMALLOC_SYS_WITH_MALLOC_CONF = "\(.*\)"/\1/p' .cargo/config.toml)
[ -n "$allocator" ] || fail "no settings of the allocator in .cargo/config.toml"

# The binary is linked against this system's libraries, so these come from this system's packages.
packages=$(scripts/image-packages.sh)
unpacked=.build/debian/image
# shellcheck disable=SC2086
scripts/unpack-debian.sh $unpacked $packages

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
blobs=$work/oci/blobs/sha256
mkdir -p "$blobs" "$work/base" "$work/program"

library=lib/x86_64-linux-gnu
# A library as the packages have it: newer ones keep them below /usr.
packaged() {
    for folder in "$library" "usr/$library"; do
        [ ! -e "$root/$unpacked/$folder/$1" ] || {
            echo "$root/$unpacked/$folder/$1"
            return
        }
    done
    echo "image: $1 isn't in the packages $packages" >&2
    exit 1
}
make_base() {
    mkdir -p "$library" lib64 etc/ssl/certs usr/share/doc var/lib/dpkg tmp
    for file in $(ldd "$root/$binary_path" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p'); do
        cp -L "$(packaged "${file##*/}")" "$library/"
    done
    cp -L "$(packaged ld-linux-x86-64.so.2)" lib64/
    cat "$root/$unpacked"/usr/share/ca-certificates/mozilla/*.crt >etc/ssl/certs/ca-certificates.crt
    # For windows of bandwidth. Without those that count leap seconds, which nobody names.
    mkdir -p usr/share/zoneinfo
    (cd "$root/$unpacked/usr/share/zoneinfo" && tar --exclude=./posix --exclude=./right -cf - .) | tar -xf - -C usr/share/zoneinfo
    # Which packages these files are, for scanners, and their licences.
    cp -R "$root/$unpacked/var/lib/dpkg/status.d" var/lib/dpkg/
    cp -L /etc/os-release etc/os-release
    for package in $packages; do
        [ ! -f "$root/$unpacked/usr/share/doc/$package/copyright" ] || {
            mkdir -p "usr/share/doc/$package"
            cp -L "$root/$unpacked/usr/share/doc/$package/copyright" "usr/share/doc/$package/"
        }
    done
    printf 'root:x:0:0:root:/:/sbin/nologin\nholdfast:x:65532:65532::/data:/sbin/nologin\n' >etc/passwd
    printf 'root:x:0:\nholdfast:x:65532:\n' >etc/group
    printf 'hosts: files dns\n' >etc/nsswitch.conf
    find . -type d -exec chmod 0755 {} +
    find . -type f -exec chmod go=rX {} +
    chmod 1777 tmp
}

make_program() {
    mkdir -p usr/bin usr/share/doc/holdfast data
    install -m 0755 "$root/$binary_path" usr/bin/holdfast
    install -m 0644 "$root/LICENSE" usr/share/doc/holdfast/
    [ ! -f "$bill" ] || install -m 0644 "$bill" usr/share/doc/holdfast/holdfast.cdx.json
}

# Sorted, without owners and times of this machine.
pack() { # FOLDER NAME
    tar -C "$1" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 --format=gnu --exclude=./data -cf "$work/$2.tar" .
    [ ! -d "$1/data" ] || tar -C "$1" --owner=65532 --group=65532 --numeric-owner --mtime=@0 --format=gnu -rf "$work/$2.tar" ./data
}

digest() { sha256sum "$1" | cut -d ' ' -f 1; }

# Moves a file among the blobs; `blob` and `size` tell which it is.
store() {
    blob=$(digest "$1")
    size=$(stat -c %s "$1")
    mv "$1" "$blobs/$blob"
}

case $binary in
/*) binary_path=${binary#"$root"/} ;;
*) binary_path=$binary ;;
esac
bill=$root/.build/image/holdfast-$version.cdx.json
(cd "$work/base" && make_base)
(cd "$work/program" && make_program)

layers='' diffs=''
for layer in base program; do
    pack "$work/$layer" "$layer"
    diffs="$diffs${diffs:+,}\"sha256:$(digest "$work/$layer.tar")\""
    gzip -n -6 "$work/$layer.tar"
    store "$work/$layer.tar.gz"
    layers="$layers${layers:+,}{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"sha256:$blob\",\"size\":$size}"
done

labels='"org.opencontainers.image.title":"holdfast"'
labels=$labels',"org.opencontainers.image.description":"A Kubernetes operator for managed service providers of backup"'
labels=$labels',"org.opencontainers.image.licenses":"Apache-2.0"'
labels=$labels",\"org.opencontainers.image.version\":\"$version\""
labels=$labels",\"org.opencontainers.image.revision\":\"$revision\""
labels=$labels",\"org.opencontainers.image.created\":\"$created\""
cat >"$work/config" <<JSON
{"architecture":"amd64","os":"linux","created":"$created","config":{"User":"65532:65532","Env":["PATH=/usr/bin","SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt","_RJEM_MALLOC_CONF=$allocator"],"Entrypoint":["/usr/bin/holdfast"],"WorkingDir":"/data","Labels":{$labels}},"rootfs":{"type":"layers","diff_ids":[$diffs]},"history":[{"created":"$created","created_by":"scripts/image.sh: libraries and certificates"},{"created":"$created","created_by":"scripts/image.sh: holdfast"}]}
JSON
store "$work/config"
cat >"$work/manifest" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:$blob","size":$size},"layers":[$layers],"annotations":{$labels}}
JSON
store "$work/manifest"
printf '{"imageLayoutVersion":"1.0.0"}' >"$work/oci/oci-layout"
cat >"$work/oci/index.json" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:$blob","size":$size,"platform":{"architecture":"amd64","os":"linux"},"annotations":{"org.opencontainers.image.ref.name":"${name##*:}","io.containerd.image.name":"$name"}}]}
JSON
mkdir -p "$(dirname "$output")"
tar -C "$work/oci" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 --format=gnu -cf "$output" oci-layout index.json blobs
echo "$output: $name, $(($(stat -c %s "$output") / 1000)) kB, sha256:$blob"

#!/bin/sh
# Checks the image: the same digest twice, what it says of itself, and the program under runc, with a read-only root, no
# capabilities and no user that has a name.
#   scripts/test-image.sh BINARY
set -eu
cd "$(dirname "$0")/.."
binary=$1
for tool in jq apt-get; do
    command -v $tool >/dev/null || {
        echo "image: NOT TESTED: it needs '$tool', which isn't on the PATH" >&2
        exit 0
    }
done
# The packages that the image is made of, and what runs it.
# shellcheck disable=SC2046
scripts/unpack-debian.sh .build/debian/image $(scripts/image-packages.sh) &&
    scripts/unpack-debian.sh .build/debian/runc runc libseccomp2 || {
    echo "image: NOT TESTED: its packages can't be fetched here" >&2
    exit 0
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    printf 'image: %s\n' "$@" >&2
    exit 1
}

first=$(scripts/image.sh "$binary" "$work/one.tar")
(umask 077 && scripts/image.sh "$binary" "$work/two.tar" >/dev/null)
cmp -s "$work/one.tar" "$work/two.tar" || fail "two builds of one binary differ"

mkdir "$work/oci" "$work/rootfs"
tar -C "$work/oci" -xf "$work/one.tar"
blob() { echo "$work/oci/blobs/sha256/${1#sha256:}"; }
for file in "$work"/oci/blobs/sha256/*; do
    [ "$(sha256sum "$file" | cut -d ' ' -f 1)" = "${file##*/}" ] || fail "a blob isn't what its name says: $file"
done
manifest=$(blob "$(jq -r '.manifests[0].digest' "$work/oci/index.json")")
config=$(blob "$(jq -r .config.digest "$manifest")")
for layer in $(jq -r '.layers[].digest' "$manifest"); do
    tar -C "$work/rootfs" -xzf "$(blob "$layer")"
done
says() { # FILTER WANTED
    said=$(jq -r "$1" "$config")
    [ "$said" = "$2" ] || fail "$1 is '$said', not '$2'"
}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
says .config.User 65532:65532
says '.config.Labels["org.opencontainers.image.version"]' "$version"
says '.config.Labels["org.opencontainers.image.revision"]' "$(git rev-parse HEAD)"
says '.config.Labels["org.opencontainers.image.licenses"]' Apache-2.0
[ "$(grep -c 'BEGIN CERTIFICATE' "$work/rootfs/etc/ssl/certs/ca-certificates.crt")" -gt 100 ] || fail "there are no CA certificates"
[ -f "$work/rootfs/usr/share/zoneinfo/Europe/Berlin" ] || fail "there are no time zones"
grep -q '^Package: libc6' "$work/rootfs/var/lib/dpkg/status.d/libc6" || fail "nothing says which libraries these are"

unshare --mount --pid --ipc --uts --net --fork true 2>/dev/null || {
    echo "image: NOT RUN: no container can be started here; it takes root and its namespaces" >&2
    echo "image: $first"
    exit 0
}
# Straight from the image's own words, as a runtime would take them.
runc() { LD_LIBRARY_PATH=.build/debian/runc/usr/lib/x86_64-linux-gnu .build/debian/runc/usr/sbin/runc --root "$work/state" "$@"; }
run() { # ARGUMENT…
    arguments=$(printf '%s\n' "$@" | jq -R . | jq -s .)
    jq --argjson arguments "$arguments" '{
        ociVersion: "1.0.2",
        root: {path: "rootfs", readonly: true},
        process: {
            user: {uid: 65532, gid: 65532}, cwd: .config.WorkingDir, noNewPrivileges: true,
            args: (.config.Entrypoint + $arguments), env: .config.Env,
            capabilities: {bounding: [], effective: [], inheritable: [], permitted: [], ambient: []}
        },
        mounts: [{destination: "/proc", type: "proc", source: "proc"}],
        linux: {namespaces: (["pid", "mount", "ipc", "uts", "network"] | map({type: .}))}
    }' "$config" >"$work/config.json"
    runc run --bundle "$work" "holdfast-test-$$" 2>&1
}
said=$(run --version) || fail "holdfast --version doesn't run: $said"
[ "$said" = "holdfast $version" ] || fail "holdfast --version says: $said"
[ "$(run crds | grep -c "^kind: .CustomResourceDefinition")" = 5 ] || fail "holdfast crds doesn't print five of them"
# Asked by its own file, which is read before the image's variable, the allocator prints at its end what is in effect.
ln -s stats_print:true "$work/rootfs/etc/_rjem_malloc.conf"
said=$(run --version)
for setting in 'opt.narenas: 1$' 'opt.tcache: false' 'opt.dirty_decay_ms: 0 ' 'opt.muzzy_decay_ms: 0 '; do
    echo "$said" | grep -q "$setting" || fail "the allocator isn't set up: no '$setting' in what it prints: $said"
done
echo "image: $first; it runs"

#!/bin/sh
# The bill of materials of the binary, as CycloneDX: every crate that Cargo.lock gives it, with version, licence and checksum.
#   scripts/sbom.sh OUTPUT.json
# The same commit gives the same file. docs/decisions/0150
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:$HOME/.cargo/bin
output=$1
tool=.build/tools/bin/cargo-cyclonedx
[ -x $tool ] || {
    echo "sbom: building cargo-cyclonedx, once; about 2 minutes on two cores" >&2
    CARGO_TARGET_DIR=.build/tools/target cargo install --quiet --locked --root .build/tools --version 0.5.9 cargo-cyclonedx
    rm -rf .build/tools/target
}
# It writes beside each Cargo.toml, so it gets a copy; and with a fixed time it leaves out the number that is new each time.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R Cargo.toml Cargo.lock src crates benches tests "$work/"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || echo 0)
export SOURCE_DATE_EPOCH
$tool cyclonedx --quiet --format json --target x86_64-unknown-linux-gnu --manifest-path "$work/Cargo.toml" >&2
mkdir -p "$(dirname "$output")"
# The folder of this machine says nothing to others.
sed "s|$work|/holdfast|g" "$work/holdfast.cdx.json" >"$output"

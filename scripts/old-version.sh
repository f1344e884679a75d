#!/bin/sh
# Builds v0.1.0 from its source, for the upgrade in scripts/test-cluster.sh: .build/v0.1.0/holdfast, and its files in .build/v0.1.0/source.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:$HOME/.cargo/bin
commit=27eee6e
folder=.build/v0.1.0
[ ! -x $folder/holdfast ] || exit 0
git cat-file -e "$commit^{commit}" 2>/dev/null || {
    echo "v0.1.0: commit $commit isn't here; a clone without its history doesn't do" >&2
    exit 1
}
rm -rf $folder
mkdir -p $folder/source
git archive $commit | tar -x -C $folder/source
# Not optimised: it is built in half the time, and used for two minutes.
(cd $folder/source && CARGO_TARGET_DIR=../target ../../../scripts/with-progress.sh v0.1.0 cargo build --locked --quiet)
mv $folder/target/debug/holdfast $folder/holdfast
rm -rf $folder/target

#!/bin/sh
# The stories on a real Ceph Object Gateway, which is started here and stopped with them.
#   scripts/test-ceph.sh [FILTER…]
# With CI set a missing gateway is a failure. The packages are chosen as `make test` does, so that nothing is built twice.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:$HOME/.cargo/bin
CEPH_DIR=$PWD/.build/ceph-test
export CEPH_DIR CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}"
scripts/ceph.sh fetch || {
    [ -z "${CI:-}" ] || exit 1
    echo "test-ceph: SKIPPED, for what is said above" >&2
    exit 0
}
scripts/with-progress.sh tests cargo test --workspace --locked --no-run --quiet --test rgw
scripts/ceph.sh stop "$CEPH_DIR"
rm -rf "$CEPH_DIR"
trap 'scripts/ceph.sh stop "$CEPH_DIR"' EXIT
echo "test-ceph: starting a Ceph Object Gateway" >&2
scripts/ceph.sh start "$CEPH_DIR"
# shellcheck source=/dev/null
. "$CEPH_DIR/env"
cargo test --locked --quiet --test rgw -- --list "$@" | grep -q ': test$' || {
    echo "test-ceph: no story has a name like: $*" >&2
    exit 1
}
GOGC="${GOGC:-400}" .build/controlplane exec --dir .test/controlplane-ceph --delete -- cargo test --workspace --locked --test rgw -- --test-threads=1 "$@"

#!/bin/bash
# What N customers cost on a real Ceph Object Gateway, which is started here: scripts/bench-ceph.sh
# N=<customers> (1000), HOLDFAST_BIN=<another binary>.
set -euo pipefail
cd "$(dirname "$0")/.."
number=${N:-1000}
[ -n "${HOLDFAST_BIN:-}" ] || scripts/build-operator.sh
binary=$(realpath "${HOLDFAST_BIN:-target/release/holdfast}")
bench=$PWD/.bench/rgw
export METRICS_PORT=${METRICS_PORT:-18510}
scripts/ceph.sh fetch
scripts/ceph.sh stop "$bench/ceph"
rm -rf "$bench"
mkdir -p "$bench"
trap 'scripts/ceph.sh stop "$bench/ceph"' EXIT
echo "bench: load of the machine before: $(cut -d ' ' -f 1-3 /proc/loadavg)" >&2
scripts/ceph.sh start "$bench/ceph"
# shellcheck source=/dev/null
. "$bench/ceph/env"
export bench binary number
.build/controlplane exec --dir "$bench/controlplane" --delete -- bash scripts/bench-ceph-measure.sh

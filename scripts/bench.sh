#!/bin/sh
# Measures the release build against a real API server and the reference platform: scripts/bench.sh
# N=<customers> (1000), TENANTS=<how many of them have one> (0), HOLDFAST_BIN=<another binary>, BENCH_LOG=<operator's log>.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:$HOME/.cargo/bin
[ -n "${HOLDFAST_BIN:-}" ] || scripts/build-operator.sh
HOLDFAST_BIN=$(realpath "${HOLDFAST_BIN:-target/release/holdfast}")
export HOLDFAST_BIN
scripts/with-progress.sh bench cargo test --locked --no-run --quiet --bench customers
echo "bench: load of the machine before: $(cut -d ' ' -f 1-3 /proc/loadavg)" >&2
# shellcheck disable=SC2016 # the inner shell's own words
exec .build/controlplane exec --dir .bench/controlplane --delete -- sh -c '
    kubectl apply --server-side -f crds/ >/dev/null
    kubectl wait --for=condition=Established --timeout=60s -f crds/ >/dev/null
    exec cargo test --locked --quiet --bench customers'

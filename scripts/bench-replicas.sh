#!/bin/sh
# Two operators beside each other, idle and when the first is killed: scripts/bench-replicas.sh
# N=<customers> (1000), MINUTES=<idle minutes> (10), HOLDFAST_BIN=<another binary>.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:$HOME/.cargo/bin
[ -n "${HOLDFAST_BIN:-}" ] || scripts/build-operator.sh
HOLDFAST_BIN=$(realpath "${HOLDFAST_BIN:-target/release/holdfast}")
export HOLDFAST_BIN
scripts/with-progress.sh bench cargo test --locked --no-run --quiet --bench replicas
# shellcheck disable=SC2016 # the inner shell's own words
exec .build/controlplane exec --dir .bench/controlplane --delete -- sh -c '
    kubectl apply --server-side -f crds/ >/dev/null
    kubectl wait --for=condition=Established --timeout=60s -f crds/ >/dev/null
    exec cargo test --locked --quiet --bench replicas'

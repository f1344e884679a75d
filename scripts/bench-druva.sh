#!/bin/sh
# What sweeps and creations cost at Druva, against the embedded platform behind its wire and a real API server: scripts/bench-druva.sh
# N=<customers that are created> (100), BENCH_LOG=<operator's log>.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:$HOME/.cargo/bin
scripts/with-progress.sh bench cargo bench --locked --no-run --quiet --bench druva
echo "bench: load of the machine before: $(cut -d ' ' -f 1-3 /proc/loadavg)" >&2
# shellcheck disable=SC2016 # the inner shell's own words
exec .build/controlplane exec --dir .bench/controlplane --delete -- sh -c '
    kubectl apply --server-side -f crds/ >/dev/null
    kubectl wait --for=condition=Established --timeout=60s -f crds/ >/dev/null
    exec cargo bench --locked --quiet --bench druva'

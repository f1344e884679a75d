#!/bin/sh
# What the rules cost: the ledger, and the policies at a real API server, without and with them: scripts/bench-rules.sh
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:$HOME/.cargo/bin
scripts/with-progress.sh bench cargo bench --locked --no-run --quiet --bench rules
echo "bench: load of the machine before: $(cut -d ' ' -f 1-3 /proc/loadavg)" >&2
# shellcheck disable=SC2016 # the inner shell's own words
exec .build/controlplane exec --dir .bench/controlplane --delete -- sh -c '
    kubectl apply --server-side -f crds/ >/dev/null
    kubectl wait --for=condition=Established --timeout=60s -f crds/ >/dev/null
    POLICIES=absent cargo bench --locked --quiet --bench rules
    kubectl apply --server-side -k manifests/policies >/dev/null
    sleep 5
    POLICIES=installed cargo bench --locked --quiet --bench rules'

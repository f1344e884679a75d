#!/bin/bash
# The demo on a real store: an API server, a Ceph Object Gateway, the operator, two customers. State lives in .demo-ceph/.
#   scripts/demo-ceph.sh up|down
# HOLDFAST_BIN=<path> uses another binary.
set -euo pipefail
cd "$(dirname "$0")/.."
demo=$PWD/.demo-ceph
controlplane=$PWD/.build/controlplane
binary=${HOLDFAST_BIN:-$PWD/target/release/holdfast}

say() { printf '\n%s\n' "$*"; }
fail() { printf 'demo-ceph: %s\n' "$@" >&2; exit 1; }

# The operator's process id, if it is running and really ours.
operator_pid() {
    local pid
    pid=$(cat "$demo/operator.pid" 2>/dev/null) || return 1
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q -- "run --data-dir $demo/data" || return 1
    echo "$pid"
}

stop_operator() {
    local pid
    pid=$(operator_pid) || return 0
    kill "$pid"
    for _ in $(seq 100); do
        operator_pid >/dev/null || return 0
        sleep 0.1
    done
    kill -9 "$pid"
}

start_cluster() {
    say "Starting the control plane"
    "$controlplane" up --dir "$demo/controlplane"
    export KUBECONFIG=$demo/controlplane/kubeconfig
    kubectl apply --server-side -f crds/ >/dev/null
    kubectl wait --for=condition=Established --timeout=60s -f crds/ >/dev/null
    kubectl apply --server-side -k manifests/policies >/dev/null
}

start_operator() {
    operator_pid >/dev/null && return
    say "Starting the operator"
    setsid "$binary" run --data-dir "$demo/data" --namespace ceph --lease-namespace ceph \
        --listen 127.0.0.1:0 --platform-listen 127.0.0.1:0 >>"$demo/operator.log" 2>&1 </dev/null &
    echo $! >"$demo/operator.pid"
    sleep 1
    operator_pid >/dev/null || fail "the operator has ended. Its last words:" "$(tail -n 5 "$demo/operator.log")"
}

apply_examples() {
    say "Applying examples/ceph/"
    # shellcheck source=/dev/null
    . "$demo/ceph/env"
    sed -e "s|https://s3.example/|$RGW_ENDPOINT/|" -e "s|accessKey: replace-me|accessKey: $RGW_ACCESS_KEY|" \
        -e "s|secretKey: replace-me|secretKey: $RGW_SECRET_KEY|" -e 's|sweepInterval: 5m|sweepInterval: 10s|' \
        -e 's|usageInterval: 1h|usageInterval: 5s|' examples/ceph/01-platform.yaml | kubectl apply -f -
    kubectl apply -f examples/ceph/02-customers.yaml -f examples/ceph/03-tenant.yaml
}

write_env() {
    (
        umask 077
        cat >"$demo/env" <<ENV
export KUBECONFIG=$demo/controlplane/kubeconfig
export PATH=$demo/bin:\$PATH
export RGW_ENDPOINT=$RGW_ENDPOINT
export RGW_ACCESS_KEY=$RGW_ACCESS_KEY
export RGW_SECRET_KEY=$RGW_SECRET_KEY
ENV
    )
    # restic as the customer, and radosgw-admin as a person at the gateway.
    cat >"$demo/bin/fabrikam-restic" <<TOOL
#!/bin/sh
export AWS_ACCESS_KEY_ID=fabrikam AWS_SECRET_ACCESS_KEY=a-secret-key-of-fabrikam RESTIC_PASSWORD=demo
export RESTIC_REPOSITORY=s3:$RGW_ENDPOINT/fabrikam-backup
exec $PWD/scripts/ceph.sh run $demo/ceph restic --no-cache "\$@"
TOOL
    cat >"$demo/bin/radosgw-admin" <<TOOL
#!/bin/sh
exec $PWD/scripts/ceph.sh run $demo/ceph radosgw-admin "\$@"
TOOL
    chmod +x "$demo/bin/fabrikam-restic" "$demo/bin/radosgw-admin"
}

how_to_go_on() {
    cat <<TEXT

It is running. To use it in this shell:
  . .demo-ceph/env

1. Back up, and watch what is used:
  fabrikam-restic init && fabrikam-restic backup docs
  kubectl -n ceph get customers

2. Hit the limit: the gateway itself refuses.
  dd if=/dev/urandom of=.demo-ceph/big bs=1M count=200 status=none; timeout 60 fabrikam-restic backup .demo-ceph/big

3. Suspend, and activate again; then restore, without a lock, for which a full store has no room.
  kubectl -n ceph patch customer fabrikam --type merge -p '{"spec":{"active":false}}'
  fabrikam-restic snapshots
  kubectl -n ceph patch customer fabrikam --type merge -p '{"spec":{"active":true}}'
  fabrikam-restic restore latest --no-lock --path \$PWD/docs --target .demo-ceph/restored

4. End the quota: backups are refused, restores aren't.
  kubectl -n ceph patch customer fabrikam --type merge -p '{"spec":{"limits":{"storage":"1Gi"}}}'
  kubectl -n ceph patch tenant fabrikam-storage --type merge -p '{"spec":{"quota":{"endsAt":"2026-01-01T00:00:00Z"}}}'
  timeout 20 fabrikam-restic backup docs
  fabrikam-restic snapshots --no-lock

5. Let go: the resources go, the user and its backups stay.
  kubectl -n ceph delete tenant/fabrikam-storage customer/fabrikam
  radosgw-admin bucket stats --bucket fabrikam-backup | grep owner

To stop it and remove its data: make demo-ceph-down
TEXT
}

case ${1:-} in
up)
    scripts/ceph.sh fetch
    [ -n "${HOLDFAST_BIN:-}" ] || scripts/build-operator.sh
    mkdir -p "$demo/bin"
    ln -sf "$controlplane" "$demo/bin/kubectl"
    PATH=$demo/bin:$PATH
    say "Starting a Ceph Object Gateway"
    scripts/ceph.sh start "$demo/ceph"
    start_cluster
    kubectl create namespace ceph --dry-run=client -o yaml | kubectl apply -f - >/dev/null
    start_operator
    apply_examples
    kubectl -n ceph wait --for=condition=Ready --timeout=120s backupplatform/ceph customer/fabrikam customer/contoso tenant/fabrikam-storage
    write_env
    say "kubectl -n ceph get customers"
    kubectl -n ceph get customers
    how_to_go_on
    ;;
down)
    [ -d "$demo" ] || { echo "demo-ceph: nothing is running"; exit 0; }
    stop_operator
    [ ! -d "$demo/controlplane" ] || "$controlplane" down --dir "$demo/controlplane" --delete
    [ ! -d "$demo/ceph" ] || scripts/ceph.sh stop "$demo/ceph"
    rm -rf "$demo"
    echo "demo-ceph: stopped, data removed"
    ;;
*) fail "usage: scripts/demo-ceph.sh up|down" ;;
esac

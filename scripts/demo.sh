#!/bin/bash
# The demo: a real API server, the operator with the embedded platform, and the examples. State lives in .demo/.
#   scripts/demo.sh up|down
# CLUSTER=<kubeconfig> uses an existing cluster; HOLDFAST_BIN=<path> another binary.
set -euo pipefail
cd "$(dirname "$0")/.."
demo=$PWD/.demo
controlplane=$PWD/.build/controlplane
namespace=backup

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] && [ -z "${NO_COLOR:-}" ] || say() { printf '\n%s\n' "$*"; }
fail() { printf 'demo: %s\n' "$@" >&2; exit 1; }

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

# A port nobody uses, below the system's ephemeral ones, so that it stays ours over restarts.
free_port() {
    local port
    for _ in $(seq 100); do
        port=$((20000 + RANDOM % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
    fail "found no free port between 20000 and 32000."
}

prepare_cluster() {
    mkdir -p "$demo/bin"
    ln -sf "$controlplane" "$demo/bin/kubectl"
    export PATH=$demo/bin:$PATH
    if [ -n "${CLUSTER:-}" ]; then
        export KUBECONFIG=$CLUSTER
        kubectl version >/dev/null || fail "CLUSTER=$CLUSTER can't be reached. It must name a kubeconfig whose current context works."
    else
        say "Starting the control plane"
        "$controlplane" up --dir "$demo/controlplane"
        export KUBECONFIG=$demo/controlplane/kubeconfig
    fi
    say "Installing CRDs, policies and roles"
    kubectl apply --server-side -f crds/ >/dev/null
    kubectl wait --for=condition=Established --timeout=60s -f crds/ >/dev/null
    kubectl apply --server-side -f manifests/operator/namespace.yaml >/dev/null
    kubectl apply --server-side -k manifests/rbac >/dev/null
    kubectl apply --server-side -k manifests/policies >/dev/null
}

# On the demo's own cluster the operator runs with its own rights, not with the administrator's.
operator_kubeconfig() {
    [ -z "${CLUSTER:-}" ] || { echo "$KUBECONFIG"; return; }
    local token
    token=$(kubectl --namespace holdfast-system create token holdfast --duration=8760h)
    cp "$KUBECONFIG" "$demo/operator.kubeconfig"
    kubectl --kubeconfig "$demo/operator.kubeconfig" config set-credentials holdfast --token="$token" >/dev/null
    kubectl --kubeconfig "$demo/operator.kubeconfig" config set-context --current --user=holdfast >/dev/null
    echo "$demo/operator.kubeconfig"
}

start_operator() {
    local binary=${HOLDFAST_BIN:-$PWD/target/release/holdfast}
    [ -x "$binary" ] || fail "$binary is not there or can't be executed. Unset HOLDFAST_BIN, or name an executable."
    if ! operator_pid >/dev/null; then
        say "Starting the operator"
        [ -f "$demo/ports" ] || echo "metrics_port=$(free_port) platform_port=$(free_port)" >"$demo/ports"
        # shellcheck source=/dev/null
        . "$demo/ports"
        local kubeconfig
        kubeconfig=$(operator_kubeconfig)
        KUBECONFIG=$kubeconfig POD_NAMESPACE=holdfast-system setsid "$binary" run --data-dir "$demo/data" \
            --listen "127.0.0.1:$metrics_port" --platform-listen "127.0.0.1:$platform_port" \
            >>"$demo/operator.log" 2>&1 </dev/null &
        echo $! >"$demo/operator.pid"
        sleep 0.2
    fi
    # shellcheck source=/dev/null
    . "$demo/ports"
    for _ in $(seq 300); do
        operator_pid >/dev/null || fail "the operator has ended. Its last words:" "$(tail -n 5 "$demo/operator.log")"
        curl_ok "$metrics_port" /readyz && break
        sleep 0.1
    done
}

# GET without curl, which a machine may lack.
curl_ok() {
    { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return 1
    printf 'GET %s HTTP/1.0\r\n\r\n' "$2" >&3
    head -n 1 <&3 | grep -q ' 200 '
    local outcome=$?
    exec 3>&-
    return $outcome
}

write_env() {
    # shellcheck source=/dev/null
    . "$demo/ports"
    for _ in $(seq 100); do
        [ -s "$demo/data/token" ] && break
        sleep 0.1
    done
    (
        umask 077
        cat >"$demo/env" <<ENV
export KUBECONFIG=$KUBECONFIG
export PATH=$demo/bin:\$PATH
export PLATFORM_URL=http://127.0.0.1:$platform_port/estates/$namespace/msp
export PLATFORM_TOKEN=$(cat "$demo/data/token")
export METRICS_URL=http://127.0.0.1:$metrics_port/metrics
export OPERATOR_PID=$(cat "$demo/operator.pid")
ENV
    )
}

# Waits until everything is Ready, saying what is still missing.
await_ready() {
    local pending deadline=$((SECONDS + 180))
    while :; do
        pending=$(kubectl --namespace $namespace get holdfast -o go-template='{{range .items}}{{$ready := false}}{{range .status.conditions}}{{if and (eq .type "Ready") (eq .status "True")}}{{$ready = true}}{{end}}{{end}}{{if not $ready}}{{.kind}}/{{.metadata.name}} {{end}}{{end}}')
        [ -z "$pending" ] && return
        [ $SECONDS -lt $deadline ] || fail "not Ready after three minutes: $pending" "Look with: kubectl -n $namespace describe holdfast; tail $demo/operator.log"
        printf '  waiting for %s of %s objects\n' "$(wc -w <<<"$pending")" "$(kubectl --namespace $namespace get holdfast -o name | wc -l)"
        sleep 1
    done
}

# The first figures come with the next sweep.
await_figures() {
    local without deadline=$((SECONDS + 40))
    while :; do
        without=$(kubectl --namespace $namespace get customers -o go-template='{{range .items}}{{if not .status.usage}}{{.metadata.name}} {{end}}{{end}}')
        [ -z "$without" ] || [ $SECONDS -ge $deadline ] && return
        printf '  waiting for the first figures of %s customers\n' "$(wc -w <<<"$without")"
        sleep 2
    done
}

show() {
    for kind in backupplatforms resellers serviceplans customers tenants; do
        say "kubectl -n $namespace get $kind"
        kubectl --namespace $namespace get "$kind"
    done
}

how_to_go_on() {
    cat <<TEXT

It is running. To use it in this shell:
  . .demo/env

Three experiments:
1. An edit: the change reaches the platform at once, and 'history' tells of it.
  kubectl -n $namespace patch customer fabrikam --type merge -p '{"spec":{"profile":{"phone":"+49 89 5550199"}}}'
  ${HOLDFAST_BIN:-target/release/holdfast} history customer/fabrikam -n $namespace

2. A change at the platform's console, outside Holdfast: the drift is corrected, and an event names the field.
  id=\$(kubectl -n $namespace get customer fabrikam -o jsonpath='{.status.externalId}')
  curl -s -X PATCH -H "Authorization: Bearer \$PLATFORM_TOKEN" -H 'X-Actor: console' -H 'Content-Type: application/merge-patch+json' \\
    -d '{"profile":{"phone":"000"}}' "\$PLATFORM_URL/v1/customers/\$id" >/dev/null
  kubectl -n $namespace annotate backupplatform msp holdfast.dev/reconcile-at="\$(date +%s)" --overwrite
  sleep 2; kubectl -n $namespace events --for customer/fabrikam | tail -n 3

3. A release: the resource goes, the customer and its backups stay on the platform; applied again, it is adopted.
  kubectl -n $namespace delete customer proseware
  curl -s -H "Authorization: Bearer \$PLATFORM_TOKEN" "\$PLATFORM_URL/v1/customers" | grep -o '"name":"Proseware[^"]*"'
  kubectl apply -f examples/

To stop it and remove its data: make demo-down
TEXT
}

case ${1:-} in
up)
    [ -n "${HOLDFAST_BIN:-}" ] || scripts/build-operator.sh
    prepare_cluster
    start_operator
    say "Applying examples/"
    kubectl apply -f examples/
    await_ready
    await_figures
    write_env
    show
    how_to_go_on
    ;;
down)
    [ -d "$demo" ] || { echo "demo: nothing is running"; exit 0; }
    stop_operator
    if [ -d "$demo/controlplane" ]; then
        "$controlplane" down --dir "$demo/controlplane" --delete
    fi
    rm -rf "$demo"
    echo "demo: stopped, data removed"
    ;;
*)
    fail "usage: scripts/demo.sh up|down"
    ;;
esac

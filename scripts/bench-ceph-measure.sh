#!/bin/bash
# The measuring part of bench-ceph.sh, beside a control plane and a gateway.
set -euo pipefail
: "${bench:?}" "${binary:?}" "${number:?}"

# Requests to the gateway so far, of one operation or of all.
requests() {
    curl -s "http://127.0.0.1:$METRICS_PORT/metrics" |
        awk -v wanted="${1:-}" '/^holdfast_platform_requests_total/ && index($0, wanted) { sum += $NF } END { print sum + 0 }'
}

ready() { kubectl get customers -o jsonpath='{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}' | grep -c True || true; }

seconds() { awk -v from="$1" -v to="$2" 'BEGIN { printf "%.1f", to - from }'; }

now() { date +%s.%N; }

kubectl apply --server-side -f crds/ >/dev/null
kubectl wait --for=condition=Established --timeout=60s -f crds/ >/dev/null
"$binary" run --data-dir "$bench/data" --namespace default --lease-namespace default \
    --listen "127.0.0.1:$METRICS_PORT" --platform-listen 127.0.0.1:0 >"$bench/operator.log" 2>&1 &
operator=$!
trap 'kill $operator; wait $operator 2>/dev/null || true' EXIT
kubectl apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Secret
metadata: {name: bench}
stringData: {accessKey: "$RGW_ACCESS_KEY", secretKey: "$RGW_SECRET_KEY"}
---
apiVersion: holdfast.dev/v1alpha1
kind: BackupPlatform
metadata: {name: bench}
spec:
  ownerId: 5d0b7a52-3d0e-4e57-9c43-6a0d0b1f7d10
  rgw: {endpoint: "$RGW_ENDPOINT/", credentialsRef: {name: bench}}
  rateLimit: {requestsPerSecond: 1000, burst: 1000}
  sweepInterval: 1h
  usageInterval: 1h
YAML
kubectl wait --for=condition=Ready --timeout=60s backupplatform/bench >/dev/null
sleep 3
before=$(requests)
for customer in $(seq "$number"); do
    printf -- '---\napiVersion: holdfast.dev/v1alpha1\nkind: Customer\nmetadata: {name: c-%s}\nspec: {platformRef: {name: bench}, displayName: "Customer %s", limits: {storage: 1Gi, clients: 5}}\n' "$customer" "$customer"
done >"$bench/customers.yaml"
begin=$(now)
kubectl apply --server-side -f "$bench/customers.yaml" >/dev/null
applied=$(now)
until [ "$(ready)" = "$number" ]; do sleep 1; done
end=$(now)
sleep 3
echo "customers: $number; users on the gateway: $(scripts/ceph.sh run "$bench/ceph" radosgw-admin user list | grep -c '"hf-')"
echo "all Ready, from the first apply: $(seconds "$begin" "$end") s, of which applying took $(seconds "$begin" "$applied") s"
echo "requests to the gateway: $(($(requests) - before))"
curl -s "http://127.0.0.1:$METRICS_PORT/metrics" | grep '^holdfast_platform_requests_total' | sed 's/^/  /'
before=$(requests)
begin=$(now)
kubectl annotate backupplatform bench holdfast.dev/reconcile-at="$(date +%s)" --overwrite >/dev/null
previous=-1
until [ "$(requests)" -gt "$before" ] && [ "$(requests)" = "$previous" ]; do
    previous=$(requests)
    sleep 2
done
end=$(now)
echo "an idle sweep: $(($(requests) - before)) requests, within $(seconds "$begin" "$end") s"
echo "resident memory of the operator: $(awk '/VmRSS/ { print $2 }' "/proc/$operator/status") KiB"

# shellcheck shell=sh disable=SC2086,SC2154
# A bridge in the cluster, from the very documents of docs/operations.md: a Secret with a certificate, a Deployment, a Service, and a
# BackupPlatform that trusts it. The pods find each other by the Service's name.

part_bridge() {
    say "a bridge in the cluster, as docs/operations.md says"
    with_replicas 1 charts/holdfast $image
    k create namespace backup >/dev/null
    as_documented docs/operations.md "kubectl -n backup create secret tls bridge-tls"
    block docs/operations.md yaml "kind: BackupPlatform" | k apply -f - >/dev/null
    k -n backup rollout status deployment/bridge --timeout=60s >/dev/null || fail "the bridge doesn't run: $(k -n backup logs deployment/bridge)"
    k -n backup apply -f - >/dev/null <<'YAML'
apiVersion: holdfast.dev/v1alpha1
kind: Customer
metadata: {name: fabrikam}
spec: {platformRef: {name: bridge}, displayName: Fabrikam GmbH, country: "DE"}
YAML
    k -n backup wait --for=condition=Ready --timeout=60s backupplatform/bridge customer/fabrikam >/dev/null || {
        explain >&2
        fail "what is behind the bridge doesn't become Ready"
    }
    cleared
}

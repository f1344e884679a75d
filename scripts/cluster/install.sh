# shellcheck shell=sh disable=SC2086,SC2154
# What scripts/test-cluster.sh does first: by kustomize and by Helm, with the embedded platform.

# There is no provisioner: one volume, for whoever asks for it.
volume() {
    k delete pv holdfast-data --ignore-not-found >/dev/null
    rm -rf $dir/volume
    mkdir -p $dir/volume
    k apply -f - >/dev/null <<YAML
apiVersion: v1
kind: PersistentVolume
metadata: {name: holdfast-data}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  claimRef: {namespace: holdfast-system, name: holdfast-data}
  local: {path: $PWD/$dir/volume}
  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node1]}]}]}}
YAML
}

# The claim is bound, and what the pod keeps is on it.
kept_on_the_volume() {
    [ "$(here get pvc holdfast-data -o jsonpath='{.status.phase}')" = Bound ] || fail "the claim of the volume isn't bound"
    [ -n "$(find $dir/volume -name '*.sqlite')" ] || fail "the volume holds no estate: $(ls -R $dir/volume)"
}

# What the kernel says of the running process, and not what the manifest asks for.
confined() {
    task=$(inside ctr -n k8s.io tasks ls | awk '{ print $1, $2 }' | while read -r id pid; do
        [ "$(inside cat "/proc/$pid/comm" 2>/dev/null)" != holdfast ] || echo "$pid"
    done | head -n 1)
    [ -n "$task" ] || fail "no process of holdfast on the node"
    status=$(inside cat "/proc/$task/status")
    echo "$status" | grep -q '^Uid:.65532.65532.65532.65532$' || fail "it doesn't run as 65532"
    echo "$status" | grep -q '^CapEff:.0*$' || fail "it has capabilities"
    echo "$status" | grep -q '^NoNewPrivs:.1$' || fail "it can gain privileges"
    inside cat "/proc/$task/mountinfo" | awk '$5 == "/" { print $6 }' | grep -q '^ro' || fail "its root isn't read-only"
}

embedded_estate() { # NAMESPACE
    k create namespace $1 --dry-run=client -o yaml | k apply -f - >/dev/null
    k -n $1 apply -f - >/dev/null <<'YAML'
apiVersion: holdfast.dev/v1alpha1
kind: BackupPlatform
metadata: {name: msp}
spec: {ownerId: 0b5f7a52-3c1e-4b7a-9f43-5f2f1a2b3c4d, embedded: {}}
---
apiVersion: holdfast.dev/v1alpha1
kind: Customer
metadata: {name: fabrikam}
spec: {platformRef: {name: msp}, displayName: Fabrikam GmbH, country: "DE"}
YAML
}

becomes_ready() {
    k -n backup wait --for=condition=Ready --timeout=60s backupplatform/msp customer/fabrikam >/dev/null || fail "the estate doesn't become Ready"
}

usable() {
    here exec deployment/holdfast -- holdfast todo ${1:+-n $1} >/dev/null || fail "holdfast todo fails in the pod"
    here logs deployment/holdfast | head -n 1 | grep -q '^{' || fail "the log isn't in JSON"
    [ -z "$(here get pods -o jsonpath='{.items[*].status.containerStatuses[*].lastState.terminated}')" ] || fail "it was restarted"
}

by_kustomize() {
    say "by kustomize"
    volume
    as_documented README.md "kubectl apply --server-side -k"
    available
    confined
    embedded_estate backup
    becomes_ready
    usable
    kept_on_the_volume
    before=$(k -n backup get customers,backupplatforms -o jsonpath='{.items[*].status.conditions}')
    here rollout restart deployment/holdfast >/dev/null
    available
    k -n backup annotate customer/fabrikam holdfast.dev/reconcile-at=again >/dev/null
    sleep 5
    [ "$(k -n backup get customers,backupplatforms -o jsonpath='{.items[*].status.conditions}')" = "$before" ] || fail "a restart changes a condition"
    say "uninstalling as the README says"
    as_documented README.md "kubectl delete -k manifests/default"
    [ -z "$(k get crd -o name | grep holdfast.dev || true)" ] || fail "CRDs are left"
    k delete namespace backup --timeout=60s >/dev/null
}

by_helm() {
    say "by Helm"
    volume
    as_documented README.md "helm upgrade --install"
    confined
    embedded_estate backup
    becomes_ready
    usable
    kept_on_the_volume
    helm upgrade holdfast charts/holdfast --reuse-values --set replicas=3,persistence.enabled=false --wait --timeout 2m
    available
    [ "$(here get deployment holdfast -o jsonpath='{.status.availableReplicas}')" = 3 ] || fail "there aren't three replicas"
    helm uninstall holdfast --wait
    [ "$(k get crd -o name | grep -c holdfast.dev)" = 5 ] || fail "helm uninstall took the CRDs along"
    k -n backup get customer fabrikam >/dev/null || fail "helm uninstall took the customer along"
    cleared
    say "uninstalling what Helm installed as the README says"
    volume
    as_documented README.md "helm upgrade --install"
    embedded_estate backup
    becomes_ready
    as_documented README.md "helm uninstall"
    [ -z "$(k get crd -o name | grep holdfast.dev || true)" ] || fail "CRDs are left"
    k delete namespace backup --timeout=60s >/dev/null
}

part_install() {
    by_kustomize
    by_helm
}

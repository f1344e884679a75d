#!/bin/bash
# Checks that .build/controlplane keeps its promises: what the API server and
# the controllers do, and how processes start, revive and end.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
bin=$root/.build/controlplane
work=$(mktemp -d)
passed=0 failed=0

cleanup() {
    for dir in "$work"/*/; do
        "$bin" down --dir "$dir" --delete >/dev/null 2>&1
    done
    rm -rf "$work"
}
trap cleanup EXIT

# check NAME CMD...: the command must succeed.
check() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        passed=$((passed + 1))
        printf 'ok      %s\n' "$name"
    else
        failed=$((failed + 1))
        printf 'FAILED  %s\n%s\n' "$name" "$output"
    fi
}

# refused TEXT CMD...: the command must fail and say TEXT.
refused() {
    local text=$1 output
    shift
    if output=$("$@" 2>&1); then
        printf 'was not refused: %s\n' "$output"
        return 1
    fi
    grep -F -- "$text" <<<"$output" || { printf '%s\n' "$output"; return 1; }
}

# within SECONDS CMD...: the command must succeed in that time.
within() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $deadline ] || { "$@"; return; }
        sleep 0.5
    done
}

absent() { ! kubectl get "$@" -o name; }
apply() { kubectl apply -f -; }
processes() { pgrep -f -- "--dir $1\$"; }
gone() { ! processes "$1"; }
pids() { cat "$1"/{etcd,apiserver,controller-manager}.pid; }

one=$work/one two=$work/two
check 'up' "$bin" up --dir "$one"
export KUBECONFIG=$one/kubeconfig PATH=$one/bin:$PATH
[ -s "$KUBECONFIG" ] || { printf '%d passed, %d failed\n' $passed $failed; exit 1; }
before=$(pids "$one")
check 'up again changes nothing' "$bin" up --dir "$one"
check 'up again keeps the processes' test "$before" = "$(pids "$one")"
check 'a second one beside it' "$bin" up --dir "$two"
check 'the second one has data of its own' kubectl --kubeconfig "$two/kubeconfig" create namespace only-two
check 'the first one lacks it' absent namespace only-two
check 'a directory of others is refused' refused 'holds other things' "$bin" down --dir "$root/scripts" --delete

check 'a CRD with a CEL rule' apply <<'Y'
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.test.example}
spec:
  group: test.example
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties: {size: {type: integer}}
            x-kubernetes-validations:
            - {rule: 'self.size < 10', message: 'size must be below ten'}
Y
kubectl wait --for=condition=Established crd/widgets.test.example >/dev/null
widget() { printf '{apiVersion: test.example/v1, kind: Widget, metadata: {name: %s, namespace: default}, spec: {size: %d}}' "$1" "$2" | apply; }
check 'the CEL rule admits' within 10 widget small 5
check 'the CEL rule refuses' refused 'size must be below ten' widget large 50

check 'an admission policy' apply <<'Y'
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-secret-maps}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - {apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}
  validations:
  - expression: "!object.metadata.name.startsWith('secret-')"
    message: that name is not for you
    reason: Forbidden
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-secret-maps}
spec: {policyName: no-secret-maps, validationActions: [Deny]}
Y
check 'the policy is type-checked' within 15 kubectl wait --timeout=1s --for=jsonpath='{.status.observedGeneration}'=1 validatingadmissionpolicy/no-secret-maps
check 'the policy denies' within 15 refused 'is forbidden' kubectl create configmap secret-thing --dry-run=server
check 'the denial has its message' refused 'that name is not for you' kubectl create configmap secret-thing
check 'the policy admits the rest' kubectl create configmap thing

kubectl create namespace doomed >/dev/null
kubectl -n doomed create configmap inside >/dev/null
check 'a namespace is deleted to the end' kubectl delete namespace doomed --timeout=30s

uid=$(kubectl get configmap thing -o 'jsonpath={.metadata.uid}')
apply >/dev/null <<Y
apiVersion: v1
kind: ConfigMap
metadata:
  name: owned
  ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: thing, uid: $uid}]
Y
kubectl delete configmap thing >/dev/null
check 'what a deleted object owned is collected' within 30 absent configmap owned
uid=$(kubectl get widget small -o 'jsonpath={.metadata.uid}')
apply >/dev/null <<Y
apiVersion: v1
kind: ConfigMap
metadata:
  name: of-widget
  ownerReferences: [{apiVersion: test.example/v1, kind: Widget, name: small, uid: $uid}]
Y
kubectl delete widget small >/dev/null
check 'what a deleted custom object owned is collected' within 90 absent configmap of-widget

kubectl create rolebinding viewers --clusterrole=view --serviceaccount=default:default >/dev/null
account=system:serviceaccount:default:default
check 'RBAC allows' within 5 kubectl auth can-i get configmaps --as "$account"
check 'RBAC refuses' refused no kubectl auth can-i delete configmaps --as "$account"
token() { [ "$(kubectl --token "$(kubectl create token default)" --kubeconfig "$work/bare" auth whoami -o 'jsonpath={.status.userInfo.username}')" = "$account" ]; }
kubectl config view --raw --minify | sed '/client-certificate-data\|client-key-data/d' >"$work/bare"
check 'a service account token works' token

kubectl create configmap kept >/dev/null
kill -9 "$(cat "$one/apiserver.pid")" "$(cat "$one/etcd.pid")"
copy=$(cat "$KUBECONFIG")
check 'up revives killed processes' "$bin" up --dir "$one"
check 'the data is kept' kubectl get configmap kept
check 'the kubeconfig is kept' test "$copy" = "$(cat "$KUBECONFIG")"
check 'exec refuses a running one' refused 'started by `up`' "$bin" exec --dir "$one" -- true
check 'down' "$bin" down --dir "$one"
check 'down leaves no process' gone "$one"
echo $$ >"$one/apiserver.pid" # as if the system had given the number to another program
check 'down spares a stranger with a known process id' "$bin" down --dir "$one"
check 'up after down keeps the data' "$bin" up --dir "$one"
check 'the data is kept over down and up' within 5 kubectl get configmap kept
check 'down --delete' "$bin" down --dir "$one" --delete
check 'down --delete leaves nothing' test ! -e "$one"
check 'down --delete of the second' "$bin" down --dir "$two" --delete
unset KUBECONFIG

code() { "$bin" exec --dir "$1" --delete -- sh -c "$2"; [ $? -eq "$3" ]; }
check "exec exits with the command's code" code "$work/three" 'kubectl get ns && exit 3' 3
check 'exec leaves nothing' test ! -e "$work/three"

# interrupted SIGNAL WAIT_FOR COMMAND: signals exec and looks for what it leaves.
interrupted() {
    local dir=$work/sig-$1-$2 pid
    set -m
    "$bin" exec --dir "$dir" -- sh -c "touch '$dir/runs'; $3" >/dev/null 2>&1 &
    pid=$!
    set +m
    within 60 test -e "$dir/$2" || return
    kill "-$1" "$pid"
    wait "$pid"
    within 5 gone "$dir" || { processes "$dir"; return 1; }
    ! pgrep -x -f 'sleep 321'
}
check 'Ctrl-C ends exec and all it started' interrupted INT runs 'sleep 321; :'
check 'SIGTERM ends exec and all it started' interrupted TERM runs 'sleep 321; :'
# Of a killed exec, the kernel ends the children, not what the command started.
check 'a killed exec takes its processes along' interrupted KILL runs 'exec sleep 321'
check 'Ctrl-C while it starts' interrupted INT apiserver.pid true

printf '%d passed, %d failed\n' $passed $failed
[ $failed -eq 0 ]

#!/bin/bash
# Flux applies the estate from a repository: its own source-controller and kustomize-controller, as processes beside a control plane
# of their own. What is right is told by the Kustomization's status, by our objects, and by the platform.
#   scripts/test-flux.sh      builds what it needs; data and logs are in .test/flux
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/gitops.sh
. scripts/gitops.sh
[ -n "${INSIDE:-}" ] || in_a_cluster tests/flux \
    source-controller=github.com/fluxcd/source-controller kustomize-controller=github.com/fluxcd/kustomize-controller
flux() { kubectl -n flux-system "$@"; }

# The condition Ready of a Kustomization, as "STATUS REASON MESSAGE". While Flux is still at it, Ready is that of the time before.
verdict() { # KUSTOMIZATION
    flux get kustomization "$1" -o json | jq -r '[.status.conditions[]?] as $all
        | (($all[] | select(.type == "Reconciling" and .reason == "Progressing") | .status = "Unknown") // ($all[] | select(.type == "Ready")))
        | "\(.status) \(.reason) \(.message)"'
}

explain() {
    echo "Kustomization: $(verdict estate)"
    printf '%s\n' "not Ready: $(not_ready)" "being deleted: $(leaving)"
}

# Whether Flux has tried the newest revision, and with this outcome.
came_to() { # STATUS TEXT
    [ "$(flux get kustomization estate -o jsonpath='{.status.lastAttemptedRevision}')" = "main@sha1:$revision" ] &&
        [[ "$(verdict estate)" == "$1 "*"${2:-}"* ]]
}

look_now() { # KIND/NAME…
    flux annotate --overwrite "$@" reconcile.fluxcd.io/requestedAt="$(date +%s.%N)" >/dev/null
}

push() { # MESSAGE
    commit "$1"
    look_now gitrepository/estate
}

# Ready has to come, and then all of ours are.
becomes_ready() {
    until_true 90 "the Kustomization doesn't become Ready" came_to True
    all_ready || fail "Flux says Ready, and these aren't:" "$(not_ready)"
}

fails_with() { # TEXT
    until_true 60 "the Kustomization doesn't fail with '$1'" came_to False "$1"
}

kustomization() { # NAME FIELDS
    kubectl apply -f - >/dev/null <<YAML
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: $1, namespace: flux-system}
spec: {interval: 10m, retryInterval: 5s, timeout: 5m, path: ./$1, prune: true, wait: true, sourceRef: {kind: GitRepository, name: estate}${2:+, $2}}
YAML
}

start_flux() {
    local module port
    for module in source-controller kustomize-controller; do
        kubectl apply --server-side -f "$(go list -C tests/flux -m -f '{{.Dir}}' "github.com/fluxcd/$module")/config/crd/bases" >/dev/null
    done
    crds_are_served
    kubectl create namespace flux-system >/dev/null
    port=$(free_port)
    export RUNTIME_NAMESPACE=flux-system
    KUBECONFIG=$(account flux-system source-controller) start source-controller "$tools/source-controller" --storage-path="$dir/artifacts" \
        --storage-addr="127.0.0.1:$port" --storage-adv-addr="127.0.0.1:$port" --health-addr=127.0.0.1:0 --metrics-addr=127.0.0.1:0
    KUBECONFIG=$(account flux-system kustomize-controller) start kustomize-controller "$tools/kustomize-controller" --requeue-dependency=2s \
        --health-addr=127.0.0.1:0 --metrics-addr=127.0.0.1:0
}

# --- stories ----------------------------------------------------------------

# The layout of docs/gitops.md: what is installed, and the estate that depends on it.
ready_exactly_when_ours_are() {
    mkdir -p "$repository/holdfast"
    cp -r crds manifests/rbac manifests/policies manifests/operator/namespace.yaml "$repository/holdfast"
    mv "$repository/holdfast/crds/Kustomization" "$repository/holdfast/crds/kustomization.yaml"
    echo 'resources: [namespace.yaml, crds, rbac, policies]' >"$repository/holdfast/kustomization.yaml"
    cp examples/*.yaml "$repository/estate"
    commit "The operator and the estate"
    kubectl apply -f - >/dev/null <<YAML
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: estate, namespace: flux-system}
spec: {interval: 10m, url: "$url", ref: {branch: main}}
YAML
    kustomization estate "dependsOn: [{name: holdfast}]"
    kustomization holdfast
    until_true 60 "the estate isn't applied" came_to Unknown "Running health checks"
    sleep 8 # longer than Flux's interval between two looks
    came_to Unknown || fail "no operator runs, and Flux says: $(verdict estate)"
    start_operator
    becomes_ready
}

a_stalled_object_fails_it_at_once() {
    sed 's/wingtip/contoso/; s/Wingtip Toys/Contoso/; s/^  country: "AT"/&\n  storageLocation: atlantis/' \
        "$repository/estate/11-wingtip-trial.yaml" >"$repository/estate/20-contoso.yaml"
    push "A location that isn't there"
    fails_with "failed early due to stalled resources: [Customer/backup/contoso status: 'Failed'"
    shows customer/contoso '.status.conditions[?(@.type=="Stalled")].reason' LocationUnknown || fail "contoso isn't Stalled for its location"
    edit 20-contoso.yaml '/storageLocation/d'
    push "Mended"
    becomes_ready
}

a_quota_refusal_shows_our_sentence() {
    edit 20-contoso.yaml 's/storage: 100Gi/storage: 50Ti/'
    push "More than the reseller has"
    fails_with "(rule storage-overcommit)"
    verdict estate | grep -q 'limits.storage: .*50Ti' || fail "the figures aren't told: $(verdict estate)"
    edit 20-contoso.yaml 's/storage: 50Ti/storage: 200Gi/'
    push "What there is"
    becomes_ready
}

# Neither Ready nor stalled: the one until there is room, the other until a person goes on.
what_waits_is_waited_for_until_the_timeout() {
    local one
    flux patch kustomization estate --type merge -p '{"spec":{"timeout":"30s"}}' >/dev/null
    sed 's/contoso/litware/; s/Contoso/Litware/; s/storage: 200Gi/storage: 20Ti/' "$repository/estate/20-contoso.yaml" >"$repository/estate/21-litware.yaml"
    edit 15-web-access.yaml 's/  displayName: A. Datum/  management: Paused\n&/'
    push "One that wants all that the reseller has, of which others hold some, and one that is paused"
    until_true 30 "what waits isn't waited for" came_to Unknown "Running health checks"
    fails_with "timeout waiting for: ["
    for one in Customer/backup/litware Customer/backup/adatum; do
        [[ "$(verdict estate)" == *"$one status: 'InProgress'"* ]] || fail "$one isn't named: $(verdict estate)"
    done
    shows customer/litware '.status.conditions[?(@.type=="QuotaExceeded")].status' True || fail "litware doesn't wait for the quota"
    rm "$repository/estate/21-litware.yaml"
    edit 15-web-access.yaml '/management: Paused/d'
    push "As before"
    becomes_ready
    flux patch kustomization estate --type merge -p '{"spec":{"timeout":"5m"}}' >/dev/null
}

# force: true replaces what is refused as Invalid. Ours are Forbidden, so nothing is deleted.
a_fixed_field_is_refused_and_nothing_is_replaced() {
    local uid
    uid=$(value customer/fabrikam .metadata.uid)
    kustomization estate "force: true"
    edit 10-fabrikam-in-full.yaml 's/accountName: fabrikam/accountName: fab/'
    push "Another account name"
    fails_with "(rule account-name-fixed)"
    shows customer/fabrikam .metadata.uid "$uid" || fail "fabrikam was deleted and made anew"
    edit 10-fabrikam-in-full.yaml 's/accountName: fab$/accountName: fabrikam/'
    kustomization estate
    push "The one before"
    becomes_ready
}

edits_reach_the_platform_and_drift_is_set_back() {
    local id
    id=$(value customer/fabrikam .status.externalId)
    edit 10-fabrikam-in-full.yaml 's/+49 89 5550120/+49 89 5550199/'
    push "Another number"
    becomes_ready
    phone_is "$id" "+49 89 5550199" || fail "Flux says Ready, and the platform has another number"
    kubectl -n backup patch customer fabrikam --type merge -p '{"spec":{"profile":{"phone":"000"}}}' >/dev/null
    until_true 30 "an edit in the cluster doesn't reach the platform" phone_is "$id" 000
    look_now kustomization/estate
    until_true 30 "an edit in the cluster isn't set back" phone_is "$id" "+49 89 5550199"
    console PATCH "/v1/customers/$id" '{"profile":{"phone":"111"}}' >/dev/null
    until_true 60 "an edit at the console isn't set back" phone_is "$id" "+49 89 5550199"
    becomes_ready
}

a_suspended_kustomization_changes_nothing() {
    local id
    id=$(value customer/fabrikam .status.externalId)
    flux patch kustomization estate --type merge -p '{"spec":{"suspend":true}}' >/dev/null
    edit 10-fabrikam-in-full.yaml 's/+49 89 5550199/+49 89 5550120/'
    push "Not yet"
    until_true 30 "the revision isn't fetched" eval \
        '[ "$(flux get gitrepository estate -o jsonpath={.status.artifact.revision})" = "main@sha1:$revision" ]'
    sleep 5
    phone_is "$id" "+49 89 5550199" || fail "it is suspended, and the platform was changed"
    flux patch kustomization estate --type merge -p '{"spec":{"suspend":false}}' >/dev/null
    becomes_ready
    phone_is "$id" "+49 89 5550120" || fail "what was pushed meanwhile didn't reach the platform"
}

# One with deletionPolicy: Delete and one that is retained, as the examples are.
one_object_is_pruned() {
    rm "$repository/estate/11-wingtip-trial.yaml" "$repository/estate/13-listed-clients.yaml"
    push "Two customers less"
    becomes_ready
    until_true 60 "what was pruned stays" eval 'absent customer/wingtip && absent customer/proseware'
    not_on_platform customers "Wingtip Toys" || fail "Wingtip is gone, and still on the platform"
    on_platform customers Proseware || fail "Proseware was retained, and is gone from the platform"
}

a_customer_goes_with_its_tenant_and_plan_in_one_commit() {
    edit 20-contoso.yaml 's/stage: Trial/stage: Production/'
    cat >>"$repository/estate/20-contoso.yaml" <<'YAML'
---
apiVersion: holdfast.dev/v1alpha1
kind: ServicePlan
metadata: {name: bronze, namespace: backup}
spec:
  deletionPolicy: Delete
  platformRef: {name: msp}
  planName: Bronze
  products: [{product: HybridWorkloads, edition: Business, workloads: [FileServers]}]
---
apiVersion: holdfast.dev/v1alpha1
kind: Tenant
metadata: {name: contoso-hybrid, namespace: backup}
spec:
  deletionPolicy: Delete
  customerRef: {name: contoso}
  servicePlanRef: {name: bronze}
  product: HybridWorkloads
  storageRegions: [eu-central-1]
YAML
    push "A plan and a tenant of its own"
    becomes_ready
    on_platform plans Bronze || fail "the plan isn't on the platform"
    rm "$repository/estate/20-contoso.yaml"
    push "All three leave"
    becomes_ready
    until_true 90 "what was pruned stays" eval 'absent tenant/contoso-hybrid && absent customer/contoso && absent serviceplan/bronze'
    not_on_platform customers Contoso && not_on_platform plans Bronze || fail "they are gone, and still on the platform"
}

everything_is_pruned() {
    find "$repository/estate" -name '*.yaml' ! -name 00-namespace.yaml -delete
    push "Nothing is left"
    becomes_ready
    until_true 90 "what was pruned stays" none_left
    cp examples/*.yaml "$repository/estate"
    push "All of it again"
    becomes_ready
    flux delete kustomization estate --timeout=60s >/dev/null || fail "the Kustomization can't be deleted"
    until_true 90 "what the Kustomization had applied stays" eval 'none_left && namespace_gone'
    on_platform customers "Fabrikam GmbH" || fail "Fabrikam was retained, and is gone from the platform"
}

start_repository
start_flux
for story in ready_exactly_when_ours_are a_stalled_object_fails_it_at_once a_quota_refusal_shows_our_sentence \
    what_waits_is_waited_for_until_the_timeout a_fixed_field_is_refused_and_nothing_is_replaced edits_reach_the_platform_and_drift_is_set_back \
    a_suspended_kustomization_changes_nothing one_object_is_pruned a_customer_goes_with_its_tenant_and_plan_in_one_commit \
    everything_is_pruned; do
    begin=$SECONDS
    $story
    say "$story: ok, $((SECONDS - begin)) s"
done

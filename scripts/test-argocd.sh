#!/bin/bash
# Argo CD applies the estate from a repository: its own application-controller and repo-server, as processes beside a control plane of
# their own. What is right is told by the Application's status, by our objects, and by the platform.
#   scripts/test-argocd.sh      builds what it needs; data and logs are in .test/argocd
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/gitops.sh
. scripts/gitops.sh
[ -n "${INSIDE:-}" ] || in_a_cluster tests/argocd argocd=.
argo() { kubectl -n argocd "$@"; }

# What `jq` makes of an Application.
of() { # APPLICATION EXPRESSION
    argo get application "$1" -o json | jq -r "$2"
}

explain() {
    of estate '"Application: \(.status.sync.status) \(.status.health.status), \(.status.operationState.phase // "no operation"): "
        + "\(.status.operationState.message // "")", (.status.conditions[]? | "\(.type): \(.message)"),
        (.status.resources[]? | select(.status != "Synced" or (.health.status // "Healthy") != "Healthy")
            | "\(.kind)/\(.name): \(.status) \(.health.status // "") \(.health.message // "")")'
    printf '%s\n' "not Ready: $(not_ready)" "being deleted: $(leaving)"
}

look_now() { argo annotate --overwrite application/estate argocd.argoproj.io/refresh=hard >/dev/null; }

push() { # MESSAGE
    commit "$1"
    look_now
}

# Whether Argo CD has compared the newest revision, with this outcome.
is() { # SYNC HEALTH
    [ "$(of estate '"\(.status.sync.revision) \(.status.sync.status) \(.status.health.status)"')" = "$revision $1 $2" ]
}

becomes_healthy() {
    until_true 120 "the Application doesn't become Synced and Healthy" is Synced Healthy
    # It may be both while its sync still goes through the rest.
    until_true 60 "its sync doesn't end" eval '[ "$(of estate .status.operationState.phase)" != Running ]'
    all_ready || fail "Argo CD says Healthy, and these aren't Ready:" "$(not_ready)"
}

# The health of one of ours, and the message with it.
has_health() { # KIND/NAME HEALTH TEXT
    local said
    said=$(of estate ".status.resources[] | select(\"\(.kind)/\(.name)\" == \"$1\") | .health | \"\(.status): \(.message)\"")
    [[ "$said" == "$2: "*"$3"* ]]
}

shows_health() { # KIND/NAME HEALTH TEXT
    until_true 60 "$1 isn't shown as $2 with '$3'" has_health "$@"
}

operation_fails_with() { # TEXT
    until_true 60 "no sync fails with '$1'" eval "of estate .status.operationState.message | grep -qF '$1'"
}

application() { # NAME OPTION
    kubectl apply -f - >/dev/null <<YAML
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: $1, namespace: argocd, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec:
  project: default
  source: {repoURL: "$url", targetRevision: main, path: $1, directory: {recurse: true}}
  destination: {server: "https://kubernetes.default.svc", namespace: backup}
  syncPolicy:
    automated: {prune: true, selfHeal: true}
    syncOptions: [ServerSideApply=$2]
    retry: {limit: 20, refresh: true, backoff: {duration: 5s, factor: 1}}
YAML
}

# As Argo CD's own installation makes them, with the health check put in as its file says.
settings() {
    kubectl create namespace argocd >/dev/null
    argo create configmap argocd-cm --from-literal=timeout.reconciliation=10s >/dev/null
    argo create configmap argocd-rbac-cm >/dev/null
    argo create secret generic argocd-secret --from-literal=server.secretkey="$(head -c 16 /dev/urandom | base64)" >/dev/null
    argo label configmap/argocd-cm configmap/argocd-rbac-cm secret/argocd-secret app.kubernetes.io/part-of=argocd >/dev/null
    argo patch configmap argocd-cm --patch-file manifests/argocd/argocd-cm.yaml >/dev/null
    kubectl apply -f - >/dev/null <<'YAML'
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: default, namespace: argocd}
spec: {sourceRepos: ['*'], destinations: [{server: '*', namespace: '*'}], clusterResourceWhitelist: [{group: '*', kind: '*'}]}
YAML
}

start_argo() {
    local crds cache repository_port account
    crds=$(go list -C tests/argocd -m -f '{{.Dir}}' github.com/argoproj/argo-cd/v3)/manifests/crds
    kubectl apply --server-side -f "$crds/application-crd.yaml" -f "$crds/appproject-crd.yaml" >/dev/null
    crds_are_served
    settings
    cache=127.0.0.1:$(free_port) repository_port=$(free_port)
    mkdir -p "$dir/tmp" "$dir/ssh" "$dir/tls"
    export TMPDIR=$dir/tmp ARGOCD_FAKE_IN_CLUSTER=true ARGOCD_GPG_ENABLED=false \
        ARGOCD_SSH_DATA_PATH=$dir/ssh ARGOCD_TLS_DATA_PATH=$dir/tls
    account=$(account argocd argocd-application-controller)
    start cache "$tools/argocd" cache "$cache"
    KUBECONFIG=$account start repo-server "$tools/argocd" argocd-repo-server --address 127.0.0.1 --port "$repository_port" \
        --metrics-address 127.0.0.1 --metrics-port "$(free_port)" --disable-tls --redis "$cache"
    KUBECONFIG=$account start application-controller "$tools/argocd" argocd-application-controller --namespace argocd \
        --repo-server "127.0.0.1:$repository_port" --repo-server-plaintext --redis "$cache" --app-resync 10 --app-resync-jitter 0 \
        --persist-resource-health --metrics-port "$(free_port)"
}

# --- stories ----------------------------------------------------------------

# Both at once: the estate waits for what it is made of, without a word of order.
healthy_exactly_when_ours_are() {
    mkdir -p "$repository/holdfast"
    cp crds/*.yaml manifests/operator/namespace.yaml "$repository/holdfast"
    cp manifests/rbac/{operator,users}.yaml "$repository/holdfast"
    cp manifests/policies/{contradictions,deletion,fixed,one-way,protected,quota}.yaml "$repository/holdfast"
    cp examples/*.yaml "$repository/estate"
    commit "The operator and the estate"
    application estate false
    application holdfast true
    until_true 90 "the estate isn't applied" is Synced Progressing
    has_health Customer/fabrikam Progressing "hasn't seen it" || fail "what no operator has seen isn't shown as Progressing"
    start_operator
    becomes_healthy
    stays_synced
}

# What the operator and the API server add is no difference: nothing is OutOfSync, and nothing is applied again.
stays_synced() {
    local before looks
    before=$(of estate '.status.history | length')
    for looks in 1 2 3; do
        look_now
        until_true 30 "Argo CD doesn't look" eval "[ \"\$(of estate '.metadata.annotations[\"argocd.argoproj.io/refresh\"]')\" = null ]"
        is Synced Healthy || { explain >&2; fail "at look $looks it isn't Synced and Healthy any more"; }
    done
    [ "$(of estate '.status.history | length')" = "$before" ] || fail "Argo CD has applied the same again"
}

server_side_apply_is_synced_too() {
    application estate true
    edit 10-fabrikam-in-full.yaml 's/+49 89 5550120/+49 89 5550199/'
    push "Another number"
    becomes_healthy
    phone_is "$(value customer/fabrikam .status.externalId)" "+49 89 5550199" || fail "it is Healthy, and the platform has another number"
    stays_synced
}

# Also those of platforms that aren't here. Nobody asks a vendor: each gets an address at which nothing answers.
every_other_example_is_synced() {
    local folder looks differing
    for folder in platforms druva cove ceph; do
        mkdir -p "$repository/others/$folder"
        cp examples/$folder/*.yaml "$repository/others/$folder"
    done
    sed -i 's|^    endpoint: .*|    endpoint: http://127.0.0.1:1/|; s/^  \(druva\|cove\):$/&\n    endpoint: http:\/\/127.0.0.1:1\//' "$repository"/others/*/*.yaml
    push "The examples of other platforms"
    application others false
    until_true 90 "the examples of other platforms aren't applied" eval "[ \"\$(of others '.status.operationState.phase')\" = Succeeded ]"
    sleep 10 # the operator adds what it adds
    for looks in 1 2; do
        argo annotate --overwrite application/others argocd.argoproj.io/refresh=hard >/dev/null
        until_true 30 "Argo CD doesn't look" eval "[ \"\$(of others '.metadata.annotations[\"argocd.argoproj.io/refresh\"]')\" = null ]"
        differing=$(of others '"\(.status.resources | length) \(.status.sync.status)", (.status.resources[] | select(.status != "Synced") | "\(.kind)/\(.name)")')
        [ "${differing#* }" = Synced ] || fail "at look $looks these aren't Synced:" "$differing"
    done
    [ "$(of others '.status.history | length')" = 1 ] || fail "Argo CD has applied the same again"
    say "  ${differing% *} objects of other platforms are Synced"
    argo delete application others --timeout=90s >/dev/null || fail "the Application of other platforms can't be deleted:" "$(leaving)"
    rm -r "$repository/others"
    push "Without them"
    becomes_healthy
}

each_state_is_shown() {
    sed 's/wingtip/contoso/; s/Wingtip Toys/Contoso/; s/^  country: "AT"/&\n  storageLocation: atlantis/' \
        "$repository/estate/11-wingtip-trial.yaml" >"$repository/estate/20-contoso.yaml"
    edit 15-web-access.yaml 's/  displayName: A. Datum/  management: Paused\n&/'
    push "One that can't be, and one that is paused"
    shows_health Customer/contoso Degraded atlantis
    shows_health Customer/adatum Suspended ""
    edit 20-contoso.yaml 's/  storageLocation: atlantis//'
    edit 20-contoso.yaml 's/storage: 100Gi/storage: 20Ti/'
    push "All that the reseller has, of which others hold some"
    shows_health Customer/contoso Degraded "(rule storage-overcommit)"
    edit 20-contoso.yaml 's/storage: 20Ti/storage: 50Ti/'
    push "More than the reseller has"
    operation_fails_with "(rule storage-overcommit)"
    edit 20-contoso.yaml 's/storage: 50Ti/storage: 200Gi/'
    edit 15-web-access.yaml '/management: Paused/d'
    push "What there is"
    becomes_healthy
}

edits_in_the_cluster_are_set_back() {
    local id
    id=$(value customer/fabrikam .status.externalId)
    kubectl -n backup patch customer fabrikam --type merge -p '{"spec":{"profile":{"phone":"000"}}}' >/dev/null
    until_true 60 "an edit in the cluster isn't set back" shows customer/fabrikam .spec.profile.phone "+49 89 5550199"
    until_true 30 "the platform has another number" phone_is "$id" "+49 89 5550199"
    becomes_healthy
}

# What is in a later wave isn't applied before what is in an earlier one is Healthy.
waves_wait_for_our_health() {
    cat >>"$repository/estate/20-contoso.yaml" <<'YAML'
---
apiVersion: holdfast.dev/v1alpha1
kind: ServicePlan
metadata: {name: bronze, namespace: backup, annotations: {argocd.argoproj.io/sync-wave: "1"}}
spec:
  deletionPolicy: Delete
  platformRef: {name: msp}
  planName: Bronze
  products: [{product: HybridWorkloads, edition: Business, workloads: [Endpoints]}]
---
apiVersion: holdfast.dev/v1alpha1
kind: Tenant
metadata: {name: contoso-hybrid, namespace: backup, annotations: {argocd.argoproj.io/sync-wave: "2"}}
spec:
  deletionPolicy: Delete
  customerRef: {name: contoso}
  servicePlanRef: {name: bronze}
  product: HybridWorkloads
  storageRegions: [eu-central-1]
YAML
    push "A plan that can't be, and a tenant that is to wait for it"
    shows_health ServicePlan/bronze Degraded "(rule edition-limits)"
    absent tenant/contoso-hybrid || fail "the tenant of the next wave is there already"
    edit 20-contoso.yaml 's/workloads: .Endpoints./workloads: [FileServers]/'
    push "A plan that can be"
    becomes_healthy
    on_platform plans Bronze || fail "the plan isn't on the platform"
}

one_object_is_pruned() {
    rm "$repository/estate/11-wingtip-trial.yaml" "$repository/estate/13-listed-clients.yaml"
    push "Two customers less"
    becomes_healthy
    until_true 60 "what was pruned stays" eval 'absent customer/wingtip && absent customer/proseware'
    not_on_platform customers "Wingtip Toys" || fail "Wingtip is gone, and still on the platform"
    on_platform customers Proseware || fail "Proseware was retained, and is gone from the platform"
}

a_customer_goes_with_its_tenant_and_plan_in_one_commit() {
    rm "$repository/estate/20-contoso.yaml"
    push "All three leave"
    until_true 90 "what was pruned stays" eval 'absent tenant/contoso-hybrid && absent customer/contoso && absent serviceplan/bronze'
    not_on_platform customers Contoso && not_on_platform plans Bronze || fail "they are gone, and still on the platform"
    becomes_healthy
}

everything_goes_with_the_application() {
    argo delete application estate --timeout=120s >/dev/null || fail "the Application can't be deleted:" "$(leaving)"
    none_left || fail "these are left:" "$(leaving)"
    namespace_gone || fail "the namespace is left"
    on_platform customers "Fabrikam GmbH" || fail "Fabrikam was retained, and is gone from the platform"
}

start_repository
start_argo
for story in healthy_exactly_when_ours_are server_side_apply_is_synced_too every_other_example_is_synced each_state_is_shown edits_in_the_cluster_are_set_back \
    waves_wait_for_our_health one_object_is_pruned a_customer_goes_with_its_tenant_and_plan_in_one_commit \
    everything_goes_with_the_application; do
    begin=$SECONDS
    $story
    say "$story: ok, $((SECONDS - begin)) s"
done

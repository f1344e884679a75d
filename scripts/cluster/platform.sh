# shellcheck shell=sh disable=SC2086,SC2154
# A platform on the node, outside of the cluster, as replicas need it; an estate on it; and what it says of who wrote what.
kinds=backupplatforms,resellers,serviceplans,customers,tenants
token=a-token-for-one-test
customers=30
url=

# Serves an estate, an empty one or a copy of this, over TLS: only loopback may do without.
serve() { # PORT [FILE]
    url=https://10.99.0.1:$1
    at=$dir/platform-$1
    rm -rf "$at"
    mkdir -p "$at"
    for end in "" -wal; do
        [ ! -e "${2:-}$end" ] || cp "$2$end" "$at/estate.sqlite$end"
    done
    openssl ecparam -name prime256v1 -genkey -noout -out "$at/tls.key" 2>/dev/null
    printf 'subjectAltName=IP:10.99.0.1\nextendedKeyUsage=serverAuth\n' >"$at/tls.ext"
    openssl req -new -key "$at/tls.key" -subj /CN=platform 2>/dev/null |
        openssl x509 -req -CA $dir/pki/ca.crt -CAkey $dir/pki/ca.key -CAcreateserial -days 30 -extfile "$at/tls.ext" -out "$at/tls.crt" 2>/dev/null
    (
        exec >"$at/log" 2>&1 </dev/null
        HOLDFAST_PLATFORM_TOKEN=$token inside setsid "$binary" platform serve --data "$at/estate.sqlite" --listen "${url#https://}" \
            --tls-cert "$at/tls.crt" --tls-key "$at/tls.key"
    ) &
    until_true 60 "the platform doesn't answer; its log is $at/log" console stats
}

# Reads, as a person at its console.
console() { # PATH
    inside curl -sS --fail --cacert $dir/pki/ca.crt -H "Authorization: Bearer $token" -H "X-Actor: console" "$url/v1/$1"
}

with_replicas() { # NUMBER CHART IMAGE
    helm upgrade --install holdfast "$2" --create-namespace --set "image.repository=${3%:*},image.tag=${3##*:},persistence.enabled=false,replicas=$1" \
        --wait --timeout 2m
    available
}

# A resource of each kind, and thirty customers.
estate() {
    k create namespace backup --dry-run=client -o yaml | k apply -f - >/dev/null
    k -n backup create configmap platform-ca --from-file=ca.crt=$dir/pki/ca.crt --dry-run=client -o yaml | k apply -f - >/dev/null
    k -n backup create secret generic msp --from-literal=token=$token --dry-run=client -o yaml | k apply -f - >/dev/null
    k -n backup apply -f - >/dev/null <<YAML
apiVersion: holdfast.dev/v1alpha1
kind: BackupPlatform
metadata: {name: msp}
spec:
  ownerId: 0b5f7a52-3c1e-4b7a-9f43-5f2f1a2b3c4d
  bridge: {endpoint: "$url/", credentialsRef: {name: msp}}
  caBundleRef: {name: platform-ca, key: ca.crt}
---
apiVersion: holdfast.dev/v1alpha1
kind: Reseller
metadata: {name: northwind}
spec: {platformRef: {name: msp}, level: Reseller, displayName: Northwind IT, country: "DE", allotment: {storage: 20Ti}}
---
apiVersion: holdfast.dev/v1alpha1
kind: ServicePlan
metadata: {name: gold}
spec:
  platformRef: {name: msp}
  planName: Gold
  products: [{product: HybridWorkloads, edition: Enterprise, workloads: [FileServers, MSSQL]}]
---
apiVersion: holdfast.dev/v1alpha1
kind: Tenant
metadata: {name: c1-hybrid}
spec: {customerRef: {name: c1}, servicePlanRef: {name: gold}, product: HybridWorkloads, storageRegions: [eu-central-1]}
YAML
    edits first | k -n backup apply -f - >/dev/null
    until_true 300 "the estate doesn't become Ready" settled
    sleep 5 # what the first reports say is written once
}

# All customers, with this phone number.
edits() { # PHONE
    for number in $(seq $customers); do
        cat <<YAML
---
apiVersion: holdfast.dev/v1alpha1
kind: Customer
metadata: {name: c$number}
spec: {resellerRef: {name: northwind}, displayName: Customer $number, country: "DE", limits: {storage: 100Gi}, profile: {phone: "$1"}}
YAML
    done
}

edit() { # PHONE
    k -n backup patch customer c1 --type merge -p "{\"spec\":{\"profile\":{\"phone\":\"$1\"}}}" >/dev/null
}

settled() {
    [ "$(k -n backup get $kinds -o json | jq '[.items[] | select(.status.observedGeneration == .metadata.generation
        and any(.status.conditions[]?; .type == "Ready" and .status == "True"))] | length')" = $((customers + 4)) ]
}

arrived() { # PHONE [NUMBER OF CUSTOMERS]
    [ "$(console 'customers?limit=500' | jq --arg phone "$1" '[.items[] | select(.profile.phone == $phone)] | length')" -ge "${2:-1}" ]
}

# The last entry of the platform's trail.
last_entry() { trail 0 | tail -n 1 | cut -d ' ' -f 1; }

# Every request after that entry that was to change something, also refused ones: number, method, path, outcome, fields.
trail() { # ENTRY
    console "audit?limit=500&after=$1" >$dir/audit || fail "the platform's trail can't be read"
    jq -r 'if .next then error("more than a page") else .items[] end
        | select(.actor != "console") | "\(.seq) \(.method) \(.path) \(.outcome) \(.fields | join(","))"' $dir/audit
}

# Exactly so many changes since then, none a second time, one object for each resource, and no more refused ones than these.
written() { # ENTRY NUMBER WHEN [REFUSED]
    trail "$1" >$dir/trail
    grep ' accepted ' $dir/trail >$dir/accepted || true
    grep -v ' accepted ' $dir/trail >$dir/refused || true
    [ "$(wc -l <$dir/accepted)" = "$2" ] || fail "$3: $2 requests should have changed the platform, and these were sent:" "$(cat $dir/trail)"
    [ "$(wc -l <$dir/refused)" -le "${4:-0}" ] || fail "$3: the platform refused:" "$(cat $dir/refused)"
    for kind in resellers plans customers tenants; do
        twice=$(console "$kind?limit=500" | jq -r '.items[].externalRef // empty' | sort | uniq -d)
        [ -z "$twice" ] || fail "$3: there are two $kind of $twice"
    done
}

# Every condition of every resource, a line each.
conditions() {
    k -n backup get $kinds -o json | jq -r '.items[] | "\(.kind)/\(.metadata.name)" as $object | .status.conditions[]?
        | "\($object) \(.type)=\(.status) \(.reason) since \(.lastTransitionTime): \(.message)"' | sort
}

same_conditions() { # FILE WHEN
    conditions >$dir/conditions.now
    diff "$1" $dir/conditions.now >&2 || fail "$2 changes a condition"
}

# The last list of a sweep, so far.
sweeps() { console stats | jq '[.requests | to_entries[] | select(.key | startswith("GET /v1/administrators")) | .value] | add // 0'; }

sweep() {
    sweeps=$(sweeps)
    k -n backup annotate backupplatform msp "holdfast.dev/reconcile-at=$(date +%s)" --overwrite >/dev/null
    until_true 120 "the platform isn't swept" swept
    sleep 5
}
swept() { [ "$(sweeps)" -gt "$sweeps" ]; }

# Removes the estate, the operator and the CRDs, whatever state they are in. The platform keeps what is on it.
cleared() {
    inside "$binary" release --all >/dev/null || fail "holdfast release --all fails"
    inside .build/tools/bin/helm uninstall holdfast -n holdfast-system --ignore-not-found --wait >/dev/null
    k delete -k manifests/policies --ignore-not-found >/dev/null
    k delete -k manifests/crds --timeout=60s >/dev/null || fail "the CRDs can't be removed"
    k delete namespace backup holdfast-system --timeout=60s >/dev/null || fail "a namespace can't be removed"
}

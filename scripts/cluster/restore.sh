# shellcheck shell=sh disable=SC2086,SC2154
# What is left after the cluster is lost: manifests without status, as Velero brings them back. The order is that of
# docs/operations.md, and nothing of it may reach the platform.

part_restore() {
    say "the cluster is lost, and its objects come back without status"
    serve 8445
    with_replicas 1 charts/holdfast $image
    estate
    # As Velero creates them: labels, annotations and finalizers stay, two labels come; status goes, and what the API server gives.
    k -n backup get secrets,configmaps,$kinds -o json |
        jq '{apiVersion: "v1", kind: "List", items: [.items[] | select(.metadata.name != "kube-root-ca.crt") | del(.status)
            | .metadata |= with_entries(select(.key | IN("name", "namespace", "labels", "annotations", "finalizers")))
            | .metadata.labels += {"velero.io/backup-name": "nightly", "velero.io/restore-name": "nightly-1"}]}' >$dir/backup.json
    identities >$dir/identities
    ! grep null $dir/identities >&2 || fail "these aren't on the platform"
    entry=$(last_entry)
    # Without the operator nothing is released, and without finalizers nothing waits.
    here scale deployment holdfast --replicas=0 >/dev/null
    k delete -k manifests/policies >/dev/null
    for kind in $(echo $kinds | tr , ' '); do
        k -n backup get $kind -o name | while read -r one; do
            k -n backup patch $one --type merge -p '{"metadata":{"finalizers":null}}' >/dev/null
        done
    done
    k delete namespace backup --timeout=120s >/dev/null || fail "the estate can't be removed"
    k apply --server-side -k manifests/policies >/dev/null
    k create namespace backup >/dev/null
    k create -f $dir/backup.json >/dev/null || fail "the objects can't be brought back"
    k -n backup patch backupplatform msp --type merge -p '{"spec":{"management":"Observe"}}' >/dev/null
    here scale deployment holdfast --replicas=1 >/dev/null
    available
    until_true 120 "with management: Observe what was brought back isn't found on the platform" found_again
    written "$entry" 0 "a restore, with management: Observe"
    k -n backup patch backupplatform msp --type merge -p '{"spec":{"management":"Manage"}}' >/dev/null
    until_true 120 "what was brought back doesn't become Ready" settled
    sweep
    written "$entry" 0 "a restore"
    found_again || fail "what was brought back is something else on the platform"
    cleared
}

# Which object on the platform each resource stands for.
identities() { k -n backup get $kinds -o json | jq -r '.items[] | select(.kind != "BackupPlatform") | "\(.kind)/\(.metadata.name) \(.status.externalId)"' | sort; }
found_again() { identities >$dir/identities.now && cmp -s $dir/identities $dir/identities.now; }

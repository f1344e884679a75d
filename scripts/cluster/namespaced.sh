# shellcheck shell=sh disable=SC2086,SC2154
# An operator of one namespace: what it watches it serves, what lies elsewhere it neither sees nor touches.

part_namespaced() {
    say "an operator of one namespace, with a Role there and nowhere else"
    volume
    k apply --server-side -k manifests/cluster >/dev/null
    embedded_estate backup
    embedded_estate elsewhere
    mkdir -p $dir/namespaced
    cat >$dir/namespaced/kustomization.yaml <<YAML
resources: [../../../manifests/namespaced]
images: [{name: holdfast, newName: ${image%:*}, newTag: ${image##*:}}]
YAML
    k apply --server-side -k $dir/namespaced >/dev/null
    available
    confined
    becomes_ready
    usable backup
    kept_on_the_volume
    ! here exec deployment/holdfast -- holdfast todo >/dev/null 2>&1 || fail "it may list every namespace"
    [ -z "$(k -n elsewhere get $kinds -o jsonpath='{.items[*].status.conditions}{.items[*].metadata.finalizers}')" ] || fail "it touched what lies elsewhere"
    ! here logs deployment/holdfast | grep -i forbidden >&2 || fail "it asks for what it may not have"
    say "uninstalling it as docs/operations.md says"
    here exec deployment/holdfast -- holdfast release --all -n backup >/dev/null || fail "holdfast release --all -n backup fails"
    k delete -k $dir/namespaced --timeout=60s >/dev/null || fail "it can't be removed"
    [ "$(k get crd -o name | grep -c holdfast.dev)" = 5 ] || fail "the CRDs, which are everybody's, are gone"
    k -n elsewhere get customer fabrikam >/dev/null || fail "what lies elsewhere is gone"
    k delete -k manifests/policies >/dev/null
    k delete -k manifests/cluster --ignore-not-found --timeout=60s >/dev/null || fail "manifests/cluster can't be removed"
    k delete namespace backup elsewhere --timeout=60s >/dev/null
}

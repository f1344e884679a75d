# shellcheck shell=sh disable=SC2086,SC2154
# An upgrade: v0.1.0 as it was, built from its source by scripts/old-version.sh, with its own manifests and examples, and then what
# the README says. What the platform was asked to change is in the estate that both versions keep on the volume.
first=.build/v0.1.0

not_settled() {
    k -n backup get $kinds -o json | jq -r '.items[] | select(.status.observedGeneration != .metadata.generation
        or all(.status.conditions[]?; .type != "Ready" or .status != "True")) | "\(.kind)/\(.metadata.name)"'
}
all_settled() { said=$(not_settled) && [ -z "$said" ]; }

# Every change that the embedded platform was asked for, by a copy of its estate.
asked_of_the_platform() { # PORT
    serve $1 $dir/volume/estates/backup/msp.sqlite
    trail 0
}

part_upgrade() {
    [ -x $first/holdfast ] || fail "v0.1.0 isn't built: scripts/old-version.sh"
    say "v0.1.0 with its examples"
    load_image $first/holdfast registry.example/holdfast:old
    volume
    mkdir -p $dir/old
    cat >$dir/old/kustomization.yaml <<YAML
resources: [../../../$first/source/manifests/default]
images: [{name: holdfast, newName: registry.example/holdfast, newTag: old}]
YAML
    k apply --server-side -k $dir/old >/dev/null
    available
    [ "$(here exec deployment/holdfast -- holdfast --version)" = "holdfast 0.1.0" ] || fail "it isn't v0.1.0"
    k apply -f $first/source/examples >/dev/null
    until_true 180 "v0.1.0 doesn't make its examples Ready" all_settled
    sleep 20 # what the first reports say
    identities >$dir/identities
    asked_of_the_platform 8446 >$dir/asked
    say "the upgrade, as the README says"
    as_documented README.md "kubectl apply --server-side -k"
    until_true 120 "after the upgrade something isn't Ready" all_settled
    confined
    sleep 60 # a sweep or two
    all_settled || fail "after the upgrade these aren't Ready any more:" "$(not_settled)"
    found_again || fail "after the upgrade something stands for another object on the platform"
    asked_of_the_platform 8447 >$dir/asked.now
    # A reseller's picture, which v0.1.0 couldn't send.
    diff $dir/asked $dir/asked.now | sed -n 's/^> //p' >$dir/asked.anew
    [ "$(grep -cv 'branding.logo' $dir/asked.anew)" = 0 ] || fail "the upgrade changes the platform:" "$(cat $dir/asked.anew)"
    say "  $(wc -l <$dir/asked) changes before, and $(wc -l <$dir/asked.anew) by the upgrade: the picture that v0.1.0 couldn't send"
    cleared
}

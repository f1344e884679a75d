# shellcheck shell=sh disable=SC2086,SC2154
# The only node is drained and comes back. There is no other, so a replica that is evicted waits for it.

drained() { # SECONDS
    k drain node1 --ignore-daemonsets --delete-emptydir-data --timeout="$1s" >$dir/drain 2>&1
}

replicas_available() { here get deployment holdfast -o jsonpath='{.status.availableReplicas}'; }

three_are_drained() {
    say "a node with three replicas is drained"
    conditions >$dir/conditions
    entry=$(last_entry)
    ! drained 40 || fail "all three replicas were evicted from the only node: nothing respects the PodDisruptionBudget"
    grep -q "violate the pod's disruption budget" $dir/drain || fail "kubectl drain doesn't say what it waits for:" "$(cat $dir/drain)"
    [ "$(replicas_available)" = 2 ] || fail "of three replicas $(replicas_available) are left during a drain, and not two"
    until_true 120 "during a drain there isn't exactly one replica that leads" one_leads
    k uncordon node1 >/dev/null
    comes_back 3
}

# One replica has no budget: it goes, and nobody writes until the node is back.
one_is_drained() {
    say "a node with one replica is drained"
    with_replicas 1 charts/holdfast $image
    sweep
    conditions >$dir/conditions
    entry=$(last_entry)
    drained 60 || fail "the replica isn't evicted:" "$(cat $dir/drain)"
    [ -z "$(replicas_available)" ] || fail "a replica runs on a node that was drained"
    k uncordon node1 >/dev/null
    comes_back 1
}

comes_back() { # REPLICAS
    available
    [ "$(replicas_available)" = "$1" ] || fail "after a drain $(replicas_available) replicas are available, and not $1"
    until_true 120 "after a drain there isn't exactly one replica that leads" one_leads
    sweep
    same_conditions $dir/conditions "a drain with $1 replicas"
    written "$entry" 0 "a drain with $1 replicas"
}

part_drain() {
    serve 8444
    with_replicas 3 charts/holdfast $image
    estate
    three_are_drained
    one_is_drained
    cleared
}

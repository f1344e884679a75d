# shellcheck shell=sh disable=SC2086,SC2154
# Three replicas of which one writes: whatever happens to that one, another goes on, and nothing is written twice.

# Who holds the Lease of the account: the pod's name and a random part.
holder() {
    here get leases -o json | jq -r '.items[] | select(.metadata.name | test("^holdfast-[0-9a-f]{20}$")) | .spec.holderIdentity // empty'
}

other_holds() { # HOLDER
    now=$(holder)
    [ -n "$now" ] && [ "$now" != "$1" ]
}

# The process of a replica, as a number inside the node.
process() { # HOLDER
    container=$(here get pod "${1%-*}" -o jsonpath='{.status.containerStatuses[0].containerID}')
    inside ctr -n k8s.io tasks ls | awk -v id="${container#containerd://}" '$1 == id { print $2 }'
}

# The process of one of Kubernetes' servers.
server() { # NAME
    # shellcheck disable=SC2016 # the inner shell's own words
    inside sh -c 'for process in /proc/[0-9]*; do
        [ "$(tr "\0" "\n" <"$process/cmdline" 2>/dev/null | sed -n 2p)" != "$1" ] || echo "${process#/proc/}"
    done' - "$1"
}

# A metric, summed over all replicas.
measured() { # NAME
    : >$dir/metrics
    for pod in $(here get pods --selector=app.kubernetes.io/name=holdfast --field-selector=status.phase=Running -o jsonpath='{.items[*].metadata.name}'); do
        k get --raw "/api/v1/namespaces/holdfast-system/pods/$pod:8080/proxy/metrics" >>$dir/metrics || return 1
    done
    sed 's/{.*}//' $dir/metrics | awk -v name="$1" '$1 == name { sum += $2 } END { print sum + 0 }'
}

one_leads() { [ "$(measured holdfast_leader)" = 1 ]; }
restarts() { here get pods -o jsonpath='{.items[*].status.containerStatuses[*].restartCount}'; }
seconds_since() { echo $(($(date +%s) - $1)); }

killed() {
    say "kill -9 of the replica that writes"
    old=$(holder) entry=$(last_entry)
    inside kill -KILL "$(process "$old")"
    since=$(date +%s)
    edit killed
    until_true 120 "nobody takes over from a replica that was killed" other_holds "$old"
    held=$(seconds_since "$since")
    until_true 120 "another replica holds the Lease and an edit doesn't arrive" arrived killed
    say "  another held the Lease after $held s, and an edit arrived after $(seconds_since "$since") s"
    new=$(holder)
    [ "${new%-*}" != "${old%-*}" ] || fail "no other replica took over: the pod ${old%-*} that was killed holds the Lease again"
    available
    until_true 120 "after a kill -9 there isn't exactly one replica that leads" one_leads
    written "$entry" 1 "kill -9 of the replica that writes"
}

# Three at once are replaced one after another, and the Lease with them: nobody sees it but for the pods' names.
rolled() {
    say "a rolling restart"
    sweep
    conditions >$dir/conditions
    entry=$(last_entry) before=$(here get pods -o name | sort)
    here rollout restart deployment/holdfast >/dev/null
    available
    until_true 60 "a pod from before a rolling restart is left" replaced "$before"
    until_true 120 "after a rolling restart there isn't exactly one replica that leads" one_leads
    sweep
    same_conditions $dir/conditions "a rolling restart"
    written "$entry" 0 "a rolling restart"
}
replaced() { # PODS
    ! here get pods -o name | grep -qF "$1" && [ "$(here get pods -o name | wc -l)" = 3 ]
}

# Stopped while it is at work, it believes that it may write, and wakes when another has been writing for long. The kubelet would
# restart it after 6 probes, 10 s apart, so it gets patience here.
stopped() { # SECONDS
    say "the replica that writes is stopped amid $customers edits, and woken after $1 s"
    old=$(holder) entry=$(last_entry) restarted=$(restarts)
    process=$(process "$old")
    edits "stopped" >$dir/edits.yaml
    k -n backup apply -f $dir/edits.yaml >/dev/null &
    applying=$!
    until_true 120 "no edit arrives" arrived stopped
    inside kill -STOP "$process"
    since=$(date +%s)
    wait $applying || fail "the edits can't be applied"
    early=$(trail "$entry" | wc -l)
    until_true 120 "nobody takes over from a replica that is stopped" other_holds "$old"
    held=$(seconds_since "$since")
    until_true 120 "another replica holds the Lease and the edits don't arrive" arrived stopped $customers
    say "  $early edits had arrived; another held the Lease after $held s, and all had arrived after $(seconds_since "$since") s"
    left=$(($1 - $(seconds_since "$since")))
    [ $left -le 0 ] || sleep $left
    inside kill -CONT "$process"
    sleep 20
    other_holds "$old" || fail "the replica that was woken holds the Lease again, which another held"
    # What it was about to send it sends when it wakes. It is based on what has changed since, so the platform refuses it.
    written "$entry" $customers "a stopped replica was woken" 4
    [ "$(cut -d ' ' -f 3 $dir/accepted | sort -u | wc -l)" = $customers ] || fail "an edit was written twice:" "$(cat $dir/accepted)"
    say "  of the one that was woken the platform refused $(wc -l <$dir/refused) requests"
    [ "$(restarts)" = "$restarted" ] || fail "a replica was restarted, so nothing was woken"
    until_true 120 "after a replica was woken there isn't exactly one that leads" one_leads
    edit woken
    until_true 120 "after a replica was woken an edit doesn't arrive" arrived woken
    written "$entry" $((customers + 1)) "an edit after a stopped replica was woken" 4
}

hung() { # SECONDS
    say "the API server hangs for $1 s"
    entry=$(last_entry) restarted=$(restarts) before=$(measured holdfast_status_writes_total)
    process=$(server kube-apiserver)
    inside kill -STOP "$process"
    sleep "$1"
    inside kill -CONT "$process"
    since=$(date +%s)
    until_true 120 "the API server doesn't come back" k get --raw /readyz
    edit hung
    until_true 120 "after the API server hung an edit doesn't arrive" arrived hung
    say "  an edit arrived $(seconds_since "$since") s after it went on"
    available
    sleep 20
    until_true 120 "after the API server hung there isn't exactly one replica that leads" one_leads
    written "$entry" 1 "the API server hung"
    [ "$(restarts)" = "$restarted" ] || fail "a replica was restarted because the API server hung"
    writes=$(($(measured holdfast_status_writes_total) - before))
    say "  status was written $writes times"
    [ $writes -le 10 ] || fail "after the API server hung status was written $writes times, for one edit"
}

part_replicas() {
    say "three replicas on a platform of their own"
    serve 8443
    with_replicas 3 charts/holdfast $image
    estate
    rolled
    killed
    before=$(here get pods -o name | sort)
    here patch deployment holdfast --type json -p '[{"op": "replace", "path": "/spec/template/spec/containers/0/livenessProbe/failureThreshold", "value": 20}]' >/dev/null
    available
    until_true 60 "a pod from before a change of the Deployment is left" replaced "$before"
    stopped 60
    hung 80
    cleared
}

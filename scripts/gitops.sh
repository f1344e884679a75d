# shellcheck shell=bash
# What scripts/test-flux.sh and scripts/test-argocd.sh share: a repository and its server, the operator, accounts, and what waits.
# Read by them, inside `controlplane exec`; needs git, jq and curl.
name=$(basename "$0" .sh)
tools=$PWD/.build/tools/bin
dir=$PWD/.test/${name#test-}
repository=$dir/repository
say() { echo "$name: $*" >&2; }
fail() {
    printf "$name: %s\n" "$@" >&2
    exit 1
}

# Builds what is needed, and runs the calling script once more on a control plane of its own.
in_a_cluster() { # FOLDER NAME=PACKAGE…
    local folder=$1 tool
    shift
    for tool in git jq curl; do
        command -v $tool >/dev/null || fail "found no '$tool' on the PATH"
    done
    PATH=$PATH:$HOME/.cargo/bin scripts/with-progress.sh operator cargo build --workspace --locked --quiet
    scripts/build-go-tool.sh tests/gitserver . "$tools/gitserver"
    say "building what applies the estate; some 15 minutes on two cores the first time, seconds later"
    for tool in "$@"; do
        scripts/with-progress.sh "${tool%%=*}" scripts/build-go-tool.sh "$folder" "${tool#*=}" "$tools/${tool%%=*}"
    done
    INSIDE=$dir exec .build/controlplane exec --dir ".test/controlplane-$(basename "$dir")" --delete -- "$0"
}

# --- processes --------------------------------------------------------------

started=() names=()
start() { # NAME COMMAND…
    local log=$dir/log/$1.log
    shift
    "$@" >>"$log" 2>&1 </dev/null &
    started+=($!)
    names[$!]=$log
}

all_run() {
    local pid
    for pid in "${started[@]}"; do
        kill -0 "$pid" 2>/dev/null || fail "a process has ended; its last words:" "$(tail -n 3 "${names[$pid]}")"
    done
}

end_all() {
    [ ${#started[@]} = 0 ] || kill "${started[@]}" 2>/dev/null || true
    wait
}

# A port nobody uses, below the system's ephemeral ones.
free_port() {
    local port
    for _ in $(seq 100); do
        port=$((20000 + RANDOM % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
    fail "found no free port between 20000 and 32000"
}

# until_true SECONDS WHAT COMMAND…: fails with WHAT, and with what `explain` of the caller knows.
until_true() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        all_run
        [ $SECONDS -lt $deadline ] || {
            explain >&2
            fail "$what; the logs are in $dir/log"
        }
        sleep 0.3
    done
}

# --- cluster ----------------------------------------------------------------

# A CRD that was just made has no conditions, for which kubectl doesn't wait.
crds_are_served() {
    until_true 60 "CRDs aren't served" kubectl wait --for=condition=Established --timeout=10s crd --all
}

# A kubeconfig of a service account that may do everything, as both have one in a cluster. Prints its path.
account() { # NAMESPACE NAME
    kubectl create serviceaccount -n "$1" "$2" --dry-run=client -o yaml | kubectl apply -f - >/dev/null
    kubectl create clusterrolebinding "$1-$2" --clusterrole=cluster-admin "--serviceaccount=$1:$2" >/dev/null
    as "$1" "$2"
}

as() { # NAMESPACE NAME
    local file=$dir/$2.kubeconfig
    (umask 077 && cp "$KUBECONFIG" "$file")
    kubectl --kubeconfig "$file" config set-credentials "$2" --token="$(kubectl -n "$1" create token "$2" --duration=8h)" >/dev/null
    kubectl --kubeconfig "$file" config set-context --current --user="$2" >/dev/null
    echo "$file"
}

# By their names: the category `holdfast` isn't found by a kubectl that looked when there were no CRDs.
kinds=backupplatforms,resellers,serviceplans,customers,tenants

# What `jq` selects of ours, with what its conditions say.
ours() { # CONDITION
    kubectl get $kinds -A -o json | jq -r ".items[] | [.status.conditions[]?] as \$conditions | select($1)
        | \"\(.kind)/\(.metadata.name): \" + ([\$conditions[] | select(.type | IN(\"Ready\", \"Stalled\", \"DeletionBlocked\"))
            | \"\(.type)=\(.status) \(.reason): \(.message)\"] | join(\"; \"))"
}

# What stays and isn't Ready in its present generation, and what is being deleted.
not_ready() {
    ours '(.metadata.deletionTimestamp | not) and (.status.observedGeneration != .metadata.generation
        or all($conditions[]; .type != "Ready" or .status != "True"))'
}
leaving() { ours .metadata.deletionTimestamp; }

# Nothing is said by a command that succeeds: an answer that doesn't come proves nothing.
silent() {
    local said
    said=$("$@") && [ -z "$said" ]
}

all_ready() { silent not_ready; }
none_left() { silent kubectl get $kinds -A -o name; }
absent() { silent kubectl -n backup get "$1" --ignore-not-found -o name; } # KIND/NAME
namespace_gone() { silent kubectl get namespace backup --ignore-not-found -o name; }
value() { kubectl -n backup get "$1" -o jsonpath="{$2}"; } # KIND/NAME PATH
shows() { [ "$(value "$1" "$2")" = "$3" ]; } # KIND/NAME PATH VALUE

# --- the operator and its platform -----------------------------------------

start_operator() {
    metrics_port=$(free_port) platform_port=$(free_port)
    KUBECONFIG=$(as holdfast-system holdfast) POD_NAMESPACE=holdfast-system start operator target/debug/holdfast run --data-dir "$dir/data" \
        --listen "127.0.0.1:$metrics_port" --platform-listen "127.0.0.1:$platform_port"
}

# A request to the platform, as somebody at its console.
console() { # METHOD PATH [BODY]
    curl -sf -X "$1" -H "Authorization: Bearer $(cat "$dir/data/token")" -H 'X-Actor: console' \
        -H 'Content-Type: application/merge-patch+json' ${3:+-d "$3"} "http://127.0.0.1:$platform_port/estates/backup/msp$2"
}

# How many of a kind have this name.
named() { # KIND NAME
    console GET "/v1/$1?limit=500" | jq --arg name "$2" '[.items[] | select(.name == $name)] | length'
}
on_platform() { [ "$(named "$@")" = 1 ]; }
not_on_platform() { [ "$(named "$@")" = 0 ]; }
phone_is() { # EXTERNAL-ID VALUE
    [ "$(console GET "/v1/customers/$1" | jq -r .profile.phone)" = "$2" ]
}

# --- the repository ---------------------------------------------------------

start_repository() {
    rm -rf "$dir"
    mkdir -p "$dir/log" "$dir/served" "$dir/artifacts" "$repository/estate"
    trap end_all EXIT
    git init -q --bare -b main "$dir/served/estate.git"
    git init -q -b main "$repository"
    git -C "$repository" config user.name maintainer
    git -C "$repository" config user.email maintainer@holdfast.example
    git_port=$(free_port)
    url=http://127.0.0.1:$git_port/estate.git
    start gitserver "$tools/gitserver" "127.0.0.1:$git_port" "$dir/served"
}

# Commits what the folder holds; `revision` is its name.
commit() { # MESSAGE
    git -C "$repository" add -A
    git -C "$repository" commit -qm "$1"
    git -C "$repository" push -q "$dir/served/estate.git" HEAD:main
    revision=$(git -C "$repository" rev-parse HEAD)
}

# edit FILE SCRIPT: sed on a file of the estate, which has to change it.
edit() {
    cp "$repository/estate/$1" "$dir/before"
    sed -i "$2" "$repository/estate/$1"
    ! cmp -s "$dir/before" "$repository/estate/$1" || fail "'$2' changes nothing in $1"
}


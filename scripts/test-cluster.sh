#!/bin/sh
# Installs Holdfast on a real node as the README says, and looks whether it runs there as it promises.
#   scripts/test-cluster.sh BINARY [PART…]    `make test-cluster` builds what it needs. The node is scripts/node.sh; KEEP=1 leaves it there
# The parts, all of them when none is named; each is a file in scripts/cluster and stands on its own:
#   install      by kustomize and by Helm, a restart, three replicas, uninstalling, all by the commands of the README
#   namespaced   an operator of one namespace
#   bridge       a bridge in the cluster, over TLS, by the documents of docs/operations.md
#   replicas     three replicas: a rolling restart; the one that writes is killed, stopped and woken; the API server hangs; nothing is written twice
#   drain        the node is drained and comes back
#   restore      the cluster's objects are lost and come back without status, as Velero restores them
#   upgrade      v0.1.0 with its examples is upgraded
set -eu
cd "$(dirname "$0")/.."
dir=.test/node
# As the README calls it.
image=registry.example/holdfast:$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
[ $# -gt 0 ] || {
    echo "test-cluster: say which binary: scripts/test-cluster.sh BINARY [PART…]" >&2
    exit 1
}
binary=$1
shift
every='install namespaced bridge replicas drain restore upgrade'
parts=${*:-$every}

fail() {
    printf 'test-cluster: %s\n' "$@" >&2
    exit 1
}
say() { echo "test-cluster: $*" >&2; }
inside() { scripts/node.sh run $dir "$@"; }
k() { inside kubectl "$@"; }
here() { k -n holdfast-system "$@"; }

until_true() { # SECONDS WHAT COMMAND…
    limit=$(($(date +%s) + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt $limit ] || {
            explain >&2
            fail "$what"
        }
        sleep 0.5
    done
}

# What there is to see when something is wrong.
explain() {
    k get holdfast -A || true
    here get pods,leases -o wide || true
    here describe pods | tail -n 15 || true
    here logs --selector=app.kubernetes.io/name=holdfast --prefix --tail=5 || true
}

available() {
    here rollout status deployment/holdfast --timeout=120s >/dev/null || {
        explain >&2
        fail "the Deployment doesn't become available"
    }
}

helm() {
    inside .build/tools/bin/helm "$@" -n holdfast-system >/dev/null || {
        explain >&2
        fail "helm $1 fails"
    }
}

load_image() { # BINARY IMAGE
    IMAGE=$2 scripts/image.sh "$1" $dir/image.tar >/dev/null
    inside ctr -n k8s.io images import $dir/image.tar >/dev/null
}

# A block of a document, word for word: the first in this language that has these words.
block() { # FILE LANGUAGE WORDS
    awk -v start="\`\`\`$2" -v words="$3" '
        $0 == start { inside = 1; text = ""; next }
        inside && $0 == "```" { inside = 0; if (index(text, words)) { printf "%s", text; found = 1; exit } }
        inside { text = text $0 "\n" }
        END { exit !found }' "$1" || fail "$1 has no block with '$3'"
}

# Does what a document says, beside a copy of what it speaks of.
as_documented() { # FILE WORDS
    block "$1" sh "$2" >$dir/block
    rm -rf $dir/checkout
    mkdir $dir/checkout
    cp -R charts crds manifests $dir/checkout
    # shellcheck disable=SC2016 # the inner shell's own words
    PATH=$PWD/.build/tools/bin:$PATH inside sh -euc 'cd "$1" && . "$2"' - $dir/checkout "$PWD/$dir/block" >$dir/said 2>&1 || {
        explain >&2
        fail "what $1 says fails:" "$(cat $dir/block $dir/said)"
    }
}

for part in $every platform; do
    # shellcheck source=/dev/null
    . scripts/cluster/$part.sh
done
for part in $parts; do
    case " $every " in
    *" $part "*) ;;
    *) fail "there is no part '$part'; there are: $every" ;;
    esac
done

for tool in jq curl; do
    command -v $tool >/dev/null || fail "found no '$tool' on the PATH"
done
scripts/node.sh down $dir
[ -n "${KEEP:-}" ] || trap 'scripts/node.sh down $dir' EXIT
say "starting a node"
scripts/node.sh up $dir
load_image "$binary" $image
for part in $parts; do
    "part_$part"
done
say "all is as promised"

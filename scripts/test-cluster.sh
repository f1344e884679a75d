#!/bin/sh
# Installs Holdfast on a real node as the README says, and looks whether it runs there as it promises.
#   scripts/test-cluster.sh BINARY [PART…]    `make test-cluster` builds what it needs. The node is scripts/node.sh; KEEP=1 leaves it there
# The parts, all of them when none is named; each is a file in scripts/cluster and stands on its own:
#   install    by kustomize and by Helm, a restart, three replicas, uninstalling
#   replicas   three replicas: the one that writes is killed, stopped and woken; the API server hangs; nothing is written twice
#   drain      the node is drained and comes back
set -eu
cd "$(dirname "$0")/.."
dir=.test/node
image=registry.example/holdfast:test
[ $# -gt 0 ] || {
    echo "test-cluster: say which binary: scripts/test-cluster.sh BINARY [PART…]" >&2
    exit 1
}
binary=$1
shift
parts=${*:-install replicas drain}

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

for part in install platform replicas drain; do
    # shellcheck source=/dev/null
    . scripts/cluster/$part.sh
done
for part in $parts; do
    case $part in
    install | replicas | drain) ;;
    *) fail "there is no part '$part'; there are install, replicas and drain" ;;
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

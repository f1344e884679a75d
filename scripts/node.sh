#!/bin/sh
# A Kubernetes node on this machine: etcd, API server, controller-manager, scheduler, containerd, kubelet and kube-proxy, in namespaces of
# their own (processes, mounts, network), so that nothing of it is seen outside and all of it ends together. Needs root, Debian's
# packages, Go and a C compiler. Tried with cgroups v1 only.
#   scripts/node.sh build              builds and unpacks what it is made of, below .build/node
#   scripts/node.sh up DIR             starts it; its data is in DIR
#   scripts/node.sh run DIR COMMAND…   a command inside, with kubectl and ctr on the PATH
#   scripts/node.sh down DIR           ends it and removes its data
set -eu
cd "$(dirname "$0")/.."
root=$PWD
build=$root/.build/node
packages=$root/.build/debian/node
address=10.99.0.1
cgroup=holdfast-node

fail() {
    printf 'node: %s\n' "$@" >&2
    exit 1
}

make_parts() {
    [ "$(id -u)" = 0 ] || fail "needs root, for namespaces and containers"
    for tool in cc ip unshare nsenter openssl apt-get; do
        command -v $tool >/dev/null || fail "found no '$tool' on the PATH"
    done
    mkdir -p "$build/links"
    scripts/unpack-debian.sh "$packages" containerd runc containernetworking-plugins libseccomp2 \
        nftables libnftables1 libnftnl11 libmnl0 libjansson4 libedit2 libbsd0 libmd0 libgmp10 libtinfo6 \
        conntrack libnetfilter-conntrack3 libnfnetlink0 iptables libip6tc2 libip4tc2 libxtables12
    version=$(PATH=$PATH:/usr/local/go/bin go list -C tests/node -m -f '{{.Version}}' k8s.io/kubernetes)
    minor=${version#v1.}
    flag='-X k8s.io/component-base/version'
    LDFLAGS="$flag.gitVersion=$version $flag.gitMajor=1 $flag.gitMinor=${minor%.*}" \
        scripts/build-go-tool.sh tests/node . "$build/node"
    ln -sf "$build/node" "$build/links/kubectl"
    cc -O1 -static -o "$build/pause" tests/node/pause.c
}

# --- certificates -----------------------------------------------------------

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key" 2>/dev/null; }

certificate() { # NAME SUBJECT EXTENSIONS
    key "$1"
    printf 'keyUsage=digitalSignature\n%b\n' "$3" >"$1.ext"
    openssl req -new -key "$1.key" -subj "$2" -out "$1.csr" 2>/dev/null
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile "$1.ext" -out "$1.crt" 2>/dev/null
}

client() { # NAME SUBJECT
    certificate "$1" "$2" extendedKeyUsage=clientAuth
    cat >"$1.kubeconfig" <<YAML
apiVersion: v1
kind: Config
current-context: node
contexts: [{name: node, context: {cluster: node, user: $1}}]
clusters: [{name: node, cluster: {server: "https://$address:6443", certificate-authority: $PWD/ca.crt}}]
users: [{name: $1, user: {client-certificate: $PWD/$1.crt, client-key: $PWD/$1.key}}]
YAML
}

make_certificates() {
    mkdir -p "$dir/pki"
    cd "$dir/pki"
    key ca
    openssl req -x509 -new -key ca.key -subj /CN=holdfast-node -days 30 -out ca.crt \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,digitalSignature 2>/dev/null
    names="IP:127.0.0.1,IP:$address,IP:10.96.0.1,DNS:localhost,DNS:kubernetes.default.svc"
    certificate server /CN=kube-apiserver "extendedKeyUsage=serverAuth\nsubjectAltName=$names"
    certificate kubelet-server /CN=node1 "extendedKeyUsage=serverAuth\nsubjectAltName=IP:$address,DNS:node1"
    client admin /O=system:masters/CN=admin
    client apiserver-kubelet /O=system:masters/CN=apiserver-kubelet
    client controller-manager /CN=system:kube-controller-manager
    client scheduler /CN=system:kube-scheduler
    client proxy /CN=system:kube-proxy
    client kubelet /O=system:nodes/CN=system:node:node1
    key service-account
    cd "$root"
}

# --- namespaces -------------------------------------------------------------

# Process 1 of the node: sets its own view of the machine up, then waits.
inside() {
    mount --make-rprivate /
    mount --make-rshared /
    mount -t proc proc /proc
    for folder in etc var run opt; do
        mkdir -p "$dir/over/$folder/up" "$dir/over/$folder/work"
        mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$dir/over/$folder/up,workdir=$dir/over/$folder/work" "/$folder"
    done
    # On the real file system: an overlay takes no overlay as its upper layer.
    for folder in kubelet containerd log; do
        mkdir -p "$dir/data/$folder" "/var/lib/$folder"
        mount --bind "$dir/data/$folder" "/var/lib/$folder"
    done
    mount --make-rshared /
    hostname node1
    ip link set lo up
    # Service addresses need a default route.
    ip link add eth0 type veth peer name peer0
    ip link set peer0 up
    ip address add $address/24 dev eth0
    ip link set eth0 up
    ip route add default via 10.99.0.254
    echo 1 >/proc/sys/net/ipv4/ip_forward
    printf '127.0.0.1 localhost\n%s node1\n' $address >/etc/hosts
    mkdir -p /etc/cni/net.d
    cat >/etc/cni/net.d/10-pods.conflist <<'JSON'
{"cniVersion":"1.0.0","name":"pods","plugins":[{"type":"bridge","bridge":"cni0","isGateway":true,"hairpinMode":true,"ipam":{"type":"host-local","ranges":[[{"subnet":"10.88.0.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}]}}]}
JSON
    touch "$dir/inside"
    exec "$build/pause"
}

enter() {
    PATH=$build/links:$packages/usr/sbin:$packages/usr/bin:$packages/sbin:$PATH
    LD_LIBRARY_PATH=$packages/usr/lib/x86_64-linux-gnu:$packages/lib/x86_64-linux-gnu
    KUBECONFIG=$dir/pki/admin.kubeconfig
    export PATH LD_LIBRARY_PATH KUBECONFIG
    nsenter -m -n -u -p -t "$(cat "$dir/pid")" -w"$root" -- "$@"
}

start() { # NAME COMMAND…
    name=$1
    shift
    # A shell of its own: it keeps no output of ours open.
    (
        exec >>"$dir/log/$name.log" 2>&1 </dev/null
        enter setsid "$@"
    ) &
}

component() { # NAME FLAG…
    start "$1" "$build/node" "$@"
}

until_true() { # WHAT COMMAND…
    what=$1
    shift
    for _ in $(seq 300); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.2
    done
    tail -n 5 "$dir"/log/*.log >&2
    fail "$what within a minute; the logs are in $dir/log"
}

# --- images -----------------------------------------------------------------

# What holds a pod's namespaces, as an image.
pause_image() { # OUTPUT
    work=$(mktemp -d)
    mkdir -p "$work/root" "$work/oci/blobs/sha256"
    cp "$build/pause" "$work/root/pause"
    tar -C "$work/root" --owner=0 --group=0 --mtime=@0 -cf "$work/layer" .
    store() {
        blob=$(sha256sum "$1" | cut -d ' ' -f 1)
        size=$(stat -c %s "$1")
        mv "$1" "$work/oci/blobs/sha256/$blob"
    }
    store "$work/layer"
    layer=$blob layer_size=$size
    echo "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"User\":\"65535:65535\",\"Entrypoint\":[\"/pause\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:$layer\"]}}" >"$work/config"
    store "$work/config"
    type=application/vnd.oci.image
    echo "{\"schemaVersion\":2,\"mediaType\":\"$type.manifest.v1+json\",\"config\":{\"mediaType\":\"$type.config.v1+json\",\"digest\":\"sha256:$blob\",\"size\":$size},\"layers\":[{\"mediaType\":\"$type.layer.v1.tar\",\"digest\":\"sha256:$layer\",\"size\":$layer_size}]}" >"$work/manifest"
    store "$work/manifest"
    echo '{"imageLayoutVersion":"1.0.0"}' >"$work/oci/oci-layout"
    echo "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"$type.manifest.v1+json\",\"digest\":\"sha256:$blob\",\"size\":$size,\"annotations\":{\"io.containerd.image.name\":\"localhost/pause:1\"}}]}" >"$work/oci/index.json"
    tar -C "$work/oci" -cf "$1" oci-layout index.json blobs
    rm -rf "$work"
}

# --- up and down ------------------------------------------------------------

configure() {
    cat >"$dir/containerd.toml" <<TOML
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true # lowering it takes a capability that containers of CI lack
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$packages/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      BinaryName = "$packages/usr/sbin/runc"
      SystemdCgroup = false
TOML
    cat >"$dir/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: false}, x509: {clientCAFile: $pki/ca.crt}}
authorization: {mode: AlwaysAllow}
tlsCertFile: $pki/kubelet-server.crt
tlsPrivateKeyFile: $pki/kubelet-server.key
address: $address
cgroupDriver: cgroupfs
cgroupRoot: /$cgroup
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
failSwapOn: false
failCgroupV1: false
enforceNodeAllocatable: []
evictionHard: {nodefs.available: "1%", imagefs.available: "1%", memory.available: 50Mi}
imageGCHighThresholdPercent: 100
resolvConf: /etc/resolv.conf
clusterDNS: [$address]
clusterDomain: cluster.local
YAML
}

up() {
    [ ! -e "$dir/pid" ] || fail "$dir holds a node already"
    [ ! -e /sys/fs/cgroup/cgroup.controllers ] || fail "this machine has version 2 of cgroups; the node is made for version 1, others were not tried"
    mkdir -p "$dir/log"
    for hierarchy in /sys/fs/cgroup/*/; do
        mkdir -p "$hierarchy$cgroup" 2>/dev/null || true
    done
    for file in cpuset.cpus cpuset.mems; do
        [ ! -e /sys/fs/cgroup/cpuset/$file ] || cat /sys/fs/cgroup/cpuset/$file >/sys/fs/cgroup/cpuset/$cgroup/$file
    done
    pki=$dir/pki
    make_certificates
    configure
    setsid unshare --mount --net --uts --pid --fork "$0" inside "$dir" >"$dir/log/inside.log" 2>&1 </dev/null &
    outer=$!
    until_true "the namespaces aren't there" test -e "$dir/inside"
    tr -d ' ' <"/proc/$outer/task/$outer/children" >"$dir/pid"

    component etcd --name=n --data-dir="$dir/etcd" --listen-client-urls=http://127.0.0.1:2379 --advertise-client-urls=http://127.0.0.1:2379 \
        --listen-peer-urls=http://127.0.0.1:2380 --unsafe-no-fsync --log-level=warn
    component kube-apiserver --etcd-servers=http://127.0.0.1:2379 --secure-port=6443 --advertise-address=$address \
        --service-cluster-ip-range=10.96.0.0/16 --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
        --client-ca-file="$pki/ca.crt" --tls-cert-file="$pki/server.crt" --tls-private-key-file="$pki/server.key" \
        --kubelet-client-certificate="$pki/apiserver-kubelet.crt" --kubelet-client-key="$pki/apiserver-kubelet.key" \
        --kubelet-certificate-authority="$pki/ca.crt" --kubelet-preferred-address-types=InternalIP \
        --service-account-issuer=https://kubernetes.default.svc.cluster.local --service-account-key-file="$pki/service-account.key" \
        --service-account-signing-key-file="$pki/service-account.key"
    until_true "the API server isn't ready" enter kubectl get --raw /readyz
    component kube-controller-manager --kubeconfig="$pki/controller-manager.kubeconfig" --use-service-account-credentials \
        --service-account-private-key-file="$pki/service-account.key" --root-ca-file="$pki/ca.crt" --leader-elect=false
    component kube-scheduler --kubeconfig="$pki/scheduler.kubeconfig" --leader-elect=false
    start containerd containerd --config "$dir/containerd.toml"
    until_true "containerd doesn't answer" enter ctr version
    pause_image "$dir/pause.tar"
    enter ctr -n k8s.io images import "$dir/pause.tar" >>"$dir/log/images.log"
    component kubelet --config="$dir/kubelet.yaml" --kubeconfig="$pki/kubelet.kubeconfig" --hostname-override=node1 --node-ip=$address
    component dns $address:53
    component kube-proxy --kubeconfig="$pki/proxy.kubeconfig" --proxy-mode=nftables --cluster-cidr=10.88.0.0/24 --hostname-override=node1 \
        --conntrack-max-per-core=0 --bind-address=$address
    until_true "there is no node" enter kubectl get node node1
    enter kubectl wait --for=condition=Ready --timeout=60s node/node1 >/dev/null || fail "the node isn't Ready; the logs are in $dir/log"
}

down() {
    if [ -s "$dir/pid" ]; then
        # Process 1 of its namespace: with it go all the others, and their mounts.
        kill -KILL "$(cat "$dir/pid")" 2>/dev/null || true
        # nsenter stops with what it has started, and process 1 ends only when nsenter has seen the end of that.
        for process in /proc/[0-9]*; do
            case $(tr '\0' ' ' 2>/dev/null <"$process/cmdline") in
            "nsenter -m -n -u -p -t $(cat "$dir/pid") "*) kill -CONT "${process#/proc/}" 2>/dev/null || true ;;
            esac
        done
        for _ in $(seq 50); do
            [ -d "/proc/$(cat "$dir/pid")" ] || break
            sleep 0.1
        done
    fi
    find /sys/fs/cgroup/*/$cgroup -depth -type d -exec rmdir {} + 2>/dev/null || true
    rm -rf "$dir"
}

verb=${1:-}
case $verb in
build) make_parts ;;
up | down | run | inside)
    [ $# -ge 2 ] || fail "$verb needs the directory of its data"
    mkdir -p "$2"
    dir=$(cd "$2" && pwd)
    shift 2
    case $verb in
    run) enter "$@" ;;
    *) $verb ;;
    esac
    ;;
*) fail "one of build, up, run, down" ;;
esac

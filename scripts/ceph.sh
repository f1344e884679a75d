#!/bin/sh
# A Ceph Object Gateway on this machine: one monitor, one storage daemon and one gateway, on loopback only.
#   scripts/ceph.sh fetch               unpacks Debian's packages into .build/ceph/root; nothing is installed
#   scripts/ceph.sh start|stop|kill DIR     its data and processes live in DIR; stop keeps the data, DIR/env says how to reach it
#   scripts/ceph.sh gateway-start|gateway-kill DIR     the gateway alone
#   scripts/ceph.sh run DIR COMMAND…     a command with the tools and the configuration, for instance radosgw-admin
# The ports are free ones, kept in DIR/ports. CEPH_TLS="ssl_endpoint=… ssl_certificate=…" has the gateway serve TLS besides.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
packed=$root/.build/ceph
unpacked=$packed/root

fail() {
    printf 'ceph: %s\n' "$@" >&2
    exit 1
}

missing() {
    for tool in ceph-mon ceph-osd radosgw radosgw-admin ceph ceph-authtool monmaptool restic; do
        command -v "$tool" >/dev/null || printf '%s ' "$tool"
    done
}

# The unpacked packages come first; without them, what the system has.
use_tools() {
    if [ -d "$unpacked" ]; then
        lib=$unpacked/usr/lib/$(uname -m)-linux-gnu
        # The daemons' libraries must not reach the tools of the system.
        LD_LIBRARY_PATH=$lib:$lib/ceph:$unpacked/lib/$(uname -m)-linux-gnu:$unpacked/usr/lib/ceph
        PYTHONPATH=$unpacked/usr/lib/python3/dist-packages
        PATH=$unpacked/usr/bin:$unpacked/usr/sbin:$PATH
        export LD_LIBRARY_PATH PYTHONPATH PATH
    fi
    absent=$(missing)
    [ -z "$absent" ] || fail "not found: $absent" \
        "On Debian 12, 'scripts/ceph.sh fetch' unpacks them below .build/ without installing anything." \
        "Elsewhere install Ceph's monitor, OSD, gateway and tools, and restic, so that they are on the PATH."
}

fetch() {
    [ ! -f "$packed/complete" ] && [ -n "$(missing)" ] || return 0
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
        fail "not found: $(missing)" "They are unpacked from Debian's packages; this system has no apt-get." \
            "Install Ceph's monitor, OSD, gateway and tools, and restic, so that they are on the PATH."
    rm -rf "$packed"
    mkdir -p "$packed/lists/partial"
    APT_CONFIG=$packed/apt.conf
    export APT_CONFIG
    printf '%s "%s";\n' APT::Sandbox::User root Acquire::Retries 3 >"$APT_CONFIG"
    for _ in 1 2 3; do
        if download; then
            mkdir "$unpacked"
            for package in "$packed"/packages/*.deb; do
                dpkg-deb -x "$package" "$unpacked"
            done
            rm -rf "$packed/packages" "$packed/lists" "$packed/cache"
            date >"$packed/complete"
            return 0
        fi
        # This machine's lists of packages are old, or there are none: lists of our own need no root.
        echo "ceph: fetching the lists of packages" >&2
        sleep 3
        printf '%s "%s";\n' Dir::State::lists "$packed/lists" Dir::Cache "$packed/cache" >>"$APT_CONFIG"
        apt-get -qq update >&2 || true
    done
    fail "the packages can't be fetched from Debian, for the reason above; the network is needed for it, or Ceph and restic on the PATH"
}

# What is installed here needn't be fetched: the simulation knows.
download() {
    names=$(LC_ALL=C apt-get -qq -s install --no-install-recommends ceph-mon ceph-osd radosgw ceph-common restic 2>/dev/null |
        awk '$1 == "Inst" { print $2 }')
    [ -n "$names" ] || return 1
    rm -rf "$packed/packages"
    mkdir -p "$packed/packages"
    echo "ceph: fetching $(echo "$names" | wc -l) packages, some 70 MB" >&2
    # shellcheck disable=SC2086
    (cd "$packed/packages" && apt-get -qq download $names) >&2
}

# Three neighbours that nobody listens on: the process's number keeps two starts at the same time apart.
choose_ports() {
    if [ ! -f "$dir/ports" ]; then
        port=$((20000 + $$ % 3000 * 3))
        while listens $port || listens $((port + 1)) || listens $((port + 2)); do
            port=$((port + 3))
        done
        echo "gateway_port=$port monitor_port=$((port + 1))" >"$dir/ports"
    fi
    # shellcheck source=/dev/null
    . "$dir/ports"
}

listens() { bash -c "exec 3<>/dev/tcp/127.0.0.1/$1" 2>/dev/null; }

# A background process, by the file that names it.
alive() { [ -f "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }

launch() { # NAME COMMAND…
    name=$1
    shift
    alive "$dir/$name.pid" && return 0
    setsid "$@" >>"$dir/log/$name.out" 2>&1 </dev/null &
    echo $! >"$dir/$name.pid"
}

halt() { # NAME SIGNAL
    pid_file=$dir/$1.pid
    if alive "$pid_file"; then
        pid=$(cat "$pid_file")
        kill "-$2" "$pid" 2>/dev/null || true
        for _ in $(seq 150); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "$pid" 2>/dev/null || true
    fi
    rm -f "$pid_file"
}

until_true() { # WHAT COMMAND…
    what=$1
    shift
    for _ in $(seq 300); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.2
    done
    tail -n 5 "$dir"/log/*.out "$dir"/log/*.log 2>/dev/null >&2 || true
    fail "$what within a minute; the logs are in $dir/log"
}

configure() {
    lib=/usr/lib/$(uname -m)-linux-gnu
    [ ! -d "$unpacked" ] || lib=$unpacked$lib
    cat >"$dir/ceph.conf" <<CONF
[global]
fsid = $(cat "$dir/fsid")
mon host = v2:127.0.0.1:$monitor_port,v1:127.0.0.1:$((monitor_port + 1))
mon initial members = a
public addr = 127.0.0.1
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
auth allow insecure global id reclaim = true
keyring = $dir/keyring
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
mon data avail crit = 1
mon data avail warn = 2
osd crush chooseleaf type = 0
run dir = $dir/run
admin socket = $dir/run/\$cluster-\$name.asok
log file = $dir/log/\$name.log
crash dir = $dir/run
plugin dir = $lib/ceph
erasure code dir = $lib/ceph/erasure-code
osd class dir = $lib/rados-classes
osd class load list = *
osd class default list = *
[mon.a]
mon data = $dir/mon
mon addr = v2:127.0.0.1:$monitor_port,v1:127.0.0.1:$((monitor_port + 1))
[osd.0]
osd data = $dir/osd
osd objectstore = bluestore
bluestore block size = ${CEPH_SIZE:-4294967296}
bluestore block create = true
osd memory target = 939524096
[client.rgw.a]
rgw frontends = beast endpoint=127.0.0.1:$gateway_port ${CEPH_TLS:-}
rgw data = $dir/rgw
rgw enable apis = s3, admin
rgw enable usage log = ${CEPH_USAGE_LOG:-true}
rgw usage log tick interval = 2
rgw usage log flush threshold = 1
rgw user quota bucket sync interval = 2
rgw bucket quota ttl = 2
CONF
}

# One file with the keys of all, since all are on this machine and run by one user.
make_keys() {
    all="--cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'"
    rm -f "$dir/keyring"
    for name in mon. client.admin client.rgw.a osd.0; do
        [ -f "$dir/keyring" ] || create=--create-keyring
        eval "ceph-authtool ${create:-} '$dir/keyring' --gen-key -n $name $all" >/dev/null
        create=
    done
}

start_gateway() {
    choose_ports
    launch rgw radosgw -f -n client.rgw.a
    until_true "the gateway doesn't answer" listens "$gateway_port"
}

start() {
    use_tools
    mkdir -p "$dir/run" "$dir/log" "$dir/mon" "$dir/osd" "$dir/rgw"
    choose_ports
    [ -f "$dir/fsid" ] || cat /proc/sys/kernel/random/uuid >"$dir/fsid"
    configure
    if [ ! -f "$dir/made" ]; then
        rm -rf "$dir/mon" "$dir/osd"
        mkdir -p "$dir/mon" "$dir/osd"
        monmaptool --create --clobber --fsid "$(cat "$dir/fsid")" \
            --addv a "[v2:127.0.0.1:$monitor_port,v1:127.0.0.1:$((monitor_port + 1))]" "$dir/monmap" >/dev/null
        make_keys
        ceph-mon -i a --mkfs --monmap "$dir/monmap" --keyring "$dir/keyring"
    fi
    launch mon ceph-mon -f -i a
    until_true "the monitor doesn't answer" ceph --connect-timeout 3 -s
    if [ ! -f "$dir/made" ]; then
        ceph osd new "$(cat /proc/sys/kernel/random/uuid)" 0 >/dev/null
        uuid=$(ceph osd dump -f json | sed -n 's/.*"osd":0,"uuid":"\([^"]*\)".*/\1/p')
        ceph-osd -i 0 --mkfs --osd-uuid "$uuid" >>"$dir/log/mkfs.out" 2>&1
    fi
    launch osd ceph-osd -f -i 0
    until_true "the storage daemon doesn't come up" sh -c 'ceph osd stat | grep -q " 1 up"'
    start_gateway
    if [ ! -f "$dir/admin.json" ]; then
        radosgw-admin user create --uid holdfast-admin --display-name "Holdfast" \
            --caps "users=*;buckets=*;usage=*;metadata=*" >"$dir/admin.json.new" 2>>"$dir/log/admin.out"
        mv "$dir/admin.json.new" "$dir/admin.json"
    fi
    date >"$dir/made"
    key() { sed -n "s/.*\"$1\": \"\\([^\"]*\\)\".*/\\1/p" "$dir/admin.json" | head -n 1; }
    umask 077
    {
        echo "RGW_ENDPOINT=http://127.0.0.1:$gateway_port"
        echo "RGW_ACCESS_KEY=$(key access_key)"
        echo "RGW_SECRET_KEY=$(key secret_key)"
        echo "export RGW_ENDPOINT RGW_ACCESS_KEY RGW_SECRET_KEY"
    } >"$dir/env"
}

[ $# -ge 1 ] || fail "one of fetch, start, stop, kill, gateway-start, gateway-kill, run"
verb=$1
shift
if [ "$verb" = fetch ]; then
    fetch
    exit
fi
[ $# -ge 1 ] || fail "$verb needs the directory of its data"
mkdir -p "$1"
dir=$(cd "$1" && pwd)
shift
CEPH_CONF=$dir/ceph.conf
export CEPH_CONF
case $verb in
start) start ;;
stop) for name in rgw osd mon; do halt $name TERM; done ;;
kill) for name in rgw osd mon; do halt $name KILL; done ;;
gateway-start)
    use_tools
    start_gateway
    ;;
gateway-kill) halt rgw KILL ;;
run)
    use_tools
    exec "$@"
    ;;
*) fail "unknown: $verb" ;;
esac

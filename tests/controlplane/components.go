package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	manager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

// components are the processes of a control plane, by the internal subcommand
// that each runs as. Only the chosen one may be constructed: the API server's
// constructor takes over the process's signals.
var components = map[string]func(dir string) int{
	"etcd": runEtcd,
	"apiserver": func(dir string) int {
		command := apiserver.NewAPIServerCommand()
		command.SetArgs(apiserverArgs(dir))
		return cli.Run(command)
	},
	"controller-manager": func(dir string) int {
		command := manager.NewControllerManagerCommand()
		command.SetArgs(managerArgs(dir))
		return cli.Run(command)
	},
}

// startOrder lists the components as they start; they stop in reverse.
var startOrder = []string{"etcd", "apiserver", "controller-manager"}

// etcdSocket is relative to the directory, which is the working directory of
// every component: a socket's path must be short, a test's directory may not
// be. etcd insists on something like a port.
const etcdSocket = "etcd.sock:0"

func runEtcd(dir string) int {
	socket := []url.URL{{Scheme: "unix", Host: etcdSocket}}
	peer := []url.URL{{Scheme: "unix", Host: "etcd-peer.sock:0"}}
	cfg := embed.NewConfig()
	cfg.Name = "controlplane"
	cfg.Dir = filepath.Join(dir, "etcd")
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = socket, socket
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = peer, peer
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	cfg.UnsafeNoFsync = true // survives killed processes; a lost machine loses a test's data only
	cfg.LogLevel = "warn"
	// New in etcd 3.6, where 0 would warn of each; Kubernetes 1.32 and 1.33 come with 3.5.
	if field := reflect.ValueOf(cfg).Elem().FieldByName("WarningUnaryRequestDuration"); field.IsValid() {
		field.SetInt(int64(300 * time.Millisecond))
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	server, err := embed.StartEtcd(cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, "etcd:", err)
		return 1
	}
	defer server.Close()
	select {
	case <-ctx.Done():
		return 0
	case err := <-server.Err():
		fmt.Fprintln(os.Stderr, "etcd:", err)
		return 1
	}
}

func apiserverArgs(dir string) []string {
	port, err := readPort(dir)
	if err != nil {
		port = 0 // the API server refuses it and says so in its log
	}
	pki := func(name string) string { return filepath.Join(dir, "pki", name) }
	return []string{
		"--etcd-servers=unix://" + etcdSocket,
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(port),
		// No node needs to reach the server through the kubernetes service,
		// and an endpoint on loopback would be refused.
		"--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=10.0.0.0/24",
		"--authorization-mode=RBAC",
		"--client-ca-file=" + pki("ca.crt"),
		"--tls-cert-file=" + pki("server.crt"),
		"--tls-private-key-file=" + pki("server.key"),
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + pki("service-account.key"),
		"--service-account-signing-key-file=" + pki("service-account.key"),
		"--allow-privileged",
		// Without this, one open watch keeps the server from ending for a minute.
		"--shutdown-watch-termination-grace-period=1s",
		"--profiling=false",
	}
}

func managerArgs(dir string) []string {
	return []string{
		"--kubeconfig=" + filepath.Join(dir, "kubeconfig"),
		"--controllers=" + strings.Join([]string{
			"clusterrole-aggregation-controller", // fills the roles admin, edit and view
			"garbage-collector-controller",
			"namespace-controller",
			"root-ca-certificate-publisher-controller",
			"serviceaccount-controller",
			"serviceaccount-token-controller",
			"validatingadmissionpolicy-status-controller",
		}, ","),
		"--service-account-private-key-file=" + filepath.Join(dir, "pki", "service-account.key"),
		"--root-ca-file=" + filepath.Join(dir, "pki", "ca.crt"),
		"--leader-elect=false",
		"--secure-port=0",
		"--profiling=false",
	}
}

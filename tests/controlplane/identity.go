package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// ensurePKI makes the certificates and keys in dir/pki unless they are there.
// The CA's key is not kept: nothing more is ever signed with it.
func ensurePKI(dir string) error {
	final := filepath.Join(dir, "pki")
	if _, err := os.Stat(final); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// Renamed when complete, so that an interrupted run leaves no half of it.
	tmp, err := os.MkdirTemp(dir, "pki.tmp")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)

	ca := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "controlplane-ca"},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	server := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 0, 0, 1)},
		DNSNames:    []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
	}
	admin := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "admin", Organization: []string{"system:masters"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serviceAccountKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if err := errors.Join(
		writeCert(filepath.Join(tmp, "ca.crt"), ca, &caKey.PublicKey, ca, caKey),
		writePair(filepath.Join(tmp, "server"), server, ca, caKey),
		writePair(filepath.Join(tmp, "admin"), admin, ca, caKey),
		writeKey(filepath.Join(tmp, "service-account.key"), serviceAccountKey),
	); err != nil {
		return err
	}
	return os.Rename(tmp, final)
}

// writePair makes a key and a certificate for it: base.key and base.crt.
func writePair(base string, template, ca *x509.Certificate, caKey *ecdsa.PrivateKey) error {
	template.KeyUsage = x509.KeyUsageDigitalSignature
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	return errors.Join(
		writeKey(base+".key", key),
		writeCert(base+".crt", template, &key.PublicKey, ca, caKey),
	)
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
}

func writeCert(path string, template *x509.Certificate, public *ecdsa.PublicKey, ca *x509.Certificate, caKey *ecdsa.PrivateKey) error {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = time.Now().AddDate(10, 0, 0)
	der, err := x509.CreateCertificate(rand.Reader, template, ca, public, caKey)
	if err != nil {
		return err
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}

// ensureKubeconfig writes dir/kubeconfig for the port, whole or not at all:
// others may be reading it.
func ensureKubeconfig(dir string, port int) error {
	read := func(name string) []byte {
		data, _ := os.ReadFile(filepath.Join(dir, "pki", name)) // empty data fails at the first request
		return data
	}
	config := api.NewConfig()
	config.Clusters["controlplane"] = &api.Cluster{
		Server:                   fmt.Sprintf("https://127.0.0.1:%d", port),
		CertificateAuthorityData: read("ca.crt"),
	}
	config.AuthInfos["admin"] = &api.AuthInfo{
		ClientCertificateData: read("admin.crt"),
		ClientKeyData:         read("admin.key"),
	}
	config.Contexts["controlplane"] = &api.Context{Cluster: "controlplane", AuthInfo: "admin"}
	config.CurrentContext = "controlplane"
	tmp := filepath.Join(dir, "kubeconfig.tmp")
	if err := clientcmd.WriteToFile(*config, tmp); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(dir, "kubeconfig"))
}

// ensurePort returns the port kept in dir, or finds and keeps a free one. It
// replaces a kept port that something else has taken since.
func ensurePort(dir string) (int, error) {
	if port, err := readPort(dir); err == nil {
		// A process just killed may still be letting go of it.
		for range 30 {
			if isFree(port) {
				return port, nil
			}
			time.Sleep(100 * time.Millisecond)
		}
		say("port %d was taken by another program: choosing another, kubeconfig changes", port)
	}
	// Below the range that the system hands out to outgoing connections, which
	// could take the port while the API server is down.
	for range 100 {
		port := 20000 + mathrand.IntN(12000)
		if isFree(port) {
			return port, os.WriteFile(filepath.Join(dir, "port"), []byte(strconv.Itoa(port)+"\n"), 0o600)
		}
	}
	return 0, errors.New("found no free port on 127.0.0.1 between 20000 and 32000: stop what uses them")
}

func readPort(dir string) (int, error) {
	data, err := os.ReadFile(filepath.Join(dir, "port"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(data)))
}

func isFree(port int) bool {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return listener.Close() == nil
}

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// The names of Services for the pods, and no others: `node dns ADDRESS:PORT`, with the cluster that KUBECONFIG names.
func dns(listen string) error {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	connection, err := net.ListenPacket("udp", listen)
	if err != nil {
		return err
	}
	for {
		request := make([]byte, 1500)
		size, from, err := connection.ReadFrom(request)
		if err != nil {
			return err
		}
		go func() {
			if reply, err := answer(client, request[:size]); err != nil {
				fmt.Fprintln(os.Stderr, err)
			} else {
				_, _ = connection.WriteTo(reply, from)
			}
		}()
	}
}

func answer(client kubernetes.Interface, request []byte) ([]byte, error) {
	var asked dnsmessage.Message
	if err := asked.Unpack(request); err != nil || len(asked.Questions) != 1 {
		return nil, fmt.Errorf("not a question: %v", err)
	}
	question := asked.Questions[0]
	said := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: asked.ID, Response: true, Authoritative: true, RecursionDesired: asked.RecursionDesired},
		Questions: asked.Questions,
	}
	address, err := clusterIP(client, question.Name.String())
	switch {
	case apierrors.IsNotFound(err):
		said.RCode = dnsmessage.RCodeNameError
	case err != nil:
		said.RCode = dnsmessage.RCodeServerFailure
	case question.Type == dnsmessage.TypeA:
		said.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET, TTL: 5},
			Body:   &dnsmessage.AResource{A: [4]byte(address)},
		}}
	}
	return said.Pack()
}

// The address of the Service that NAME.NAMESPACE.svc.cluster.local. is.
func clusterIP(client kubernetes.Interface, name string) (net.IP, error) {
	parts := strings.Split(strings.TrimSuffix(strings.ToLower(name), ".svc.cluster.local."), ".")
	if len(parts) != 2 {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "services"}, name)
	}
	service, err := client.CoreV1().Services(parts[1]).Get(context.Background(), parts[0], meta.GetOptions{})
	if err != nil {
		return nil, err
	}
	address := net.ParseIP(service.Spec.ClusterIP).To4()
	if address == nil {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "services"}, name)
	}
	return address, nil
}

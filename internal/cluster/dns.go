package cluster

import (
	"context"
	"net"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	corelisters "k8s.io/client-go/listers/core/v1"

	"golang.org/x/net/dns/dnsmessage"
)

// serveDNS answers the pods' questions for the names of services.
func serveDNS(ctx context.Context, services corelisters.ServiceLister, router *router) error {
	conn, err := net.ListenPacket("udp", Gateway+":53")
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, peer, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			if reply, err := answer(buffer[:n], func(name string) ([]string, bool) {
				return resolve(services, router, name)
			}); err == nil {
				_, _ = conn.WriteTo(reply, peer)
			}
		}
	}()
	return nil
}

// resolve returns the addresses of NAME.NAMESPACE.svc.cluster.local.
func resolve(services corelisters.ServiceLister, router *router, name string) (addresses []string, found bool) {
	short, ok := strings.CutSuffix(name, ".svc.cluster.local.")
	parts := strings.Split(short, ".")
	if !ok || len(parts) != 2 {
		return nil, false
	}
	s, err := services.Services(parts[1]).Get(parts[0])
	if err != nil {
		return nil, false
	}
	if s.Spec.ClusterIP != corev1.ClusterIPNone {
		return []string{s.Spec.ClusterIP}, true
	}
	port := ""
	if len(s.Spec.Ports) > 0 {
		port = s.Spec.Ports[0].Name
	}
	for _, at := range router.endpoints(s, port) {
		host, _, err := net.SplitHostPort(at)
		if err == nil {
			addresses = append(addresses, host)
		}
	}
	return addresses, true
}

// answer returns the reply to a question.
func answer(query []byte, resolve func(name string) ([]string, bool)) ([]byte, error) {
	var parser dnsmessage.Parser
	header, err := parser.Start(query)
	if err != nil {
		return nil, err
	}
	question, err := parser.Question()
	if err != nil {
		return nil, err
	}
	reply := dnsmessage.Message{Questions: []dnsmessage.Question{question}, Header: dnsmessage.Header{ID: header.ID,
		Response: true, Authoritative: true, RecursionDesired: header.RecursionDesired, RecursionAvailable: true}}
	addresses, found := resolve(strings.ToLower(question.Name.String()))
	if !found {
		reply.RCode = dnsmessage.RCodeNameError
	}
	for _, text := range addresses {
		address, err := netip.ParseAddr(text)
		if err != nil || !address.Is4() || question.Type != dnsmessage.TypeA {
			continue
		}
		reply.Answers = append(reply.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Type: dnsmessage.TypeA, Class: question.Class,
				TTL: 1},
			Body: &dnsmessage.AResource{A: address.As4()},
		})
	}
	return reply.Pack()
}

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/tools/cache"
)

// router gives the addresses of services to the bridge, and passes connections to the pods behind them.
type router struct {
	ctx      context.Context
	services corelisters.ServiceLister
	slices   discoverylisters.EndpointSliceLister

	mu    sync.Mutex
	ports map[string]*servicePort // by address and port
}

// servicePort is a port of a service, on which the router listens.
type servicePort struct {
	listener net.Listener
	service  *corev1.Service
	port     corev1.ServicePort
}

func newRouter(ctx context.Context, services corelisters.ServiceLister,
	slices discoverylisters.EndpointSliceLister) *router {
	return &router{ctx: ctx, services: services, slices: slices, ports: map[string]*servicePort{}}
}

// handler returns what keeps the router in step with services.
func (r *router) handler() cache.ResourceEventHandlerFuncs {
	return cache.ResourceEventHandlerFuncs{AddFunc: func(any) { r.update() }, UpdateFunc: func(any, any) { r.update() },
		DeleteFunc: func(any) { r.update() }}
}

// update listens on the ports of all services that there are, and on no others.
func (r *router) update() {
	r.mu.Lock()
	defer r.mu.Unlock()
	all, err := r.services.List(labels.Everything())
	if err != nil || r.ctx.Err() != nil {
		return
	}
	wanted := map[string]bool{}
	for _, s := range all {
		if s.Spec.ClusterIP == "" || s.Spec.ClusterIP == corev1.ClusterIPNone {
			continue
		}
		for _, port := range s.Spec.Ports {
			at := net.JoinHostPort(s.Spec.ClusterIP, fmt.Sprint(port.Port))
			wanted[at] = true
			if known := r.ports[at]; known != nil {
				known.service, known.port = s, port
			} else if err := r.open(at, s, port); err != nil {
				fmt.Printf("service %s: %v\n", s.Name, err)
			}
		}
	}
	for at, known := range r.ports {
		if !wanted[at] {
			_ = known.listener.Close()
			delete(r.ports, at)
		}
	}
}

// open listens on a port of a service. The caller holds the mutex.
func (r *router) open(at string, s *corev1.Service, port corev1.ServicePort) error {
	_ = run("ip", "address", "add", s.Spec.ClusterIP+"/32", "dev", bridge) // it has the address if it has another port
	listener, err := net.Listen("tcp", at)
	if err != nil {
		return err
	}
	known := &servicePort{listener, s, port}
	r.ports[at] = known
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go r.pass(conn.(*net.TCPConn), known)
		}
	}()
	return nil
}

// pass passes a connection to one of the service's endpoints, or resets it if there is none.
func (r *router) pass(from *net.TCPConn, to *servicePort) {
	defer func() { _ = from.Close() }()
	r.mu.Lock()
	addresses := r.endpoints(to.service, to.port.Name)
	r.mu.Unlock()
	if len(addresses) == 0 {
		_ = from.SetLinger(0)
		return
	}
	conn, err := net.DialTimeout("tcp", addresses[rand.IntN(len(addresses))], 2*time.Second)
	if err != nil {
		_ = from.SetLinger(0)
		return
	}
	peer := conn.(*net.TCPConn)
	defer func() { _ = peer.Close() }()
	done := make(chan error, 2)
	copyHalf := func(to, from *net.TCPConn) {
		_, err := io.Copy(to, from)
		done <- errors.Join(err, to.CloseWrite())
	}
	go copyHalf(peer, from)
	go copyHalf(from, peer)
	if err := <-done; err == nil {
		<-done
	}
}

// endpoints returns the addresses of the ready endpoints of a service's port.
func (r *router) endpoints(s *corev1.Service, port string) (addresses []string) {
	found, err := r.slices.EndpointSlices(s.Namespace).List(labels.SelectorFromSet(labels.Set{
		discoveryv1.LabelServiceName: s.Name}))
	if err != nil {
		return nil
	}
	for _, slice := range found {
		for _, p := range slice.Ports {
			if p.Port == nil || p.Name != nil && *p.Name != port {
				continue
			}
			for _, e := range slice.Endpoints {
				if e.Conditions.Ready == nil || *e.Conditions.Ready {
					addresses = append(addresses, net.JoinHostPort(e.Addresses[0], fmt.Sprint(*p.Port)))
				}
			}
		}
	}
	return addresses
}

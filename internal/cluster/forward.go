package cluster

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/types"
	streaming "k8s.io/kubelet/pkg/cri/streaming/portforward"
)

// serveForward forwards ports of a pod for kubectl port-forward.
func (n *nodes) serveForward(w http.ResponseWriter, r *http.Request) {
	p, err := n.find(r.PathValue("namespace"), r.PathValue("pod"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	options, err := streaming.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	streaming.ServePortForward(w, r, forwarder{p}, p.object().Name, p.object().UID, options, time.Hour, time.Minute,
		streaming.SupportedProtocols)
}

// forwarder connects to ports of a pod.
type forwarder struct{ pod *pod }

// PortForward copies between a stream and a connection until the pod has ended its direction. How either side ends is
// no error of the forwarding, which would end kubectl.
func (f forwarder) PortForward(ctx context.Context, _ string, _ types.UID, port int32,
	stream io.ReadWriteCloser) error {
	address := net.JoinHostPort(f.pod.sandbox.Address, fmt.Sprint(port))
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	go func() {
		_, _ = io.Copy(conn, stream)
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(stream, conn)
	_ = stream.Close()
	return nil
}

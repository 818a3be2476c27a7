package sim

import (
	"context"
	"net"
	"net/http"
	"time"
)

// service serves a handler on an address. Nil serves none.
type service struct {
	listener net.Listener
	server   *http.Server
}

// newService listens for a handler, whose requests have contexts that end with the one given.
func newService(open context.Context, addr string, handler http.Handler) (*service, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &service{listener, &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return open }}}, nil
}

// guard makes it possible to slam the door.
func (s *service) guard() { s.listener = &door{Listener: s.listener, conns: map[net.Conn]bool{}} }

// slam resets all connections, and those that come, until unlock.
func (s *service) slam() {
	if s != nil {
		s.listener.(*door).set(true)
	}
}

func (s *service) unlock() {
	if s != nil {
		s.listener.(*door).set(false)
	}
}

// serve begins to serve, until close.
func (s *service) serve() { go func() { _ = s.server.Serve(s.listener) }() }

// url returns the base URL, and "" of none.
func (s *service) url() string {
	if s == nil {
		return ""
	}
	return "http://" + s.listener.Addr().String()
}

func (s *service) close() error {
	if s == nil {
		return nil
	}
	return s.server.Close()
}

package storage

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// errSilent is why a context ends whose server moved no byte for too long.
var errSilent = errors.New("no answer")

// traffic knows when a byte last moved over its connections, in either direction. That tells a dead server from a slow
// line, which a limit on a request's whole time cannot do for files of any size.
type traffic struct {
	patience time.Duration
	epoch    time.Time
	last     atomic.Int64 // ns since epoch
	waiting  atomic.Int64 // how many wait for the server
}

func newTraffic(patience time.Duration) *traffic {
	return &traffic{patience: patience, epoch: time.Now()}
}

func (t *traffic) touch() { t.last.Store(int64(time.Since(t.epoch))) }

// wait marks the time until the function it returns is called as waiting for the server.
func (t *traffic) wait() (done func()) {
	t.touch()
	t.waiting.Add(1)
	return func() { t.waiting.Add(-1) }
}

// guard ends a context with errSilent once somebody has waited too long. The caller calls stop, which returns when the
// guard is gone.
func (t *traffic) guard(ctx context.Context) (guarded context.Context, stop func()) {
	guarded, cancel := context.WithCancelCause(ctx)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		timer := time.NewTimer(t.patience)
		defer timer.Stop()
		for {
			select {
			case <-guarded.Done():
				return
			case <-timer.C:
			}
			rest := t.patience
			if t.waiting.Load() > 0 {
				rest -= time.Since(t.epoch) - time.Duration(t.last.Load())
			}
			if rest <= 0 {
				cancel(errSilent)
				return
			}
			timer.Reset(rest)
		}
	}()
	return guarded, func() { cancel(nil); <-gone }
}

// watch makes a transport's connections count. Idle ones go soon, as a report is stored once.
func (t *traffic) watch(transport *http.Transport) {
	transport.IdleConnTimeout = 10 * time.Second
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return watchedConn{conn, t}, nil
	}
}

type watchedConn struct {
	net.Conn
	traffic *traffic
}

func (c watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.traffic.touch()
	}
	return n, err
}

func (c watchedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if n > 0 {
		c.traffic.touch()
	}
	return n, err
}

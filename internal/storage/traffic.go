package storage

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// errSilent is the cause of a context that ended because its server moved no byte for too long.
var errSilent = errors.New("no answer")

// traffic records when a byte last moved over its connections, in either direction. That distinguishes a dead server
// from a slow line, which a limit on the time of a whole request cannot do for files of any size.
type traffic struct {
	patience time.Duration
	epoch    time.Time
	last     atomic.Int64 // ns since epoch
	waiting  atomic.Int64 // number of callers that wait for the server
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

// guard returns a context that ends with errSilent once a caller has waited too long. The caller must call stop, which
// returns when the guard's goroutine has ended.
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

// watch counts the connections of a transport as traffic. Idle connections close soon, because a report is stored once.
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

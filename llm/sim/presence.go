package sim

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// presence is whether a request's client is there.
type presence struct{ left atomic.Int64 }

// gone returns when the client went away, in Unix nanoseconds, and 0 while it is there.
func (p *presence) gone() int64 { return p.left.Load() }

// leave notes that the client went away. Only the first time counts.
func (p *presence) leave() { p.left.CompareAndSwap(0, record.UnixNano(time.Now())) }

// follow returns a context that ends when the server closes or goes away, and Options.OnCancel after the client's has
// ended. The caller ends it.
func (p *presence) follow(s *Server, l *life, client context.Context) (ctx context.Context, end func()) {
	if s.opts.OnCancel != 0 {
		return p.linger(s, l, client)
	}
	if s.service != nil && len(s.opts.Events) == 0 { // whose end ends the clients' contexts
		return client, func() {}
	}
	ctx, cancel := context.WithCancel(client)
	unfollow := context.AfterFunc(l.open, cancel)
	return ctx, func() {
		unfollow()
		cancel()
	}
}

// linger is follow for a client whose context is not the request's.
func (p *presence) linger(s *Server, l *life, client context.Context) (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancel(l.open)
	unfollow := context.AfterFunc(client, func() {
		if l.over() {
			return
		}
		p.leave()
		if s.opts.OnCancel != Never {
			time.AfterFunc(s.opts.OnCancel, cancel)
		}
	})
	return ctx, func() {
		unfollow()
		cancel()
	}
}

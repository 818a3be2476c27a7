package llm

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/lifecycle"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
)

// patience is how long the load waits without a word.
const patience = 2 * time.Second

// looksAtOnce bounds the requests to servers before the load, for scripts that give each VU a Client of its own.
const looksAtOnce = 32

// follow begins to follow the test, at the first Client of the process: k6 holds the start, under whichever executor,
// until what the first requests need is there, and the end fails where records are lost.
func (m *ModuleInstance) follow() {
	if !lifecycle.Emits(m.vu.Events()) {
		return
	}
	m.root.lifeCycle.follow.Do(func() {
		lifecycle.Follow(m.vu.Events(), func(name string, data any) {
			switch {
			case name == lifecycle.TestStart:
				m.root.readyAtStart()
			case name == lifecycle.Exit && samples.LostRecords() != "":
				lifecycle.MarkFailed(data)
			}
		})
	})
}

// readyAtStart looks for the servers. An interrupt ends the wait, for k6 itself heeds it only later.
func (r *RootModule) readyAtStart() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r.makeReady(ctx, false)
}

// BeforeLoad is for the executor llm-arrival-rate, whose first arrival waits for it: by then setup() may have started
// the server, or k6 may have been paused for long.
func (r *RootModule) BeforeLoad(ctx context.Context) {
	r.lifeCycle.load.Do(func() { r.makeReady(ctx, true) })
}

// makeReady finds the servers of all clients, reads their pages of metrics for the first time, and prepares the
// machine, so that no request of the load waits for that. What fails is left to the first request: it may never come.
// A test that is paused reads no pages until the load begins.
func (r *RootModule) makeReady(ctx context.Context, begins bool) {
	var looks sync.WaitGroup
	places := make(chan struct{}, looksAtOnce)
	for _, c := range r.clients.gather() {
		state := c.m.vu.State()
		if state == nil { // the script was read, and no VU was planned
			continue
		}
		r.prepare(state)
		looks.Go(func() {
			places <- struct{}{}
			c.makeReady(ctx, begins || !state.Options.Paused.Bool)
			<-places
		})
	}
	looks.Wait()
}

// makeReady finds the client's server, over connections of its own: the VU makes its connection at its first request,
// as all do.
func (c *jsClient) makeReady(ctx context.Context, pages bool) {
	state, began := c.m.vu.State(), time.Now()
	base, ok := apart(state.Transport).(*http.Transport)
	if !ok {
		return
	}
	if c.opts.credentials != nil {
		base = c.opts.credentials.over(base)
	}
	defer base.CloseIdleConnections()
	where := redactURL(c.opts.BaseURL)
	defer time.AfterFunc(patience, func() {
		state.Logger.Infof("the load waits for the list of models of %s", where)
	}).Stop()
	if err := c.endpoint.prepare(ctx, state, base, c.m, pages); err != nil && ctx.Err() == nil &&
		time.Since(began) > patience {
		state.Logger.Warnf("the load waits no longer for the list of models: %v", err)
	}
}

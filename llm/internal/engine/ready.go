package engine

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/seed-307b789f/xk6-llm/llm/internal/lifecycle"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
)

// patience is how long the load waits before it logs that it waits.
const patience = 2 * time.Second

// looksAtOnce bounds the requests to servers before the load, for scripts that give each VU a Client of its own.
const looksAtOnce = 32

// follow begins to follow the test, at the first Client of the process. Under every executor, k6 delays the start until
// the servers are found, and at the end it fails the run if records are lost.
func (v *VU) follow() {
	if !lifecycle.Emits(v.k6.Events()) {
		return
	}
	log := v.k6.InitEnv().Logger
	v.process.part.Store(v.process.part.Load() || segmented(os.Args, v.lookupEnv))
	v.process.lifeCycle.follow.Do(func() {
		var untie func()
		lifecycle.Follow(v.k6.Events(), func(name string, data any) {
			switch name {
			case lifecycle.TestStart:
				untie = v.process.noteSignals()
				v.process.readyAtStart()
			case lifecycle.Exit:
				if untie == nil { // no test was run
					return
				}
				untie()
				tellUnused(v.process, log)
				v.process.conclude(data, log)
			}
		})
	})
}

// segmented reports whether this instance is told to send a part of the load.
func segmented(args []string, lookupEnv func(string) (string, bool)) bool {
	if lookupEnv != nil {
		if _, set := lookupEnv("K6_EXECUTION_SEGMENT"); set {
			return true
		}
	}
	return slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "--execution-segment") })
}

// conclude ends the process with an error if the run says nothing, although it had no error of its own. data is that of
// k6's event.
func (p *Process) conclude(data any, log logrus.FieldLogger) {
	nothing := p.Nothing()
	if nothing == "" && samples.LostRecords() == "" {
		return
	}
	if nothing != "" && !p.told.Load() && lifecycle.Succeeded(data) {
		log.Error(nothing)
	}
	lifecycle.MarkFailed(data)
}

// Nothing returns why the run says nothing, or "" if some request succeeded. An instance to which no arrival fell need
// not say anything.
func (p *Process) Nothing() string {
	if p.Board() == nil && p.part.Load() {
		return ""
	}
	return p.Board().Nothing()
}

// Told notes that the summary has told how the run ended.
func (p *Process) Told() { p.told.Store(true) }

// Interrupted reports whether a signal ended the run.
func (p *Process) Interrupted() bool { return p.interrupted.Load() }

// noteSignals begins to note the signals by which users end a run. The function that it returns ends that.
func (p *Process) noteSignals() (untie func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
			p.interrupted.Store(true)
		case <-done:
		}
	}()
	return sync.OnceFunc(func() {
		signal.Stop(signals)
		close(done)
	})
}

// readyAtStart looks for the servers. An interrupt ends the wait, because k6 itself does not handle it until later.
func (p *Process) readyAtStart() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p.makeReady(ctx, false)
}

// BeforeLoad finds the servers once. The executor llm-arrival-rate calls it before the first arrival, because by then
// setup() may have started the server, or k6 may have been paused for long.
func (p *Process) BeforeLoad(ctx context.Context) {
	p.lifeCycle.load.Do(func() { p.makeReady(ctx, true) })
}

// makeReady finds the servers of all clients, reads their pages of metrics for the first time, and prepares the
// machine, so that no request of the load waits for any of it. It leaves failures to the first request, which may never
// come. A paused test reads no pages until the load begins.
func (p *Process) makeReady(ctx context.Context, begins bool) {
	var looks sync.WaitGroup
	slots := make(chan struct{}, looksAtOnce)
	for _, c := range p.clients.gather() {
		state := c.vu.k6.State()
		if state == nil { // the script was only read, and no VU was planned
			continue
		}
		if segment := state.Options.ExecutionSegment; segment != nil && segment.FloatLength() < 1 {
			p.part.Store(true)
		}
		p.prepare(state)
		looks.Go(func() {
			slots <- struct{}{}
			c.makeReady(ctx, begins || !state.Options.Paused.Bool)
			<-slots
		})
	}
	p.prepareMedia(ctx)
	looks.Wait()
}

// prepareMedia makes the media of prompts, as far as they are made before the load.
func (p *Process) prepareMedia(ctx context.Context) {
	v := p.vus.one()
	if v == nil || v.k6.State() == nil {
		return
	}
	for _, set := range v.sets {
		set.Prepare(ctx, v.k6.State().Logger)
	}
}

// makeReady finds the client's server. It uses connections of its own, so that this VU, like all others, makes its
// connection at its first request.
func (c *Client) makeReady(ctx context.Context, pages bool) {
	state, began := c.vu.k6.State(), time.Now()
	base, ok := apart(state.Transport).(*http.Transport)
	if !ok {
		return
	}
	if c.opts.Credentials != nil {
		base = c.opts.Credentials.over(base)
	}
	defer base.CloseIdleConnections()
	where := strings.Join(c.target.names(), ", ")
	defer time.AfterFunc(patience, func() {
		state.Logger.Infof("the load waits for the list of models of %s", where)
	}).Stop()
	if err := c.target.prepare(ctx, state, base, c.vu, pages); err != nil && ctx.Err() == nil &&
		time.Since(began) > patience {
		state.Logger.Warnf("the load waits no longer for the list of models: %v", err)
	}
}

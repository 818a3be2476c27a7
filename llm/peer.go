package llm

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/llm/client"
	"github.com/seed-307b789f/xk6-llm/llm/measure"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// peers are the distinct clients of the process. Each VU constructs its own of the same options; they are one here.
type peers struct {
	mu  sync.Mutex
	all map[string]*peer

	credentials cache[*credentials] // by file
}

// peer is what the clients of equal options share: their number, and the server they were found to reach.
type peer struct {
	number int
	opts   *clientOptions
	tokens client.Tokens          // of sessions
	broken atomic.Pointer[string] // why the test must end, under executors that cannot stop by themselves

	mu      sync.Mutex
	found   bool
	baseURL string
	model   string
	shown   string // model without secrets, if the server named it after one
	err     error
}

// of finds the peer of options.
func (c *peers) of(opts *clientOptions) (*peer, error) {
	key, err := json.Marshal([]any{opts.redacted(), opts.APIKey, opts.Headers, opts.extra, opts.BaseURL, opts.slo, opts.breakers, opts.pages.urls})
	if err != nil {
		return nil, fmt.Errorf("options of a Client: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.all[string(key)]; p != nil {
		return p, nil
	}
	if c.all == nil {
		c.all = map[string]*peer{}
	}
	p := &peer{number: len(c.all), opts: opts}
	c.all[string(key)] = p
	return p, nil
}

// ready finds the server before the first request of the process, and gives the model to ask for. An error is final, unless
// ctx had ended.
func (p *peer) ready(ctx context.Context, state *lib.State, rt http.RoundTripper, m *ModuleInstance) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found {
		return p.model, p.err
	}
	err := p.find(ctx, state, rt, m)
	if err != nil && ctx.Err() != nil {
		return "", err
	}
	p.found, p.err = true, err
	if err == nil {
		p.announce(ctx, state, m)
		m.scrape(p, state, rt)
	}
	return p.model, err
}

func (p *peer) find(ctx context.Context, state *lib.State, rt http.RoundTripper, m *ModuleInstance) (err error) {
	opts := p.opts.Options
	if p.opts.sim != nil {
		if opts.BaseURL, err = m.root.simulators.start(p.opts.BaseURL, *p.opts.sim, state.Logger); err != nil {
			return err
		}
	}
	wire, err := client.New(opts)
	if err != nil {
		return err
	}
	p.baseURL = opts.BaseURL
	if added := wire.Added(); added != "" && p.opts.sim == nil {
		if _, said := m.root.said.LoadOrStore(added, true); !said {
			state.Logger.Info(added)
		}
	}
	model, remark, err := wire.Discover(ctx, rt)
	if remark != "" {
		state.Logger.Warn(remark)
	}
	p.model, p.shown = model, wire.Hide(model)
	return err
}

// open notes why the test must end; the first reason counts.
func (p *peer) open(reason string) { p.broken.CompareAndSwap(nil, &reason) }

// opened is that reason, "" if there is none.
func (p *peer) opened() string {
	if reason := p.broken.Load(); reason != nil {
		return *reason
	}
	return ""
}

// announce pushes the lines that go before the first request.
func (p *peer) announce(ctx context.Context, state *lib.State, m *ModuleInstance) {
	tags := state.Tags.GetCurrentValues().Tags
	m.root.runLine.Do(func() {
		push(ctx, state, m.metrics.Event(measure.NewRun(state.Options, m.lookupEnv), tags))
	})
	if problem := p.opts.chatProblem; problem != nil {
		state.Logger.Warnf("tokenizer %q: %v. Where the server does not count prompts, those of chats are the tokens of their texts alone", p.opts.tokenizer, problem)
	}
	options := p.opts.redacted()
	options["model"] = p.shown
	push(ctx, state, m.metrics.Event(&record.Client{
		Number: p.number, SLO: p.opts.slo, Tokenizer: p.opts.tokenizer, Adapters: p.opts.split, Simulator: p.opts.sim != nil, Generated: m.root.salts.list(), Options: options,
	}, tags))
}

// simulators are the simulated servers of the process, one for each option string.
type simulators struct {
	mu  sync.Mutex
	all map[string]*sim.Server
}

// start gives the base URL of the simulator, started at its first use: a script is also loaded where nothing is sent.
func (s *simulators) start(key string, opts sim.Options, log interface{ Warn(args ...any) }) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if server := s.all[key]; server != nil {
		return server.URL(), nil
	}
	server, err := sim.Listen("127.0.0.1:0", opts)
	if err != nil {
		return "", fmt.Errorf("starting the simulator: %w", err)
	}
	if s.all == nil {
		s.all = map[string]*sim.Server{}
	}
	s.all[key] = server
	log.Warn(simulatorNotice)
	return server.URL(), nil
}

// used says whether a simulator was started.
func (s *simulators) used() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all) > 0
}

const simulatorNotice = "requests go to the built-in simulator: its figures are made up and say nothing about any model. Set baseURL (BASE_URL in our scripts) to measure a server."

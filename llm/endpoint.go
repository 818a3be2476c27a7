package llm

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/input"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// endpoints are the distinct clients of the process. Each VU constructs a Client of its own; those of equal options share
// one endpoint.
type endpoints struct {
	mu       sync.Mutex
	all      map[string]*endpoint
	gathered bool // the load begins: no VU joins any more

	credentials input.Cache[credentialFiles, *credentials]
}

// endpoint holds what the clients of equal options share: their number, and the server they reach.
type endpoint struct {
	number int
	opts   *clientOptions
	tokens client.Tokens          // of sessions
	broken atomic.Pointer[string] // why the test must end, under executors that cannot stop by themselves

	member *jsClient // of the VU that looks for the server before the load; guarded by peers

	mu      sync.Mutex
	looked  time.Time // when the server was looked for last
	final   bool      // a request has met the outcome
	baseURL string
	model   string
	shown   string   // model without secrets, if the server named it after one
	remarks []string // for the first request
	err     error
}

// find returns the endpoint of options, and makes it if there is none.
func (c *endpoints) find(opts *clientOptions) (*endpoint, error) {
	key, err := json.Marshal([]any{opts.redacted(), opts.APIKey, opts.Headers, opts.extra, opts.BaseURL, opts.slo,
		opts.breakers, opts.pages.URLs})
	if err != nil {
		return nil, fmt.Errorf("options of a Client: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.all[string(key)]; p != nil {
		return p, nil
	}
	if c.all == nil {
		c.all = map[string]*endpoint{}
	}
	p := &endpoint{number: len(c.all), opts: opts}
	c.all[string(key)] = p
	return p, nil
}

// join makes a VU's client the one that looks for the server before the load. The VU made last stands for all: it is
// none that k6 made only to read the script.
func (c *endpoints) join(p *endpoint, member *jsClient) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.gathered {
		p.member = member
	}
}

// gather gives a client of each endpoint, and lets none join from now on: VUs that k6 makes during the load are not to be
// touched.
func (c *endpoints) gather() (members []*jsClient) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gathered = true
	for _, p := range c.all {
		if p.member != nil {
			members = append(members, p.member)
		}
	}
	return members
}

// settle is how long a failed look for the server stands: the first request after the load began does not look again,
// while one after a setup() that started the server does.
const settle = time.Second

// ready gives the model to ask for, and finds the server if it was not found before the load. An error is final,
// unless ctx had ended.
func (p *endpoint) ready(ctx context.Context, state *lib.State, rt http.RoundTripper, m *ModuleInstance) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.final {
		return p.model, p.err
	}
	if err := p.look(ctx, state, rt, m); err != nil && ctx.Err() != nil {
		return "", err
	}
	p.final = true
	if p.err == nil {
		p.announce(ctx, state, m)
		m.scrape(p, state, rt)
	}
	return p.model, p.err
}

// prepare finds the server before the load, and begins to read its pages of metrics if they are wanted that early.
func (p *endpoint) prepare(ctx context.Context, state *lib.State, rt http.RoundTripper, m *ModuleInstance,
	pages bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.look(ctx, state, rt, m)
	if err == nil && pages {
		m.scrape(p, state, rt)
	}
	return err
}

// look finds the server, unless it is found or was missing a moment ago.
func (p *endpoint) look(ctx context.Context, state *lib.State, rt http.RoundTripper, m *ModuleInstance) error {
	if !p.looked.IsZero() && (p.err == nil || time.Since(p.looked) < settle) {
		return p.err
	}
	err := p.find(ctx, state, rt, m)
	if err != nil && ctx.Err() != nil {
		return err
	}
	p.looked, p.err = time.Now(), err
	return err
}

func (p *endpoint) find(ctx context.Context, state *lib.State, rt http.RoundTripper, m *ModuleInstance) (err error) {
	opts := p.opts.Options
	if p.opts.sim != nil {
		if opts.BaseURL, err = m.root.simulators.start(p.opts.BaseURL, *p.opts.sim); err != nil {
			return err
		}
	}
	wire, err := client.New(opts)
	if err != nil {
		return err
	}
	p.baseURL, p.remarks = opts.BaseURL, nil
	if added := wire.Added(); added != "" && p.opts.sim == nil {
		if _, said := m.root.said.LoadOrStore(added, true); !said {
			state.Logger.Info(added)
		}
	}
	model, remark, err := wire.Discover(ctx, rt)
	if remark != "" {
		p.remarks = append(p.remarks, remark)
	}
	p.model, p.shown = model, wire.Hide(model)
	return err
}

// open notes why the test must end; the first reason counts.
func (p *endpoint) open(reason string) { p.broken.CompareAndSwap(nil, &reason) }

// opened is that reason, "" if there is none.
func (p *endpoint) opened() string {
	if reason := p.broken.Load(); reason != nil {
		return *reason
	}
	return ""
}

// announce pushes the lines that go before the first request.
func (p *endpoint) announce(ctx context.Context, state *lib.State, m *ModuleInstance) {
	tags := state.Tags.GetCurrentValues().Tags
	m.root.lifeCycle.runLine.Do(func() {
		push(ctx, state, m.metrics.Event(samples.NewRun(state.Options, m.lookupEnv), tags))
	})
	for _, remark := range p.remarks {
		state.Logger.Warn(remark)
	}
	if p.opts.sim != nil && m.root.simulators.use() {
		state.Logger.Warn(simulatorNotice)
	}
	if problem := p.opts.chatProblem; problem != nil {
		state.Logger.Warnf("tokenizer %q: %v. Where the server does not count prompts, those of chats are the "+
			"tokens of their texts alone", p.opts.tokenizer, problem)
	}
	options := p.opts.redacted()
	options["model"] = p.shown
	push(ctx, state, m.metrics.Event(&record.Client{
		Number: p.number, SLO: p.opts.slo, Tokenizer: p.opts.tokenizer, Adapters: p.opts.split,
		Simulator: p.opts.sim != nil, Generated: m.root.inputs.Generated(), Options: options,
	}, tags))
}

// simulators are the simulated servers of the process, one for each option string.
type simulators struct {
	mu   sync.Mutex
	all  map[string]*sim.Server
	sent bool
}

// start gives the base URL of the simulator, started when a test begins: a script is also loaded where nothing is sent.
func (s *simulators) start(key string, opts sim.Options) (string, error) {
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
	return server.URL(), nil
}

// use notes that requests go to a simulator, and says whether they are the first that do.
func (s *simulators) use() (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first, s.sent = !s.sent, true
	return first
}

// used says whether requests went to a simulator.
func (s *simulators) used() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

const simulatorNotice = "requests go to the built-in simulator: its figures are made up and say nothing about any " +
	"model. Set baseURL (BASE_URL in our scripts) to measure a server."

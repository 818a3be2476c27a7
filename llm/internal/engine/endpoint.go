package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
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

// endpoints holds the endpoints of the process. Each VU constructs a Client of its own; Clients with equal options
// share one endpoint.
type endpoints struct {
	mu       sync.Mutex
	all      map[string]*endpoint
	gathered bool // the load begins, and no further VU may join

	credentials input.Cache[CredentialFiles, *Credentials]
}

// endpoint holds the state that Clients with equal options share: their number, and the server they reach.
type endpoint struct {
	number int
	opts   *Options
	tokens client.Tokens          // of sessions
	chains client.Chains          // likewise
	broken atomic.Pointer[string] // why the test must end, under executors that cannot stop by themselves

	member *Client // of the VU that looks for the server before the load; guarded by endpoints.mu

	mu      sync.Mutex
	looked  time.Time // the last look for the server
	final   bool      // a request has used the outcome of the look
	baseURL string
	model   string
	shown   string   // the model without secrets: a server may name a model after one
	remarks []string // for the first request
	err     error

	found   http.RoundTripper // what found the server
	between *http.Transport   // a copy of it for what is asked between stages; nil until something is
}

// find returns the endpoint for the options, and makes it if there is none.
func (e *endpoints) find(opts *Options) (*endpoint, error) {
	key, err := json.Marshal([]any{opts.redacted(), opts.APIKey, opts.Headers, opts.ExtraBody, opts.BaseURL,
		opts.Endpoint, opts.SLO, opts.Breakers, opts.Pages.URLs})
	if err != nil {
		return nil, fmt.Errorf("options of a Client: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if found := e.all[string(key)]; found != nil {
		return found, nil
	}
	if e.all == nil {
		e.all = map[string]*endpoint{}
	}
	made := &endpoint{number: len(e.all), opts: opts}
	e.all[string(key)] = made
	return made, nil
}

// join makes a VU's client the one that looks for the server before the load. The newest VU replaces earlier ones,
// because k6 makes the first only to read the script.
func (e *endpoints) join(target *endpoint, member *Client) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.gathered {
		target.member = member
	}
}

// gather returns a client of each endpoint. No client can join from then on, because VUs that k6 makes during the load
// must not be touched.
func (e *endpoints) gather() (members []*Client) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.gathered = true
	for _, each := range e.all {
		if each.member != nil {
			members = append(members, each.member)
		}
	}
	return members
}

// list returns the endpoints.
func (e *endpoints) list() []*endpoint {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Collect(maps.Values(e.all))
}

// settle is how long the outcome of a failed look for the server is kept. The first request after the load began does
// not look again, but a request after a setup() that started the server does.
const settle = time.Second

// ready returns the model to ask for, and finds the server if it was not found before the load. An error is final
// unless ctx has ended.
func (e *endpoint) ready(ctx context.Context, state *lib.State, rt http.RoundTripper,
	v *VU) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.final {
		return e.model, e.err
	}
	if err := e.look(ctx, state, rt, v); err != nil && ctx.Err() != nil {
		return "", err
	}
	e.final = true
	if e.err == nil {
		e.announce(ctx, state, v)
		v.scrape(e, state, rt)
	}
	return e.model, e.err
}

// prepare finds the server before the load, and begins to read its pages of metrics if pages is true.
func (e *endpoint) prepare(ctx context.Context, state *lib.State, rt http.RoundTripper, v *VU,
	pages bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.look(ctx, state, rt, v)
	if err == nil && pages {
		v.scrape(e, state, rt)
	}
	return err
}

// look finds the server, unless it is found already or was missing a moment ago.
func (e *endpoint) look(ctx context.Context, state *lib.State, rt http.RoundTripper, v *VU) error {
	if !e.looked.IsZero() && (e.err == nil || time.Since(e.looked) < settle) {
		return e.err
	}
	err := e.find(ctx, state, rt, v)
	if err != nil && ctx.Err() != nil {
		return err
	}
	e.looked, e.err, e.found = time.Now(), err, rt
	return err
}

func (e *endpoint) find(ctx context.Context, state *lib.State, rt http.RoundTripper, v *VU) (err error) {
	opts := e.opts.Options
	if e.opts.Sim != nil {
		if opts.BaseURL, err = v.process.simulators.start(*e.opts.Sim); err != nil {
			return err
		}
	}
	wire, err := client.New(opts)
	if err != nil {
		return err
	}
	e.baseURL, e.remarks = opts.BaseURL, nil
	if e.opts.completed {
		v.process.say(state, "baseURL has neither http:// nor https://, and is taken for "+redactURL(opts.BaseURL))
	}
	if added := wire.Added(); added != "" && e.opts.Sim == nil {
		v.process.say(state, added)
	}
	model, remark, err := wire.Discover(ctx, rt)
	if remark != "" {
		e.remarks = append(e.remarks, remark)
	}
	e.model, e.shown = model, wire.Hide(model)
	return err
}

// say logs a remark, once per process.
func (p *Process) say(state *lib.State, remark string) {
	if _, said := p.said.LoadOrStore(remark, true); !said {
		state.Logger.Info(remark)
	}
}

// warn logs a warning, once per process.
func (p *Process) warn(state *lib.State, warning string) {
	if _, said := p.said.LoadOrStore(warning, true); !said {
		state.Logger.Warn(warning)
	}
}

// open keeps the reason why the test must end. The first reason stays.
func (e *endpoint) open(reason string) { e.broken.CompareAndSwap(nil, &reason) }

// opened returns the reason why the test must end, or "" if it need not end.
func (e *endpoint) opened() string {
	if reason := e.broken.Load(); reason != nil {
		return *reason
	}
	return ""
}

// announce pushes the lines that precede the first request.
func (e *endpoint) announce(ctx context.Context, state *lib.State, v *VU) {
	tags := state.Tags.GetCurrentValues().Tags
	v.process.lifeCycle.runLine.Do(func() {
		push(ctx, state, v.metrics.Event(samples.NewRun(state.Options, v.lookupEnv), tags))
	})
	for _, remark := range e.remarks {
		state.Logger.Warn(remark)
	}
	if e.opts.Sim != nil && v.process.simulators.use() {
		state.Logger.Warn(simulatorNotice)
	}
	if problem := e.opts.ChatProblem; problem != nil {
		state.Logger.Warnf("tokenizer %q: %v. Where the server does not count prompts, those of chats are the "+
			"tokens of their texts alone", e.opts.Tokenizer, problem)
	}
	options := e.opts.redacted()
	options["model"] = e.shown
	push(ctx, state, v.metrics.Event(&record.Client{
		Number: e.number, SLO: e.opts.SLO, Tokenizer: e.opts.Tokenizer, Adapters: e.opts.Split,
		Simulator: e.opts.Sim != nil, Generated: v.process.Inputs.Generated(), Options: options,
	}, tags))
}

// simulators holds the simulated servers of the process, one for each set of options.
type simulators struct {
	mu  sync.Mutex
	all map[string]*sim.Server // by their options

	proxies map[string]string // base URLs, by the server's and the proxy's options
	sent    bool
}

// start returns the base URL of the simulator, or of its proxy if the options have one; the simulator behind it is that
// of the other options. It starts them only when a test begins, because scripts are also loaded where nothing is sent.
func (s *simulators) start(opts sim.Options) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	proxy := opts.Proxy
	opts.Proxy = sim.ProxyOptions{}
	server, err := s.find(opts)
	switch {
	case err != nil:
		return "", err
	case proxy == opts.Proxy:
		return server.URL(), nil
	}
	key := fmt.Sprint(server.URL(), proxy)
	if s.proxies[key] == "" {
		if s.proxies[key], err = server.Through("127.0.0.1:0", proxy); err != nil {
			return "", fmt.Errorf("starting the simulator's proxy: %w", err)
		}
	}
	return s.proxies[key], nil
}

// find returns the simulator of some options without a proxy.
func (s *simulators) find(opts sim.Options) (*sim.Server, error) {
	text, err := json.Marshal(opts) // all but what was read of the tokenizer, which the options name
	if err != nil {
		return nil, fmt.Errorf("options of the simulator: %w", err)
	}
	key := string(text)
	if server := s.all[key]; server != nil {
		return server, nil
	}
	server, err := sim.Listen("127.0.0.1:0", opts)
	if err != nil {
		return nil, fmt.Errorf("starting the simulator: %w", err)
	}
	if s.all == nil {
		s.all, s.proxies = map[string]*sim.Server{}, map[string]string{}
	}
	s.all[key] = server
	return server, nil
}

// use notes that requests go to a simulator, and reports whether it is called for the first time.
func (s *simulators) use() (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first, s.sent = !s.sent, true
	return first
}

// used reports whether requests went to a simulator.
func (s *simulators) used() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

const simulatorNotice = "requests go to the built-in simulator: its figures are made up and say nothing about any " +
	"model. Set baseURL (BASE_URL in our scripts) to measure a server."

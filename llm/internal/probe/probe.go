// Package probe asks a server a few tiny questions before a load: where its API is, which models it serves, what of a
// request it keeps and what it reports. Run answers them within about a second on a healthy server; TokensPerWord
// learns how the server counts the words of made-up prompts; First and Page see whether it is ready. What the server
// does wrong is part of the result, never a Go error.
package probe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// DefaultTimeout is the limit of a whole probe unless an option sets another.
const DefaultTimeout = 10 * time.Second

// Options says which server to probe, and how requests to it look. Only URL is required.
type Options struct {
	// URL is the server's address in any form: a host alone, with or without http://, the root of an API, or an
	// endpoint; "sim:" with its options is the built-in simulator.
	URL      string
	Endpoint string      // path of requests, with its query, in place of the path by URL and API; "" for that path
	API      api.Dialect // nil takes the URL's, or else chat, or completion where the server has no chat
	Model    string      // "" takes the first of the server's list
	APIKey   string      // sent as the API wants it; "" sends none
	// APIKeyHeader is the header that carries the key as it is; "" means the one that the API wants.
	APIKeyHeader string
	Headers      map[string]string
	Body         api.Extra // further fields of the body
	// MaxTokensField is the field that carries the limit of an answer; "" means max_tokens, or max_completion_tokens
	// where the server wants that.
	MaxTokensField string
	IgnoreEOS      bool          // requests will ask for answers of a fixed length
	Timeout        time.Duration // limit of the whole probe; 0 means DefaultTimeout

	Transport http.RoundTripper // nil means http.DefaultTransport
	// Tokenizer opens the tokenizer of a simulator that has one; nil refuses such a simulator.
	Tokenizer func(name string) (sim.Tokenizer, error)
}

// prober is a probe in progress.
type prober struct {
	wire      *wire
	opts      Options
	places    []place // where the API may be, the likeliest first
	result    *Result
	simulator string // the sim: URL of a simulator
	close     func() // ends the simulator
	tokens    int    // that a request asks for
	brief     bool   // one answer is enough
}

// Run probes a server. Its error reports misuse, such as a URL that is none, or that ctx ended; a server that cannot be
// used is a Result whose Problem says why.
func Run(ctx context.Context, opts Options) (*Result, error) {
	p, err := newProber(opts)
	if err != nil {
		return nil, err
	}
	return p.within(ctx, p.run)
}

// within lets a probe ask for its time, and returns what it found out.
func (p *prober) within(ctx context.Context, ask func(context.Context)) (*Result, error) {
	defer p.close()
	begin := time.Now()
	limited, cancel := context.WithTimeoutCause(ctx, p.opts.Timeout, errTimeout)
	defer cancel()
	ask(limited)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.result.Requests, p.result.Seconds = p.wire.requests, time.Since(begin).Seconds()
	p.result.RoundTrip = float64(p.wire.trip.Microseconds()) / 1000
	return p.result, nil
}

var errTimeout = errors.New("the probe's time is over")

func newProber(opts Options) (*prober, error) {
	if opts.Timeout == 0 {
		opts.Timeout = DefaultTimeout
	}
	if opts.Timeout < 0 {
		return nil, fmt.Errorf("timeout must be positive, got %v", opts.Timeout)
	}
	if opts.Transport == nil {
		opts.Transport = http.DefaultTransport
	}
	p := &prober{wire: &wire{transport: opts.Transport}, opts: opts, close: func() {}, result: new(Result),
		tokens: limit}
	if err := p.simulate(); err != nil {
		return nil, err
	}
	p.result.Settings = Settings{
		IgnoreEOS: opts.IgnoreEOS, MaxTokensField: opts.MaxTokensField, Model: opts.Model, Endpoint: opts.Endpoint,
	}
	if opts.MaxTokensField == "" {
		p.result.Settings.MaxTokensField = client.DefaultMaxTokensField
	}
	if err := p.locate(); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// simulate starts the simulator if the URL asks for it.
func (p *prober) simulate() error {
	url, stop, err := Simulate(p.opts.URL, p.opts.Tokenizer)
	if err != nil || url == p.opts.URL {
		return err
	}
	p.result.Simulator, p.simulator, p.opts.URL, p.close = true, p.opts.URL, url, stop
	return nil
}

// Simulate starts the simulator if a URL begins with sim:, and returns where it listens until stop is called. It
// returns any other URL as it is. tokenizer opens the tokenizer of a simulator that has one; nil refuses such a
// simulator.
func Simulate(url string, tokenizer func(name string) (sim.Tokenizer, error)) (
	address string, stop func(), err error) {
	query, simulated := strings.CutPrefix(url, "sim:")
	if !simulated {
		return url, func() {}, nil
	}
	o, err := sim.ParseQuery(strings.TrimPrefix(query, "?"))
	if err != nil {
		return "", nil, err
	}
	if o.Tokenizer != "" {
		if tokenizer == nil {
			return "", nil, fmt.Errorf("the simulator's tokenizer %q cannot be read here", o.Tokenizer)
		}
		tokens, err := tokenizer(o.Tokenizer)
		if err != nil {
			return "", nil, fmt.Errorf("tokenizer %q: %w", o.Tokenizer, err)
		}
		if err := o.Use(tokens); err != nil {
			return "", nil, err
		}
	}
	server, err := sim.Listen("127.0.0.1:0", o)
	if err != nil {
		return "", nil, fmt.Errorf("starting the simulator: %w", err)
	}
	return server.URL(), func() { _ = server.Close() }, nil // nothing uses it any more
}

// Client returns the options of a client for requests to a server that Run found usable with the same options.
func (r *Result) Client(opts Options) (client.Options, error) {
	opts.URL = r.address(opts.URL)
	p, err := newProber(opts)
	if err != nil {
		return client.Options{}, err
	}
	defer p.close()
	*p.result = *r
	dialect, err := api.ByName(r.Settings.API)
	if err != nil {
		return client.Options{}, err
	}
	return p.options(p.places[0].base, dialect), nil
}

// run answers the questions in their order, and stops where the next makes no sense.
func (p *prober) run(ctx context.Context) {
	if !p.findModels(ctx) {
		if program := recognise("", p.result.header, ""); program != nil {
			p.result.Software = program.name
		}
		return
	}
	found := make(chan surroundings, 1)
	at, model := p.places[0], p.result.Settings.Model
	go func() { found <- p.lookAround(ctx, at, model) }()
	p.request(ctx)
	p.result.take(<-found)
}

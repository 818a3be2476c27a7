package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// address is the base URL of an endpoint, as the options give it.
type address struct {
	base      string
	sim       *sim.Options // of the simulated server; nil means a real server
	completed bool         // http:// was put before the base URL
}

// endpoint is a server of a target. Its target guards it until a request has used it.
type endpoint struct {
	address
	opts   *Options
	name   string        // by which records and messages name it, without secrets
	tokens client.Tokens // of sessions
	chains client.Chains // likewise

	baseURL string // where it is; "" before the first look
	model   string
	shown   string // the model without secrets: a server may name a model after one
	remark  string // for the first request
	err     error  // why it cannot be used
}

// readAddress reads a base URL, and the simulator's options in it.
func readAddress(text string) (a address, err error) {
	a.base, a.completed = client.WithScheme(strings.TrimSpace(text))
	if query, ok := strings.CutPrefix(a.base, simScheme); ok {
		parsed, err := sim.ParseQuery(strings.TrimPrefix(query, "?"))
		if err != nil {
			return a, err
		}
		a.sim = &parsed
	}
	return a, nil
}

// wire checks the options of requests to the address.
func (a address) wire(o client.Options) (*client.Client, error) {
	if o.BaseURL = a.base; a.sim != nil {
		o.BaseURL = "http://localhost" // not known yet
	}
	return client.New(o)
}

// Spread names the endpoints of a client, and how its requests are spread over several.
type Spread struct {
	BaseURLs []string  // nil means those that Options.BaseURL names
	Balance  string    // see traffic.NewBalance
	Weights  []float64 // likewise

	addresses []address        // at least one
	balance   *traffic.Balance // over them; nil if there is one
}

// settle reads the base URLs, and how requests are spread over them.
func (s *Spread) settle(o *Options) (err error) {
	list := s.BaseURLs
	if list == nil {
		list = client.SplitURLs(o.BaseURL)
	}
	if err := s.read(list, o); err != nil {
		return err
	}
	switch {
	case len(list) == 0:
		return invalid("baseURL", errors.New("is an empty list: give a URL, or several"))
	case len(list) == 1 && (s.Balance != "" || s.Weights != nil):
		return errors.New("Client options \"balance\" and \"weights\" are for several endpoints, and baseURL " +
			"names one: leave them out, or give a list")
	}
	if o.BaseURL = s.addresses[0].base; len(list) == 1 {
		return nil
	}
	if s.balance, err = traffic.NewBalance(s.Balance, len(list), s.Weights); err != nil {
		return fmt.Errorf("new Client: %w", err)
	}
	return nil
}

// read reads the base URLs, and checks the options of requests to each.
func (s *Spread) read(list []string, o *Options) error {
	wires := map[string]int{}
	for i, text := range list {
		a, err := readAddress(text)
		if err != nil {
			return invalid("baseURL", among(list, i, err))
		}
		wire, err := a.wire(o.Options)
		if err != nil {
			return fmt.Errorf("new Client: %w", among(list, i, err))
		}
		where := wire.URL()
		if a.sim != nil {
			where = keyOf(*a.sim)
		}
		if first, twice := wires[where]; twice {
			return invalid("baseURL", fmt.Errorf("number %d is the same endpoint as number %d, %s%s", i, first,
				redactURL(a.base), instead(a)))
		}
		wires[where] = i
		s.addresses = append(s.addresses, a)
	}
	return nil
}

// among adds the place in a list of several to an error.
func among(list []string, i int, err error) error {
	if len(list) == 1 {
		return err
	}
	return fmt.Errorf("number %d: %w", i, err)
}

// instead says what to do about an endpoint that is named twice.
func instead(a address) string {
	if a.sim != nil {
		return ": give each simulator a name of its own, as in 'sim:?name=b'"
	}
	return ": leave one out, and give the other a weight of 2 (weights) if it is to have twice the requests"
}

// bases returns the base URLs as they were given.
func (s *Spread) bases() []string {
	list := make([]string, len(s.addresses))
	for i, a := range s.addresses {
		list[i] = a.base
	}
	return list
}

// redact adds the base URLs to the options in the record file, and how requests are spread over them.
func (s *Spread) redact(m map[string]any) {
	list := s.bases()
	for i := range list {
		list[i] = redactURL(list[i])
	}
	if len(list) == 1 {
		m["baseURL"] = list[0]
		return
	}
	m["baseURL"], m["balance"] = list, s.balance.Kind()
	if s.Weights != nil {
		m["weights"] = s.Weights
	}
}

// Simulators returns the options of the simulators that requests go to.
func (s *Spread) Simulators() (list []*sim.Options) {
	for _, a := range s.addresses {
		if a.sim != nil {
			list = append(list, a.sim)
		}
	}
	return list
}

// plainHTTP reports whether all endpoints are reached without TLS.
func (s *Spread) plainHTTP() bool {
	for _, a := range s.addresses {
		if a.sim == nil && !strings.HasPrefix(a.base, "http:") {
			return false
		}
	}
	return true
}

// endpoints returns the endpoints, for which nobody has looked yet.
func (s *Spread) endpoints(o *Options) (list []*endpoint) {
	for _, a := range s.addresses {
		list = append(list, &endpoint{address: a, opts: o, name: redactURL(a.base)})
	}
	return list
}

// find looks for the server. Its error tells what to mend.
func (e *endpoint) find(ctx context.Context, state *lib.State, rt http.RoundTripper, v *VU) (err error) {
	opts := e.opts.Options
	if opts.BaseURL = e.base; e.sim != nil {
		if opts.BaseURL, err = v.process.simulators.start(*e.sim); err != nil {
			return err
		}
	}
	wire, err := client.New(opts)
	if err != nil {
		return err
	}
	e.baseURL = opts.BaseURL
	if e.completed {
		v.process.say(state, "baseURL has neither http:// nor https://, and is taken for "+e.name)
	}
	if added := wire.Added(); added != "" && e.sim == nil && len(e.opts.Spread.addresses) == 1 {
		v.process.say(state, added)
	}
	model, remark, err := wire.Discover(ctx, rt)
	e.model, e.shown, e.remark = model, wire.Hide(model), remark
	return err
}

// pageCredentials returns the headers that authorize requests for other pages of the server.
func (e *endpoint) pageCredentials() map[string]string {
	opts := e.opts.Options
	opts.BaseURL = e.base
	return opts.PageCredentials()
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

// reached is an endpoint that was found, with what sends requests of a dialect there.
type reached struct {
	*endpoint
	wire *client.Client
}

// reach returns the endpoints of the client for requests of a dialect. It makes what sends them at the first use,
// because a simulator has no address before.
func (c *Client) reach(dialect api.Dialect) ([]reached, error) {
	if list := c.wires[dialect]; list != nil {
		return list, nil
	}
	list := make([]reached, len(c.target.endpoints))
	for i, e := range c.target.endpoints {
		opts := c.opts.Options
		opts.BaseURL = e.baseURL
		opts.Speak(dialect)
		opts.Tokens, opts.Chains = &e.tokens, &e.chains
		wire, err := client.New(opts)
		if err != nil {
			return nil, err
		}
		list[i] = reached{e, wire}
	}
	c.wires[dialect] = list
	return list, nil
}

// direct chooses the endpoint of a request, and returns the model that it is asked for.
func (c *Call) direct(to []reached) (model string) {
	at := to[c.client.opts.Spread.balance.Of(c.position.place(c.SessionID))]
	if c.wire = at.wire; c.endpoint == "" && len(to) > 1 {
		c.endpoint = at.name
	}
	return at.model
}

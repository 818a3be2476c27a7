package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.k6.io/k6/v2/errext"
	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/breaker"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/input"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/internal/status"
	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Client is a Client of one VU. Only the VU's goroutine may use it, except for the requests that it has prepared.
type Client struct {
	vu     *VU
	opts   *Options
	target *target // what it reaches, shared by all VUs
	wires  map[api.Dialect][]reached

	secure *http.Transport // for a client with credentials; made at the first request
	last   Position        // of the iteration that dropped idle connections last
}

// NewClient returns a client with options that are settled. source reads the files that they name.
func (v *VU) NewClient(opts *Options, source func() *input.Source) (*Client, error) {
	if err := v.loadCredentials(opts, source); err != nil {
		return nil, err
	}
	target, err := v.process.clients.find(opts)
	if err != nil {
		return nil, err
	}
	c := &Client{vu: v, opts: opts, target: target, wires: map[api.Dialect][]reached{}}
	v.process.clients.join(target, c)
	v.follow()
	if v.k6.InitEnv() != nil {
		v.clients = append(v.clients, c)
	}
	return c, nil
}

// Number returns the number by which records name the client. Clients with equal options have the same.
func (c *Client) Number() int { return c.target.number }

// Streaming reports whether the client asks for answers token by token.
func (c *Client) Streaming() bool { return c.opts.Streaming }

// Dialect returns the dialect of the client's requests.
func (c *Client) Dialect() api.Dialect { return c.opts.API }

// Job is a request to send.
type Job struct {
	Dialect api.Dialect
	client.Request
	Turn  int // of its session, from 0
	Asked int // number of tokens that its prompt was made to have; 0 if unknown
	Class traffic.Class

	turn  *datasets.Asked // the turn of a conversation that it asks; nil if it is not from a conversation
	asked *asked          // the call of a session that it is; nil if it is not from a session
}

// Call is a request with everything that it needs from its VU, so that another goroutine can send it.
type Call struct {
	Job
	ctx       context.Context
	state     *lib.State
	transport http.RoundTripper
	wire      *client.Client
	client    *Client
	endpoint  string // by which the record names where the request goes; "" if there is one endpoint
	position  Position
	adapter   string
	tags      metrics.TagsAndMeta
	board     *status.Board
}

// Prepare does everything that must happen on the VU's goroutine before a request leaves. It finds the server, once for
// all VUs, and the position of the request in the run. If there is nothing to measure without a server, the error is
// the interrupt that ends the test.
func (c *Client) Prepare(j Job) (*Call, error) {
	call, to, err := c.begin(j)
	if err != nil {
		return nil, err
	}
	return call, call.place(to, c.vu.nextPosition())
}

// begin finds the servers, and returns a request that has no position yet, and the endpoints that it may go to.
func (c *Client) begin(j Job) (*Call, []reached, error) {
	state := c.vu.k6.State()
	if state == nil {
		return nil, nil, errors.New("requests cannot be sent in the init context, send them in the default function " +
			"or in setup")
	}
	transport, err := c.transport(state)
	if err != nil {
		return nil, nil, err
	}
	call := &Call{
		Job: j, ctx: c.vu.k6.Context(), state: state, transport: transport, client: c,
		board: c.vu.board(state),
	}
	if err = c.ready(call); err != nil {
		return nil, nil, err
	}
	to, err := c.reach(j.route())
	if err != nil {
		return nil, nil, err
	}
	if err := checkLeave(j.Class.Leave, j.Dialect, to[0].wire.Trickles()); err != nil {
		return nil, nil, fmt.Errorf("request option \"cancel\": %w", err)
	}
	return call, to, nil
}

// place gives the request its position in the run, and all that follows from it.
func (c *Call) place(to []reached, at Position) error {
	vu := c.client.vu
	c.position, c.tags, c.turn = at, c.state.Tags.GetCurrentValues(), vu.askedTurn(&c.Job)
	noteMark(c)
	c.client.dropIdleConnections(c.state, at)
	c.address(to)
	if err := c.checkMedia(); err != nil { // no further request of the script could be sent
		return abort(err.Error())
	}
	return nil
}

// ready finds the servers, or returns the interrupt that ends the test.
func (c *Client) ready(call *Call) error {
	if reason := c.target.opened(); reason != "" {
		return abort(reason)
	}
	err := c.target.ready(call.ctx, call.state, call.transport, c.vu)
	if err != nil && call.ctx.Err() == nil {
		return abort(err.Error())
	}
	return err
}

// abort returns the interrupt that ends the whole test as exec.test.abort does.
func abort(reason string) error {
	return &errext.InterruptError{Reason: errext.AbortTest + ": " + reason}
}

// address gives the request its id, its endpoint and its model.
func (c *Call) address(to []reached) {
	c.ID = nextRequestID()
	model := c.direct(to)
	c.classify()
	if c.Model == "" && len(c.client.opts.Split) > 0 {
		c.adapter = traffic.ChooseAdapter(c.client.opts.Split, c.position.place(c.SessionID))
		c.Model = c.adapter
	}
	if c.Model == "" {
		c.Model = model
	}
	c.Checked = true // what scripts and files say went through JSON
	if c.Dialect.Input() == api.InputMessages {
		c.client.vu.process.takeMedia(&c.Request)
		c.client.vu.process.estimate(c.Media, c.Model, model)
	}
	if c.Dialect.Input() == api.InputRanking && len(c.Inputs) == 1 {
		c.client.vu.process.warn(c.state, "a rerank request has one document, which is ranked against none: its "+
			"latency is that of one score")
	}
}

// Do sends the request, completes its record and pushes it. It waits for the end of the answer.
func (c *Call) Do() (client.Answer, record.Counts, error) {
	answer, counts, err := c.exchange()
	if err == nil {
		c.hand(c.client.vu.metrics.Request(answer.Record, counts, c.tags, c.client.opts.ITL), answer.Record)
	}
	return answer, counts, err
}

// exchange sends the request and completes its record.
func (c *Call) exchange() (client.Answer, record.Counts, error) {
	if c.state.RPSLimit != nil {
		_ = c.state.RPSLimit.Wait(c.ctx) // fails only when ctx ends, and the request's record will show that
	}
	ticket := sent(c.board, &c.position)
	answer, err := c.wire.Do(c.ctx, c.transport, &c.Request)
	if err != nil {
		c.board.Lost(time.Now(), ticket)
		return client.Answer{}, record.Counts{}, err
	}
	r := answer.Record
	if c.turn != nil {
		c.turn.Done(answer.Text, !r.Failed())
	}
	r.Client, r.SessionID, r.Turn, r.Adapter, r.PromptAsked = c.client.Number(), c.SessionID, c.Turn, c.adapter, c.Asked
	r.Label, r.Endpoint = c.Class.Label, c.endpoint
	c.position.mark(r)
	if c.asked != nil {
		c.asked.mark(r)
	}
	counts := r.Counts()
	c.client.opts.applyBounds(r, c.Class.SLO)
	c.board.Done(r, counts, ticket)
	if due := c.position.due; due != nil && due.Ended != nil {
		if c.asked != nil {
			c.asked.complete(r) // nothing may change any more
		}
		due.Ended(r, counts)
	}
	return answer, counts, nil
}

// hand hands the record to k6, and to all that watch the requests.
func (c *Call) hand(container *samples.Container, r *record.Request) {
	process := c.client.vu.process
	if !r.Warmup {
		process.Failures.Add(r)
		process.Oddities.Add(r)
		process.Endpoints.Add(r)
	}
	push(c.ctx, c.state, container)
	breaker.Watch(c.client.target.opts.Breakers, r, c.halt) // of all VUs
}

// halt stops the load for a reason. The executor llm-arrival-rate lets the requests in flight end. Under others the
// next request of each VU aborts the test, because only the VU's own goroutine may interrupt it.
func (c *Call) halt(reason string, run bool) {
	if due := c.position.due; due != nil && due.Stop != nil {
		due.Stop(run, reason)
		return
	}
	c.client.target.open(reason)
}

package llm

import (
	"context"
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/errext"
	"go.k6.io/k6/v2/js/promises"
	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/breaker"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/input"
)

// jsClient is a Client object of a script.
type jsClient struct {
	m        *ModuleInstance
	opts     *clientOptions
	endpoint *endpoint // the server behind it, shared by all VUs
	wire     map[string]*client.Client

	secure *http.Transport // for a client with credentials; made at the first request
	last   position        // of the iteration that dropped idle connections last
}

// newClient is the constructor of Client.
func (m *ModuleInstance) newClient(call sobek.ConstructorCall) *sobek.Object {
	rt := m.vu.Runtime()
	opts, err := readClientOptions(rt, call.Argument(0))
	if err == nil {
		err = m.loadTokenizers(opts)
	}
	if err == nil {
		err = m.loadCredentials(opts)
	}
	if err != nil {
		throw(rt, err)
	}
	endpoint, err := m.root.clients.find(opts)
	if err != nil {
		throw(rt, err)
	}
	c := &jsClient{m: m, opts: opts, endpoint: endpoint, wire: map[string]*client.Client{}}
	m.root.clients.join(endpoint, c)
	m.follow()
	for name, method := range map[string]any{
		"send":      func(request sobek.Value) (*result, error) { return c.wait(c.send(request)) },
		"sendAsync": func(request sobek.Value) (*sobek.Promise, error) { return c.start(c.send(request)) },
		"chat":      func(messages, opts sobek.Value) (*result, error) { return c.wait(c.chat(messages, opts)) },
		"chatAsync": func(messages, opts sobek.Value) (*sobek.Promise, error) {
			return c.start(c.chat(messages, opts))
		},
		"complete": func(prompt, opts sobek.Value) (*result, error) { return c.wait(c.complete(prompt, opts)) },
		"completeAsync": func(prompt, opts sobek.Value) (*sobek.Promise, error) {
			return c.start(c.complete(prompt, opts))
		},
	} {
		if err := call.This.Set(name, method); err != nil {
			throw(rt, err)
		}
	}
	return nil
}

// job is a request as Go values. It holds no JavaScript value, so it can leave the event loop.
type job struct {
	dialect   *api.Dialect
	request   client.Request
	sessionID string
	turn      int
	asked     int             // number of tokens that its prompt was made to have; 0 if unknown
	turnAsked *datasets.Asked // the turn of a conversation that it asks; nil if it is not from a conversation
}

// send reads {messages | prompt, …} for the client's api. In a chat, a prompt becomes the only message.
func (c *jsClient) send(request sobek.Value) (*job, error) {
	var opts requestOptions
	if absent(request) {
		return nil, errors.New("send needs a request such as {messages: [...]} or {prompt: '...'}")
	}
	if err := opts.withInput().read(c.m.vu.Runtime(), "request", request); err != nil {
		return nil, err
	}
	switch {
	case opts.hasPrompt == (opts.Messages != nil):
		return nil, errors.New("a request has either messages or a prompt")
	case c.opts.API == api.Completion && opts.Messages != nil:
		return nil, errors.New(`a client of api "completion" takes a prompt, not messages: set api: 'completion' on ` +
			`the Dataset, or api: 'chat' on the Client`)
	case c.opts.API == api.Chat && opts.hasPrompt:
		opts.Messages, opts.Prompt = userMessage(opts.Prompt), ""
	}
	return opts.job(c.opts.API), nil
}

func (c *jsClient) chat(messages, options sobek.Value) (*job, error) {
	opts, err := c.options(options)
	if err != nil {
		return nil, err
	}
	if !absent(messages) {
		if prompt, ok := messages.Export().(string); ok {
			opts.Messages = userMessage(prompt)
			return opts.job(api.Chat), nil
		}
	}
	if err := jsonArray(&opts.Messages)(messages); err != nil {
		return nil, fmt.Errorf("chat: messages %w", err)
	}
	return opts.job(api.Chat), nil
}

func (c *jsClient) complete(prompt, options sobek.Value) (*job, error) {
	opts, err := c.options(options)
	if err != nil {
		return nil, err
	}
	if err := text(&opts.Prompt)(prompt); err != nil {
		return nil, fmt.Errorf("complete: prompt %w", err)
	}
	return opts.job(api.Completion), nil
}

func (c *jsClient) options(value sobek.Value) (*requestOptions, error) {
	opts := new(requestOptions)
	return opts, opts.fields().read(c.m.vu.Runtime(), "request", value)
}

func (o *requestOptions) job(dialect *api.Dialect) *job {
	o.MaxTokens = int(o.maxTokens)
	return &job{dialect: dialect, request: o.Request, sessionID: o.SessionID, turn: int(o.turn),
		asked: int(o.promptTokens)}
}

// call is a job with everything that it needs from its VU, so that it can leave the event loop.
type call struct {
	*job
	ctx       context.Context
	state     *lib.State
	transport http.RoundTripper
	wire      *client.Client
	opts      *clientOptions
	position  position
	adapter   string
	tags      metrics.TagsAndMeta
	endpoint  *endpoint
	m         *ModuleInstance
	status    *statusLine
}

// prepare does everything that must happen on the event loop before a request leaves. It finds the server, once for all
// VUs, and the position of the request in the run.
func (c *jsClient) prepare(j *job) (*call, error) {
	state := c.m.vu.State()
	if state == nil {
		return nil, errors.New("requests cannot be sent in the init context, send them in the default function or " +
			"in setup")
	}
	ctx, line := c.m.vu.Context(), c.m.statusLine(state)
	if reason := c.endpoint.opened(); reason != "" {
		c.abort(errors.New(reason))
		return nil, errAborted
	}
	transport, err := c.transport(state)
	if err != nil {
		return nil, err
	}
	model, err := c.endpoint.ready(ctx, state, transport, c.m)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, err
	case err != nil:
		c.abort(err)
		return nil, errAborted
	}
	wire, err := c.wireFor(j.dialect)
	if err != nil {
		return nil, err
	}
	position, adapter := c.m.nextPosition(), ""
	c.dropIdleConnections(state, position)
	if j.request.Model == "" && len(c.opts.split) > 0 {
		adapter = input.ChooseAdapter(c.opts.split, position.seed, position.scenario, position.index, position.seq)
		j.request.Model = adapter
	}
	if j.request.Model == "" {
		j.request.Model = model
	}
	j.request.ID, j.turnAsked = nextRequestID(), c.m.askedTurn(j)
	return &call{
		job: j, ctx: ctx, state: state, transport: transport, wire: wire, opts: c.opts, position: position,
		adapter: adapter,
		tags:    state.Tags.GetCurrentValues(), endpoint: c.endpoint, m: c.m, status: line,
	}, nil
}

// errAborted reports that the runtime was interrupted. It must not become an exception, which would replace the
// interrupt.
var errAborted = errors.New("test aborted")

// abort ends the whole test as exec.test.abort does, because without a server there is nothing to measure.
func (c *jsClient) abort(err error) {
	c.m.vu.Runtime().Interrupt(abortError{&errext.InterruptError{Reason: errext.AbortTest + ": " + err.Error()}})
}

// abortError is an interrupt to which k6 adds no position in the script, because the position has nothing to do with
// the cause.
type abortError struct{ *errext.InterruptError }

// Unwrap returns the interrupt error, by which k6 recognizes an abort.
func (e abortError) Unwrap() error { return e.InterruptError }

// wireFor returns the client of a dialect. It makes the client at its first use, because the simulator has no address
// before.
func (c *jsClient) wireFor(dialect *api.Dialect) (*client.Client, error) {
	if w := c.wire[dialect.Name()]; w != nil {
		return w, nil
	}
	opts := c.opts.Options
	opts.API, opts.BaseURL, opts.Tokens = dialect, c.endpoint.baseURL, &c.endpoint.tokens
	w, err := client.New(opts)
	if err == nil {
		c.wire[dialect.Name()] = w
	}
	return w, err
}

// wait sends the request and returns the result, as send, chat and complete do.
func (c *jsClient) wait(j *job, err error) (*result, error) {
	if err != nil {
		return nil, asPrintable(err)
	}
	prepared, err := c.prepare(j)
	if errors.Is(err, errAborted) {
		return nil, nil // the script is interrupted, and never sees the result
	}
	if err != nil {
		return nil, asPrintable(err)
	}
	res, err := prepared.do()
	return res, asPrintable(err)
}

// start sends the request and returns a promise, as the Async methods do.
func (c *jsClient) start(j *job, err error) (*sobek.Promise, error) {
	if err != nil {
		return nil, asPrintable(err)
	}
	prepared, err := c.prepare(j)
	if errors.Is(err, errAborted) {
		return nil, nil // the script is interrupted, and never sees the promise
	}
	if err != nil {
		return nil, asPrintable(err)
	}
	promise, resolve, reject := promises.New(c.m.vu)
	go func() { // the event loop waits for the promise
		res, err := prepared.do()
		if err != nil {
			reject(asPrintable(err))
			return
		}
		resolve(res)
	}()
	return promise, nil
}

// do sends the request, completes its record and pushes it. It touches no JavaScript value.
func (c *call) do() (*result, error) {
	if c.state.RPSLimit != nil {
		_ = c.state.RPSLimit.Wait(c.ctx) // fails only when ctx ends, and the request's record will show that
	}
	c.status.sent(c.position)
	answer, err := c.wire.Do(c.ctx, c.transport, c.request)
	if err != nil {
		c.status.lost()
		return nil, err
	}
	r := answer.Record
	if c.turnAsked != nil {
		c.turnAsked.Done(answer.Text, !r.Failed())
	}
	r.Client, r.SessionID, r.Turn, r.Adapter, r.PromptAsked = c.endpoint.number, c.sessionID, c.turn, c.adapter, c.asked
	c.position.mark(r)
	counts := r.Counts()
	c.status.done(r, counts.Completion)
	c.m.root.failures.Add(r)
	c.m.root.oddities.Add(r)
	c.opts.applyBounds(r)
	push(c.ctx, c.state, c.m.metrics.Request(r, counts, c.tags, c.opts.itl))
	breaker.Watch(c.endpoint.opts.breakers, r, c.halt)
	return newResult(answer, counts), nil
}

// Request ids are UUIDs, because some servers refuse other ids. An id has random bits of this process, with version 4
// and the variant of RFC 9562, and a counter in the last group.
var (
	requestPrefix = sync.OnceValue(func() string {
		var b [10]byte
		_, _ = cryptorand.Read(b[:]) // never fails
		b[6], b[8] = 0x40|b[6]&0x0f, 0x80|b[8]&0x3f
		return fmt.Sprintf("%x-%x-%x-%x-", b[:4], b[4:6], b[6:8], b[8:])
	})
	requestNumber atomic.Uint64
)

func nextRequestID() string { return requestID(requestNumber.Add(1)) }

func requestID(number uint64) string {
	id := append(make([]byte, 0, 36), requestPrefix()...)
	for shift := 44; shift >= 0; shift -= 4 {
		id = append(id, "0123456789abcdef"[number>>shift&0xf])
	}
	return string(id)
}

package llm

import (
	"errors"
	"fmt"

	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/errext"
	"go.k6.io/k6/v2/js/promises"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/engine"
)

// jsClient is a Client object of a script.
type jsClient struct {
	*engine.Client
	m      *ModuleInstance
	script *sobek.Object
}

// newClient is the constructor of Client.
func (m *ModuleInstance) newClient(call sobek.ConstructorCall) *sobek.Object {
	rt := m.vu.Runtime()
	err := m.checkSettings()
	if given, isObject := call.Argument(0).(*sobek.Object); isObject && !absent(given.Get("pair")) {
		if err == nil {
			err = m.newPair(call.This, given)
		}
		if err != nil {
			throw(rt, err)
		}
		return nil
	}
	var opts *clientOptions
	if err == nil {
		opts, err = readClientOptions(rt, call.Argument(0))
	}
	if err == nil {
		err = m.loadTokenizers(opts)
	}
	if err != nil {
		throw(rt, err)
	}
	client, err := m.engine.NewClient(&opts.Options, m.source)
	if err != nil {
		throw(rt, err)
	}
	c := &jsClient{client, m, call.This}
	if m.vu.InitEnv() != nil {
		m.clients = append(m.clients, c)
	}
	if err = stand(rt, call.This, client.Number(), c.methods()); err != nil {
		throw(rt, err)
	}
	return nil
}

// methods returns the methods of a Client: send for its own API, and one for each API.
func (c *jsClient) methods() map[string]any {
	methods := map[string]any{
		"send": func(request, options sobek.Value) (*result, error) { return c.wait(c.send(request, options)) },
		"sendAsync": func(request, options sobek.Value) (*sobek.Promise, error) {
			return c.start(c.send(request, options))
		},
		"replay": c.replay, "replayAsync": c.replayAsync,
	}
	for _, d := range api.All() {
		methods[d.Verb()] = func(args ...sobek.Value) (*result, error) { return c.wait(c.ask(d, args)) }
		methods[d.Verb()+"Async"] = func(args ...sobek.Value) (*sobek.Promise, error) { return c.start(c.ask(d, args)) }
	}
	return methods
}

// stand gives an object its methods, and a number that stands for the object in the JSON of k6's options. Only the
// number is enumerable, because k6 turns options into JSON by their enumerable properties and refuses functions.
func stand(rt *sobek.Runtime, object *sobek.Object, number int, methods map[string]any) error {
	err := object.DefineDataProperty("number", rt.ToValue(number), sobek.FLAG_FALSE, sobek.FLAG_FALSE, sobek.FLAG_TRUE)
	for name, method := range methods {
		err = errors.Join(err, object.DefineDataProperty(name, rt.ToValue(method), sobek.FLAG_TRUE, sobek.FLAG_TRUE,
			sobek.FLAG_FALSE))
	}
	return err
}

// send reads {messages | prompt, …} for the client's api, and options beside it. In a chat, a prompt becomes the only
// message.
func (c *jsClient) send(request, options sobek.Value) (engine.Job, error) {
	var opts requestOptions
	if absent(request) {
		return engine.Job{}, errors.New("send needs a request such as {messages: [...]} or {prompt: '...'}")
	}
	if _, isSession := export(request).(*session); isSession {
		return engine.Job{}, errSession
	}
	if err := opts.withInput(c.m.vu.Runtime()).read(c.m.vu.Runtime(), "request", request); err != nil {
		return engine.Job{}, err
	}
	beside := fields{"signal": opts.readSignal(c.m.vu.Runtime())}
	if err := beside.read(c.m.vu.Runtime(), "send", options); err != nil {
		return engine.Job{}, err
	}
	if err := c.Input(&opts.Request, opts.hasPrompt); err != nil {
		return engine.Job{}, err
	}
	return opts.job(c.Dialect())
}

// ask reads the arguments of a dialect's own method: its inputs, and options.
func (c *jsClient) ask(d api.Dialect, args []sobek.Value) (engine.Job, error) {
	opts := new(requestOptions)
	inputs := opts.inputs(d)
	args = append(args, make([]sobek.Value, len(inputs)+1)...) // those that are left out
	given := opts.fields(c.m.vu.Runtime())
	if d.Input() == api.InputSound { // what the model is told of the sound
		given["prompt"] = text(&opts.Prompt)
	}
	if err := given.read(c.m.vu.Runtime(), "request", args[len(inputs)]); err != nil {
		return engine.Job{}, err
	}
	for i, in := range inputs {
		if err := in.read(args[i]); err != nil {
			return engine.Job{}, fmt.Errorf("%s: %s %w", d.Verb(), in.name, err)
		}
	}
	return opts.job(d)
}

// argument is one input of a dialect's own method.
type argument struct {
	name string
	read func(sobek.Value) error
}

// inputs returns the arguments that carry the input of a dialect.
func (o *requestOptions) inputs(d api.Dialect) []argument {
	switch d.Input() {
	case api.InputMessages:
		return []argument{{"messages", o.readMessages}}
	case api.InputTexts:
		return []argument{{"input", o.readInputs}}
	case api.InputRanking:
		return []argument{{"query", text(&o.Query)}, {"documents", o.readInputs}}
	case api.InputSpeech:
		return []argument{{"text", o.readText}}
	case api.InputSound:
		return []argument{{"file", o.readSound}}
	case api.InputPicture, api.InputVideo:
		return []argument{{"prompt", o.readShown}}
	}
	return []argument{{"prompt", text(&o.Prompt)}}
}

// readMessages reads a list of messages, or the text of the only one.
func (o *requestOptions) readMessages(v sobek.Value) error {
	if !absent(v) {
		if prompt, ok := v.Export().(string); ok {
			o.Messages = engine.UserMessage(prompt)
			return nil
		}
	}
	return o.readList(v)
}

// readList reads a list of messages.
func (o *requestOptions) readList(v sobek.Value) error {
	if list, parts := unchanged(v); parts != nil {
		o.Messages, o.Media = engine.WithParts(list, parts)
		return nil
	}
	return jsonArray(&o.Messages)(v)
}

// job returns the request, unless it has bounds that answers of its API do not have.
func (o *requestOptions) job(d api.Dialect) (engine.Job, error) {
	o.MaxTokens = int(o.maxTokens)
	j := engine.Job{Dialect: d, Request: o.Request, Turn: int(o.turn), Asked: int(o.promptTokens), Class: o.class}
	if err := engine.CheckBounds(d, o.class.SLO); err != nil {
		return j, invalid("request", "slo", err)
	}
	return j, nil
}

// errAborted reports that the runtime was interrupted. It must not become an exception, which would replace the
// interrupt.
var errAborted = errors.New("test aborted")

// abortError is an interrupt to which k6 adds no position in the script, because the position has nothing to do with
// the cause.
type abortError struct{ *errext.InterruptError }

// StackTrace returns the reason, because k6 prints the stack trace in place of the error, to which JavaScript's
// interpreter adds the position.
func (e abortError) StackTrace() string { return e.Reason }

// Unwrap returns the interrupt error, by which k6 recognizes an abort.
func (e abortError) Unwrap() error { return e.InterruptError }

// prepare prepares a request. If there is nothing to measure without a server, it ends the test.
func (c *jsClient) prepare(j engine.Job) (*engine.Call, error) {
	call, err := c.Prepare(j)
	return call, c.m.orAborted(err)
}

// orAborted interrupts the script if the error ends the test.
func (m *ModuleInstance) orAborted(err error) error {
	if interrupt, ok := errors.AsType[*errext.InterruptError](err); ok {
		m.vu.Runtime().Interrupt(abortError{interrupt})
		return errAborted
	}
	return err
}

// wait sends the request and returns the result, as send, chat and complete do.
func (c *jsClient) wait(j engine.Job, err error) (*result, error) {
	if err != nil {
		return nil, asPrintable(err)
	}
	if s := signalOf(&j); s != nil && s.Err() != nil {
		panic(s.abortError()) // what the script catches
	}
	prepared, err := c.prepare(j)
	if errors.Is(err, errAborted) {
		return nil, nil // the script is interrupted, and never sees the result
	}
	if err != nil {
		return nil, asPrintable(err)
	}
	res, err := do(prepared)
	return res, asPrintable(err)
}

// do sends a request that is prepared. It touches no JavaScript value.
func do(call *engine.Call) (*result, error) {
	answer, counts, err := call.Do()
	if err != nil {
		return nil, err
	}
	return newResult(answer, counts), nil
}

// start sends the request and returns a promise, as the Async methods do.
func (c *jsClient) start(j engine.Job, err error) (*sobek.Promise, error) {
	if err != nil {
		return nil, asPrintable(err)
	}
	s := signalOf(&j)
	if s != nil && s.Err() != nil {
		promise, _, reject := promises.New(c.m.vu)
		reject(s.abortError())
		return promise, nil
	}
	prepared, err := c.prepare(j)
	if errors.Is(err, errAborted) {
		return nil, nil // the script is interrupted, and never sees the promise
	}
	heard := func() {}
	if err == nil && s != nil {
		heard, err = s.listen(c.m.vu)
	}
	if err != nil {
		return nil, asPrintable(err)
	}
	promise, resolve, reject := promises.New(c.m.vu)
	go func() { // the event loop waits for the promise
		res, err := do(prepared)
		heard()
		if err != nil {
			reject(asPrintable(err))
			return
		}
		resolve(res)
	}()
	return promise, nil
}

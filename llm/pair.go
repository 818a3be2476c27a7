package llm

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/js/promises"

	"github.com/seed-307b789f/xk6-llm/internal/spelling"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/engine"
)

// jsPair is a Client object of a script that sends each request to two others.
type jsPair struct {
	*engine.Pair
	m      *ModuleInstance
	first  *jsClient // reads the requests
	script *sobek.Object
}

// pairFields returns the options of a pair.
func pairFields(m *ModuleInstance, o *engine.PairOptions, clients *[]*jsClient) fields {
	return fields{
		"pair": func(v sobek.Value) error {
			obj, ok := v.(*sobek.Object)
			if !ok || obj.ClassName() == "Array" {
				return fmt.Errorf("must be an object such as {direct: a, gateway: b}, got %s", describe(v))
			}
			for _, name := range obj.Keys() {
				c := m.clientOf(obj.Get(name))
				if c == nil {
					return fmt.Errorf("%q must be a Client that the script made before, outside the default function",
						name)
				}
				*clients, o.Names, o.Clients = append(*clients, c), append(o.Names, name), append(o.Clients, c.Client)
			}
			return nil
		},
		"overlap": boolean(&o.Overlap),
		"pause":   duration(&o.Pause),
		"seed": func(v sobek.Value) error {
			o.Seed = new(int64)
			return integer(o.Seed, 0)(v)
		},
	}
}

// newPair makes an object a pair.
func (m *ModuleInstance) newPair(script, given *sobek.Object) error {
	rt := m.vu.Runtime()
	var o engine.PairOptions
	var clients []*jsClient
	f := pairFields(m, &o, &clients)
	for _, key := range given.Keys() {
		if f[key] == nil {
			if near, ok := spelling.Nearest(key, slices.Sorted(maps.Keys(f))); ok {
				return fmt.Errorf("unknown option %q of a pair, did you mean %q?", key, near)
			}
			return invalid("Client", key, errors.New("a pair has pair, overlap, pause and seed alone: give its "+
				"clients the others"))
		}
	}
	if err := f.read(rt, "Client", given); err != nil {
		return err
	}
	pair, err := m.engine.NewPair(o)
	if err != nil {
		return err
	}
	p := &jsPair{pair, m, clients[0], script}
	if m.vu.InitEnv() != nil {
		m.pairs = append(m.pairs, p)
	}
	return stand(rt, script, pair.Number(), p.methods())
}

// errPairReplay refuses to replay sessions by a pair.
var errPairReplay = errors.New("a pair sends single requests, and does not replay sessions: give each client a " +
	"scenario of its own")

// errPairSignal refuses a signal, which would end one request of a pair in the middle and not send the other.
var errPairSignal = errors.New(
	"request option \"signal\": a pair takes none: let users of both requests leave by cancel")

// methods returns the methods of a pair, which are those of a Client.
func (p *jsPair) methods() map[string]any {
	replay := func(sobek.Value) error { return errPairReplay }
	methods := map[string]any{
		"send": func(request, options sobek.Value) (map[string]any, error) {
			return p.wait(p.first.send(request, options))
		},
		"sendAsync": func(request, options sobek.Value) (*sobek.Promise, error) {
			return p.start(p.first.send(request, options))
		},
		"replay": replay, "replayAsync": replay,
	}
	for _, d := range api.All() {
		methods[d.Verb()] = func(args ...sobek.Value) (map[string]any, error) { return p.wait(p.first.ask(d, args)) }
		methods[d.Verb()+"Async"] = func(args ...sobek.Value) (*sobek.Promise, error) {
			return p.start(p.first.ask(d, args))
		}
	}
	return methods
}

// prepare prepares the requests. The result is nil without an error if the script is interrupted.
func (p *jsPair) prepare(j engine.Job, err error) (*engine.Both, error) {
	if err == nil && signalOf(&j) != nil {
		err = errPairSignal
	}
	if err != nil {
		return nil, asPrintable(err)
	}
	both, err := p.Prepare(j)
	if err = p.m.orAborted(err); errors.Is(err, errAborted) {
		return nil, nil
	}
	return both, asPrintable(err)
}

// wait sends the requests and returns the results by the names of the clients.
func (p *jsPair) wait(j engine.Job, err error) (map[string]any, error) {
	both, err := p.prepare(j, err)
	if both == nil || err != nil {
		return nil, err
	}
	results, err := p.do(both)
	return results, asPrintable(err)
}

// do sends requests that are prepared. It touches no JavaScript value.
func (p *jsPair) do(both *engine.Both) (map[string]any, error) {
	answers, err := both.Do()
	if err != nil {
		return nil, err
	}
	results := map[string]any{}
	for i, a := range answers {
		if results[p.Names[i]] = nil; a.Answer.Record != nil {
			results[p.Names[i]] = newResult(a.Answer, a.Counts)
		}
	}
	return results, nil
}

// start sends the requests and returns a promise of the results.
func (p *jsPair) start(j engine.Job, err error) (*sobek.Promise, error) {
	both, err := p.prepare(j, err)
	if both == nil || err != nil {
		return nil, err
	}
	promise, resolve, reject := promises.New(p.m.vu)
	go func() { // the event loop waits for the promise
		results, err := p.do(both)
		if err != nil {
			reject(asPrintable(err))
			return
		}
		resolve(results)
	}()
	return promise, nil
}

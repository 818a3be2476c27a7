package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/llm/internal/input"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// targets holds the targets of the process. Each VU constructs a Client of its own; Clients with equal options share
// one target.
type targets struct {
	mu       sync.Mutex
	all      map[string]*target
	gathered bool // the load begins, and no further VU may join

	credentials input.Cache[CredentialFiles, *Credentials]
}

// target holds the state that Clients with equal options share: their number, and the endpoints that they reach.
type target struct {
	number  int
	opts    *Options
	classes *classes
	broken  atomic.Pointer[string] // why the test must end, under executors that cannot stop by themselves

	member *Client // of the VU that looks for the servers before the load; guarded by targets.mu

	mu        sync.Mutex
	looked    time.Time // the last look for the servers
	final     bool      // a request has used the outcome of the look
	endpoints []*endpoint
	err       error // why none of them can be used

	order traffic.Order // of the requests of a pair

	found   http.RoundTripper // what found the servers
	between *http.Transport   // a copy of it for what is asked between stages; nil until something is
}

// find returns the target for the options, and makes it if there is none.
func (t *targets) find(opts *Options) (*target, error) {
	key, err := json.Marshal([]any{opts.redacted(), opts.APIKey, opts.Headers, opts.ExtraBody, opts.Spread.bases(),
		opts.Endpoint, opts.SLO, opts.Breakers, opts.Pages.URLs, opts.Options.Classes})
	if err != nil {
		return nil, fmt.Errorf("options of a Client: %w", err)
	}
	return t.of(string(key), opts), nil
}

// of returns the target with a key, and makes it if there is none. A pair has one without options.
func (t *targets) of(key string, opts *Options) *target {
	t.mu.Lock()
	defer t.mu.Unlock()
	if found := t.all[key]; found != nil {
		return found
	}
	if t.all == nil {
		t.all = map[string]*target{}
	}
	made := &target{number: len(t.all), opts: opts}
	if opts != nil {
		made.endpoints, made.classes = opts.Spread.endpoints(opts), newClasses(opts)
	}
	t.all[key] = made
	return made
}

// join makes a VU's client the one that looks for the servers before the load. The newest VU replaces earlier ones,
// because k6 makes the first only to read the script.
func (t *targets) join(target *target, member *Client) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.gathered {
		target.member = member
	}
}

// gather returns a client of each target. No client can join from then on, because VUs that k6 makes during the load
// must not be touched.
func (t *targets) gather() (members []*Client) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gathered = true
	for _, each := range t.all {
		if each.member != nil {
			members = append(members, each.member)
		}
	}
	return members
}

// list returns the targets.
func (t *targets) list() []*target {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Values(t.all))
}

// settle is how long the outcome of a failed look for a server is kept. The first request after the load began does not
// look again, but a request after a setup() that started the server does.
const settle = time.Second

// ready finds the servers if they were not found before the load. An error, which means that none can be used, is final
// unless ctx has ended. Once ready has returned nil, the endpoints do not change any more.
func (t *target) ready(ctx context.Context, state *lib.State, rt http.RoundTripper, v *VU) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.final {
		return t.err
	}
	if err := t.look(ctx, state, rt, v); err != nil && ctx.Err() != nil {
		return err
	}
	t.final = true
	if t.err == nil {
		t.announce(ctx, state, v)
		v.scrape(t, state, rt)
	}
	return t.err
}

// prepare finds the servers before the load, and begins to read their pages of metrics if pages is true.
func (t *target) prepare(ctx context.Context, state *lib.State, rt http.RoundTripper, v *VU, pages bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	err := t.look(ctx, state, rt, v)
	if err == nil && pages {
		v.scrape(t, state, rt)
	}
	return err
}

// look finds the servers, but for those that are found already, or of which one was missing a moment ago.
func (t *target) look(ctx context.Context, state *lib.State, rt http.RoundTripper, v *VU) error {
	if !t.looked.IsZero() && (t.missing() == nil || time.Since(t.looked) < settle) {
		return t.err
	}
	if t.err = checkLabels(state.Options.Scenarios); t.err != nil {
		t.looked = time.Now()
		return t.err
	}
	var looks sync.WaitGroup
	for _, e := range t.endpoints {
		if t.looked.IsZero() || e.err != nil {
			looks.Go(func() { e.err = e.find(ctx, state, rt, v) })
		}
	}
	looks.Wait()
	missing := t.missing()
	if len(missing) > 0 && ctx.Err() != nil {
		return ctx.Err()
	}
	t.looked, t.err, t.found = time.Now(), nil, rt
	if len(missing) == len(t.endpoints) {
		t.err = missing[0]
		if len(missing) > 1 {
			t.err = fmt.Errorf("none of %d endpoints can be used: %w", len(missing), oneLine(missing))
		}
	}
	return t.err
}

// names returns the names of the endpoints.
func (t *target) names() []string {
	names := make([]string, len(t.endpoints))
	for i, e := range t.endpoints {
		names[i] = e.name
	}
	return names
}

// missing returns why endpoints cannot be used.
func (t *target) missing() (problems []error) {
	for _, e := range t.endpoints {
		if e.err != nil {
			problems = append(problems, e.err)
		}
	}
	return problems
}

// oneLine joins errors.
func oneLine(list []error) error {
	texts := make([]string, len(list))
	for i, err := range list {
		texts[i] = err.Error()
	}
	return errors.New(strings.Join(texts, "; "))
}

// open keeps the reason why the test must end. The first reason stays.
func (t *target) open(reason string) { t.broken.CompareAndSwap(nil, &reason) }

// opened returns the reason why the test must end, or "" if it need not end.
func (t *target) opened() string {
	if reason := t.broken.Load(); reason != nil {
		return *reason
	}
	return ""
}

// announce pushes the lines that precede the first request.
func (t *target) announce(ctx context.Context, state *lib.State, v *VU) {
	tags := state.Tags.GetCurrentValues().Tags
	v.process.lifeCycle.runLine.Do(func() {
		push(ctx, state, v.metrics.Event(samples.NewRun(state.Options, v.lookupEnv), tags))
	})
	simulated := false
	for _, e := range t.endpoints {
		if e.remark != "" {
			state.Logger.Warn(e.remark)
		}
		simulated = simulated || e.sim != nil
	}
	if simulated && v.process.simulators.use() {
		state.Logger.Warn(simulatorNotice)
	}
	if problem := t.opts.ChatProblem; problem != nil {
		state.Logger.Warnf("tokenizer %q: %v. Where the server does not count prompts, those of chats are the "+
			"tokens of their texts alone", t.opts.Tokenizer, problem)
	}
	options := t.opts.redacted()
	options["model"] = t.settleModels(state)
	push(ctx, state, v.metrics.Event(&record.Client{
		Number: t.number, SLO: t.opts.SLO, Tokenizer: t.opts.Tokenizer, Adapters: t.opts.Split,
		Simulator: simulated, Generated: v.process.Inputs.Generated(), Files: v.process.Inputs.Files(),
		Options: options,
	}, tags))
}

// settleModels asks the endpoints that cannot be used for the model of the others, warns of such endpoints, and returns
// the models to show.
func (t *target) settleModels(state *lib.State) string {
	var shown, where []string
	var first *endpoint
	for _, e := range t.endpoints {
		if e.err != nil {
			continue
		}
		first = cmp.Or(first, e)
		if !slices.Contains(shown, e.shown) {
			shown, where = append(shown, e.shown), append(where, e.shown+" at "+e.name)
		}
	}
	if len(shown) > 1 {
		state.Logger.Warnf("the endpoints serve different models, and each is asked for its own: %s. Name the model "+
			"(option model, MODEL in our scripts) to ask all for one", strings.Join(where, ", "))
	}
	missing := t.missing()
	for _, e := range t.endpoints {
		if e.err != nil {
			e.model = cmp.Or(t.opts.Model, first.model)
		}
	}
	switch n := len(t.endpoints); len(missing) {
	case 0:
	case 1:
		state.Logger.Warnf("1 of %d endpoints does not answer: %v; its requests will fail", n, missing[0])
	default:
		state.Logger.Warnf("%d of %d endpoints do not answer: %v; their requests will fail", len(missing), n,
			oneLine(missing))
	}
	return strings.Join(shown, ", ")
}

package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Pair sends each request to two clients of its VU, so that they can be compared request by request.
type Pair struct {
	PairOptions
	vu     *VU
	target *target // shared by all VUs; it has no endpoints
}

// PairOptions are the options of a Pair.
type PairOptions struct {
	Names   []string // of the clients, in records; the second is compared with the first
	Clients []*Client
	Overlap bool          // send both at the same time, not one after the other
	Pause   time.Duration // between the end of the first and the start of the second
	Seed    *int64        // of the order; nil means the scenario's
}

func (o *PairOptions) check() error {
	const example = "two clients by their names, as in {direct: a, gateway: b}"
	switch {
	case len(o.Clients) != 2:
		return invalid("pair", fmt.Errorf("must have %s, got %d", example, len(o.Clients)))
	case slices.Contains(o.Names, ""):
		return invalid("pair", fmt.Errorf("must have %s: a name is empty", example))
	case o.Clients[0].Dialect() != o.Clients[1].Dialect():
		return invalid("pair", fmt.Errorf("its clients ask for different APIs, %s and %s, and so would send different "+
			"prompts", o.Clients[0].Dialect().Name(), o.Clients[1].Dialect().Name()))
	case o.Overlap && o.Pause > 0:
		return invalid("pause", errors.New("is the time between requests that do not overlap: leave it or overlap out"))
	}
	return nil
}

// shown returns the options for the record file.
func (o *PairOptions) shown() map[string]any {
	m := map[string]any{
		"pair": o.Names, "clients": []int{o.Clients[0].Number(), o.Clients[1].Number()}, "overlap": o.Overlap,
		"pause": o.Pause.String(),
	}
	if o.Seed != nil {
		m["seed"] = *o.Seed
	}
	return m
}

// Paired reports whether the scripts of a process have a pair of clients.
func Paired(p *Process) bool {
	return slices.ContainsFunc(p.clients.list(), func(t *target) bool { return t.opts == nil })
}

// NewPair returns a pair of clients that the VU has made.
func (v *VU) NewPair(opts PairOptions) (*Pair, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	key, err := json.Marshal(opts.shown())
	if err != nil {
		return nil, fmt.Errorf("options of a pair: %w", err)
	}
	p := &Pair{PairOptions: opts, vu: v, target: v.process.clients.of("pair "+string(key), nil)}
	if v.k6.InitEnv() != nil {
		v.pairs = append(v.pairs, p)
	}
	return p, nil
}

// Number returns the number by which records name the pair, among those of clients.
func (p *Pair) Number() int { return p.target.number }

// Takes returns an error if the pair cannot send the items of a data set.
func (p *Pair) Takes(s *Set) error {
	if s.Turns() {
		return errors.New("a pair sends single requests, not conversations and sessions, whose later prompts depend " +
			"on the answers: give each client a scenario of its own")
	}
	return p.Clients[0].Takes(s)
}

// Both is a request for each client of a pair, with everything that they need from their VU.
type Both struct {
	pair  *Pair
	calls [2]*Call // in the order in which they are sent
	arms  [2]int   // numbers of their clients in the pair
}

// both returns the requests of a pair, of which the first has the given position.
func (p *Pair) both(first *Position) *Both {
	seed := first.seed
	if p.Seed != nil {
		seed = *p.Seed
	}
	if p.target.order.Swapped(seed, first.index+int64(first.seq/2)) {
		return &Both{pair: p, arms: [2]int{1, 0}}
	}
	return &Both{pair: p, arms: [2]int{0, 1}}
}

// put makes a call number i of the two.
func (b *Both) put(i int, call *Call) {
	if m := call.Media; m != nil { // whose tokens depend on the model
		own := *m
		own.Facts = slices.Clone(m.Facts)
		call.Media = &own
	}
	call.endpoint = b.pair.Names[b.arms[i]]
	b.calls[i] = call
}

// Prepare prepares a request for both clients, as Client.Prepare does for one.
func (p *Pair) Prepare(j Job) (*Both, error) {
	if p.vu.turns[j.SessionID] != nil {
		return nil, errors.New("a pair sends single requests: send the turns of conversations by one client")
	}
	var calls [2]*Call
	var to [2][]reached
	for arm, c := range p.Clients {
		var err error
		if calls[arm], to[arm], err = c.begin(j); err != nil {
			return nil, err
		}
	}
	positions := [2]Position{p.vu.nextPosition(), p.vu.nextPosition()}
	if due := positions[0].due; due != nil && due.Probe != nil {
		return nil, abort(ErrPairSearch.Error())
	}
	p.announce(calls[0])
	b := p.both(&positions[0])
	for i, arm := range b.arms {
		b.put(i, calls[arm])
		positions[i].arm = positions[i].seq - positions[0].seq
		if err := b.calls[i].place(to[arm], positions[i]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// ErrPairSearch refuses to search by pairs.
var ErrPairSearch = errors.New("a search judges single requests, and a pair sends two: search with one client")

// announce pushes the line of the pair before its first request.
func (p *Pair) announce(c *Call) {
	t := p.target
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.final {
		return
	}
	t.final = true
	simulated := false
	for _, c := range p.Clients {
		simulated = simulated || c.opts.Spread.Simulators() != nil
	}
	push(c.ctx, c.state, p.vu.metrics.Event(&record.Client{
		Number: t.number, Simulator: simulated, Options: p.shown(),
	}, c.state.Tags.GetCurrentValues().Tags))
}

// Answered is how one of the requests of a pair ended. Its answer has no record if the run ended before it was sent.
type Answered struct {
	Answer client.Answer
	Counts record.Counts
}

// Do sends the requests, and pushes their records. It waits for the end of both answers, which it returns in the order
// of the pair's names.
func (b *Both) Do() (list [2]Answered, err error) {
	if b.pair.Overlap {
		var errs [2]error
		var both sync.WaitGroup
		for i := range b.calls {
			both.Go(func() { list[b.arms[i]], errs[i] = b.do(i) })
		}
		both.Wait()
		return list, cmp.Or(errs[0], errs[1])
	}
	for i := range b.calls {
		if i > 0 {
			wait(b.calls[i].ctx, b.pair.Pause)
		}
		if list[b.arms[i]], err = b.do(i); err != nil {
			return list, err
		}
	}
	return list, nil
}

func (b *Both) do(i int) (got Answered, err error) {
	if b.calls[i].ctx.Err() != nil {
		return got, nil
	}
	got.Answer, got.Counts, err = b.calls[i].Do()
	return got, err
}

// sendPair sends the item of an arrival by both clients of a pair.
func (s *Sender) sendPair(ctx context.Context, scenario *lib.ScenarioState, a *arrival.Arrival,
	tags metrics.TagsAndMeta, begin time.Time) error {
	both, err := s.preparePair(ctx, scenario, a, tags)
	if err == nil {
		_, err = both.Do()
	}
	if ctx.Err() == nil {
		push(ctx, s.lender.state, s.lender.client.vu.metrics.Iteration(tags, begin, time.Now()))
	}
	return err
}

func (s *Sender) preparePair(ctx context.Context, scenario *lib.ScenarioState, a *arrival.Arrival,
	tags metrics.TagsAndMeta) (*Both, error) {
	l := s.lender
	turn, err := l.set.draw(ctx, l.state, a.Salt, l.first+a.Index)
	if err != nil {
		return nil, err
	}
	job, err := l.client.job(turn)
	if err != nil {
		return nil, err
	}
	first := s.arms[0].call(ctx, scenario, a, tags).position
	b := l.pair.both(&first)
	for i, arm := range b.arms {
		sender := s.arms[arm]
		call := sender.call(ctx, scenario, a, tags)
		call.Job, call.position.seq, call.position.arm = job, i, i
		to, err := sender.lender.reach(call)
		if err != nil {
			return nil, err
		}
		b.put(i, call)
		call.address(to)
	}
	l.pair.announce(b.calls[0])
	return b, nil
}

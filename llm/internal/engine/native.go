package engine

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/lib/netext"
	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/status"
)

// Native names what native iterations send: the items of a data set by a client, both by their numbers in the script.
type Native struct {
	Client int `json:"client"`
	Data   int `json:"data"`
}

// Lender is a VU that lends native iterations what k6 keeps in it: the dialer with its addresses and counters, the TLS
// configuration, the tags of the scenario, and the channel of samples. It may be used concurrently, but not while the
// VU runs a script.
type Lender struct {
	client *Client
	set    *Set
	state  *lib.State
	base   *http.Transport // to copy for each sender; nil if k6 gave the VU another kind of transport
	tags   metrics.TagsAndMeta
	first  int64 // item of the scenario's first iteration
	board  *status.Board

	pair *Pair      // nil unless the requests are those of a pair
	arms [2]*Lender // likewise, of its clients

	mu sync.Mutex
	to atomic.Pointer[[]reached]
}

// Lend returns what native iterations of a scenario need of the VU with the given number. k6 has activated the VU for
// the scenario, and no script runs on it.
func (p *Process) Lend(vu uint64, scenario string, what Native) (*Lender, error) {
	v := p.vus.find(vu)
	if v == nil {
		return nil, fmt.Errorf("VU %d has not imported the module k6/x/llm", vu)
	}
	if what.Data < 0 || what.Data >= len(v.sets) {
		return nil, fmt.Errorf("exec of scenario %q: the script makes no Dataset number %d", scenario, what.Data)
	}
	set := v.sets[what.Data]
	for _, c := range v.clients {
		if c.Number() == what.Client {
			return v.lend(c, set, scenario)
		}
	}
	for _, pair := range v.pairs {
		if pair.Number() == what.Client {
			return v.lendPair(pair, set, scenario)
		}
	}
	return nil, fmt.Errorf("exec of scenario %q: the script makes no Client number %d", scenario, what.Client)
}

func (v *VU) lend(c *Client, set *Set, scenario string) (*Lender, error) {
	if err := c.Takes(set); err != nil {
		return nil, fmt.Errorf("exec of scenario %q: %w", scenario, err)
	}
	l := &Lender{state: v.k6.State(), client: c, set: set}
	transport, err := c.transport(l.state)
	if err != nil {
		return nil, err
	}
	l.base, _ = transport.(*http.Transport)
	l.tags, l.first, l.board = l.state.Tags.GetCurrentValues(), firstItem(l.state, scenario), v.board(l.state)
	return l, nil
}

// lendPair returns what iterations of a pair need. A client that is compared with itself lends once, because what it
// finds is not guarded twice.
func (v *VU) lendPair(pair *Pair, set *Set, scenario string) (*Lender, error) {
	if err := pair.Takes(set); err != nil {
		return nil, fmt.Errorf("exec of scenario %q: %w", scenario, err)
	}
	var arms [2]*Lender
	for i, c := range pair.Clients {
		if i > 0 && c == pair.Clients[0] {
			arms[i] = arms[0]
			continue
		}
		var err error
		if arms[i], err = v.lend(c, set, scenario); err != nil {
			return nil, err
		}
	}
	return &Lender{
		client: arms[0].client, set: set, state: arms[0].state, tags: arms[0].tags, first: arms[0].first,
		board: arms[0].board, pair: pair, arms: arms,
	}, nil
}

// PushIO pushes the bytes that the lender's connections have sent and received since the last call.
func (l *Lender) PushIO(ctx context.Context) {
	if d, ok := l.state.Dialer.(*netext.Dialer); ok {
		push(ctx, l.state, d.IOSamples(time.Now(), l.tags, l.state.BuiltinMetrics))
	}
}

// reach finds the servers at the first call, and returns the endpoints, or the interrupt that ends the test if there is
// no server.
func (l *Lender) reach(call *Call) ([]reached, error) {
	to := l.to.Load()
	if to == nil || l.client.target.opened() != "" {
		l.mu.Lock()
		defer l.mu.Unlock()
		if err := l.client.ready(call); err != nil {
			return nil, err
		}
		list, err := l.client.reach(l.client.opts.API)
		if err != nil {
			return nil, err
		}
		to = &list
		l.to.Store(to)
	}
	return *to, nil
}

// Sender sends the items of native iterations, one at a time, over connections of its own, as a VU does. Only one
// goroutine may use it.
type Sender struct {
	lender    *Lender
	number    uint64 // of the sender in its scenario, from 1
	sent      int64
	transport http.RoundTripper
	arms      [2]*Sender // of a pair, each over connections of its own
}

// NewSender returns a sender.
func (l *Lender) NewSender(number uint64) *Sender {
	s := &Sender{lender: l, number: number, transport: l.state.Transport}
	if l.pair != nil {
		s.arms = [2]*Sender{l.arms[0].NewSender(number), l.arms[1].NewSender(number)}
	}
	if l.base == nil {
		return s
	}
	t := l.base.Clone()
	if l.client.opts.Spread.plainHTTP() {
		// all senders share what only TLS needs, which is most of a transport's memory
		t.TLSClientConfig, t.TLSNextProto = l.base.TLSClientConfig, withoutHTTP2
	}
	s.transport = t
	return s
}

// Close closes the sender's idle connections.
func (s *Sender) Close() {
	if t, ok := s.transport.(*http.Transport); ok && s.lender.base != nil {
		t.CloseIdleConnections()
	}
	if s.lender.pair != nil {
		s.arms[0].Close()
		s.arms[1].Close()
	}
}

// Iterate sends the item of an arrival, and pushes its record and the samples of an iteration. It keeps the arrival.
// Its error is one that a script would throw, or the interrupt that ends the test.
func (s *Sender) Iterate(ctx context.Context, scenario *lib.ScenarioState, a *arrival.Arrival) error {
	l, begin := s.lender, time.Now()
	err := s.send(ctx, scenario, a, begin)
	s.sent++
	if l.state.Options.NoVUConnectionReuse.Bool {
		s.Close()
	}
	if least := l.state.Options.MinIterationDuration; least.Valid {
		wait(ctx, least.TimeDuration()-time.Since(begin))
	}
	return err
}

// withoutHTTP2 keeps net/http from preparing a transport for HTTP/2, which takes TLS.
var withoutHTTP2 = map[string]func(string, *tls.Conn) http.RoundTripper{}

func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// iterationTags returns the tags of the scenario, with the numbers of the sender and its iteration if k6's option
// systemTags has them.
func (s *Sender) iterationTags() metrics.TagsAndMeta {
	tags, system := s.lender.tags, s.lender.state.Options.SystemTags
	withVU, withIter := system.Has(metrics.TagVU), system.Has(metrics.TagIter)
	if !withVU && !withIter {
		return tags
	}
	tags = tags.Clone()
	if withVU {
		tags.SetSystemTagOrMeta(metrics.TagVU, strconv.FormatUint(s.number, 10))
	}
	if withIter {
		tags.SetSystemTagOrMeta(metrics.TagIter, strconv.FormatInt(s.sent, 10))
	}
	return tags
}

// send sends the item of an iteration that has begun.
func (s *Sender) send(ctx context.Context, scenario *lib.ScenarioState, a *arrival.Arrival, begin time.Time) error {
	l, m := s.lender, s.lender.client.vu.metrics
	tags := s.iterationTags()
	switch {
	case l.pair != nil:
		return s.sendPair(ctx, scenario, a, tags, begin)
	case l.set.Sessions != nil:
		return s.replay(ctx, scenario, a, tags, begin)
	}
	call, err := s.prepare(ctx, scenario, a, tags)
	if err == nil {
		answer, counts, failed := call.exchange()
		if err = failed; err == nil {
			container := m.Request(answer.Record, counts, tags, l.client.opts.ITL)
			if ctx.Err() == nil {
				container.AddIteration(m, tags, begin, time.Now())
			}
			call.hand(container, answer.Record)
			return nil
		}
	}
	if call != nil && call.turn != nil {
		call.turn.Done("", false)
	}
	if ctx.Err() == nil {
		push(ctx, l.state, m.Iteration(tags, begin, time.Now()))
	}
	return err
}

// replay replays the session of an arrival.
func (s *Sender) replay(ctx context.Context, scenario *lib.ScenarioState, a *arrival.Arrival, tags metrics.TagsAndMeta,
	begin time.Time) error {
	l, m := s.lender, s.lender.client.vu.metrics
	call := s.call(ctx, scenario, a, tags)
	session, err := s.prepareSession(call)
	if err == nil {
		_, container := session.play()
		if ctx.Err() == nil {
			container.AddIteration(m, tags, begin, time.Now())
		}
		push(ctx, l.state, container)
		return nil
	}
	if ctx.Err() == nil {
		push(ctx, l.state, m.Iteration(tags, begin, time.Now()))
	}
	return err
}

// prepareSession draws the session of an arrival and finds the server.
func (s *Sender) prepareSession(common *Call) (*Session, error) {
	l := s.lender
	turn, err := l.set.session(l.state, l.first+common.position.due.Index)
	if err != nil {
		return nil, err
	}
	session := &Session{common: *common, turn: turn}
	if session.to, err = l.reach(&session.common); err != nil {
		return nil, err
	}
	return session, session.settle(l.set, false)
}

// prepare draws the item of an arrival and makes the request for it.
func (s *Sender) prepare(ctx context.Context, scenario *lib.ScenarioState, a *arrival.Arrival,
	tags metrics.TagsAndMeta) (*Call, error) {
	l := s.lender
	turn, err := l.set.draw(ctx, l.state, a.Salt, l.first+a.Index)
	if err != nil {
		return nil, err
	}
	call := s.call(ctx, scenario, a, tags)
	if call.Job, err = l.client.job(turn); err != nil {
		return call, err
	}
	to, err := l.reach(call)
	if err == nil {
		call.address(to)
	}
	return call, err
}

// call returns a request of an arrival, without its content and its server.
func (s *Sender) call(ctx context.Context, scenario *lib.ScenarioState, a *arrival.Arrival,
	tags metrics.TagsAndMeta) *Call {
	l := s.lender
	call := &Call{
		ctx: ctx, state: l.state, transport: s.transport, client: l.client, tags: tags, board: l.board,
		position: l.client.vu.process.position(l.state, scenario, a.Index),
	}
	call.position.due = a
	return call
}

package replay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// run is the replay of one session.
type run struct {
	*Player
	turn  Turn
	calls []workload.Call
	ctx   context.Context
	send  Send

	prompts *prompts
	begins  beginning
	stop    chan struct{} // closed when no further call may be sent
	done    chan struct{} // closed when no call waits or is in flight

	mu      sync.Mutex
	places  []place
	active  int // calls that wait or are in flight
	stopped bool
	began   time.Time // when the first call could go
	origin  time.Time // when the session's beginning was or, if it begins inside, would have been
	end     time.Time // of the last call, or of the first failure
	session *record.Session
}

// place is a call's place in the graph.
type place struct {
	next    []int32   // the calls that wait for it
	missing int       // calls that it waits for and that have not ended
	since   time.Time // when the last of those ended that it waited for; zero if it waits for none
}

func newRun(ctx context.Context, p *Player, t Turn, send Send) *run {
	r := &run{Player: p, turn: t, calls: t.Session.Calls, ctx: ctx, send: send,
		stop: make(chan struct{}), done: make(chan struct{}), began: time.Now(), prompts: newPrompts(p, &t),
		session: &record.Session{ID: t.ID, Origin: t.Session.Origin}}
	r.end = r.began
	return r
}

// plan lists for each call those that wait for it.
func (r *run) plan() {
	r.places = make([]place, len(r.calls))
	edges := 0
	for i := range r.calls {
		r.places[i].missing = len(r.calls[i].After)
		edges += len(r.calls[i].After)
	}
	counts, all := make([]int, len(r.calls)), make([]int32, edges)
	for i := range r.calls {
		for _, e := range r.calls[i].After {
			counts[e.Call]++
		}
	}
	for i, n := range counts {
		r.places[i].next, all = all[:0:n], all[n:]
	}
	for i := range r.calls {
		for _, e := range r.calls[i].After {
			r.places[e.Call].next = append(r.places[e.Call].next, int32(i))
		}
	}
	r.prompts.plan()
}

// begin lets the session begin: with the calls that wait for nothing or, inside it, with requests that fill the cache.
func (r *run) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.turn.isOver(r.ctx) {
		r.cut()
	} else if err := r.skip(); err != nil {
		r.halt(causeOf(err), err, time.Now())
	}
	for _, i := range r.begins.primes {
		r.launch(func() { r.prime(i) })
	}
	if len(r.begins.primes) == 0 {
		r.start()
	}
	if r.active == 0 {
		close(r.done)
	}
}

// start starts the session's clock, and the calls that wait for nothing. The caller holds the lock.
func (r *run) start() {
	r.began = time.Now()
	r.end, r.origin = r.began, r.began.Add(-r.Rules.slower(r.begins.at))
	for i := range r.places {
		if r.places[i].missing == 0 && !r.begins.skips(i) {
			r.launch(func() { r.play(i) })
		}
	}
}

// launch starts the goroutine of a call that waits for no other. The caller holds the lock.
func (r *run) launch(call func()) {
	if r.stopped {
		return
	}
	r.active++
	go func() {
		defer r.leave()
		call()
	}()
}

// leave counts a goroutine that ends.
func (r *run) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.active--; r.active == 0 {
		close(r.done)
	}
}

// ahead is how long before it is sent a call's prompt is made, so that a long wait takes no memory.
const ahead = 250 * time.Millisecond

// play sends a call when it is time.
func (r *run) play(i int) {
	w := r.wait(i)
	if !r.sleep(w.ready.Add(-ahead)) {
		return
	}
	ask, err := r.ask(i, &w)
	if err != nil {
		r.fail(causeOf(err), r.turn.name(i, err))
		return
	}
	got := r.send(r.ctx, ask)
	r.ended(i, got)
	if got.Then != nil {
		got.Then()
	}
}

// sleep waits until an instant, and reports false if no further call may be sent.
func (r *run) sleep(until time.Time) bool {
	if d := time.Until(until); d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.stop:
		}
	}
	select {
	case <-r.stop:
		return false
	default:
		return true
	}
}

// ended takes what became of a call, and lets those go that waited for it.
func (r *run) ended(i int, got Got) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !got.Unsent {
		r.session.Sent++
	}
	if r.failed(i, &got, "") {
		return
	}
	r.session.Completed++
	r.passed(got.End)
	r.prompts.answer(i, &workload.Answer{Text: got.Text, Reasoning: got.Reasoning, ToolCalls: got.ToolCalls})
	for _, next := range r.places[i].next {
		p := &r.places[next]
		p.since = later(p.since, got.End)
		if p.missing--; p.missing == 0 {
			r.launch(func() { r.play(int(next)) })
		}
	}
}

// failed reports whether a call failed, and then ends the session. The caller holds the lock.
func (r *run) failed(i int, got *Got, what string) bool {
	switch {
	case got.Unsent && got.Error != "":
		r.halt(record.SessionUnknown, r.turn.name(i, errors.New(what+got.Error)), time.Now())
	case got.Unsent:
		r.cut()
	case got.ErrorType == record.ErrorCanceled:
		r.cut()
		r.passed(got.End)
	case got.ErrorType == record.ErrorAbandoned:
		r.halt(record.ErrorAbandoned, r.turn.name(i, errors.New(got.Error)), got.End)
	case got.ErrorType != "":
		err := fmt.Errorf("%s%s: %s", what, got.ErrorType, got.Error)
		r.halt(record.SessionRequestFailed, r.turn.name(i, err), got.End)
	default:
		return false
	}
	return true
}

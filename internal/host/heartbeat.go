package host

import (
	"slices"
	"sync"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/alarm"
	"github.com/seed-307b789f/xk6-llm/internal/rank"
)

const (
	// period is the time between two beats.
	period = 5 * time.Millisecond
	// lateAfter is the lateness from which on a beat is listed as a span. An idle machine is at times late by 0.5 ms.
	lateAfter = time.Millisecond
)

// Heartbeat measures how late the process wakes up. A timer that the runtime polls with the sockets is due every 5 ms.
// Whatever delays its goroutine (other processes, a quota, a stop, the process's own work) delays the goroutines that
// read answers, too. Its methods may be called from any goroutine.
type Heartbeat struct {
	ticker *alarm.Ticker
	ended  chan struct{}

	mu    sync.Mutex
	since time.Time
	beats []time.Duration
	spans []Span
}

// Span is a time during which the process did not run, although a beat was due at its start.
type Span struct {
	From   time.Time
	Length time.Duration
}

// Beats summarizes the beats of an interval. A late beat counts once for each period that it is late, with the time
// that was then left to wait, so that a percentile is one of instants, not of wake-ups.
type Beats struct {
	From, To time.Time
	N        int
	P99, Max time.Duration
	Late     []Span // in order, without overlap, each over 1 ms
}

// StartHeartbeat starts a goroutine, which Stop ends.
func StartHeartbeat() *Heartbeat {
	ticker, start := alarm.NewTicker(period)
	h := &Heartbeat{ticker: ticker, ended: make(chan struct{}), since: start}
	go h.run(start.Add(period))
	return h
}

// Stop ends the heartbeat and waits for its goroutine. It must be called once.
func (h *Heartbeat) Stop() {
	h.ticker.Close()
	<-h.ended
}

// Take returns the beats since the last call, or since the start.
func (h *Heartbeat) Take() Beats {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := Beats{From: h.since, To: time.Now(), N: len(h.beats), Late: h.spans}
	if b.N > 0 {
		slices.Sort(h.beats)
		b.P99, b.Max = rank.Nearest(h.beats, 0.99), h.beats[b.N-1]
	}
	h.since, h.beats, h.spans = b.To, h.beats[:0], nil
	return b
}

func (h *Heartbeat) run(due time.Time) {
	defer close(h.ended)
	for h.ticker.Wait() {
		due = h.beat(due, time.Now())
	}
}

// beat notes a beat that was due at due and came at now, and returns when the next one is due.
func (h *Heartbeat) beat(due, now time.Time) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if delay := now.Sub(due); delay > lateAfter {
		h.spans = append(h.spans, Span{due, delay})
	}
	for ; !due.After(now); due = due.Add(period) {
		h.beats = append(h.beats, now.Sub(due))
	}
	return due
}

package host

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/alarm"
)

const (
	// period lies between the instants at which a heartbeat is due.
	period = 5 * time.Millisecond
	// late is from which lateness on a span is listed. Half a millisecond is what an idle machine takes at times.
	late = time.Millisecond
)

// Heartbeat measures how late the process gets to do what it waits for: a timer that the runtime polls with the sockets
// is due every 5 ms, and what keeps its goroutine waiting (other processes, a quota, a stop, the process's own work)
// keeps those of the answers waiting, too. Its methods may be called from any goroutine.
type Heartbeat struct {
	ticker *alarm.Ticker
	ended  chan struct{}

	mu    sync.Mutex
	since time.Time
	beats []time.Duration
	spans []Span
}

// Span is a time in which the process did not get to do what was due at its start.
type Span struct {
	From   time.Time
	Length time.Duration
}

// Beats are the heartbeats of an interval. A late one counts once for each period that it is late, with what was left
// to wait then, so that a percentile is of instants, not of wake-ups.
type Beats struct {
	From, To time.Time
	N        int
	P99, Max time.Duration
	Late     []Span // in order, apart from one another, each over 1 ms
}

// StartHeartbeat starts a goroutine, which Stop ends.
func StartHeartbeat() *Heartbeat {
	ticker, start := alarm.NewTicker(period)
	h := &Heartbeat{ticker: ticker, ended: make(chan struct{}), since: start}
	go h.run(start.Add(period))
	return h
}

// Stop ends the heartbeat, and returns when it has ended.
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
		b.P99, b.Max = h.beats[int(math.Ceil(0.99*float64(b.N)))-1], h.beats[b.N-1]
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

// beat takes down a beat that was due and came now, and returns when the next one is due.
func (h *Heartbeat) beat(due, now time.Time) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if delay := now.Sub(due); delay > late {
		h.spans = append(h.spans, Span{due, delay})
	}
	for ; !due.After(now); due = due.Add(period) {
		h.beats = append(h.beats, now.Sub(due))
	}
	return due
}

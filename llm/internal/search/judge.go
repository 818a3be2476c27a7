package search

import (
	"slices"
	"sync"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// judging is what a judge has to decide.
type judging struct {
	objectives []slo.Objective // of all tiers, each once
	tiers      []judgedTier    // at least one
	// alpha is the probability with which anything that the judge calls certain may be wrong.
	alpha   float64
	longest time.Duration // that is measured after the transient if nothing is certain by then
	// brief lets the probe end after a short time if the estimate is clear, however uncertain.
	brief  bool
	closed bool // the load is a closed loop: as many requests at a time as it says, never more
}

// judgedTier is a tier of the search: its name, and its objectives by their numbers.
type judgedTier struct {
	name       string
	objectives []int
	// settled tiers need no certainty from this probe. They are judged, but nothing waits for them.
	settled bool
}

// Judge decides whether the requests of one probe keep the objectives. All times are since the probe began. It may be
// used concurrently.
type Judge struct {
	judging

	mu       sync.Mutex
	requests []request     // in the order of Sent and Dropped, nearly that of the due instants
	flying   int           // number of requests in flight
	measured time.Duration // slowest of the answers to requests due after the transient
	judged   int           // number of those answers, and of the arrivals dropped then
	settled  bool
	from     time.Duration // the end of the transient

	looking sync.Mutex // serializes looks, which take too long for mu
	looks   sequence
}

// request is one of the probe, or an arrival that was dropped.
type request struct {
	due, end time.Duration
	beside   int // number of requests in flight when it was due
	fate     fate
	answer   Answer
}

// fate is what became of an arrival.
type fate int8

const (
	inFlight fate = iota
	answered      // well or badly
	dropped
	cutOff // by the end of the probe
	gaveUp // its user left, as the test asked
)

// judging returns what the judge of a probe has to decide.
func (s *Search) judging(p Probe) judging {
	j := judging{
		alpha:   (1 - s.o.Confidence) / float64(s.o.MaxProbes),
		longest: p.Longest,
		brief:   p.Phase == Doubling,
		closed:  s.o.Over == Concurrency,
	}
	for _, t := range s.o.Tiers {
		low, high := s.known.interval(t)
		tier := judgedTier{name: t.Name}
		tier.settled = p.Phase != Hold && (low != nil && *low >= p.Value || high != nil && *high <= p.Value)
		for _, o := range t.SLO {
			same := func(other slo.Objective) bool { return other.String() == o.String() }
			at := slices.IndexFunc(j.objectives, same)
			if at < 0 {
				at, j.objectives = len(j.objectives), append(j.objectives, o)
			}
			tier.objectives = append(tier.objectives, at)
		}
		j.tiers = append(j.tiers, tier)
	}
	return j
}

func newJudge(j judging) *Judge {
	return &Judge{judging: j, looks: newSequence(len(j.objectives))}
}

// Sent counts a request that is about to be sent, and returns its number for Ended. In a closed loop due is the instant
// at which it is sent.
func (j *Judge) Sent(due time.Duration) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.requests = append(j.requests, request{due: due, beside: j.flying})
	j.flying++
	return len(j.requests) - 1
}

// Dropped counts an arrival for which no VU was free.
func (j *Judge) Dropped(due time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.requests = append(j.requests, request{due: due, end: due, beside: j.flying, fate: dropped})
	if j.settled && due >= j.from {
		j.judged++
	}
}

// Ended takes the answer of a request.
func (j *Judge) Ended(number int, at time.Duration, a Answer) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if number < 0 || number >= len(j.requests) || j.requests[number].fate != inFlight {
		return
	}
	j.flying--
	q := &j.requests[number]
	q.end, q.answer, q.fate = max(at, q.due), a, answered
	switch {
	case a.Left:
		q.fate = gaveUp
		return
	case a.Unfinished:
		q.fate = cutOff
		return
	}
	if j.settled && q.due >= j.from {
		j.measured = max(j.measured, q.end-q.due)
		j.judged++
	}
}

// The transient is over when settling times as long has passed as the slowest of the first requests took. These are
// firstRequests, or as many as have come after a part of the longest time.
const (
	firstRequests = 10
	settling      = 2
	firstPart     = 4
)

// Settled reports whether the transient is over: requests due before it are in no figure. For a request that is sent
// late, pass its due instant.
//
// The server is empty when the probe begins. The number of requests in it stops to grow by itself once the slowest of
// the first requests has ended, and a cold start is over then; the queues take longer, the time in which they forget
// how they began. So the transient lasts twice as long as the slowest of the first requests. What is left of the empty
// start makes the share of a load look better. It changes an average over the probe by at most about the queue's
// relaxation time over the probe's length. That is little whenever a probe is certain, because certainty takes tens to
// hundreds of independent requests, each of which takes about a relaxation time if it is the queue that makes requests
// depend on each other.
//
// If the first requests are not answered, the transient ends when the longest time has passed.
func (j *Judge) Settled(now time.Duration) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.settle(now)
}

// settle ends the transient if it is over.
func (j *Judge) settle(now time.Duration) bool {
	if j.settled {
		return now >= j.from
	}
	first := j.requests[:min(len(j.requests), firstRequests)]
	slowest, all := slowestOf(first)
	enough := len(first) == firstRequests || len(first) > 0 && now >= j.longest/firstPart
	if now >= j.longest || enough && all && now >= settling*slowest {
		j.settled, j.from = true, now
	}
	return j.settled
}

// slowestOf returns how long the slowest of the requests took that were answered, and whether no request is in flight.
func slowestOf(requests []request) (slowest time.Duration, all bool) {
	all = true
	for _, q := range requests {
		if q.fate == answered {
			slowest = max(slowest, q.end-q.due)
		}
		all = all && q.fate != inFlight
	}
	return slowest, all
}

// Look reports whether the probe may end, because it is decided or ran out of time. It is called a few times a second.
//
// It takes constant time, except when the number of requests has grown by a third since it last looked at them. Then it
// takes O(n log n) for n requests and each objective, without holding up Sent and Ended.
func (j *Judge) Look(now time.Duration) (over bool) {
	j.looking.Lock()
	defer j.looking.Unlock()
	j.mu.Lock()
	settled := j.settle(now)
	from, horizon, n := j.from, now-j.measured, j.judged
	if over = settled && now-from >= j.longest; over || !settled || !j.looks.due(n) {
		j.mu.Unlock()
		return over
	}
	all := slices.Clone(j.requests)
	j.mu.Unlock()
	return j.look(window{all: all, judged: n, from: from, horizon: horizon, until: now})
}

// Outcome returns what became of the probe, except for the stage, the seconds and the verdict. It is called once, when
// the last request has ended.
func (j *Judge) Outcome(now time.Duration) record.SearchProbe {
	j.looking.Lock()
	defer j.looking.Unlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	from := j.from
	if !j.settled {
		from = now // all of it was the transient
	}
	w := window{all: j.requests, judged: j.judged, from: from, horizon: now, until: j.lastDue(), last: true}
	j.look(w)
	return j.outcome(w)
}

// lastDue returns the last due instant.
func (j *Judge) lastDue() (last time.Duration) {
	for _, q := range j.requests {
		last = max(last, q.due)
	}
	return last
}

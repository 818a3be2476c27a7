package search

import (
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"go.k6.io/k6/v2/lib/types"
	"gopkg.in/guregu/null.v3"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// queue is a server with places and a queue in front of them. A request takes a second, or one on average, and its TTFT
// is its wait.
type queue struct {
	places      int
	exponential bool // how long requests take
	src         *rand.Rand
	requests    int  // sent so far
	fixed       bool // probes take their longest time, whatever they show

	now  float64
	free []float64 // when each place is free
	ends endings
}

// lookEvery is how often a judge is asked, in seconds.
const lookEvery = 0.25

// probe runs a probe as the executor does, in virtual time.
func (q *queue) probe(s *Search, p Probe) record.SearchProbe {
	j := s.Judge(p)
	q.now, q.free, q.ends = 0, make([]float64, q.places), nil
	for look := 0.0; ; {
		q.now += q.src.ExpFloat64() / p.Value
		for len(q.ends) > 0 && q.ends[0].at <= q.now {
			q.ends.next(j)
		}
		if q.now >= look {
			if q.over(j, p) {
				break
			}
			look = q.now + lookEvery
		}
		q.send(j)
	}
	for len(q.ends) > 0 {
		q.now = q.ends[0].at
		q.ends.next(j)
	}
	out := j.Outcome(seconds(q.now))
	out.Stage, out.Seconds, out.Verdict = p.Number, q.now, valid
	return out
}

// over reports whether a probe ends.
func (q *queue) over(j *Judge, p Probe) bool {
	if !q.fixed {
		return j.Look(seconds(q.now))
	}
	return j.Settled(seconds(q.now)) && q.now-j.from.Seconds() >= p.Longest.Seconds()
}

// send sends a request, which takes the place that is free first.
func (q *queue) send(j *Judge) {
	q.requests++
	place := 0
	for i, at := range q.free {
		if at < q.free[place] {
			place = i
		}
	}
	begin := max(q.now, q.free[place])
	q.free[place] = begin + 1
	if q.exponential {
		q.free[place] = begin + q.src.ExpFloat64()
	}
	none := math.NaN()
	heap.Push(&q.ends, ending{q.free[place], j.Sent(seconds(q.now)), Answer{TTFT: begin - q.now, TPOT: none,
		NTPOT: none, ITL: none, Latency: q.free[place] - q.now}})
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// ending is the end of a request.
type ending struct {
	at     float64
	number int
	answer Answer
}

// endings is a heap of what has yet to end.
type endings []ending

func (e endings) Len() int           { return len(e) }
func (e endings) Less(i, k int) bool { return e[i].at < e[k].at }
func (e endings) Swap(i, k int)      { e[i], e[k] = e[k], e[i] }
func (e *endings) Push(x any)        { *e = append(*e, x.(ending)) }

func (e *endings) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}

// next tells the judge what ends next.
func (e *endings) next(j *Judge) {
	x := heap.Pop(e).(ending)
	j.Ended(x.number, seconds(x.at), x.answer)
}

// waits returns the share of the requests of a queue that wait no longer than a bound. Requests take a second.
type waits func(places int, rate, bound float64) float64

// edge returns the highest rate at which a share of the requests waits no longer than a bound.
func (w waits) edge(places int, share, bound float64) float64 {
	low, high := 0.0, float64(places)
	for range 20 {
		if rate := (low + high) / 2; w(places, rate, bound) >= share {
			low = rate
		} else {
			high = rate
		}
	}
	return low
}

// markov is for M/M/c: by Erlang's C formula.
func markov(places int, rate, bound float64) float64 {
	blocked := 1.0 // Erlang's B formula by recursion
	for n := 1; n <= places; n++ {
		blocked = rate * blocked / (float64(n) + rate*blocked)
	}
	c := float64(places)
	return 1 - blocked/(1-rate/c*(1-blocked))*math.Exp(-(c-rate)*bound)
}

// deterministic is for M/D/c, after G.J. Franx, A simple solution for the M/D/c waiting time distribution, Operations
// Research Letters 29 (2001) 221-229. For a service time of 1 and (k-1) ≤ x < k it is
// exp(-λ(k-x)) Σ_{j<kc} Q(kc-1-j) (λ(k-x))^j/j!, where Q(n) is the probability that no more than n requests wait.
func deterministic(places int, rate, bound float64) float64 {
	present := crommelin(places, rate)
	for n := 1; n < len(present); n++ { // the probability that no more than n are present
		present[n] += present[n-1]
	}
	k := int(bound) + 1
	left := rate * (float64(k) - bound)
	sum, term := 0.0, math.Exp(-left)
	for j := range k * places {
		sum += present[min(places+k*places-1-j, len(present)-1)] * term
		term *= left / float64(j+1)
	}
	return sum
}

// crommelin returns the probabilities that 0, 1, 2 … requests are present in M/D/c. A service time later all that are
// in service now have left, and those that wait now and those that came meanwhile are present (Crommelin 1932). The
// distribution that this step leaves as it is, is found by repeating it.
func crommelin(places int, rate float64) []float64 {
	most := 2*places + 50         // more are present seldom enough, unless the queue is near its limit
	come := make([]float64, most) // Poisson
	come[0] = math.Exp(-rate)
	for n := 1; n < most; n++ {
		come[n] = come[n-1] * rate / float64(n)
	}
	now := make([]float64, most)
	now[0] = 1
	for change, step := 1.0, 0; change > 1e-9 && step < 500; step++ {
		next := make([]float64, most)
		for n, p := range now {
			waiting := max(n-places, 0)
			for k := 0; waiting+k < most && p > 1e-15; k++ {
				next[waiting+k] += p * come[k]
			}
		}
		change = 0
		for n := range next {
			change += math.Abs(next[n] - now[n])
		}
		now = next
	}
	return now
}

func TestWaits(t *testing.T) {
	t.Parallel()
	// Erlang (1909): P(W ≤ x) = (1-ρ) exp(λx) for x < D in M/D/1.
	for _, rate := range []float64{0.1, 0.3, 0.6} {
		if got, want := deterministic(1, rate, 0.5), (1-rate)*math.Exp(rate*0.5); math.Abs(got-want) > 1e-3 {
			t.Errorf("M/D/1 at %v: got %v, want %v", rate, got, want)
		}
		if got, want := markov(1, rate, 0.5), 1-rate*math.Exp(-(1-rate)*0.5); math.Abs(got-want) > 1e-9 {
			t.Errorf("M/M/1 at %v: got %v, want %v", rate, got, want)
		}
	}
	for _, tt := range []struct {
		queue queue
		w     waits
		rate  float64
	}{{queue{places: 8}, deterministic, 5.5}, {queue{places: 8, exponential: true}, markov, 5}, {queue{places: 32},
		deterministic, 24}} {
		q, j := &tt.queue, newJudge(judging{})
		q.src, q.free = rand.New(rand.NewPCG(1, 1)), make([]float64, q.places)
		const n = 300_000
		kept := 0
		for range n {
			q.now += q.src.ExpFloat64() / tt.rate
			q.send(j)
			if q.ends[0].answer.TTFT <= 0.3 {
				kept++
			}
			q.ends = q.ends[:0]
		}
		if got, want := float64(kept)/n, tt.w(q.places, tt.rate, 0.3); math.Abs(got-want) > 0.004 {
			t.Errorf("%d places at %v/s: simulated %.4f, computed %.4f", q.places, tt.rate, got, want)
		}
	}
}

// tally is what became of many searches.
type tally struct {
	searches, near, intervals, inside, good, probes, requests int
	logWidth                                                  float64 // of all intervals
}

func (a tally) String() string {
	n := float64(a.searches)
	return fmt.Sprintf("%d searches, %d within 5 %%; %d intervals, of which %d hold the edge, high/low %.2f; %d good; "+
		"%.1f probes and %.0f requests", a.searches, a.near, a.intervals, a.inside,
		math.Exp(a.logWidth/float64(a.intervals)), a.good, float64(a.probes)/n, float64(a.requests)/n)
}

// add adds a search for an edge that is known.
func (a *tally) add(line *record.Search, requests int, edge float64) {
	near, inside := line.HighestPassing != nil && math.Abs(*line.HighestPassing/edge-1) <= 0.05, false
	if low, high := line.Interval[0], line.Interval[1]; low != nil && high != nil {
		inside = *low <= edge && edge <= *high
		a.intervals++
		a.logWidth += math.Log(*high / *low)
	}
	for _, c := range []struct {
		count *int
		yes   bool
	}{{&a.near, near}, {&a.inside, inside}, {&a.good, near || inside}} {
		if c.yes {
			*c.count++
		}
	}
	a.searches, a.probes, a.requests = a.searches+1, a.probes+len(line.Probes), a.requests+requests
}

// setting is a queue, and how long its probes are.
type setting struct {
	places      int
	exponential bool
	bound       float64 // of the wait, that 99 % of the requests have to keep
	probe       time.Duration
}

func (c setting) String() string {
	text := fmt.Sprintf("M/D/%d", c.places)
	if c.exponential {
		text = fmt.Sprintf("M/M/%d", c.places)
	}
	return text + fmt.Sprintf(", p99 of the wait below %v s, probes of %v", c.bound, c.probe)
}

// edge returns the highest rate at which the bound is kept.
func (c setting) edge() float64 {
	w := waits(deterministic)
	if c.exponential {
		w = markov
	}
	return w.edge(c.places, 0.99, c.bound)
}

func (c setting) queue(seed int) *queue {
	return &queue{places: c.places, exponential: c.exponential, src: rand.New(rand.NewPCG(uint64(seed), 7))}
}

func (c setting) given() arrival.SearchOptions {
	return arrival.SearchOptions{SLO: null.StringFrom(fmt.Sprintf("p99(ttft)<%vs", c.bound)),
		Probe: types.NullDurationFrom(c.probe)}
}

// search runs searches with different seeds.
func (c setting) search(t *testing.T, seeds int) (a tally) {
	t.Helper()
	edge := c.edge()
	for seed := range seeds {
		q := c.queue(seed)
		a.add(run(t, c.given(), q.probe), q.requests, edge)
	}
	t.Logf("%v: edge at %.3f/s: %v", c, edge, a)
	return a
}

// ladder does without a search: loads at the distance of the resolution, from 1 to the number of places, each measured
// for a time that is set beforehand and judged once.
func (c setting) ladder(t *testing.T, seeds int) {
	t.Helper()
	var loads []float64
	for v := 1.0; v < float64(c.places); v *= 1 + DefaultResolution {
		loads = append(loads, v)
	}
	given := c.given()
	given.MaxProbes = null.IntFrom(int64(len(loads))) // the error is spent over them all
	edge := c.edge()
	var a tally
	for seed := range seeds {
		s, err := New(given)
		if err != nil {
			t.Fatal(err)
		}
		q := c.queue(seed)
		q.fixed = true
		for i, v := range loads {
			p := Probe{Number: i, Value: v, Phase: Hold, Longest: c.probe}
			s.known.probes = append(s.known.probes, q.probe(s, p))
			s.known.probes[i].Value = v
		}
		a.add(s.Line(), q.requests, edge)
	}
	t.Logf("%v: ladders instead: %v", c, a)
}

// queues are those whose edge is looked for, and how long each load of a ladder is measured so that it tells as much.
// LLM_TEST_TRUTH=all adds some that take minutes.
func queues() (list []setting, ladders []time.Duration) {
	list, ladders = []setting{{places: 8, bound: 0.1, probe: 30 * time.Minute}}, []time.Duration{15 * time.Minute}
	if os.Getenv("LLM_TEST_TRUTH") == "all" {
		list = append(list, setting{places: 4, bound: 0.5, probe: 60 * time.Minute},
			setting{places: 32, bound: 0.1, probe: 20 * time.Minute})
		ladders = append(ladders, 30*time.Minute, 10*time.Minute)
	}
	return list, ladders
}

// A hundred searches for the edge of queues whose edge is known: at least 95 are within 5 % of it, or hold it in their
// interval. The requests that they send are logged beside those of ladders that are about as sure.
func TestSearchFindsTheEdgeOfAQueue(t *testing.T) {
	t.Parallel()
	list, ladders := queues()
	seeds, fewer := 50, 2
	switch {
	case testing.Short():
		seeds, fewer = 5, 1
	case len(list) > 1:
		seeds, fewer = 100, 50
	}
	for i, c := range list {
		var all tally
		for _, c.exponential = range []bool{false, true} {
			a := c.search(t, seeds)
			all.searches, all.good = all.searches+a.searches, all.good+a.good
			all.intervals, all.inside = all.intervals+a.intervals, all.inside+a.inside
			beside := c
			beside.probe = ladders[i]
			beside.ladder(t, fewer)
		}
		if 20*all.good < 19*all.searches {
			t.Errorf("%v: %d of %d searches found the edge, want 95 %%", c, all.good, all.searches)
		}
		if 20*all.inside < 19*all.intervals {
			t.Errorf("%v: %d of %d intervals hold the edge, want 95 %%", c, all.inside, all.intervals)
		}
	}
}

package search

import (
	"flag"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// simulated multiplies the probes of the tests that measure the judge: -simulated 25 takes minutes and gives the
// figures of docs/search.md, with -v.
var simulated = flag.Int("simulated", 1, "how many times as many probes to simulate")

// station is a queue M/G/c, first come, first served.
type station struct {
	places  int
	rate    float64                  // arrivals per second
	service func(*rand.Rand) float64 // seconds
}

// servers can serve ten requests a second.
var servers = []struct {
	name    string
	places  int
	service func(*rand.Rand) float64
}{
	{"M/M/1", 1, func(rnd *rand.Rand) float64 { return 0.1 * rnd.ExpFloat64() }},
	{"M/M/8", 8, func(rnd *rand.Rand) float64 { return 0.8 * rnd.ExpFloat64() }},
	{"M/D/8", 8, func(*rand.Rand) float64 { return 0.8 }},
}

// served is a request that the queue has taken.
type served struct {
	due, start, end float64
	number          int
}

// requests returns a source of requests in the order of their due instants.
func (q station) requests(seed uint64) func() served {
	rnd := rand.New(rand.NewPCG(seed, 1))
	free := make([]float64, q.places) // when each place is free again
	now := 0.0
	return func() served {
		now += rnd.ExpFloat64() / q.rate
		place := slices.Index(free, slices.Min(free))
		start := max(now, free[place])
		free[place] = start + q.service(rnd)
		return served{due: now, start: start, end: free[place]}
	}
}

// bound returns the wait that a share of the requests does not exceed in the long run.
func (q station) bound(share float64) time.Duration {
	next := q.requests(99)
	waits := make([]float64, 300_000)
	for i := range waits {
		r := next()
		waits[i] = r.start - r.due
	}
	waits = waits[len(waits)/20:]
	slices.Sort(waits)
	return inSeconds(waits[int(share*float64(len(waits)))])
}

func inSeconds(s float64) time.Duration { return time.Duration(s * 1e9) }

// probe feeds a judge until it has seen enough. The TTFT is the wait.
func (q station) probe(j *Judge, seed uint64) record.SearchProbe {
	var flight []served // in the order of their ends
	end := func(until float64) {
		for len(flight) > 0 && flight[0].end <= until {
			r := flight[0]
			j.Ended(r.number, inSeconds(r.end), Answer{TTFT: r.start - r.due, Latency: r.end - r.due,
				TPOT: math.NaN(), NTPOT: math.NaN(), ITL: math.NaN()})
			flight = flight[1:]
		}
	}
	next, look := q.requests(seed), 0.0
	for {
		r := next()
		for ; look < r.due; look += 0.25 {
			if end(look); j.Look(inSeconds(look)) {
				end(math.Inf(1))
				return j.Outcome(inSeconds(look))
			}
		}
		end(r.due)
		r.number = j.Sent(inSeconds(r.due))
		at, _ := slices.BinarySearchFunc(flight, r, func(a, b served) int {
			if a.end < b.end {
				return -1
			}
			return 1
		})
		flight = slices.Insert(flight, at, r)
	}
}

// judgeOf returns a judge of one tier as a search with 20 probes makes it.
func judgeOf(longest time.Duration, objectives ...slo.Objective) *Judge {
	tier := judgedTier{name: "only"}
	for i := range objectives {
		tier.objectives = append(tier.objectives, i)
	}
	return newJudge(judging{objectives: objectives, tiers: []judgedTier{tier}, alpha: 0.05 / 20, longest: longest})
}

// waitWithin returns the objective that a share of the requests has a TTFT within the limit.
func waitWithin(share float64, limit time.Duration) slo.Objective {
	return slo.Objective{Kind: slo.Percentile, Share: share, Bounds: []slo.Bound{{Latency: "ttft", Limit: limit}}}
}

// TestCertainIsRight has servers at loads just beyond the edge, or just below it.
func TestCertainIsRight(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		server       int
		utilisation  float64
		need, keepIt float64 // the share that is needed, and the one that keeps the objective
	}{
		{0, 0.6, 0.9, 0.91}, {0, 0.8, 0.9, 0.89}, {0, 0.9, 0.9, 0.89}, {0, 0.8, 0.5, 0.48},
		{1, 0.6, 0.9, 0.89}, {1, 0.8, 0.99, 0.98}, {1, 0.9, 0.9, 0.91},
		{2, 0.8, 0.9, 0.91}, {2, 0.9, 0.99, 0.98},
	} {
		s := servers[tt.server]
		q := station{s.places, 10 * tt.utilisation, s.service}
		limit := q.bound(tt.keepIt)
		n, wrong, certain := 60**simulated, 0, 0
		for seed := range n {
			p := q.probe(judgeOf(time.Minute, waitWithin(tt.need, limit)), uint64(seed))
			if p.Certain {
				certain++
				if (p.Outcome == Pass) != (tt.keepIt > tt.need) {
					wrong++
				}
			}
		}
		t.Logf("%s at %.0f %%, %v keep it and %v should: %.2f %% certain, %.3f %% wrong", s.name, 100*tt.utilisation,
			tt.keepIt, tt.need, 100*float64(certain)/float64(n), 100*float64(wrong)/float64(n))
		// The median of M/M/1 is the worst, with 1 %, because its clusters are the longest.
		if float64(wrong) > max(2, 0.02*float64(n)) {
			t.Errorf("%s at %v: %d of %d probes are certain of what is wrong", s.name, tt.utilisation, wrong, n)
		}
	}
}

// TestRequestsSpent prints how many requests the judge takes at loads around the edge, which is at 80 % utilisation.
func TestRequestsSpent(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		for _, need := range []float64{0.9, 0.99} {
			limit := station{s.places, 8, s.service}.bound(need)
			for _, times := range []float64{0.5, 0.8, 0.95, 1.05, 1.2, 2} {
				q := station{s.places, 8 * times, s.service}
				n, certain, wrong, requests := 5**simulated, 0, 0, 0
				for seed := range n {
					p := q.probe(judgeOf(2*time.Minute, waitWithin(need, limit)), uint64(seed))
					requests += p.Requests
					if p.Certain {
						certain++
					}
					if (p.Outcome == Pass) != (times < 1) {
						wrong++
					}
				}
				t.Logf("%s p%.0f at %.2f of the edge: %d requests, %d %% certain, %d %% of the outcomes wrong", s.name,
					100*need, times, requests/n, 100*certain/n, 100*wrong/n)
				if (times == 0.5 || times == 2) && wrong > 0 || times == 2 && (certain < n || requests > 600*n) {
					t.Errorf("%s p%v at %v of the edge: got %d of %d certain, %d wrong, %d requests", s.name, 100*need,
						times, certain, n, wrong, requests)
				}
			}
		}
	}
}

// TestUnstable has no objective that could decide instead.
func TestUnstable(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		for _, tt := range []struct {
			utilisation float64
			unstable    bool
			most        int // requests until that is clear
		}{{0.95, false, 0}, {1.1, true, 9000}, {2, true, 500}, {4, true, 1000}} {
			q := station{s.places, 10 * tt.utilisation, s.service}
			n, alarms, requests := 6**simulated, 0, 0
			for seed := range n {
				never := slo.Objective{Kind: slo.Failures, Share: 0}
				p := q.probe(judgeOf(20*time.Minute, never), uint64(seed))
				if p.Unstable {
					alarms, requests = alarms+1, requests+p.Requests
				}
				if p.Unstable && (p.Outcome != Fail || !p.Certain) {
					t.Errorf("%s at %v: unstable, and yet %s, certain %t", s.name, tt.utilisation, p.Outcome, p.Certain)
				}
			}
			mean := requests / max(alarms, 1)
			t.Logf("%s at %v: %.1f %% unstable, after %d requests", s.name, tt.utilisation,
				100*float64(alarms)/float64(n), mean)
			if tt.unstable && (2*alarms < n || mean > tt.most) || !tt.unstable && 50*alarms > n {
				t.Errorf("%s at %v: got %d of %d unstable, after %d requests on average", s.name, tt.utilisation,
					alarms, n, mean)
			}
		}
	}
}

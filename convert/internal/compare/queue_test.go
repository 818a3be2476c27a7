package compare

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// queue is a run against a server of ten slots: evenly spaced arrivals at so much of what it can do, answers of lengths
// that vary. Above 1 its queue grows without end.
func queue(n int, load float64, seed uint64) Side {
	const slots, meanService = 10, 1.3
	rng := seeded(seed, 3)
	free := make([]float64, slots)
	s := Side{Name: "queue", Requests: make([]Request, n)}
	for i := range s.Requests {
		first := 0
		for k, at := range free {
			if at < free[first] {
				first = k
			}
		}
		tokens := math.Ceil(100 * math.Exp(0.6*rng.NormFloat64()))
		service := 0.1 + tokens/100
		start := float64(i) * meanService / (load * slots)
		served := max(start, free[first])
		free[first] = served + service
		s.Requests[i] = Request{Start: start, End: free[first], TTFT: served - start + 0.1, ITL: 0.01, TPOT: 0.01,
			NTPOT:   service / tokens,
			Latency: free[first] - start, ScheduleDelay: math.NaN(), Input: 100, Output: tokens}
		s.Seconds = max(s.Seconds, free[first])
	}
	return s
}

// Two equal runs above what the server can do differ by far more than their own variation shows, for a queue that grows
// adds up its chances. A third of them were called worse once.
func TestEqualOverloadedRunsPass(t *testing.T) {
	t.Parallel()
	const pairs = 60
	failed := 0
	for i := range uint64(pairs) {
		r := mustCompare(t, queue(1000, 1.05, 2*i), queue(1000, 1.05, 2*i+1), Options{Resamples: 200})
		if !r.Passed {
			failed++
		}
	}
	if failed > pairs/10 {
		t.Errorf("%d of %d pairs of equal runs were called worse", failed, pairs)
	}
}

// What a growing queue does to a figure is still seen: a server that no longer keeps up does not pass as unclear.
func TestFallingBehindFails(t *testing.T) {
	t.Parallel()
	for _, n := range []int{300, 1000} {
		base, fresh := queue(n, 0.8, 1), queue(n, 1.4, 2)
		r := mustCompare(t, base, fresh, Options{Resamples: 300})
		if m := r.metric("mean(ttft)"); r.Passed || m.Verdict != Worse {
			t.Errorf("%d requests: got %s, %s, %q", n, r.Verdict, m.sentence(m.Verdict), m.Warnings)
		}
		r = mustCompare(t, base, fresh, Options{Resamples: 300}, "mean(ttft)>+5%")
		if r.Passed {
			t.Errorf("%d requests: the gate is %+v", n, r.Gates[0])
		}
	}
}

func TestDriftIsSaid(t *testing.T) {
	t.Parallel()
	r := mustCompare(t, queue(1000, 1.2, 1), queue(1000, 1.25, 2), Options{Resamples: 200}, "mean(ttft)>+5%")
	m := r.metric("mean(ttft)")
	if m.Verdict != Unclear || !strings.Contains(strings.Join(m.Warnings, ""), "drifts through the run") ||
		r.Gates[0].Status != GateUndecided {
		t.Errorf("got %s, %q, gate %+v", m.sentence(m.Verdict), m.Warnings, r.Gates[0])
	}
}

func TestDrifts(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 5))
	const runs = 300
	steady, walks := 0, 0
	for range runs {
		level, x, walk := 0.0, make([]float64, 400), make([]float64, 400)
		for i := range x {
			x[i] = rng.NormFloat64()
			level += x[i]
			walk[i] = level
		}
		if drifts(series{values: x, ends: []int{len(x)}}) {
			steady++
		}
		if drifts(series{values: walk, ends: []int{len(walk)}}) {
			walks++
		}
	}
	if steady > runs/20 || walks < runs*8/10 {
		t.Errorf("of %d, %d independent series drift and %d random walks; want few and most", runs, steady, walks)
	}
}

package gate_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/gate"
	"github.com/seed-307b789f/xk6-llm/internal/quantile"
)

func TestShareStatus(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		over, n int
		design  float64
		most    float64
		want    gate.Status
	}{
		{0, 100, 1, 0.01, gate.Inconclusive}, // up to 3.6 % may fail
		{0, 368, 1, 0.01, gate.Pass},
		{0, 367, 1, 0.01, gate.Inconclusive},
		{0, 368, 1.1, 0.01, gate.Inconclusive},
		{150, 10000, 1, 0.01, gate.Fail},
		{100, 10000, 1, 0.01, gate.Inconclusive},
		{70, 10000, 1, 0.01, gate.Pass},
		{70, 10000, 4, 0.01, gate.Inconclusive},
		{5, 5, 1, 0.01, gate.Fail},
		{0, 0, 1, 0.01, gate.Inconclusive},
		{0, 3, 1, 0, gate.Pass}, // a demand on these requests
		{1, 3, 1, 0, gate.Fail},
		{3, 3, 1, 1, gate.Pass},
	} {
		s := gate.Share{Over: c.over, Requests: c.n, Design: c.design}
		if got := s.Status(c.most, 0.95); got != c.want {
			t.Errorf("%d of %d, design %v, at most %v: %s, want %s", c.over, c.n, c.design, c.most, got, c.want)
		}
	}
}

// A percentile of which too many failed is not kept, however fast the others were.
func TestPercentileStatus(t *testing.T) {
	t.Parallel()
	keeps := func(v float64) bool { return v < 0.5 }
	for _, c := range []struct {
		ok, failed int
		share      float64
		want       gate.Status
	}{
		{9850, 150, 0.99, gate.Fail},
		{9850, 90, 0.99, gate.Inconclusive},
		{9850, 50, 0.99, gate.Pass},
		{300, 0, 0.99, gate.Inconclusive},
		{450, 0, 0.99, gate.Pass},
		{0, 3, 0.5, gate.Inconclusive}, // who knows that all failed answers otherwise
		{0, 0, 0.5, gate.Inconclusive},
		{0, 0, 1, gate.Inconclusive},
		{100, 0, 1, gate.Pass},
		{100, 1, 1, gate.Fail},
	} {
		got := percentile(c.ok, c.failed, c.share).Status(keeps, 0.95)
		if got != c.want {
			t.Errorf("p%v of %d and %d failed: %s, want %s", 100*c.share, c.ok, c.failed, got, c.want)
		}
	}
}

// percentile returns that of some successes, and of failures that are spread among them.
func percentile(ok, failed int, share float64) gate.Percentile {
	values := make([]float64, ok+failed)
	for i := range values {
		if values[i] = 0.1; (i+1)*failed/len(values) > i*failed/len(values) {
			values[i] = math.Inf(1)
		}
	}
	sorted, largest := slices.Sorted(slices.Values(values)), math.NaN()
	if len(sorted) > 0 {
		largest = sorted[len(sorted)-1]
	}
	at := func(rank int) float64 { return sorted[rank] }
	return gate.Percentile{Series: quantile.NewSeries(values, at, 1), Largest: largest, Share: share}
}

// Holm's method: gates that are clear leave more of the error to the others.
func TestDecide(t *testing.T) {
	t.Parallel()
	at := func(least float64, then gate.Status) func(float64) gate.Status {
		return func(level float64) gate.Status {
			if 1-level >= least {
				return then
			}
			return gate.Inconclusive
		}
	}
	for _, c := range []struct {
		gates []func(float64) gate.Status
		want  []gate.Status
		level float64 // of the last
	}{
		{nil, nil, 0},
		{[]func(float64) gate.Status{at(0.04, gate.Pass)}, []gate.Status{gate.Pass}, 0.95},
		{[]func(float64) gate.Status{at(0, gate.Fail), at(0.04, gate.Pass)}, []gate.Status{gate.Fail, gate.Pass}, 0.95},
		{[]func(float64) gate.Status{at(0.04, gate.Fail), at(0.04, gate.Pass)},
			[]gate.Status{gate.Inconclusive, gate.Inconclusive}, 0.975},
		{[]func(float64) gate.Status{at(0.06, gate.Fail), at(0.02, gate.Pass)},
			[]gate.Status{gate.Inconclusive, gate.Pass}, 0.975},
	} {
		for i, a := range gate.Decide(0.95, c.gates) {
			if a.Status != c.want[i] || i == len(c.gates)-1 && math.Abs(a.Level-c.level) > 1e-9 {
				t.Errorf("gate %d of %v: %+v, want the level %v", i, c.want, a, c.level)
			}
		}
	}
}

func TestWorst(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		list []gate.Status
		want gate.Status
	}{
		{nil, gate.Pass}, {[]gate.Status{gate.Pass, gate.Inconclusive}, gate.Inconclusive},
		{[]gate.Status{gate.Inconclusive, gate.Fail, gate.Pass}, gate.Fail},
	} {
		if got := gate.Worst(c.list...); got != c.want {
			t.Errorf("%v: %s", c.list, got)
		}
	}
}

// At the bound itself each answer is wrong, and comes in at most 2.5 % of runs. What a gate says that it sees, and of
// how many requests, it sees with the chance that it says.
func TestGateOfKnownTruth(t *testing.T) {
	t.Parallel()
	const runs = 2000
	answers := func(n int, p, most float64) map[gate.Status]float64 {
		found := map[gate.Status]float64{}
		for i := range uint64(runs) {
			rng := rand.New(rand.NewPCG(i*0x9e3779b97f4a7c15, uint64(n)^0xd1b54a32d192ed03))
			over := 0
			for range n {
				if rng.Float64() < p {
					over++
				}
			}
			found[gate.Share{Over: over, Requests: n}.Status(most, 0.95)] += 1. / runs
		}
		return found
	}
	for _, n := range []int{100, 400, 1500} {
		for _, most := range []float64{0.01, 0.05, 0.5} {
			s := gate.Share{Over: n / 10, Requests: n}
			if got := answers(n, most, most); got[gate.Pass] > 0.035 || got[gate.Fail] > 0.035 {
				t.Errorf("%d requests at the bound %v: %v", n, most, got)
			}
			passes, fails := s.Sees(most, 0.95)
			if !math.IsNaN(fails) {
				if got := answers(n, fails, most)[gate.Fail]; math.Abs(got-gate.Power) > 0.03 {
					t.Errorf("%d requests, %v: FAIL of %.3f in %v of runs", n, most, fails, got)
				}
			}
			if !math.IsNaN(passes) {
				if got := answers(n, passes, most)[gate.Pass]; math.Abs(got-gate.Power) > 0.03 {
					t.Errorf("%d requests, %v: PASS of %.4f in %v of runs", n, most, passes, got)
				}
			}
		}
	}
	for _, c := range []struct{ over, most float64 }{{0.02, 0.01}, {0.005, 0.01}, {0.6, 0.5}} {
		s := gate.Share{Over: int(1000 * c.over), Requests: 1000, Design: 1}
		n := s.Needs(c.most, 0.95)
		if got := answers(int(n), c.over, c.most); got[gate.Inconclusive] > 0.25 || got[gate.Inconclusive] < 0.12 {
			t.Errorf("%v of at most %v: %.0f requests decide in %v", c.over, c.most, n, got)
		}
	}
	if n := (gate.Share{Over: 10, Requests: 1000}).Needs(0.01, 0.95); !math.IsInf(n, 1) {
		t.Errorf("on the bound: %v requests", n)
	}
}

package search

import (
	"slices"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// interval returns the highest load that passes for certain, and the lowest above it that fails for certain. Each holds
// with an error of half of what the confidence leaves.
//
// What one probe shows for certain counts, and so does what several show together. Where more load does not help a
// server, the share at a load is no smaller than at any higher one. So the requests from a load up to the answer show
// together that it passes, and those from the lowest failing load up to it that it fails. Loads are tested in order,
// those that are furthest from the answer first, and none is tested behind one that is not certain. Then the number of
// tests adds no error: the first that is wrong is that of the first load beyond the edge (a fixed sequence of tests,
// Maurer, Hothorn & Lehmacher 1995).
func (k *known) interval(t Tier) (low, high *float64) {
	ms := k.marks(t)
	low, high = ms.interval()
	b := ms.bracket()
	if ms.nonMonotone() {
		return low, high
	}
	all := together{k.judged(), (1 - k.o.Confidence) / 2}
	for _, m := range ms {
		if b.low == nil || m.value > b.low.value || !m.surely(Pass) && !all.pass(t, m.value, b.low.value) {
			break
		}
		if low == nil || *low < m.value {
			low = new(m.value)
		}
	}
	for _, m := range slices.Backward(ms) {
		if b.high == nil || m.value < b.high.value || !m.surely(Fail) && !all.fail(t, b.high.value, m.value) {
			break
		}
		if high == nil || *high > m.value {
			high = new(m.value)
		}
	}
	return low, high
}

// surely reports whether a probe shows an outcome for certain.
func (m mark) surely(outcome string) bool { return m.certain && m.pass == (outcome == Pass) }

// together are probes that are judged together, with an error.
type together struct {
	probes []record.SearchProbe
	alpha  float64
}

// pass reports whether the probes from one load to another show that the lower one keeps an SLO. The upper one is the
// answer, which the probes have chosen, so half of the error is spent.
func (all together) pass(t Tier, from, to float64) bool {
	return !slices.ContainsFunc(t.SLO, func(o slo.Objective) bool {
		passes, _ := all.decide(o, from, to, all.alpha/2)
		return !passes
	})
}

// fail reports whether the probes from one load to another show that the upper one breaks an SLO.
func (all together) fail(t Tier, from, to float64) bool {
	return slices.ContainsFunc(t.SLO, func(o slo.Objective) bool {
		_, fails := all.decide(o, from, to, all.alpha/float64(len(t.SLO)))
		return fails
	})
}

// decide compares the share of the requests that kept an objective, in all probes from one load to another, with the
// share that is needed. Probes do not depend on each other, because the server is idle between them, so their numbers
// of independent requests add up.
func (all together) decide(o slo.Objective, from, to, alpha float64) (passes, fails bool) {
	kept, n := 0.0, 0.0
	for _, p := range all.probes {
		share, ok := shareOf(p, o)
		if !ok || share.Share == nil || p.Value < from || p.Value > to {
			continue
		}
		kept += *share.Share * share.Effective
		n += share.Effective
	}
	if !(n >= 1) {
		return false, false
	}
	lower, upper := clopperPearson(kept/n, n, alpha)
	return decide(o, lower, upper)
}

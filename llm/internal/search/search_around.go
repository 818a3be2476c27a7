package search

import (
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Loads around the answer, as multiples of it. The second one is tried if the first is not certain.
var (
	below = []float64{1 / 1.25, 1 / 1.6}
	above = []float64{1.2, 1.5}
)

// worthwhile is by how much a load has to narrow the interval.
const worthwhile = 1.1

// around returns a load to hold that would tell more of a tier than its answer does, and false if there is none:
// because enough is certain, or because no probe has enough requests to be certain of anything.
//
// The load above the answer was tried once, so chance may have failed it. Loads further off give the interval its ends.
// All this takes minutes, so who gave no times of probes gets the answer without it.
func (k *known) around(t Tier) (float64, bool) {
	ms := k.marks(t)
	b := ms.bracket()
	if k.o.stretch || b.low == nil || !k.canBeSure(t, *b.low) {
		return 0, false
	}
	if b.high != nil && !b.high.certain && !k.held(b.high.value) {
		return b.high.value, true
	}
	low, high := k.interval(t)
	for _, part := range below {
		v := k.o.tidy(b.low.value * part)
		if v >= b.low.value || v < k.o.Min || low != nil && *low*worthwhile >= v {
			break
		}
		if !k.held(v) {
			return v, true
		}
	}
	for _, part := range above {
		v := k.o.tidy(b.low.value * part)
		if b.high == nil || v <= b.high.value || v > k.o.highest() || high != nil && *high <= v*worthwhile {
			break
		}
		if !k.held(v) {
			return v, true
		}
	}
	return 0, false
}

// tidy returns a load that may be tried and is easy to type.
func (o *Options) tidy(v float64) float64 {
	if o.Over == Concurrency {
		return max(1, math.Round(v))
	}
	return rounded(v)
}

// held reports whether a load was tried for the longest time.
func (k *known) held(value float64) bool {
	return slices.ContainsFunc(k.judged(), func(p record.SearchProbe) bool {
		return p.Phase == Hold && p.Value == value
	})
}

// canBeSure reports whether a probe as long as a hold has enough requests for a load below the answer to pass for
// certain. Requests depend less on each other there than at the answer, and more than those of a load that is light.
func (k *known) canBeSure(t Tier, answer mark) bool {
	const light = 0.5 // of an independent request, that one counts for where the load is light
	o := t.leastSure(answer.probe)
	if needed(o) == 1 {
		return false
	}
	near := counts(o, answer.probe)
	part := math.Cbrt(light * near * near)
	seconds := k.longest(answer.value, Hold).Seconds()
	return k.surePass(o, part) <= k.throughput(answer.value)*seconds
}

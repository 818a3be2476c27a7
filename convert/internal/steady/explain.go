package steady

import (
	"math"
	"slices"
)

// Difference is what sets a window of blocks apart from the steady part.
type Difference struct {
	Stretch // the window; empty: nothing sets anything apart
	Series  string
	Kind    Kind
	// Ratio is the level of the window as a multiple of the steady one's; of shares it is the level itself.
	Ratio float64
	// PerBlock is by how much the window rises from block to block, relative to its level, and 0 where that may be
	// chance or is too little to matter.
	PerBlock float64
}

// Explain returns in what a part differs from the steady one: the series whose level in the part is off, by as many
// standard errors of the steady one's and as much as a difference has to be, or else the window of the part that is
// most.
func Explain(series []Series, part, stretch Stretch) (d Difference) {
	most := farWindow
	consider := func(s Series, t *tester, window Stretch) {
		if far := t.apart(window, stretch); far > most {
			most = far
			d = Difference{window, s.Name, s.Kind, t.ratio(s.Kind, window, stretch),
				t.perBlock(s.Kind, window.From, window.To)}
		}
	}
	tests := make([]*tester, len(series))
	for i, s := range series {
		tests[i] = newSeriesTester(s)
	}
	// The load explains the rest, and what users feel comes before what is behind it.
	for _, first := range [...][]string{{Sent}, {TTFT}, {Latency}, {InFlight, Ended, Failures}} {
		for i, s := range series {
			if slices.Contains(first, s.Name) {
				consider(s, tests[i], part)
			}
		}
		if d.Len() > 0 {
			return d
		}
	}
	for i, s := range series {
		for from := part.From; from < part.To; from++ {
			for to := from + 1; to <= part.To; to++ {
				consider(s, tests[i], Stretch{from, to})
			}
		}
	}
	return d
}

// apart returns by how many standard errors the level of a window is off, 0 if it is not by as much as matters. Where
// ranks take the place of values, they may tell instead.
func (t *tester) apart(window, stretch Stretch) float64 {
	if t.off(window, stretch) <= t.relevantOf(min(window.Len(), stretch.Len())) {
		return 0
	}
	far := t.errors(window, stretch)
	if t.scores != nil {
		far = max(far, t.scores.errors(window, stretch))
	}
	return far
}

func (t *tester) off(window, stretch Stretch) float64 {
	return math.Abs(t.mean(window.From, window.To) - t.mean(stretch.From, stretch.To))
}

// errors returns by how many standard errors the level of a window is off.
func (t *tester) errors(window, stretch Stretch) float64 {
	scale, r := t.noise(stretch.From, stretch.To)
	// What is steady to the last digit does not outweigh what matters more.
	scale = max(scale, relevant/10)
	return t.off(window, stretch) / (scale * math.Sqrt(varianceOf(window.Len(), r)+varianceOf(stretch.Len(), r)))
}

func (t *tester) ratio(kind Kind, window, stretch Stretch) float64 {
	level, usual := t.mean(window.From, window.To), t.mean(stretch.From, stretch.To)
	switch kind {
	case Logarithm:
		return math.Exp(level - usual)
	case Share:
		return level
	case Multiple:
	}
	return level / usual
}

// Rise returns by how much a series rises from block to block over all of them, relative to its level.
func Rise(s Series) float64 {
	t := newTester(filled(s.Values), false)
	return t.perBlock(s.Kind, 0, len(t.y))
}

// leastTrend is how many blocks show a trend.
const leastTrend = 3

func (t *tester) perBlock(kind Kind, from, to int) float64 {
	if to-from < leastTrend {
		return 0
	}
	slope := t.slopeOf(from, to)
	if math.Abs(slope)*float64(to-from) < relevant {
		return 0
	}
	if kind == Logarithm {
		return math.Expm1(slope)
	}
	return slope / t.mean(from, to)
}

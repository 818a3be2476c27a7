package steady

import "math"

// Difference is what sets a part of the blocks apart from the steady one.
type Difference struct {
	Series string
	Kind   Kind
	// Ratio is the level of the part as a multiple of the steady one's; of shares it is the level itself.
	Ratio float64
	// PerBlock is by how much the part rises from block to block, relative to its level, and 0 where that may be chance
	// or is too little to matter.
	PerBlock float64
}

// Explain returns in what a part differs most from the steady one: the series whose levels are most standard deviations
// of the steady one's blocks apart.
func Explain(series []Series, part, stretch Stretch) Difference {
	var d Difference
	most := -1.0
	for _, s := range series {
		t := newTester(filled(s.Values), false)
		level, usual := t.mean(part.From, part.To), t.mean(stretch.From, stretch.To)
		scale, _ := t.noise(stretch.From, stretch.To)
		// What is steady to the last digit does not outweigh what matters more.
		far := math.Abs(level-usual) / max(scale, relevant/2)
		if far <= most {
			continue
		}
		most = far
		d = Difference{Series: s.Name, Kind: s.Kind, Ratio: level / usual}
		switch s.Kind {
		case Logarithm:
			d.Ratio = math.Exp(level - usual)
		case Share:
			d.Ratio = level
		case Multiple:
		}
		d.PerBlock = t.perBlock(s.Kind, part.From, part.To)
	}
	return d
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

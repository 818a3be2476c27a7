package tradeoff

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// truth is a factorial with known effects: logarithms of what each level does, of what pairs of levels do together, and
// the standard deviations of what other settings change of an effect, and of a measurement.
type truth struct {
	effects      [][]float64
	joint        func(levels []int) float64
	other, noise float64
}

func (m truth) design(rng *rand.Rand) Design {
	d := Design{}
	total := 1
	for i, e := range m.effects {
		f := Factor{Name: fmt.Sprint("f", i)}
		for k := range e {
			f.Levels = append(f.Levels, fmt.Sprint(k))
		}
		d.Factors = append(d.Factors, f)
		total *= len(e)
	}
	const freedom = 30
	for n := range total {
		levels, rest, y := make([]int, len(m.effects)), n, 1.0
		for i, e := range m.effects {
			levels[i], rest = rest%len(e), rest/len(e)
			y += e[levels[i]]
		}
		if m.joint != nil {
			y += m.joint(levels)
		}
		y += m.other * rng.NormFloat64()
		square := 0.0 // the standard error is an estimate, too
		for range freedom {
			v := rng.NormFloat64()
			square += v * v
		}
		s := Setting{Figure: Estimate{Log: y + m.noise*rng.NormFloat64(), Error: m.noise * math.Sqrt(square/freedom),
			Freedom: freedom}}
		for i := range levels {
			s.Levels = append(s.Levels, d.Factors[i].Levels[levels[i]])
		}
		d.Settings = append(d.Settings, s)
	}
	return d
}

const simulated = 2000

// The intervals of effects hold the true effect in 95 % of experiments, and in a little more where few pairs let the
// wider of two intervals be taken.
func TestIntervalsHoldTheTruth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		m         truth
		low, high float64
	}{
		{"2×2×3, noise alone", truth{effects: [][]float64{{0, 0.7}, {0, 0}, {0, 0.5, 0.1}}, noise: 0.05}, 0.94, 0.985},
		{"2×2×3, other settings matter", truth{effects: [][]float64{{0, 0.7}, {0, 0}, {0, 0.5, 0.1}}, other: 0.2,
			noise: 0.05}, 0.935, 0.97},
		{"2×2, two pairs each", truth{effects: [][]float64{{0, 0.7}, {0, 0.2}}, noise: 0.05}, 0.935, 0.998},
		{"one factor, one pair each", truth{effects: [][]float64{{0, 0.7, 0.3}}, noise: 0.05}, 0.935, 0.97},
		{"3×4×4, many pairs", truth{effects: [][]float64{{0, 0.1, 0}, {0, 1, 1, 2}, {0, -1, 0, 0}}, other: 0.1,
			noise: 0.1}, 0.935, 0.97},
	} {
		rng := rand.New(rand.NewPCG(3, 4))
		held, all := 0, 0
		for range simulated {
			for i, v := range c.m.design(rng).Influences() {
				for _, e := range v.Effects {
					var from, to int
					_, _ = fmt.Sscan(e.From, &from)
					_, _ = fmt.Sscan(e.To, &to)
					want := c.m.effects[i][to] - c.m.effects[i][from]
					if all++; e.Change.Low <= want && want <= e.Change.High {
						held++
					}
				}
			}
		}
		if share := float64(held) / float64(all); !(share >= c.low && share <= c.high) {
			t.Errorf("%s: the intervals hold the truth in %.4f of %d, want %v to %v", c.name, share, all, c.low, c.high)
		} else {
			t.Logf("%s: %.4f of %d", c.name, share, all)
		}
	}
}

// Of experiments without interactions one in twenty, at the most, is said to have one; of those in which one factor
// matters at one level of another alone, nearly all are found.
func TestInteractionsAreFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		m         truth
		low, high float64
	}{
		{"none", truth{effects: [][]float64{{0, 1}, {0, 0.5}, {0, 0.3, 0.6}}, noise: 0.06}, 0, 0.055},
		{"none, many levels", truth{effects: [][]float64{{0, 1, 1, 1}, {0, 0.5, 0, 0}, {0, 0, 0, 0}}, noise: 0.2},
			0, 0.06},
		{"none, 2×2", truth{effects: [][]float64{{0, 1}, {0, 0.5}}, noise: 0.06}, 0, 0.055},
		{"slots matter under load", truth{effects: [][]float64{{0, 0}, {0, 0}, {0, 0, 0}}, noise: 0.06,
			joint: func(l []int) float64 {
				if l[0] == 1 && l[2] == 2 {
					return math.Log(3.9)
				}
				return 0
			}}, 0.99, 1},
	} {
		rng := rand.New(rand.NewPCG(5, 6))
		found := 0
		for range simulated {
			list := c.m.design(rng).Interactions()
			if len(list) == 0 {
				continue
			}
			found++
			if x := list[0]; c.m.joint != nil && (x.Factor != 0 || x.On != 2 || x.Strong.Level != "2" ||
				math.Abs(x.Difference.Log-math.Log(3.9)) > 0.4) {
				t.Fatalf("%s: %+v", c.name, x)
			}
		}
		if share := float64(found) / simulated; !(share >= c.low && share <= c.high) {
			t.Errorf("%s: found in %.4f, want %v to %v", c.name, share, c.low, c.high)
		} else {
			t.Logf("%s: %.4f", c.name, share)
		}
	}
}

// The shares of variance are those of the sums of squares worked out by hand: of 2 × 2 settings with the logarithms 0,
// 1, 0 and 3 the first factor (columns) has 4 of 6, the second (rows) 1, and both together 1.
func TestSharesOfVariance(t *testing.T) {
	t.Parallel()
	d := Design{Factors: []Factor{{"a", []string{"-", "+"}}, {"b", []string{"-", "+"}}}, Settings: []Setting{
		{[]string{"-", "-"}, exactly(0)}, {[]string{"+", "-"}, exactly(1)}, {[]string{"-", "+"}, exactly(0)},
		{[]string{"+", "+"}, exactly(3)}}}
	v := d.Influences()
	for i, want := range [][2]float64{{4. / 6, 5. / 6}, {1. / 6, 2. / 6}} {
		if math.Abs(v[i].Share-want[0]) > 1e-12 || math.Abs(v[i].Total-want[1]) > 1e-12 {
			t.Errorf("factor %d: %v and %v, want %v", i, v[i].Share, v[i].Total, want)
		}
	}
	if e := v[0].Effects[0]; !e.Varies || e.Change.Log != 2 || e.Pairs != 2 || e.Least != 1 || e.Most != 3 {
		t.Errorf("%+v", e)
	}
}

// A failed cell takes its pairs with it, and the shares.
func TestIncompleteGrids(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 8))
	d := truth{effects: [][]float64{{0, 1}, {0, 0, 2}}, noise: 0}.design(rng)
	d.Settings[0].Figure = Unknown()
	v := d.Influences()
	if d.Complete() || !math.IsNaN(v[0].Share) || !math.IsNaN(v[1].Total) {
		t.Errorf("complete: %v, shares %v %v", d.Complete(), v[0].Share, v[1].Total)
	}
	if e := v[0].Effects[0]; e.Pairs != 2 || math.Abs(e.Change.Log-1) > 1e-12 {
		t.Errorf("%+v", e)
	}
	d.Settings = d.Settings[1:2]
	if v = d.Influences(); len(v[0].Effects) != 0 || !math.IsNaN(v[0].Typical) || len(d.Interactions()) != 0 {
		t.Errorf("of one setting: %+v", v)
	}
	if v = (Design{Settings: d.Settings}).Influences(); len(v) != 0 {
		t.Errorf("without factors: %+v", v)
	}
}

// Of measurements alone, as those of one pair, and of none at all an interval is as it should be.
func TestRatio(t *testing.T) {
	t.Parallel()
	c := Ratio(Estimate{Log: 1, Error: 0.3, Freedom: math.Inf(1)}, Estimate{Log: 2, Error: 0.4, Freedom: math.Inf(1)})
	if c.Log != 1 || math.Abs(c.High-c.Log-0.5*1.959964) > 1e-6 || !c.Sure() {
		t.Errorf("%+v", c)
	}
	unknown := Estimate{Log: 1, Error: math.NaN(), Freedom: math.NaN()}
	if c = Ratio(unknown, exactly(2)); c.Log != 1 || !math.IsNaN(c.Low) || c.Sure() {
		t.Errorf("of unknown noise: %+v", c)
	}
	if c = Ratio(Estimate{Log: 1, Error: 0.1, Freedom: 1}, exactly(1)); math.Abs(c.High-1.2706) > 1e-3 {
		t.Errorf("of one degree of freedom: %+v", c)
	}
	shared := Estimate{Log: 1, Error: 0.1, Freedom: 3, Shared: true} // both know the deviation from the same repeats
	if c = Ratio(shared, shared); math.Abs(c.High-3.1824*0.1*math.Sqrt2) > 1e-4 {
		t.Errorf("of a shared deviation with three degrees of freedom: %+v", c)
	}
	if c = exactly(1).Interval(); c.Low != 1 || c.High != 1 {
		t.Errorf("of no noise: %+v", c)
	}
}

package tradeoff

import (
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"
)

// Factor is something that differs between settings, at two levels or more.
type Factor struct {
	Name   string
	Levels []string
}

// Setting is one combination of levels, one of each factor in their order, and a figure there. A factor that a setting
// does not have has the level "".
type Setting struct {
	Levels []string
	Figure Estimate
}

// Effect is by how much a figure changes from one level of a factor to another, with all other factors equal: the mean
// of the logarithms of the ratios over the matched pairs of settings.
type Effect struct {
	From, To string
	Pairs    int
	Change   Change
	// Least and Most are the smallest and the largest change of a pair.
	Least, Most float64
	// OfPairs reports whether the interval is by Student's t over the pairs. Else there is a single pair, or the noise
	// of the settings alone is larger, and the interval is by this noise.
	OfPairs bool
	// Varies reports whether the pairs differ by more than the noise of their settings explains (Cochran's Q): then
	// what the change is depends on the other factors.
	Varies bool
}

// Influence is how much a factor matters.
type Influence struct {
	Factor int
	// Typical is the square root of the mean square of the change over all matched pairs of all levels: what the factor
	// does by itself and together with others. NaN without a pair.
	Typical float64
	Effects []Effect // from its first level, and between neighbours if the first has no pair
	// Share is the part of the figure's variance that the factor explains by itself, and Total with what it does
	// together with others; NaN unless all combinations of levels are there.
	Share, Total float64
}

// Design is a figure of all settings of a factorial experiment.
type Design struct {
	Factors  []Factor
	Settings []Setting // none twice
}

// Complete reports whether every combination of levels has the figure.
func (d Design) Complete() bool {
	want := 1
	for _, f := range d.Factors {
		if want *= len(f.Levels); want > len(d.Settings) {
			return false
		}
	}
	known := 0
	for _, s := range d.Settings {
		if s.Figure.Known() && !slices.Contains(s.Levels, "") {
			known++
		}
	}
	return known == want
}

// context groups the settings that are equal in all factors but some: by level of these.
type context map[string]*Setting

// separator parts the levels in a key: no level of a file has it.
const separator = "\x00"

// contexts returns the settings that have the figure, in groups that differ in the given factors alone. The order is
// that of the settings.
func (d Design) contexts(varied ...int) (list []context) {
	at := map[string]context{}
	var key, level strings.Builder
	for i := range d.Settings {
		s := &d.Settings[i]
		if !s.Figure.Known() {
			continue
		}
		key.Reset()
		level.Reset()
		for k, l := range s.Levels {
			if slices.Contains(varied, k) {
				level.WriteString(l + separator)
			} else {
				key.WriteString(l + separator)
			}
		}
		c := at[key.String()]
		if c == nil {
			c = context{}
			at[key.String()] = c
			list = append(list, c)
		}
		c[level.String()] = s
	}
	return list
}

// at returns the setting of a context at some levels of the varied factors.
func (c context) at(levels ...string) *Setting { return c[strings.Join(levels, separator)+separator] }

// Influences returns how much each factor matters, in the order of the factors.
func (d Design) Influences() []Influence {
	out := make([]Influence, len(d.Factors))
	complete := d.Complete()
	for i := range d.Factors {
		out[i] = d.influence(i)
		if complete {
			out[i].Share, out[i].Total = d.shares(i)
		}
	}
	return out
}

func (d Design) influence(i int) Influence {
	levels, groups := d.Factors[i].Levels, d.contexts(i)
	v := Influence{Factor: i, Share: math.NaN(), Total: math.NaN(), Typical: math.NaN()}
	squares, count := 0.0, 0
	for a, from := range levels {
		for _, to := range levels[a+1:] {
			e := effect(groups, from, to)
			if e.Pairs == 0 {
				continue
			}
			for _, c := range groups {
				if x, y := c.at(from), c.at(to); x != nil && y != nil {
					change := y.Figure.Log - x.Figure.Log
					squares, count = squares+change*change, count+1
				}
			}
			reached := slices.ContainsFunc(v.Effects, func(e Effect) bool { return e.To == to })
			if a == 0 || to == levels[a+1] && !reached {
				v.Effects = append(v.Effects, e)
			}
		}
	}
	if count > 0 {
		v.Typical = math.Sqrt(squares / float64(count))
	}
	return v
}

// effect compares two levels over the matched pairs of settings.
func effect(groups []context, from, to string) Effect {
	var changes []float64
	var both []Estimate
	for _, c := range groups {
		if x, y := c.at(from), c.at(to); x != nil && y != nil {
			changes = append(changes, y.Figure.Log-x.Figure.Log)
			both = append(both, x.Figure, y.Figure)
		}
	}
	e := Effect{From: from, To: to, Pairs: len(changes)}
	if e.Pairs > 0 {
		e.Change, e.OfPairs = mean(changes, both)
		e.Least, e.Most = slices.Min(changes), slices.Max(changes)
		e.Varies = vary(changes, both)
	}
	return e
}

// vary reports whether changes, each of two estimates, differ by more than noise (Cochran, Biometrics 10, 1954). It
// returns false if the noise is unknown, and true if there is none and they differ.
func vary(changes []float64, of []Estimate) bool {
	weights, sum := 0.0, 0.0
	for i, v := range changes {
		n := noise(of[2*i : 2*i+2])
		if n == 0 {
			return slices.Max(changes)-slices.Min(changes) > tiny
		}
		weights, sum = weights+1/n/n, sum+v/n/n
	}
	q := 0.0
	for i, v := range changes {
		q += math.Pow((v-sum/weights)/noise(of[2*i:2*i+2]), 2)
	}
	return len(changes) > 1 && distuv.ChiSquared{K: float64(len(changes) - 1)}.Survival(q) < 1-Level
}

// tiny is a change that rounding makes.
const tiny = 1e-9

// mean returns the mean of changes with its interval: by Student's t over the changes if there are several, and by the
// noise of the estimates that they are made of if this is wider. It reports whether the former was taken.
func mean(changes []float64, of []Estimate) (Change, bool) {
	n := float64(len(changes))
	sum, squares := 0.0, 0.0
	for _, v := range changes {
		sum += v
	}
	middle := sum / n
	for _, v := range changes {
		squares += (v - middle) * (v - middle)
	}
	own := around(middle, noise(of)/n, freedomOf(of))
	if len(changes) == 1 {
		return own, false
	}
	between := around(middle, math.Sqrt(squares/(n-1)/n), n-1)
	if own.High > between.High {
		return own, false
	}
	return between, true
}

// noise returns the standard deviation of a sum of estimates, NaN if one is unknown.
func noise(list []Estimate) float64 {
	sum := 0.0
	for _, e := range list {
		sum += e.Error * e.Error
	}
	return math.Sqrt(sum)
}

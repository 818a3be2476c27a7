// Package tradeoff has the mathematics of experiments: which settings are on the Pareto front of two figures, and how
// much each factor of a factorial design changes a figure.
//
// All figures are taken by their logarithms, as what parameters do to times and rates multiplies rather than adds
// (multiplicative models: Jain, The Art of Computer Systems Performance Analysis, 1991, part IV).
package tradeoff

import (
	"math"
	"sync"

	"gonum.org/v1/gonum/stat/distuv"
)

// Level is the confidence level of all intervals.
const Level = 0.95

// Estimate is the natural logarithm of a figure, and how well it is known.
type Estimate struct {
	Log     float64 // NaN if the figure is unknown, or not positive
	Error   float64 // the standard error of Log; NaN if it is unknown
	Freedom float64 // degrees of freedom of Error
	// Shared means that Error comes from one deviation that all such estimates have in common, such as that between
	// repeats, pooled over all settings. Several of them together know it no better than one.
	Shared bool
}

// Unknown is the estimate of a figure that nothing is known of.
func Unknown() Estimate { return Estimate{Log: math.NaN(), Error: math.NaN(), Freedom: math.NaN()} }

// Known reports whether the figure has a value.
func (e Estimate) Known() bool { return !math.IsNaN(e.Log) && !math.IsInf(e.Log, 0) }

// Change is by how much a figure changes: a logarithm of a ratio, and its interval. The ends are NaN if they are
// unknown.
type Change struct{ Log, Low, High float64 }

// Sure reports whether the interval excludes that nothing changes.
func (c Change) Sure() bool { return c.Low > 0 || c.High < 0 }

// Interval returns the interval of the figure itself.
func (e Estimate) Interval() Change { return around(e.Log, e.Error, e.Freedom) }

// Ratio returns by how much a figure of b is higher than that of a. The degrees of freedom are those of Welch and
// Satterthwaite.
func Ratio(a, b Estimate) Change {
	return around(b.Log-a.Log, math.Hypot(a.Error, b.Error), freedomOf([]Estimate{a, b}))
}

func around(value, deviation, freedom float64) Change {
	reach := quantile(freedom) * deviation
	if deviation == 0 {
		reach = 0
	}
	return Change{value, value - reach, value + reach}
}

// freedomOf returns the degrees of freedom of a sum of independent estimates, by Welch and Satterthwaite. Those that
// share a deviation are one term.
func freedomOf(list []Estimate) float64 {
	sum, below := 0.0, 0.0
	shared, freedom := 0.0, math.Inf(1)
	add := func(variance, freedom float64) {
		if variance > 0 && !math.IsInf(freedom, 1) {
			below += variance * variance / max(1, freedom)
		}
	}
	for _, e := range list {
		v := e.Error * e.Error
		if sum += v; e.Shared {
			shared, freedom = shared+v, min(freedom, e.Freedom)
		} else {
			add(v, e.Freedom)
		}
	}
	add(shared, freedom)
	if below == 0 {
		return math.Inf(1)
	}
	return sum * sum / below
}

// Of so many degrees of freedom and more, Student's distribution is as good as normal.
const plenty = 1000

// quantiles returns the quantiles of Student's distribution by whole degrees of freedom.
var quantiles = sync.OnceValue(func() (table [plenty + 1]float64) {
	for n := 1; n < plenty; n++ {
		table[n] = distuv.StudentsT{Sigma: 1, Nu: float64(n)}.Quantile((1 + Level) / 2)
	}
	table[plenty] = distuv.UnitNormal.Quantile((1 + Level) / 2)
	return table
})

// quantile returns how many standard errors an interval reaches to each side: a hair too many for degrees of freedom
// that are no whole number.
func quantile(freedom float64) float64 {
	if math.IsNaN(freedom) {
		return math.NaN()
	}
	table := quantiles()
	return table[int(min(plenty, max(1, freedom)))]
}

// chance returns how likely a value as far from zero is, if the true one is zero.
func chance(value, deviation, freedom float64) float64 {
	switch {
	case math.IsNaN(deviation) || math.IsNaN(value):
		return math.NaN()
	case value == 0:
		return 1
	case deviation == 0:
		return 0
	case freedom >= plenty:
		return 2 * distuv.UnitNormal.Survival(math.Abs(value)/deviation)
	}
	return 2 * distuv.StudentsT{Sigma: 1, Nu: max(1, freedom)}.Survival(math.Abs(value)/deviation)
}

// Larger returns how likely a variance is so much larger than another by chance, if the true ones are equal: the upper
// tail of the distribution of F.
func Larger(variance, freedom, than, thanFreedom float64) float64 {
	return distuv.F{D1: freedom, D2: thanFreedom}.Survival(variance / than)
}

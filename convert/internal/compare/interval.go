package compare

import (
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
)

// difference is NEW − BASE of a figure, with its interval and p-value.
type difference struct {
	value     float64
	low, high float64
	p         float64 // two-sided; below 1 − level exactly when the interval excludes zero
}

// differ compares two estimates. The draws of the sides are independent, so their differences are draws of the
// difference.
func differ(a, b estimate, level float64) difference {
	draws := make([]float64, len(a.draws))
	for i := range draws {
		draws[i] = b.draws[i] - a.draws[i]
	}
	return differenceOf(b.value-a.value, draws, degrees(a, b), level)
}

// differenceOf returns a difference with its interval from draws of it, which it sorts. The interval's ends are
// quantiles of these, moved outwards as Student's t quantile is beyond the normal one, for the deviation is itself
// estimated from few blocks.
func differenceOf(value float64, draws []float64, freedom, level float64) difference {
	d := difference{value: value}
	slices.Sort(draws)
	normal := math.Sqrt2 * math.Erfinv(level)
	factor := student(normal, freedom) / normal
	at := func(rank int) float64 { return draws[rank] }
	d.low = d.value - factor*(d.value-stats.Percentile(len(draws), at, 50*(1-level)))
	d.high = d.value + factor*(stats.Percentile(len(draws), at, 50*(1+level))-d.value)
	d.low, d.high = min(d.low, d.value), max(d.high, d.value)
	d.p = d.pValue(normal, factor, freedom)
	return d
}

// pValue takes the side of the interval that faces zero for so many standard errors, and asks Student's distribution
// how likely a difference as large is. Counting draws beyond zero could not tell small p-values apart, which Holm's
// method needs.
func (d difference) pValue(normal, factor, freedom float64) float64 {
	if d.value == 0 {
		return 1
	}
	reach := d.value - d.low
	if d.value < 0 {
		reach = d.high - d.value
	}
	if reach == 0 {
		return 0
	}
	return math.Erfc(unstudent(math.Abs(d.value)/reach*normal*factor, freedom) / math.Sqrt2)
}

// detectable returns the change whose interval would exclude zero with the chance gate.Power.
func (d difference) detectable(freedom, level float64) float64 {
	z, more := quantiles(level)
	return (d.high - d.low) / 2 * (1 + more/student(z, freedom))
}

func (d difference) excludesZero() bool { return d.low > 0 || d.high < 0 }

// degrees returns the degrees of freedom by Welch and Satterthwaite; each side has one less than its blocks.
func degrees(a, b estimate) float64 {
	if a.replicates > 0 && b.replicates > 0 {
		return a.replicates
	}
	va, vb := square(deviation(a.draws)), square(deviation(b.draws))
	if va+vb == 0 {
		return math.Inf(1)
	}
	return square(va+vb) / (square(va)/a.freedom() + square(vb)/b.freedom())
}

// freedom returns the degrees of freedom of one estimate.
func (e estimate) freedom() float64 {
	if e.replicates > 0 {
		return e.replicates
	}
	return max(1, e.blocks.count-1)
}

func square(v float64) float64 { return v * v }

// student turns a normal quantile into one of Student's t, and unstudent back: Wallace's approximation, good to a
// hundredth from three degrees of freedom on (Annals of Mathematical Statistics 30, 1959).
func student(z, freedom float64) float64 {
	if math.IsInf(freedom, 1) {
		return z
	}
	z *= (8*freedom + 3) / (8*freedom + 1)
	return math.Sqrt(freedom * math.Expm1(z*z/freedom))
}

func unstudent(t, freedom float64) float64 {
	if math.IsInf(freedom, 1) {
		return t
	}
	return (8*freedom + 1) / (8*freedom + 3) * math.Sqrt(freedom*math.Log1p(t*t/freedom))
}

// holm returns the p-values that hold for all of a family at once: the smallest times their number, the next times one
// less, and so on, none smaller than the one before (Holm, Scandinavian Journal of Statistics 6, 1979).
func holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case p[a] < p[b]:
			return -1
		case p[a] > p[b]:
			return 1
		}
		return 0
	})
	out, least := make([]float64, len(p)), 0.0
	for i, at := range order {
		least = max(least, min(1, float64(len(p)-i)*p[at]))
		out[at] = least
	}
	return out
}

// Package rates says how far a rate over a time, or a ratio of two, may be from the truth: the time is cut into parts,
// whose figures vary (batch means; Schmeiser, Operations Research 30, 1982).
package rates

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Level is the confidence level of the intervals.
const Level = 0.95

// Into how many parts a time is cut: ten to thirty are best, and of fewer than Least nothing can be said.
const (
	Parts = 20
	Least = 5
)

// Reach returns by how much the mean of the parts' figures may be off, by Student's t; infinite of fewer than Least.
func Reach(parts []float64) float64 {
	n := float64(len(parts))
	if n < Least {
		return math.Inf(1)
	}
	t := distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile((1 + Level) / 2)
	return t * stat.StdDev(parts, nil) / math.Sqrt(n)
}

// Estimate is a figure and its interval. An end that is not known is NaN.
type Estimate struct{ Value, Low, High float64 }

// Ratio returns the ratio of two sums over the same spans of time, with its interval: the spans are put together to
// Parts parts, whose residuals have the ratio estimator's variance (Cochran, Sampling Techniques, 3rd edition, section
// 6.4). It returns false if the lower sum is 0 or unknown, or the upper one is unknown.
func Ratio(above, below []float64) (Estimate, bool) {
	upper, lower := floats.Sum(above), floats.Sum(below)
	if !(lower > 0) || math.IsNaN(upper) {
		return Estimate{}, false
	}
	e := Estimate{upper / lower, math.NaN(), math.NaN()}
	if reach := ratioReach(above, below, e.Value) / lower; reach < e.Value {
		e.Low, e.High = e.Value-reach, e.Value+reach
	}
	return e, true
}

// Share does what Ratio does for a ratio that may well be 0: the lower end of its interval is 0 or more.
func Share(above, below []float64) (Estimate, bool) {
	e, known := Ratio(above, below)
	if !known {
		return e, false
	}
	if reach := ratioReach(above, below, e.Value) / floats.Sum(below); !math.IsInf(reach, 0) {
		e.Low, e.High = max(0, e.Value-reach), e.Value+reach
	}
	return e, true
}

// ratioReach returns by how much the upper sum may be off.
func ratioReach(above, below []float64, ratio float64) float64 {
	n := min(len(above), Parts)
	residuals := make([]float64, n)
	for i := range above {
		residuals[i*n/len(above)] += above[i] - ratio*below[i]
	}
	return Reach(residuals) * float64(n)
}

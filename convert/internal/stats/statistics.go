// Package stats is the arithmetic that reports, partial reports and comparisons have in common: percentiles, means and
// deviations, over a list of numbers or over a tally of them.
package stats

import (
	"math"
	"slices"
)

// DefaultPercentiles returns the percentiles that inference-perf reports unless it is told otherwise, ascending. They
// are also all that the schema of partial reports has.
func DefaultPercentiles() []float64 { return []float64{0.1, 1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9} }

// Percentile returns the p-th percentile (0 to 100) of n numbers; there must be one at least. at returns the number of
// a rank, from 0. The percentile is a linear interpolation at rank p/100·(n−1), as numpy does by default and to the
// same bit.
func Percentile(n int, at func(rank int) float64, p float64) float64 {
	rank := p / 100 * float64(n-1)
	below := min(int(rank), n-1)
	a, b, t := at(below), at(min(below+1, n-1)), rank-math.Floor(rank)
	if t >= 0.5 {
		return b - (b-a)*(1-t)
	}
	return a + (b-a)*t
}

// PercentileOf sorts values, of which there must be one at least, and returns their p-th percentile.
func PercentileOf(values []float64, p float64) float64 {
	slices.Sort(values)
	return Percentile(len(values), func(rank int) float64 { return values[rank] }, p)
}

// Sum adds in halves, which keeps the error small.
func Sum(values []float64) (s float64) {
	if len(values) > 64 {
		half := len(values) / 2
		return Sum(values[:half]) + Sum(values[half:])
	}
	for _, v := range values {
		s += v
	}
	return s
}

// Package stats is the arithmetic that reports, partial reports and comparisons have in common.
package stats

import "math"

// Percentile is the p-th percentile (0 to 100) of n numbers, one at least, of which at gives the one of rank k from 0:
// linear interpolation at rank p/100·(n−1), as numpy does by default and to the same bit.
func Percentile(n int, at func(k int) float64, p float64) float64 {
	rank := p / 100 * float64(n-1)
	below := min(int(rank), n-1)
	a, b, t := at(below), at(min(below+1, n-1)), rank-math.Floor(rank)
	if t >= 0.5 {
		return b - (b-a)*(1-t)
	}
	return a + (b-a)*t
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

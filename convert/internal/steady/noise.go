package steady

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// moments returns the standard deviation of some values, and the correlation of neighbours, from 0 to mostCorrelation.
// The estimate of a correlation is too low where values are few (Marriott & Pope 1954), which is allowed for.
func moments(values []float64) (scale, r float64) {
	n := float64(len(values))
	mean := 0.0
	for _, v := range values {
		mean += v
	}
	mean /= n
	own, neighbours := 0.0, 0.0
	for i, v := range values {
		own += (v - mean) * (v - mean)
		if i > 0 {
			neighbours += (v - mean) * (values[i-1] - mean)
		}
	}
	if own == 0 {
		return 0, 0
	}
	return math.Sqrt(own / (n - 1)), unbiased(neighbours/own, n)
}

// unbiased corrects the correlation of neighbours in a series of n values.
func unbiased(r, n float64) float64 { return min(max(r+(1+3*r)/n, 0), mostCorrelation) }

// scores returns the normal scores of values: what values of a normal distribution, of which there are as many, are
// expected to be about, in the same order (Blom 1958). Equal values have equal scores.
func scores(values []float64) []float64 {
	sorted := slices.Sorted(slices.Values(values))
	out := make([]float64, len(values))
	for i, v := range values {
		first, _ := slices.BinarySearch(sorted, v)
		last, _ := slices.BinarySearch(sorted, math.Nextafter(v, math.Inf(1)))
		rank := float64(first+last+1) / 2
		out[i] = distuv.UnitNormal.Quantile((rank - 0.375) / (float64(len(values)) + 0.25))
	}
	return out
}

// Package quantile tells how well a sample knows a quantile: between which of its values, in ascending order, the true
// quantile lies at a confidence, whatever the distribution of the values is. It is pure computation.
package quantile

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Ranks returns the indices, from 0, of the two values of n in ascending order between which the p-quantile lies with
// at least the confidence level: low is -1 if no value is low enough, and high is n if none is high enough. The number
// of values below the quantile is binomial, so no assumption on the distribution is needed (David and Nagaraja, Order
// Statistics, 3rd edition, section 7.1); each end has half of the error.
//
// design is by how much dependence multiplies the variance of a share of the values: 1 if they are independent. So many
// dependent values count as one.
func Ranks(n int, p, level, design float64) (low, high int) {
	some := math.Floor(float64(n) / max(design, 1))
	if some < 1 {
		return -1, n
	}
	// Of some independent values, the number below the quantile is at least at with the error or less.
	count := distuv.Binomial{N: some, P: p}
	alpha := (1 - level) / 2
	first := smallest(int(some), func(k int) bool { return count.CDF(float64(k)) > alpha })
	last := smallest(int(some), func(k int) bool { return count.CDF(float64(k)) >= 1-alpha })
	low = int(math.Floor(float64(first)*float64(n)/some)) - 1
	high = int(math.Ceil(float64(last) * float64(n) / some))
	return max(low, -1), min(high, n)
}

// smallest returns the smallest number from 0 to n of which is true; it is true of all above one of which it is.
func smallest(n int, is func(int) bool) int {
	low, high := 0, n
	for low < high {
		if middle := (low + high) / 2; is(middle) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// Needs returns the smallest number of values of which [Ranks] finds both ends.
func Needs(p, level, design float64) int {
	alpha := (1 - level) / 2
	// All values lie below the quantile with the probability p^n, and all above it with (1-p)^n.
	least := math.Ceil(max(math.Log(alpha)/math.Log(p), math.Log(alpha)/math.Log1p(-p)))
	return int(math.Ceil(least * max(design, 1)))
}

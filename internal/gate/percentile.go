package gate

import (
	"math"

	"github.com/seed-307b789f/xk6-llm/internal/quantile"
)

// Percentile is a sample of a latency, in which requests that failed or were dropped are infinite.
type Percentile struct {
	Series  quantile.Series
	Largest float64 // value of it, NaN if it is empty
	Share   float64 // which percentile: 0.99
}

// Interval returns the values between which the percentile lies: NaN where there are too few requests for an end, and
// infinite where it is a request that failed.
func (p Percentile) Interval(level float64) (low, high float64) {
	in := p.Series.Interval(p.Share, level)
	if low, high = in.Low, in.High; math.IsInf(low, -1) {
		low = math.NaN()
	}
	if !in.Certified {
		high = math.NaN()
	}
	return low, high
}

// Status says whether the percentile keeps a bound, of which keeps tells.
func (p Percentile) Status(keeps func(float64) bool, level float64) Status {
	if p.Share >= 1 && !math.IsNaN(p.Largest) { // a demand on each of these requests
		if keeps(p.Largest) {
			return Pass
		}
		return Fail
	}
	switch low, high := p.Interval(level); {
	case !math.IsNaN(high) && keeps(high):
		return Pass
	case !math.IsNaN(low) && !keeps(low):
		return Fail
	}
	return Inconclusive
}

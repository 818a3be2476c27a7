package gate

import (
	"math"

	"github.com/seed-307b789f/xk6-llm/internal/quantile"
)

// Percentile is a sample of a latency. A request that failed or was dropped is slower than any.
type Percentile struct {
	Values []float64 // of the successes, in ascending order; infinite ones are slower than any, too
	Failed int       // requests that are slower than any of them
	Share  float64   // which percentile: 0.99
	Design float64   // as that of Share
}

// Interval returns the values between which the percentile lies: NaN where there are too few requests for an end, and
// infinite where it is a request that failed.
func (p Percentile) Interval(level float64) (low, high float64) {
	n := len(p.Values) + p.Failed
	from, to := quantile.Ranks(n, p.Share, level, p.Design)
	return p.at(from), p.at(to)
}

// at returns the value of a rank.
func (p Percentile) at(rank int) float64 {
	switch {
	case rank < 0 || rank >= len(p.Values)+p.Failed:
		return math.NaN()
	case rank >= len(p.Values):
		return math.Inf(1)
	}
	return p.Values[rank]
}

// Status says whether the percentile keeps a bound, of which keeps tells.
func (p Percentile) Status(keeps func(float64) bool, level float64) Status {
	n := len(p.Values) + p.Failed
	if p.Share >= 1 && n > 0 { // a demand on each of these requests
		if keeps(p.at(n - 1)) {
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

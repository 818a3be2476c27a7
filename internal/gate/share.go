package gate

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// Share is a sample of requests of which some are over a bound.
type Share struct {
	Over, Requests int
	// Design is by how much dependence multiplies the variance of the share; below 1 it counts as 1.
	Design float64
}

// effective returns to how many independent requests those of the sample amount, and how many of these are over.
func (s Share) effective() (n, over float64) {
	n = float64(s.Requests) / max(s.Design, 1)
	return n, n * float64(s.Over) / float64(max(s.Requests, 1))
}

// Interval returns the exact bounds of Clopper and Pearson (1934) on the share that is over, at the number of
// independent requests to which the dependent ones amount (Korn and Graubard, Survey Methodology 24, 1998).
func (s Share) Interval(level float64) (low, high float64) {
	n, over := s.effective()
	alpha := (1 - level) / 2
	if n < 1 {
		return 0, 1
	}
	high = 1
	if over > 0 {
		low = distuv.Beta{Alpha: over, Beta: n - over + 1}.Quantile(alpha)
	}
	if s.Over < s.Requests {
		high = distuv.Beta{Alpha: over + 1, Beta: n - over}.Quantile(1 - alpha)
	}
	return low, high
}

// Status says whether no more than a share is over. A share of 0 is no estimate but a demand on these requests: it
// passes if none is over.
func (s Share) Status(most, level float64) Status {
	if s.Requests == 0 {
		return Inconclusive
	}
	if most <= 0 || most >= 1 {
		if float64(s.Over) > most*float64(s.Requests) {
			return Fail
		}
		return Pass
	}
	switch low, high := s.Interval(level); {
	case low > most:
		return Fail
	case high <= most:
		return Pass
	}
	return Inconclusive
}

// fails reports whether so many over the bound, of n independent requests, break it at an error on one side; passes
// whether they keep it.
func fails(n, over, most, alpha float64) bool {
	return over > 0 && mathext.RegIncBeta(over, n-over+1, most) < alpha
}

func passes(n, over, most, alpha float64) bool {
	return over < n && 1-mathext.RegIncBeta(over+1, n-over, most) <= alpha
}

// Sees returns what a gate would have told with the chance Power: FAIL where a share of fails or more is over, PASS
// where no more than passes is. NaN means that so few requests cannot tell. The answer does not depend on how many are
// over, except for the design effect.
func (s Share) Sees(most, level float64) (passesTo, failsFrom float64) {
	n, _ := s.effective()
	alpha := (1 - level) / 2
	passesTo, failsFrom = math.NaN(), math.NaN()
	if n < 1 || most <= 0 || most >= 1 {
		return passesTo, failsFrom
	}
	whole := int(n)
	if k := 1 + sort.Search(whole, func(k int) bool { return fails(n, float64(k+1), most, alpha) }); k <= whole {
		failsFrom = distuv.Beta{Alpha: float64(k), Beta: n - float64(k) + 1}.Quantile(Power)
	}
	if k := sort.Search(whole, func(k int) bool { return !passes(n, float64(k), most, alpha) }) - 1; k >= 0 {
		passesTo = distuv.Beta{Alpha: float64(k) + 1, Beta: n - float64(k)}.Quantile(1 - Power)
	}
	return passesTo, failsFrom
}

// mostNeeded is where no number of requests is worth naming.
const mostNeeded = 1e9

// Needs returns of how many requests a gate would have an answer with the chance Power, if the share that is over is as
// measured, and dependence too; infinite if the share lies on the bound, or nearly so.
func (s Share) Needs(most, level float64) float64 {
	if s.Requests == 0 || most <= 0 || most >= 1 {
		return math.Inf(1)
	}
	share, alpha := float64(s.Over)/float64(s.Requests), (1-level)/2
	far := distuv.UnitNormal.Quantile(Power)
	decided := func(n float64) bool {
		off := far * math.Sqrt(n*share*(1-share))
		if share < most {
			return passes(n, min(n*share+off, n), most, alpha)
		}
		return fails(n, max(n*share-off, 0), most, alpha)
	}
	high := 1.0
	for !decided(high) {
		if high *= 2; high > mostNeeded {
			return math.Inf(1)
		}
	}
	low := high / 2
	for high-low > 1 {
		if middle := math.Floor((low + high) / 2); decided(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return math.Ceil(high * max(s.Design, 1))
}

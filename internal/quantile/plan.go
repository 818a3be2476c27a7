package quantile

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Most is the largest number of values that is planned. More are told as so many.
const Most = 1_000_000_000

// assurance is in how many samples of the planned size the interval is as narrow as was asked. The width of an interval
// varies from sample to sample, so that one whose mean is the width that was asked is too wide in every other sample.
const assurance = 0.9

// Sigma returns the standard deviation of the logarithm of log-normal values with a coefficient of variation.
func Sigma(variation float64) float64 { return math.Sqrt(math.Log1p(variation * variation)) }

// LocalSigma returns the standard deviation of the logarithm of the log-normal distribution that is like the values
// near their p-quantile: the slope of the logarithms over the quantiles of the normal distribution, among those values
// whose odds to be exceeded are within a factor of three of those of the quantile, or among the nearest leastLocal. So
// it tells of the density there, on which the width of an interval depends, whatever the whole distribution is. sorted
// is in ascending order, without infinite values; values that are not positive are left out. It returns false if there
// are too few values, and far if fewer than a quarter of those used are on one side of the quantile.
func LocalSigma(sorted []float64, p float64) (sigma float64, far, ok bool) {
	n := len(sorted)
	if n < leastLocal {
		return 0, true, false
	}
	const factor = 3
	odds := p / (1 - p)
	from := int(float64(n) * (odds / factor) / (1 + odds/factor))
	to := int(math.Ceil(float64(n) * (odds * factor) / (1 + odds*factor)))
	if to = min(to, n); to-from < leastLocal {
		middle := int(p * float64(n))
		from = max(0, min(middle-leastLocal/2, n-leastLocal))
		to = from + leastLocal
	}
	var x, y []float64
	above := 0
	for i := from; i < to; i++ {
		if sorted[i] > 0 {
			share := (float64(i) + 0.5) / float64(n)
			x, y = append(x, distuv.UnitNormal.Quantile(share)), append(y, math.Log(sorted[i]))
			if share > p {
				above++
			}
		}
	}
	if len(x) < leastLocal/2 {
		return 0, true, false
	}
	_, slope := stat.LinearRegression(x, y, nil, false)
	return max(slope, 0), 4*min(above, len(x)-above) < len(x), true
}

// leastLocal is how many values the density at a quantile is taken from, or more.
const leastLocal = 30

// Design says for what a number of values is planned.
type Design struct {
	Level  float64 // confidence of the intervals
	Power  float64 // with which a change of a given size is found
	Sigma  float64 // of the logarithm of log-normal values, or of those near the quantile
	Effect float64 // by how much dependence multiplies the variance of a share of the values; see [Ranks]
}

// values returns how many dependent values are worth so many independent ones.
func (d Design) values(independent float64) int {
	return int(min(Most, math.Ceil(independent*max(d.Effect, 1)-1e-6)))
}

// Precise returns the number of values of which the interval of the p-quantile reaches no further than a share of it,
// such as 0.05, to either side on the average of the two, in nine samples of ten.
func (d Design) Precise(p, share float64) int {
	least := Needs(p, d.Level, 1)
	n := smallest(Most, func(n int) bool { return n >= least && d.width(p, n) <= 2*share })
	return d.values(float64(n))
}

// width returns how wide the interval of the p-quantile of n independent values is beside the quantile, which nine
// samples of ten do not exceed.
func (d Design) width(p float64, n int) float64 {
	if d.Sigma == 0 {
		return 0
	}
	low, high := Ranks(n, p, d.Level, 1)
	if low < 0 || high >= n {
		return math.Inf(1)
	}
	at := func(rank float64) float64 {
		return math.Exp(d.Sigma * (distuv.UnitNormal.Quantile(rank/(float64(n)+1)) - distuv.UnitNormal.Quantile(p)))
	}
	mean := at(float64(high+1)) - at(float64(low+1))
	// The share of the distribution between the two ends varies as a beta distribution does, and so does where on the
	// distribution they are, on whose density the distance depends.
	between := float64(high - low)
	z := distuv.UnitNormal.Quantile(p)
	slope := math.Abs(z-d.Sigma) / distuv.UnitNormal.Prob(z) // of the logarithm of the density by the share
	variance := 1/between + slope*slope*p*(1-p)/float64(n)
	return mean * math.Exp(distuv.UnitNormal.Quantile(assurance)*math.Sqrt(variance))
}

// Change returns the number of values on each of two sides of which a change of the p-quantile by a share of it is
// found: with the power, by a two-sided test at the level.
func (d Design) Change(p, share float64) int {
	density := distuv.UnitNormal.Prob(distuv.UnitNormal.Quantile(p))
	error := d.Sigma * math.Sqrt(p*(1-p)) / density / math.Log1p(share) // of one value, in changes
	return d.values(max(2*square(d.reach()*error), float64(Needs(p, d.Level, 1))))
}

// reach returns by how many standard errors a change must exceed zero to be found.
func (d Design) reach() float64 {
	return distuv.UnitNormal.Quantile((1+d.Level)/2) + distuv.UnitNormal.Quantile(d.Power)
}

// None returns the number of values that show, if none of them is so, that fewer than a share of all are: the rule of
// three.
func (d Design) None(share float64) int {
	return d.values(math.Ceil(math.Log((1-d.Level)/2) / math.Log1p(-share)))
}

// Below returns the number of values of which so many show, with the power, that fewer than a share of all are so, if
// half of the share are.
func (d Design) Below(share float64) int {
	half := share / 2
	error := distuv.UnitNormal.Quantile((1+d.Level)/2)*math.Sqrt(share*(1-share)) +
		distuv.UnitNormal.Quantile(d.Power)*math.Sqrt(half*(1-half))
	return max(d.values(square(error/(share-half))), d.None(share))
}

// Doubled returns the number of values on each of two sides of which it is found, with the power, that a share of them
// rose from half of it.
func (d Design) Doubled(share float64) int {
	half := share / 2
	return d.values(square(d.reach()/(share-half)) * (share*(1-share) + half*(1-half)))
}

func square(x float64) float64 { return x * x }

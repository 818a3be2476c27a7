package quantile

import (
	"math"
	"slices"
)

// The variance of a mean is estimated from 64 blocks if their means look independent, from 8 if they do not. At least
// leastSize values make a block if there are more than 8.
const (
	mostBlocks, leastBlocks = 64, 8
	leastSize               = 8
	// Means of blocks with a higher correlation than nearlyNone are not taken for independent. mostCorrelation bounds
	// what is corrected for.
	nearlyNone, mostCorrelation = 0.25, 0.9
)

// DesignEffect returns by how much dependence in a series multiplies the variance of its mean, at least 1, and the
// number of blocks that this was estimated from (batch means, Schmeiser 1982).
func DesignEffect(series []float64) (design float64, blocks int) {
	for blocks = mostBlocks; blocks > leastBlocks; blocks /= 2 {
		if len(series) < blocks*leastSize {
			continue
		}
		if d, correlation := effect(series, blocks); correlation <= nearlyNone {
			return max(d, 1), blocks
		}
	}
	blocks = min(leastBlocks, len(series))
	design, _ = effect(series, blocks)
	return max(design, 1), blocks
}

// effect returns by how much the variance of the mean of a series exceeds that of as many independent values, from the
// means of blocks. What correlation may be left between the means of neighbouring blocks, by an upper estimate, is
// taken for that of an autoregressive process, as in ASAP3 (Steiger et al. 2005).
func effect(series []float64, blocks int) (design, correlation float64) {
	size := len(series) / blocks
	series = series[len(series)-size*blocks:]
	_, within := moments(series)
	means := make([]float64, blocks)
	for i := range means {
		means[i], _ = moments(series[i*size : (i+1)*size])
	}
	return ofBlocks(means, float64(size), within)
}

func ofBlocks(means []float64, size, within float64) (design, correlation float64) {
	mean, between := moments(means)
	if within == 0 || between == 0 {
		return 1, 0
	}
	sum := 0.0
	for i := 1; i < len(means); i++ {
		sum += (means[i] - mean) * (means[i-1] - mean)
	}
	count := float64(len(means))
	correlation = sum/((count-1)*between) + 1/count // which independent means fall short of zero by
	correlation = min(max(correlation+0.5/math.Sqrt(count), 0), mostCorrelation)
	return size * between / within * (1 + correlation) / (1 - correlation), correlation
}

// moments returns the mean of the values and their variance.
func moments(values []float64) (mean, variance float64) {
	for _, v := range values {
		mean += v
	}
	mean /= float64(len(values))
	for _, v := range values {
		variance += (v - mean) * (v - mean)
	}
	return mean, variance / float64(max(len(values)-1, 1))
}

// Memory returns by how much dependence multiplies the variance of a share of the values at the most, taking that of
// those above the median, the upper quartile and the 90th percentile. What is a function of a queue's state is no more
// correlated over time than the state at its most (Gebelein 1941), so the memory of a figure that shows the state is
// that of the others, too.
func Memory(values []float64) float64 {
	most := 1.0
	if len(values) == 0 {
		return most
	}
	some := thinned(values)
	for _, p := range [...]float64{0.5, 0.75, 0.9} {
		limit := some[int(p*float64(len(some)-1))]
		most = max(most, designOf(blocksAbove(values, limit, finest(len(values)))))
	}
	return most
}

// enoughSorted is how many values tell where a quantile is that need not be exact.
const enoughSorted = 4096

// thinned returns values at equal distances, in ascending order.
func thinned(values []float64) []float64 {
	step := (len(values) + enoughSorted - 1) / enoughSorted
	some := make([]float64, 0, enoughSorted)
	for i := 0; i < len(values); i += step {
		some = append(some, values[i])
	}
	slices.Sort(some)
	return some
}

// finest returns the number of blocks that values are cut into.
func finest(n int) int {
	for blocks := mostBlocks; blocks > leastBlocks; blocks /= 2 {
		if n >= blocks*leastSize {
			return blocks
		}
	}
	return min(leastBlocks, n)
}

// designOf is [DesignEffect] of values whose blocks are known.
func designOf(means []float64, size, within float64) float64 {
	for len(means) > leastBlocks {
		d, correlation := ofBlocks(means, size, within)
		if correlation <= nearlyNone {
			return max(d, 1)
		}
		means, size = pairs(means), 2*size
	}
	d, _ := ofBlocks(means, size, within)
	return max(d, 1)
}

// pairs returns the means of blocks that are twice as long.
func pairs(means []float64) []float64 {
	for i := range len(means) / 2 {
		means[i] = (means[2*i] + means[2*i+1]) / 2
	}
	return means[:len(means)/2]
}

// blocksAbove cuts values into blocks of one size, the last of which ends with the last value. It returns which share
// of each is above a limit, and the variance of whether a value is.
func blocksAbove(values []float64, limit float64, blocks int) (shares []float64, size, within float64) {
	each := len(values) / blocks
	values = values[len(values)-each*blocks:]
	shares = make([]float64, blocks)
	all := 0
	for i := range shares {
		count := 0
		for _, v := range values[i*each : (i+1)*each] {
			if v > limit {
				count++
			}
		}
		all += count
		shares[i] = float64(count) / float64(each)
	}
	n := float64(len(values))
	share := float64(all) / n
	return shares, float64(each), share * (1 - share) * n / max(n-1, 1)
}

// design returns by how much dependence multiplies the variance of the share of values above a quantile, at least 1,
// by the means of blocks. They miss the part of it that is between blocks, to the first order the memory over their
// length (Künsch, The jackknife and the bootstrap for general stationary observations, Annals of Statistics 17, 1989).
func (s Series) design(p float64, blocks int) float64 {
	shares, size, within := blocksAbove(s.values, s.at(int(p*float64(len(s.values)-1))), blocks)
	_, between := moments(shares)
	if within == 0 || between == 0 {
		return 1
	}
	return max(size*between/within*(1+min(s.memory/size, 1)), 1)
}

package compare

import (
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
)

// blocks describes how a series is cut for resampling.
type blocks struct {
	length int
	// widen is the factor on the deviations of resampled figures. A block bootstrap sees only the dependence within
	// blocks, and with few blocks their own mean moves with them; both make its deviations too small.
	widen float64
	// count is the number of blocks in the series, which determines the degrees of freedom.
	count float64
	// few means that values depend on each other over so much of the series that little else can be learned from it.
	few bool
	// drifts means that the series has no level about which it varies.
	drifts bool
}

// fewestBlocks are needed to trust an interval: with fewer, in simulations of 200 requests that hang together over 40,
// twice to three times as many equal runs were called different as should have been.
const fewestBlocks = 10

// mostBlocks is where more blocks would only cost time: a deviation found from so many is good to two percent. Blocks
// of longer series are made longer, which does no harm to what depends on each other over less.
const mostBlocks = 2000

// chooseBlocks takes the longer block of two: that for the mean of the values, and that for the mean of their ranks,
// which sees dependence that a few extreme values hide. order is that of the values when sorted; without it ranks are
// left out.
func chooseBlocks(s series, order []int32) blocks {
	n := len(s.values)
	d := dependenceOf(s.values, s.ends)
	if ranked := ranks(s.values, order); order != nil && ranked != nil {
		other := dependenceOf(ranked, s.ends)
		d.block, d.shortfall = max(d.block, other.block), max(d.shortfall, other.shortfall)
	}
	// A queue's dependence is weak from each request to the next but long, where the rule above sees little of it.
	d.block = max(d.block, int(math.Sqrt(float64(n))), (n+mostBlocks-1)/mostBlocks)
	b := blocks{length: d.block, count: float64(n) / float64(d.block)}
	b.few, b.drifts = b.count < fewestBlocks && d.shortfall > 0, drifts(s)
	missing := min(0.5, d.shortfall/float64(d.block))
	b.widen = 1 / math.Sqrt(1-missing)
	if b.count > 1 {
		b.widen *= math.Sqrt(b.count / (b.count - 1))
	}
	return b
}

// dependence describes how a value depends on the values before it.
type dependence struct {
	block     int
	shortfall float64 // Σ|k|γ(k) / Σγ(k): over the block length it is the share of the variance that blocks miss
}

// dependenceOf finds the block length that is best for the variance of the mean: b = (2G²/D · n)^(1/3), with G = Σ
// λ(k/M)|k|γ(k), D = 4/3 · (Σ λ(k/M)γ(k))² for circular blocks, γ the autocovariance and λ the flat-top window, 1 to
// the half and then falling to 0 at 1. M is twice the lag after which autocorrelations stay within ±2·sqrt(log10(n)/n)
// for K lags. From Politis and White, Automatic block-length selection for the dependent bootstrap, Econometric Reviews
// 23 (2004), as corrected by Patton, Politis and White, Econometric Reviews 28 (2009). The blocks' variance of a mean
// falls short by G/b to the first order (Künsch, Annals of Statistics 17, 1989); so the same G tells what to add.
//
// Values are taken about the mean of their stage.
func dependenceOf(values []float64, ends []int) dependence {
	n := len(values)
	if n < 4 {
		return dependence{block: 1}
	}
	x := centred(values, ends)
	variance := autocovariance(x, 0)
	if !(variance > square(1e-12*largest(values))) || math.IsInf(variance, 0) {
		return dependence{block: 1}
	}
	lags := bandwidth(x, variance)
	g, long := 0.0, variance
	for k := 1; k <= lags; k++ {
		window := min(1, 2*(1-float64(k)/float64(lags)))
		gamma := autocovariance(x, k)
		g += 2 * window * float64(k) * gamma
		long += 2 * window * gamma
	}
	longest := math.Ceil(min(3*math.Sqrt(float64(n)), float64(n)/3))
	best := math.Cbrt(2 * g * g / (4.0 / 3 * long * long) * float64(n))
	d := dependence{block: int(max(1, min(longest, math.Ceil(best))))}
	switch {
	case !(long > 0): // less than nothing: what comes is undone later, which only long blocks see
		d.block = int(longest)
	case g > 0:
		d.shortfall = g / long
	}
	return d
}

// bandwidth returns M, the number of lags that the window covers.
func bandwidth(x []float64, variance float64) int {
	n := float64(len(x))
	quiet := max(5, int(math.Ceil(math.Sqrt(math.Log10(n)))))
	most := min(int(math.Ceil(math.Sqrt(n)))+quiet, len(x)-1)
	bound := 2 * math.Sqrt(math.Log10(n)/n) * variance
	last := 0
	for k := 1; k <= most && k-last <= quiet; k++ {
		if math.Abs(autocovariance(x, k)) > bound {
			last = k
		}
	}
	return min(2*max(last, 1), most)
}

func autocovariance(x []float64, lag int) float64 {
	var s float64
	later := x[lag:]
	for i, v := range later {
		s += v * x[i]
	}
	return s / float64(len(x))
}

// centred subtracts from each value the mean of its stage.
func centred(values []float64, ends []int) []float64 {
	x := slices.Clone(values)
	from := 0
	for _, end := range ends {
		m := average(x[from:end])
		for i := from; i < end; i++ {
			x[i] -= m
		}
		from = end
	}
	return x
}

// ranks returns the ranks of the values; equal values share a rank. It returns nil if there are at most two different
// values, whose ranks add no information.
func ranks(values []float64, order []int32) []float64 {
	out := make([]float64, len(values))
	distinct := 0
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && values[order[to]] == values[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			out[i] = float64(from+to-1) / 2
		}
		from = to
		distinct++
	}
	if distinct <= 2 {
		return nil
	}
	return out
}

// sortedOrder returns the indices of the values from the smallest to the largest.
func sortedOrder(values []float64) []int32 {
	order := make([]int32, len(values))
	for i := range order {
		order[i] = int32(i) // as in newRun
	}
	slices.SortFunc(order, func(a, b int32) int {
		switch {
		case values[a] < values[b]:
			return -1
		case values[a] > values[b]:
			return 1
		}
		return int(a - b)
	})
	return order
}

func largest(values []float64) (most float64) {
	for _, v := range values {
		most = max(most, math.Abs(v))
	}
	return most
}

func average(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return stats.Sum(values) / float64(len(values))
}

// deviation returns the standard deviation, or 0 for fewer than two values.
func deviation(values []float64) float64 {
	if len(values) < 2 {
		return 0
	}
	m, s := average(values), 0.0
	for _, v := range values {
		s += (v - m) * (v - m)
	}
	return math.Sqrt(s / float64(len(values)-1))
}

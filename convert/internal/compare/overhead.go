package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
)

// paired holds a quantity of the pairs that have it on both sides, those of one order after those of the other.
type paired struct {
	base, other []float64
	ends        []int // of the stages of each order, within which pairs are resampled
	orders      []int // the ends of the orders, one or two of them
	blocks      blocks
	freedom     float64 // degrees of freedom
}

func (p *paired) n() int { return len(p.base) }

// least returns the number of pairs in the rarer order.
func (p *paired) least() int {
	if len(p.orders) == 2 {
		return min(p.orders[0], p.orders[1]-p.orders[0])
	}
	return p.n()
}

func (a *Arm) paired(q quantity) *paired {
	p := &paired{}
	var last *Pair
	for i := range a.Pairs {
		pair := &a.Pairs[i]
		x, y := q.latency(&pair.Base), q.latency(&pair.Other)
		if !finite(x) || !finite(y) {
			continue
		}
		if last != nil && last.BaseFirst != pair.BaseFirst {
			p.orders = append(p.orders, p.n())
		}
		if last != nil && (last.BaseFirst != pair.BaseFirst || last.Base.Stage != pair.Base.Stage) {
			p.ends = append(p.ends, p.n())
		}
		p.base, p.other, last = append(p.base, x), append(p.other, y), pair
	}
	if last == nil {
		return p
	}
	p.ends, p.orders = append(p.ends, p.n()), append(p.orders, p.n())
	differences := series{values: make([]float64, p.n()), ends: p.ends}
	for i := range differences.values {
		differences.values[i] = p.other[i] - p.base[i]
	}
	p.blocks = chooseBlocks(differences, sortedOrder(differences.values))
	// Each part moves with the mean of its own blocks, where chooseBlocks allows for one mean of all.
	p.freedom = max(1, p.blocks.count-min(float64(len(p.ends)), p.blocks.count/2))
	p.blocks.widen *= math.Sqrt(max(1, (p.blocks.count-1)/p.freedom))
	return p
}

// overhead is one figure of pairs: by how much the other is later in each order, and draws of that.
type overhead struct {
	base, other float64   // averages of the orders
	later       []float64 // of each order
	draws       [][]float64
}

// draw returns the mean and the percentiles, all from the same resamples.
func (p *paired) draw(rng *rand.PCG, percentiles []float64, resamples int) []overhead {
	out := make([]overhead, 1+len(percentiles))
	from := 0
	for k, end := range p.orders {
		ends := make([]int, 0, len(p.ends))
		for _, e := range p.ends {
			if e > from && e <= end {
				ends = append(ends, e-from)
			}
		}
		c := newContrast(p.base[from:end], p.other[from:end], percentiles)
		for i := range out {
			out[i].base += c.base.value(i) / float64(len(p.orders))
			out[i].other += c.other.value(i) / float64(len(p.orders))
			out[i].later = append(out[i].later, c.of(i, (*ranked).value))
			out[i].draws = append(out[i].draws, make([]float64, resamples))
		}
		var pieces []piece
		times := make([]uint8, end-from)
		for r := range resamples {
			pieces = resample(rng, ends, p.blocks.length, pieces)
			clear(times)
			for _, piece := range pieces {
				for i := piece.from; i < piece.end; i++ {
					times[i]++
				}
			}
			c.resampled(times, pieces)
			for i := range out {
				d := out[i].later[k]
				out[i].draws[k][r] = d + p.blocks.widen*(c.of(i, (*ranked).drawn)-d)
			}
		}
		from = end
	}
	return out
}

// contrast holds the pairs of one order.
type contrast struct {
	base, other, differences *ranked
}

func newContrast(base, other, percentiles []float64) *contrast {
	differences := make([]float64, len(base))
	for i := range differences {
		differences[i] = other[i] - base[i]
	}
	return &contrast{newRanked(base, percentiles), newRanked(other, percentiles), newRanked(differences, percentiles)}
}

func (c *contrast) resampled(times []uint8, pieces []piece) {
	c.base.resampled(times, pieces)
	c.other.resampled(times, pieces)
	c.differences.resampled(times, pieces)
}

// of returns by how much the other is later at a figure. For the mean and the median, differences within pairs are
// taken, in which what differs between pairs, such as the length of their answers, cancels out. Other percentiles of
// such differences would not be 0 where there is noise and no difference.
func (c *contrast) of(i int, figure func(*ranked, int) float64) float64 {
	if i == 0 || c.base.percentiles[i-1] == 50 {
		return figure(c.differences, i)
	}
	return figure(c.other, i) - figure(c.base, i)
}

// ranked is a series with its mean and percentiles, and those of a resample of it.
type ranked struct {
	values, sorted []float64
	order          []int32
	sums           cumulated
	finder         *rankFinder
	mean           float64
	percentiles    []float64
}

func newRanked(values, percentiles []float64) *ranked {
	r := &ranked{values: values, order: sortedOrder(values), sums: cumulate(values), percentiles: percentiles,
		finder: newRankFinder(len(values), percentiles), sorted: make([]float64, len(values))}
	for i, at := range r.order {
		r.sorted[i] = values[at]
	}
	return r
}

// value returns the mean, or a percentile.
func (r *ranked) value(i int) float64 {
	if i == 0 {
		return average(r.values)
	}
	return stats.Percentile(len(r.sorted), func(rank int) float64 { return r.sorted[rank] }, r.percentiles[i-1])
}

func (r *ranked) resampled(times []uint8, pieces []piece) {
	r.finder.find(r.sorted, r.order, times)
	r.mean = average(r.values) + r.sums.sum(pieces)/float64(len(r.values))
}

// drawn is value of the last resample.
func (r *ranked) drawn(i int) float64 {
	if i == 0 {
		return r.mean
	}
	return r.finder.value(i - 1)
}

// combine returns the average over the orders with a sign for the second of them, with its interval.
func (v *overhead) combine(sign float64, p *paired, o Options) difference {
	draws := slices.Clone(v.draws[0])
	value := v.later[0]
	if len(v.later) == 2 {
		value = (value + sign*v.later[1]) / 2
		for i, d := range v.draws[1] {
			draws[i] = (draws[i] + sign*d) / 2
		}
	}
	return differenceOf(value, draws, p.freedom, o.Level)
}

// metric returns the overhead as a figure.
func (v *overhead) metric(q quantity, id metricID, p *paired, o Options) Metric {
	m := newMetric(q, id)
	m.Headline, m.paired = false, true
	m.Base, m.New = known(v.base), known(v.other)
	m.BaseSample = Sample{Requests: p.n(), Block: p.blocks.length}
	m.NewSample = m.BaseSample
	d := v.combine(1, p, o)
	m.Change, m.Relative = known(d.value), known(d.value/math.Abs(v.base))
	if needs := p.needs(id, forPairs); needs > 0 {
		m.Warnings = []string{fmt.Sprintf("needs %d pairs", needs)}
		return m
	}
	m.Interval, m.PValue = knownInterval(d.low, d.high), known(d.p)
	if m.Interval == nil || m.Change == nil || m.PValue == nil {
		m.Interval, m.PValue = nil, nil
		return m
	}
	if v.base != 0 {
		m.RelativeInterval = knownInterval(d.low/math.Abs(v.base), d.high/math.Abs(v.base))
	}
	m.judged, m.gated = true, true
	m.Verdict = m.verdict(d.excludesZero(), o)
	return m
}

// forPairs is the least that an interval of an overhead must rest on. With fewer, of two clients of one server more
// were found to differ than should have been; see TestPairsOfOneServer.
var forPairs = demand{20, 1, 5}

// needs returns how many pairs a figure needs if it has fewer, and else 0.
func (p *paired) needs(id metricID, d demand) int {
	needed := max(float64(d.requests), d.forPercentile(id))
	if float64(p.least()*len(p.orders)) >= needed {
		return 0
	}
	if math.IsInf(needed, 1) {
		return math.MaxInt32
	}
	return int(needed)
}

// order returns what being second does to a figure, and false if that may be chance.
func (v *overhead) order(id metricID, p *paired, o Options) (e OrderEffect, found bool) {
	if len(v.later) < 2 || p.needs(id, forPairs) > 0 {
		return e, false
	}
	d := v.combine(-1, p, o)
	if !finite(d.low) || !finite(d.high) || !d.excludesZero() {
		return e, false
	}
	return OrderEffect{id.String(), -d.value, Interval{-d.high, -d.low}}, true // the base is second in the first order
}

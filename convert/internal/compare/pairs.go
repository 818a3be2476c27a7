package compare

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
)

// Pair is the same thing sent to two places: to that which the others are compared with, and to another.
type Pair struct {
	Base, Other Request
	// BaseFirst reports that the request to the base was sent first.
	BaseFirst bool
	// Overlapping reports that the second request was sent before the first had its answer.
	Overlapping bool
}

// Arrivals is what is compared of the requests of a pair alone, in seconds since the request was sent. NaN means that
// a request has no such figure.
type Arrivals struct {
	Connect, FirstByte float64
	// Chunk is the mean arrival of the chunks that both requests have.
	Chunk float64
}

// pairNames are the quantities that are compared within pairs.
var pairNames = []string{"connect", "first_byte", "ttft", "chunk", "itl", "request_latency"}

// arrivalQuantities are those that pairs alone have.
func arrivalQuantities() []quantity {
	of := func(name string, f func(a *Arrivals) float64) quantity {
		return quantity{name: name, unit: Seconds, direction: LowerIsBetter,
			latency: func(q *Request) float64 {
				if q.Arrivals == nil {
					return math.NaN()
				}
				return f(q.Arrivals)
			}}
	}
	return []quantity{
		of("connect", func(a *Arrivals) float64 { return a.Connect }),
		of("first_byte", func(a *Arrivals) float64 { return a.FirstByte }),
		of("chunk", func(a *Arrivals) float64 { return a.Chunk }),
	}
}

// Arm is what was sent to one place and to the base as well.
type Arm struct {
	Name  string
	Pairs []Pair
	Facts PairFacts
}

// PairFacts counts the pairs of a result, and what is in them. Those that were left out are in no other number.
type PairFacts struct {
	Pairs       int `json:"pairs"`
	BaseFirst   int `json:"base_first"`
	Overlapping int `json:"overlapping"`
	// Failed, Abandoned and Alone count the pairs left out: a request of them failed, its user left, or only one of
	// the two was sent.
	Failed    int `json:"left_out_failed"`
	Abandoned int `json:"left_out_abandoned"`
	Alone     int `json:"left_out_alone"`

	Chunks ChunkFacts `json:"chunks"`
	Bytes  ByteFacts  `json:"bytes_received"`
	// CachedFirst and CachedSecond sum up the prompt tokens that the server says it had cached, of the first requests
	// and of the second.
	CachedFirst  int64 `json:"cached_tokens_first"`
	CachedSecond int64 `json:"cached_tokens_second"`
	// Order tells of figures by how much the second request of a pair is later than the first, where that is no chance.
	// If most pairs overlap, no request is the second of them.
	Order []OrderEffect `json:"order_effects,omitempty"`
}

// ChunkFacts counts the chunks of pairs.
type ChunkFacts struct {
	Base  int64 `json:"base"`
	Other int64 `json:"other"`
	// BaseReads and OtherReads count the reads that brought them: chunks that arrive at one instant are of one read.
	BaseReads  int64 `json:"base_reads"`
	OtherReads int64 `json:"other_reads"`
	// Merged and Split count the pairs whose other answer came in fewer reads than the base's, and in more.
	Merged int `json:"pairs_merged"`
	Split  int `json:"pairs_split"`
	// Unmatched counts the pairs whose chunks cannot be matched: their numbers differ, and their tokens are unknown.
	Unmatched int `json:"pairs_unmatched"`
	// Later holds percentiles of how much later single chunks arrive than those of the base; nil if none could be
	// matched.
	Later *Differences `json:"later_s"`
}

// Differences are percentiles of single differences, in seconds. That of noise is far above 0 at p99.
type Differences struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
}

// ByteFacts sums up the bytes of the answers.
type ByteFacts struct {
	Base    int64 `json:"base"`
	Other   int64 `json:"other"`
	Changed int   `json:"pairs_changed"`
}

// OrderEffect is by how much the second request of a pair is later, in seconds; below 0 it is faster.
type OrderEffect struct {
	Name     string   `json:"name"`
	Change   float64  `json:"change"`
	Interval Interval `json:"change_interval"`
}

// ComparePairs compares each arm with its base, pair by pair. The result has a group for each arm, by the key. A figure
// is the overhead: the mean or the median of the differences within pairs, or the difference of another percentile over
// the same pairs. It is taken once for those whose base was sent first and once for the others, and averaged, so that
// what being second does to a request is in it with either sign and cancels out. Intervals are from resampling
// neighbouring pairs together, in each of the two orders.
//
// The cost is pairs × resamples for each figure.
func ComparePairs(by, base string, arms []Arm, o Options) (*Result, error) {
	o.By = by
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	most, names := 0, []string(nil)
	for _, arm := range arms {
		most = max(most, len(arm.Pairs))
	}
	r := &Result{By: by, Base: SideSummary{Name: base}, Metrics: []Metric{}, Level: o.Level, Seed: o.Seed,
		Resamples: o.resamplesFor(2 * most), pairs: true}
	for i := range arms {
		r.Groups, names = append(r.Groups, arms[i].compare(r, o)), append(names, arms[i].Name)
	}
	if err := checkGates(o.Gates, r); err != nil {
		return nil, err
	}
	decide(o, r.Groups)
	r.New.Name, r.Passed = strings.Join(names, ", "), true
	for _, g := range r.Groups {
		g.Verdict, g.Passed = "", true
		g.settle(o)
		r.Passed = r.Passed && g.Passed
	}
	return r, nil
}

// compare returns the overheads of an arm.
func (a *Arm) compare(whole *Result, o Options) *Result {
	a.sort()
	out := &Result{Group: a.Name, Pairs: &a.Facts, Level: o.Level, Seed: o.Seed, Resamples: whole.Resamples,
		pairs: true, Base: SideSummary{Name: whole.Base.Name, Requests: len(a.Pairs)},
		New: SideSummary{Name: a.Name, Requests: len(a.Pairs)}}
	for i := range a.Pairs {
		a.Facts.BaseFirst += count(a.Pairs[i].BaseFirst)
		a.Facts.Overlapping += count(a.Pairs[i].Overlapping)
	}
	a.Facts.Pairs = len(a.Pairs)
	for _, name := range pairNames {
		q, _ := quantityOf(name)
		p := a.paired(q)
		if p.n() == 0 {
			continue
		}
		draws := p.draw(source(o.Seed, "pairs", a.Name, q.name), o.Percentiles, whole.Resamples)
		for i, id := range figures(q, o.Percentiles) {
			out.Metrics = append(out.Metrics, draws[i].metric(q, id, p, o))
			if effect, found := draws[i].order(id, p, o); found && a.Facts.Overlapping*2 <= a.Facts.Pairs {
				a.Facts.Order = append(a.Facts.Order, effect)
			}
		}
	}
	out.Notes = a.notes()
	return out
}

// notes returns what a reader should know of how the pairs were sent.
func (a *Arm) notes() (list []string) {
	f := a.Facts
	switch first, second := f.BaseFirst, f.Pairs-f.BaseFirst; {
	case f.Pairs == 0:
		list = append(list, "no pair has two whole answers")
	case first == 0 || second == 0:
		list = append(list, "all pairs were sent in one order: what being second does to a request, such as a warm "+
			"cache, is in the difference")
	case min(first, second)*4 < f.Pairs:
		list = append(list, fmt.Sprintf("the orders are out of balance: of the rarer there are %d pairs, and the "+
			"intervals are as wide as so few make them", min(first, second)))
	}
	if f.Overlapping > 0 {
		list = append(list, fmt.Sprintf("%d pairs overlap: their requests compete for one server", f.Overlapping))
	}
	return list
}

// sort sorts the pairs by their order, and those of one order by stage and time.
func (a *Arm) sort() {
	slices.SortStableFunc(a.Pairs, func(x, y Pair) int {
		return cmp.Or(cmp.Compare(count(x.BaseFirst), count(y.BaseFirst)), cmp.Compare(x.Base.Stage, y.Base.Stage),
			cmp.Compare(min(x.Base.Start, x.Other.Start), min(y.Base.Start, y.Other.Start)))
	})
}

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

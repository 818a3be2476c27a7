package compare

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
)

// replicas are the runs of one side, which are replicates of each other.
type replicas []*run

// stage returns the part of the runs in one stage.
func (s replicas) stage(n int) replicas {
	return s.each(func(r *run) *run { return r.stage(n) })
}

func (s replicas) part(has func(*Request) bool) replicas {
	return s.each(func(r *run) *run { return r.part(has) })
}

func (s replicas) each(of func(*run) *run) replicas {
	out := make(replicas, len(s))
	for i, r := range s {
		out[i] = of(r)
	}
	return out
}

// groups returns the names of the groups that have requests in one of the runs.
func (s replicas) groups() []string { return union(s, (*run).groups) }

// stages returns the numbers of the stages that have requests in one of the runs.
func (s replicas) stages() []int { return union(s, (*run).stages) }

func union[T string | int](s replicas, of func(*run) []T) (list []T) {
	for _, r := range s {
		list = append(list, of(r)...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// rate returns a rate over the length of the runs, and false if a length or all counts are unknown.
func (s replicas) rate(q quantity) (rate float64, known bool) {
	seconds := s.seconds()
	for _, r := range s {
		if v, has := r.rate(q); has {
			rate, known = rate+v*r.seconds/seconds, true
		}
	}
	return rate, known && seconds > 0
}

// is reports whether something holds for one of the runs.
func (s replicas) is(of func(*run) bool) bool { return slices.ContainsFunc(s, of) }

// total sums up a number of the runs.
func (s replicas) total(of func(*run) float64) (sum float64) {
	for _, r := range s {
		sum += of(r)
	}
	return sum
}

func (s replicas) requests() int {
	return int(s.total(func(r *run) float64 { return float64(len(r.order)) }))
}

func (s replicas) failed() int {
	return int(s.total(func(r *run) float64 { return float64(r.failed()) }))
}

func (s replicas) seconds() float64 { return s.total(func(r *run) float64 { return r.seconds }) }

func (s replicas) summary() SideSummary {
	var names []string
	for _, r := range s {
		names = append(names, r.name)
	}
	out := SideSummary{Name: strings.Join(names, ", "), Requests: s.requests(), Failed: s.failed(),
		Seconds: known(s.seconds())}
	if len(s) > 1 {
		out.Runs = len(s)
	}
	return out
}

// figure is one figure of a side: that of all its runs together, and of each run.
type figure struct {
	estimate
	ofRuns []float64
	weight float64 // the sum of the squares of the runs' weights
}

// estimates returns the figures of a quantity, in the order of figures, or nil if no request has the quantity.
func (s replicas) estimates(q quantity, percentiles []float64, o Options, label, where string, resamples int) []figure {
	var lists [][]estimate
	var weights []float64
	var pooled []float64
	for i, r := range s {
		parts := []string{label, where, q.name}
		if i > 0 { // so that the first run is resampled as if it were the only one
			parts = append(parts, strconv.Itoa(i))
		}
		list := r.estimates(q, percentiles, source(o.Seed, parts...), resamples)
		if list == nil {
			continue
		}
		lists = append(lists, list)
		if weights = append(weights, float64(list[0].n)); q.perSecond != nil {
			weights[len(weights)-1] = r.seconds
		}
		if len(s) > 1 && q.latency != nil {
			pooled = append(pooled, r.latencies(q).values...)
		}
	}
	if lists == nil {
		return nil
	}
	slices.Sort(pooled)
	total := stats.Sum(weights)
	out := make([]figure, len(lists[0]))
	for i, id := range figures(q, percentiles) {
		out[i] = together(lists, weights, total, i)
		if len(lists) > 1 && id.isPercentile() { // that of all requests, which is not the mean of those of the runs
			out[i].moveTo(stats.Percentile(len(pooled), func(rank int) float64 { return pooled[rank] }, id.percentile))
		}
	}
	return out
}

// together returns figure number i of several runs: their mean by weight.
func together(lists [][]estimate, weights []float64, total float64, i int) figure {
	first := lists[0][i]
	if len(lists) == 1 {
		first.runs = 1
		return figure{first, []float64{first.value}, 1}
	}
	f := figure{estimate: estimate{draws: make([]float64, len(first.draws)), runs: len(lists)}}
	for k, list := range lists {
		e, w := list[i], weights[k]/total
		f.value += w * e.value
		for d := range f.draws {
			f.draws[d] += w * e.draws[d]
		}
		f.n, f.events = f.n+e.n, f.events+e.events
		f.blocks.count += e.blocks.count
		f.blocks.length = max(f.blocks.length, e.blocks.length)
		f.ofRuns, f.weight = append(f.ofRuns, e.value), f.weight+w*w
	}
	return f
}

// moveTo moves the figure and its draws to a value.
func (f *figure) moveTo(v float64) {
	for i := range f.draws {
		f.draws[i] += v - f.value
	}
	f.value = v
}

// replicate makes the deviation of figures that of runs, if a side has several. The runs of one side differ by what
// their requests explain and by more: the machine, the neighbours, the hour. What a side of one run may differ by is
// taken from the other. As it is an estimate from few runs, their number determines the degrees of freedom.
func replicate(q quantity, a, b *figure, o Options) *RunSpread {
	if len(a.ofRuns) < 2 && len(b.ofRuns) < 2 {
		return nil
	}
	spread := &RunSpread{Base: a.ofRuns, New: b.ofRuns, Relative: q.share == nil}
	squares := 0.0
	for _, f := range []*figure{a, b} {
		d := deviation(f.ofRuns) / f.scale(spread.Relative)
		squares += d * d * float64(len(f.ofRuns)-1)
		spread.Freedom += len(f.ofRuns) - 1
	}
	between := math.Sqrt(squares / float64(spread.Freedom))
	if spread.Deviation = known(between); spread.Deviation == nil {
		return spread
	}
	for i, f := range []*figure{a, b} {
		f.spreadTo(between*f.scale(spread.Relative)*math.Sqrt(f.weight),
			source(o.Seed, "runs", q.name, strconv.Itoa(i)))
		f.replicates = float64(spread.Freedom)
		f.blocks.few, f.blocks.drifts = false, false // what hangs together within runs is in how they differ
	}
	return spread
}

// scale returns what the deviation of runs is relative to.
func (f *figure) scale(relative bool) float64 {
	if !relative || f.value == 0 {
		return 1
	}
	return math.Abs(f.value)
}

// spreadTo makes the standard deviation of the draws at least so large.
func (f *figure) spreadTo(least float64, rng *rand.PCG) {
	now := deviation(f.draws)
	switch {
	case now >= least:
	case now > 0:
		f.widenBy(least / now)
	default: // its requests do not differ at all
		normal := rand.New(rng)
		for i := range f.draws {
			f.draws[i] = f.value + least*normal.NormFloat64()
		}
	}
}

// replicated returns how many runs the side with fewer of them has, and 0 if no side has several.
func replicated(a, b estimate) int {
	if a.replicates == 0 && b.replicates == 0 {
		return 0
	}
	return max(min(a.runs, b.runs), 1)
}

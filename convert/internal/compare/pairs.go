package compare

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
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
	r.New.Name = strings.Join(names, ", ")
	for _, g := range r.Groups {
		g.Verdict, g.pairs = "", true
		g.settle(o)
	}
	r.answer()
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

package steady

import (
	"math"
	"slices"
	"sort"
)

// The names of the series of a stage.
const (
	Sent     = "requests sent"
	InFlight = "requests in flight"
	TTFT     = "TTFT"
	Latency  = "request latency"
	Ended    = "requests ended"
	Failures = "failures"
)

const (
	// LeastRequests is the least number of requests of a stage of which something can be said.
	LeastRequests = 80
	// LeastLatencies is how many times the median latency the sending of a stage has to last.
	LeastLatencies = 4

	perBlock = 10 // requests, as far as there are enough for Least blocks

	mostValues = 4096 // latencies of a block from which the median is taken, about

	cellsPerBlock = 16
	// A silence is longer than silent times the longest but usual of those between answers, of which usual are longer:
	// a closed loop whose requests end together has many as long. It is that share of the stage at least.
	silent, usual, leastSilence = 3, 6, 0.01
)

// Stage collects the requests of a stage into blocks of equal time, from its first start to its last. Times are
// seconds.
type Stage struct {
	From, Width          float64
	sent, failed         []float64
	ttft, latency        []values
	stride, skipped      int
	answered             []bool // whether an answer ended, by cell
	anyFailed, anyClosed bool
}

// mean is a sum and how many values it has.
type mean struct{ sum, n float64 }

// values are latencies of a block.
type values []float32

func (list *values) add(v float64) {
	if v > 0 { // false for NaN
		*list = append(*list, float32(v))
	}
}

// median sorts the values, and returns their median, NaN without any.
func (list values) median() float64 {
	if len(list) == 0 {
		return math.NaN()
	}
	slices.Sort(list)
	return (float64(list[(len(list)-1)/2]) + float64(list[len(list)/2])) / 2
}

// NewStage returns a stage without requests, of which so many are to be added. Closed says that it is a closed loop,
// whose requests are sent when others end.
func NewStage(from, to float64, requests int, closed bool) *Stage {
	n := min(max(requests/perBlock, Least), Most)
	return &Stage{From: from, Width: (to - from) / float64(n), sent: make([]float64, n), failed: make([]float64, n),
		ttft: make([]values, n), latency: make([]values, n),
		stride: requests/(n*mostValues) + 1, answered: make([]bool, n*cellsPerBlock), anyClosed: closed}
}

// Add adds a request. A latency that is unknown is NaN; those of a failed request do not count.
func (s *Stage) Add(start, ttft, latency float64, failed bool) {
	i := min(max(int((start-s.From)/s.Width), 0), len(s.sent)-1)
	s.sent[i]++
	if failed {
		s.failed[i]++
		s.anyFailed = true
		return
	}
	if s.skipped++; s.skipped >= s.stride {
		s.skipped = 0
		s.ttft[i].add(ttft)
		s.latency[i].add(latency)
	}
	cell := (start + latency - s.From) / s.Width * cellsPerBlock
	if cell >= 0 && cell < float64(len(s.answered)) { // false for NaN
		s.answered[int(cell)] = true
	}
}

// Requests returns how many requests were added.
func (s *Stage) Requests() (n int) {
	for _, sent := range s.sent {
		n += int(sent)
	}
	return n
}

// Typical returns the median of the blocks' median latencies, NaN without any.
func (s *Stage) Typical() float64 {
	var all values
	for _, block := range s.latency {
		all.add(block.median())
	}
	return all.median()
}

// At returns where a block begins, and after the last one where it ends.
func (s *Stage) At(block int) float64 { return s.From + float64(block)*s.Width }

// Silences returns the blocks of the times in which no answer ended for much longer than usual: the server, or the
// network, had an outage.
func (s *Stage) Silences() (list []Stretch) {
	var gaps []Stretch // in cells
	last := -1
	for i, answered := range s.answered {
		if answered {
			if last >= 0 && i-last > 1 {
				gaps = append(gaps, Stretch{last + 1, i})
			}
			last = i
		}
	}
	lengths := make([]int, len(gaps)+usual) // of further ones, 0
	for i, g := range gaps {
		lengths[i] = g.Len()
	}
	slices.SortFunc(lengths, func(a, b int) int { return b - a })
	for _, g := range gaps {
		if g.Len() > silent*max(lengths[usual-1], 1) && float64(g.Len()) >= leastSilence*float64(len(s.answered)) {
			list = append(list, Stretch{g.From / cellsPerBlock, (g.To-1)/cellsPerBlock + 1})
		}
	}
	return list
}

// Edges returns where the blocks begin, and where the last one ends.
func (s *Stage) Edges() []float64 {
	edges := make([]float64, len(s.sent)+1)
	for i := range edges {
		edges[i] = s.At(i)
	}
	return edges
}

// Series returns the figures of the stage, block by block, as far as anything is known of them.
func (s *Stage) Series(f *Flight) (list []Series) {
	flight, ended := f.Between(s.Edges())
	add := func(name string, values []float64, kind Kind, grows, bursts bool) {
		if slices.ContainsFunc(values, func(v float64) bool { return !math.IsNaN(v) }) {
			list = append(list, Series{Name: name, Values: values, Kind: kind, Grows: grows, Bursts: bursts})
		}
	}
	if !s.anyClosed {
		add(Sent, relative(s.sent), Multiple, false, false)
	}
	add(InFlight, relative(flight), Multiple, !s.anyClosed, !s.anyClosed)
	add(Ended, relative(ended), Multiple, false, false)
	add(TTFT, medians(s.ttft), Logarithm, !s.anyClosed, true)
	add(Latency, medians(s.latency), Logarithm, !s.anyClosed, true)
	for i, of := range list {
		if of.Name == Sent || of.Name == Ended {
			list[i].Unit = unit(of.Values)
		}
	}
	if s.anyFailed {
		shares := make([]float64, len(s.sent))
		for i, n := range s.sent {
			shares[i] = s.failed[i] / n // NaN without requests
		}
		add(Failures, shares, Share, false, false)
	}
	return list
}

func medians(list []values) []float64 {
	out := make([]float64, len(list))
	for i, of := range list {
		out[i] = math.Log(of.median())
	}
	return out
}

// relative returns values as multiples of their median, or of their mean if that is 0.
func relative(values []float64) []float64 {
	sorted := slices.Sorted(slices.Values(values))
	unit := sorted[len(sorted)/2]
	if unit == 0 {
		for _, v := range values {
			unit += v / float64(len(values))
		}
	}
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = v / max(unit, math.SmallestNonzeroFloat64)
	}
	return out
}

// unit returns the least difference of numbers of requests that are multiples of something.
func unit(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	least := 0.0
	for i, v := range sorted {
		if i > 0 && v-sorted[i-1] > 1e-9 && (least == 0 || v-sorted[i-1] < least) {
			least = v - sorted[i-1]
		}
	}
	return least
}

// Flight counts requests in flight between edges, in time linear in the requests. Its edges are those of all stages, in
// order.
type Flight struct {
	edges        []float64
	starts, ends []mean // their times and numbers, by the gap between two edges
}

// NewFlight returns a count without requests. It takes over the edges, and sorts them.
func NewFlight(edges []float64) *Flight {
	slices.Sort(edges)
	return &Flight{edges: edges, starts: make([]mean, len(edges)+1), ends: make([]mean, len(edges)+1)}
}

// Add adds a request that was in flight from one time to another.
func (f *Flight) Add(start, end float64) {
	for _, of := range [...]struct {
		list []mean
		at   float64
	}{{f.starts, start}, {f.ends, end}} {
		i := sort.SearchFloat64s(f.edges, of.at)
		of.list[i].sum += of.at
		of.list[i].n++
	}
}

// Between returns the mean number of requests in flight, and how many ended, between each two of some edges, which must
// be among those of all.
func (f *Flight) Between(edges []float64) (flight, ended []float64) {
	var begun, over mean
	area, ends, at := 0.0, 0.0, 0
	for i, edge := range edges {
		for ; at < len(f.edges) && f.edges[at] <= edge; at++ {
			begun.sum, begun.n = begun.sum+f.starts[at].sum, begun.n+f.starts[at].n
			over.sum, over.n = over.sum+f.ends[at].sum, over.n+f.ends[at].n
		}
		// The time that all requests have been in flight until the edge.
		until := (begun.n*edge - begun.sum) - (over.n*edge - over.sum)
		if i > 0 {
			flight = append(flight, (until-area)/(edge-edges[i-1]))
			ended = append(ended, over.n-ends)
		}
		area, ends = until, over.n
	}
	return flight, ended
}

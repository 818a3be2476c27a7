package compare

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
)

// run is a side whose requests are in the order of their starts.
type run struct {
	name     string
	requests []Request
	order    []int32 // into requests: by start, ties by everything else, so that the order of the input does not matter
	seconds  float64
	spanned  bool // seconds was not given
	untimed  bool // and cannot be found out
	sessions *run // of a replay; nil if it is none
}

func newRun(s Side) *run {
	r := &run{name: s.Name, requests: s.Requests, order: make([]int32, len(s.Requests)), seconds: s.Seconds,
		untimed: s.Untimed}
	for i := range r.order {
		r.order[i] = int32(i) // two thousand million requests do not fit into memory
	}
	slices.SortFunc(r.order, func(a, b int32) int { return compareRequests(&r.requests[a], &r.requests[b]) })
	if !(r.seconds > 0) || math.IsInf(r.seconds, 0) {
		r.useSpan()
	}
	if len(s.Sessions) > 0 {
		r.sessions = newRun(Side{Name: s.Name, Requests: s.Sessions})
	}
	return r
}

// useSpan takes the length of a run from its requests, if they have times.
func (r *run) useSpan() {
	switch {
	case !r.untimed:
		r.seconds, r.spanned = r.span(), len(r.order) > 0
	case !(r.seconds > 0):
		r.seconds = math.NaN()
	}
}

func compareRequests(a, b *Request) int {
	if c := cmp.Compare(a.Start, b.Start); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(a.End, b.End), cmp.Compare(a.Stage, b.Stage), cmp.Compare(failed(a), failed(b)),
		cmp.Compare(a.Good, b.Good),
		cmp.Compare(a.TTFT, b.TTFT), cmp.Compare(a.TPOT, b.TPOT), cmp.Compare(a.NTPOT, b.NTPOT),
		cmp.Compare(a.ITL, b.ITL),
		cmp.Compare(a.Latency, b.Latency), cmp.Compare(a.ScheduleDelay, b.ScheduleDelay), cmp.Compare(a.Input, b.Input),
		cmp.Compare(a.Output, b.Output))
}

// span returns the time from the first start to the last end.
func (r *run) span() float64 {
	first, last := math.Inf(1), math.Inf(-1)
	for _, i := range r.order {
		if q := &r.requests[i]; finite(q.Start) && finite(q.End) {
			first, last = min(first, q.Start), max(last, q.End)
		}
	}
	return max(0, last-first)
}

func (r *run) failed() (n int) {
	for _, i := range r.order {
		if r.requests[i].Failed {
			n++
		}
	}
	return n
}

func zeroUnlessFinite(v float64) float64 {
	if !finite(v) {
		return 0
	}
	return v
}

// stages returns the numbers of the stages that have requests.
func (r *run) stages() (list []int) {
	seen := map[int]bool{}
	for _, i := range r.order {
		if stage := r.requests[i].Stage; !seen[stage] {
			seen[stage] = true
			list = append(list, stage)
		}
	}
	slices.Sort(list)
	return list
}

// part returns the part of a run whose requests fulfil a condition. It lasts from their first start to their last end.
func (r *run) part(has func(*Request) bool) *run {
	part := &run{name: r.name, requests: r.requests, untimed: r.untimed}
	for _, i := range r.order {
		if has(&r.requests[i]) {
			part.order = append(part.order, i)
		}
	}
	part.useSpan()
	return part
}

// stage returns the part of a run in one stage.
func (r *run) stage(n int) *run {
	part := r.part(func(q *Request) bool { return q.Stage == n })
	if r.sessions != nil {
		part.sessions = r.sessions.stage(n)
	}
	return part
}

// having returns the run whose requests have a quantity: its sessions, for a quantity of these. It has none if the run
// is no replay.
func (r *run) having(q quantity) *run {
	switch {
	case !q.ofSessions:
		return r
	case r.sessions == nil:
		return &run{}
	}
	return r.sessions
}

// sharedStages returns the stages to compare one by one: none unless both runs have the same stages, and more than one.
func sharedStages(a, b replicas) []int {
	if s := a.stages(); len(s) > 1 && slices.Equal(s, b.stages()) {
		return s
	}
	return nil
}

// series are numbers of requests in their order, stage after stage. Stages have different loads by design, so they are
// resampled each by itself: what differs between them is no chance.
type series struct {
	values []float64
	// weights are the terms whose sum divides the sum of the values; nil means 1 for each value.
	weights []float64
	ends    []int // of the stages, as offsets
}

// gather makes a series of what is a number among f of the requests, in the given order. g, if any, gives the weights.
func (r *run) gather(order []int32, f, g func(q *Request, rank int) float64) series {
	list := r.stages()
	index := make(map[int]int, len(list))
	for i, stage := range list {
		index[stage] = i
	}
	values, weights := make([][]float64, len(list)), make([][]float64, len(list))
	for rank, i := range order {
		q := &r.requests[i]
		v := f(q, rank)
		if !finite(v) {
			continue
		}
		at := index[q.Stage]
		values[at] = append(values[at], v)
		if g != nil {
			weights[at] = append(weights[at], g(q, rank))
		}
	}
	s := series{values: slices.Concat(values...), weights: slices.Concat(weights...)}
	end := 0
	for _, v := range values {
		if end += len(v); len(v) > 0 {
			s.ends = append(s.ends, end)
		}
	}
	return s
}

// latencies returns the series of a latency.
func (r *run) latencies(q quantity) series {
	r = r.having(q)
	return r.gather(r.order, func(req *Request, _ int) float64 {
		if req.Failed && !q.ofFailed {
			return math.NaN()
		}
		return q.latency(req)
	}, nil)
}

// shares returns the series of a share: zeros and ones.
func (r *run) shares(q quantity) series {
	r = r.having(q)
	return r.gather(r.order, func(req *Request, _ int) float64 { return q.share(req) }, nil)
}

// rates is the series of a rate: what each request adds, over the time until the next one starts. What of the run these
// gaps leave is the rest. If most of a run's time comes after its last start, as after a burst, or if latencies drift
// because a queue grows, the pace shows in the ends instead: the time of a request is then that since the end before
// it.
func (r *run) rates(q quantity) (s series, rest float64, last *lastAnswers) {
	order, times, shift := r.order, r.starts(), 0
	if byStart := len(times) > 0 && times[len(times)-1]-times[0] >= r.seconds/2 && !r.backlog(); byStart {
		last = r.lastAnswers()
	} else {
		order, times = r.byEnd()
		shift = 1
	}
	gaps := r.gaps(times, shift)
	s = r.gather(order, func(req *Request, _ int) float64 { return q.perSecond(req) },
		func(_ *Request, rank int) float64 { return gaps[rank] })
	return s, r.seconds - stats.Sum(s.weights), last
}

// backlog reports whether the latencies drift.
func (r *run) backlog() bool {
	return drifts(r.gather(r.order, func(q *Request, _ int) float64 { return q.End - q.Start }, nil))
}

// lastAnswers holds the requests that the end of a run may depend on, since when the last of them starts the others may
// still run, and how long requests take.
type lastAnswers struct {
	starts, took []float64
}

// lastAnswers returns the starts of the last hundred requests, and how long any of the run took: a straggler that ends
// a run may well have been any, and a hundred are too few to have one.
func (r *run) lastAnswers() *lastAnswers {
	l := &lastAnswers{}
	for rank, i := range r.order {
		if q := &r.requests[i]; finite(q.Start) && finite(q.End) {
			if l.took = append(l.took, q.End-q.Start); rank >= len(r.order)-100 {
				l.starts = append(l.starts, q.Start)
			}
		}
	}
	return l
}

// draw returns when the last answer would end if each request took as long as one drawn from them.
func (l *lastAnswers) draw(rng *rand.PCG) float64 {
	end := math.Inf(-1)
	for _, start := range l.starts {
		end = max(end, start+l.took[below(rng, len(l.took))])
	}
	return zeroUnlessFinite(end)
}

// deviations returns draws about their mean, or zeros if there are no last answers. Every other is turned round: the
// last end is skewed, as stragglers are late and never early, and a run that has one differs from one without by the
// long side of it, whichever of the two it is.
func (l *lastAnswers) deviations(rng *rand.PCG, n int) []float64 {
	draws := make([]float64, n)
	if l == nil {
		return draws
	}
	for i := range draws {
		draws[i] = l.draw(rng)
	}
	draws = centred(draws, []int{n})
	for i := range draws {
		if i%2 == 1 {
			draws[i] = -draws[i]
		}
	}
	return draws
}

// gaps are the times between neighbours, in whole nanoseconds: rounding errors must not look like a rhythm. One of them
// has no neighbour on its side, the last if shift is 0, the first if it is 1; it gets the mean, where the run has so
// much time.
func (r *run) gaps(times []float64, shift int) []float64 {
	gaps := make([]float64, len(times))
	for i := range len(times) - 1 {
		gaps[i+shift] = math.Round(zeroUnlessFinite(times[i+1]-times[i])*1e9) / 1e9
	}
	if n := len(gaps); n > 1 {
		covered := stats.Sum(gaps)
		gaps[(n-1)*(1-shift)] = math.Round(max(0, min(covered/float64(n-1), r.seconds-covered))*1e9) / 1e9
	}
	return gaps
}

func (r *run) starts() []float64 {
	times := make([]float64, len(r.order))
	for rank, i := range r.order {
		times[rank] = r.requests[i].Start
	}
	return times
}

func (r *run) byEnd() ([]int32, []float64) {
	order := slices.Clone(r.order)
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(r.requests[a].End, r.requests[b].End) })
	times := make([]float64, len(order))
	for rank, i := range order {
		times[rank] = r.requests[i].End
	}
	return order, times
}

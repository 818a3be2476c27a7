package steady_test

import (
	"cmp"
	"container/heap"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/internal/steady"
)

// scenario is a simulated run whose truth is known: a server of so many places, to which requests come.
type scenario struct {
	name    string
	load    float64 // of the capacity
	closed  int     // requests at a time; 0: requests come at random
	seconds float64
	cold    float64                  // constant of the fall of a cold start's TTFT, which begins at six times
	outage  [2]float64               // the server answers nothing between these times
	rate    func(at float64) float64 // multiplies the load; nil: 1
	// A fixed server answers in so many seconds after the TTFT, each request alike, and requests come at even
	// distances; per says how many in a second.
	fixed, per float64
	random     bool       // requests come at random all the same
	places     int        // 0: 16
	slow       [2]float64 // the server takes three times as long for what it begins between these times
	more       float64    // from here on it has many places; 0: never
	// empty says that the run begins with an empty server. Otherwise it begins in the middle of another.
	empty    bool
	also     [2]float64 // another part that is steady
	from, to float64    // what is steady in truth; 0, 0: nothing
}

type request struct{ start, end, ttft float64 }

const (
	places  = 16
	service = 2.0 // seconds, exponential
	prefill = 0.1
)

type floats []float64

func (f floats) Len() int           { return len(f) }
func (f floats) Less(i, j int) bool { return f[i] < f[j] }
func (f floats) Swap(i, j int)      { f[i], f[j] = f[j], f[i] }
func (f *floats) Push(v any)        { *f = append(*f, v.(float64)) }
func (f *floats) Pop() any {
	old := *f
	v := old[len(old)-1]
	*f = old[:len(old)-1]
	return v
}

// simulate returns the requests of a run in order of start.
func (s scenario) simulate(seed uint64) (list []request) {
	rng := rand.New(rand.NewPCG(seed*0x9e3779b97f4a7c15, seed^0xd1b54a32d192ed03))
	free := &floats{}
	if s.places == 0 {
		s.places = places
	}
	for range s.places {
		heap.Push(free, math.Inf(-1))
	}
	begin := -1000.0
	if s.empty || s.cold > 0 || s.fixed > 0 {
		begin = 0
	}
	loop := &floats{} // when each user of a closed loop sends
	for range s.closed {
		heap.Push(loop, begin+rng.Float64()*1e-3)
	}
	at := begin
	for {
		switch {
		case s.closed > 0:
			at = heap.Pop(loop).(float64)
		case s.fixed > 0:
			gap := 0.98 + 0.04*rng.Float64()
			if s.random {
				gap = rng.ExpFloat64()
			}
			at += gap / s.per
		default:
			factor := 1.0
			if s.rate != nil {
				factor = s.rate(at)
			}
			at += rng.ExpFloat64() / (s.load * factor * places / service)
		}
		if at > s.seconds {
			break
		}
		if s.more > 0 && at > s.more {
			s.more = 0
			for range 10 {
				heap.Push(free, at)
			}
		}
		q := s.serve(rng, free, at)
		if s.closed > 0 {
			heap.Push(loop, q.end)
		}
		list = append(list, q)
	}
	slices.SortFunc(list, func(a, b request) int { return cmp.Compare(a.start, b.start) })
	return list
}

// serve returns the request that comes at a time, when a place is free for it.
func (s scenario) serve(rng *rand.Rand, free *floats, at float64) request {
	begun := max(at, heap.Pop(free).(float64))
	if begun >= s.outage[0] && begun < s.outage[1] {
		begun = s.outage[1]
	}
	first := prefill * (0.9 + 0.2*rng.Float64())
	switch {
	case s.cold > 0 && s.fixed > 0: // as that of the built-in simulator
		first *= math.Pow(6, max(0, 1-begun/s.cold))
	case s.cold > 0:
		first *= 1 + 5*math.Exp(-begun/s.cold)
	}
	answer := (service - prefill) * rng.ExpFloat64()
	if s.fixed > 0 {
		answer = s.fixed * (0.98 + 0.04*rng.Float64())
	}
	if begun >= s.slow[0] && begun < s.slow[1] {
		first, answer = 3*first, 3*answer
	}
	end := begun + first + answer
	if begun < s.outage[0] && end > s.outage[0] {
		end += s.outage[1] - s.outage[0]
	}
	heap.Push(free, end)
	return request{at, end, begun + first - at}
}

// find returns what the package finds in a run, and the width of a block.
func find(list []request, closed bool) (steady.Finding, *steady.Stage, []steady.Series) {
	sent := slices.Clone(list)
	sent = slices.DeleteFunc(sent, func(q request) bool { return q.start < 0 })
	stage := steady.NewStage(sent[0].start, sent[len(sent)-1].start, len(sent), closed)
	flight := steady.NewFlight(stage.Edges())
	for _, q := range list {
		flight.Add(q.start, q.end)
		if q.start < 0 {
			continue
		}
		stage.Add(q.start, q.ttft, q.end-q.start, false)
	}
	series := stage.Series(flight)
	return steady.Find(series, stage.Silences()), stage, series
}

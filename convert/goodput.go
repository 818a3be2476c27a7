package convert

import (
	"iter"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Goodput is the share and the rate of the successes that kept their bounds. As in inference-perf, failures do not
// count.
type Goodput struct {
	Percentage  Float  `json:"goodput_percentage"`
	RequestRate Maybe  `json:"request_goodput"` // good requests per second, over the span of the successes
	TokenRate   Maybe  `json:"token_goodput"`   // their tokens, prompt and output
	Good        int    `json:"good_requests"`
	Total       int    `json:"total_requests"`
	TTFT        *Float `json:"ttft_attainment_percentage,omitempty"`
	TPOT        *Float `json:"tpot_attainment_percentage,omitempty"`
	ITL         *Float `json:"itl_attainment_percentage,omitempty"`
	NTPOT       *Float `json:"ntpot_attainment_percentage,omitempty"`
	Latency     *Float `json:"request_latency_attainment_percentage,omitempty"`
	FirstAudio  *Float `json:"first_audio_attainment_percentage,omitempty"`
	RTF         *Float `json:"rtf_attainment_percentage,omitempty"`
}

// bound is one kind of bound: the latency, its limit, the figure that it limits, and where the share of requests that
// keep it goes.
type bound struct {
	latency string
	limitMS func(record.Bounds) float64
	value   figure
	share   func(*Goodput) **Float
}

var boundKinds = []bound{
	{"ttft", func(b record.Bounds) float64 { return b.TTFT }, ttft, func(g *Goodput) **Float { return &g.TTFT }},
	{"tpot", func(b record.Bounds) float64 { return b.TPOT }, tpot, func(g *Goodput) **Float { return &g.TPOT }},
	{"itl", func(b record.Bounds) float64 { return b.ITL }, itl, func(g *Goodput) **Float { return &g.ITL }},
	{"ntpot", func(b record.Bounds) float64 { return b.NTPOT }, ntpot, func(g *Goodput) **Float { return &g.NTPOT }},
	{"request_latency", func(b record.Bounds) float64 { return b.Latency }, requestLatency,
		func(g *Goodput) **Float { return &g.Latency }},
	{"first_audio", func(b record.Bounds) float64 { return b.FirstAudio }, firstArrival,
		func(g *Goodput) **Float { return &g.FirstAudio }},
	{"rtf", func(b record.Bounds) float64 { return 1000 * b.RTF }, realTimeFactor,
		func(g *Goodput) **Float { return &g.RTF }},
}

// goodput returns nil if there is no bound, or no success that counts. A missing figure is out of bounds.
func (g *subset) goodput() *Goodput {
	bounded := slices.ContainsFunc(g.ok, func(q *run.Request) bool { return g.opts.bounds(q) != (record.Bounds{}) })
	if !bounded {
		return nil
	}
	out := &Goodput{}
	attained, applied := make([]int, len(boundKinds)), make([]int, len(boundKinds))
	tokens := 0.0
	for _, q := range g.ok {
		if q.LeftOut {
			continue
		}
		good, bound, bounds := true, false, g.opts.bounds(q)
		for i, kept := range g.boundsKept(q, bounds) {
			bound = true
			applied[i]++
			if kept {
				attained[i]++
			}
			good = good && kept
		}
		if !bound && (q.Textless || bounds != (record.Bounds{})) {
			continue
		}
		out.Total++
		if good {
			if tokens += inputTokens(g, q); !q.Textless {
				tokens += outputTokens(g, q)
			}
			out.Good++
		}
	}
	if out.Total == 0 {
		return nil
	}
	for i, kind := range boundKinds {
		if applied[i] > 0 {
			*kind.share(out) = new(Float(100 * float64(attained[i]) / float64(applied[i])))
		}
	}
	out.Percentage = Float(100 * float64(out.Good) / float64(out.Total))
	t := timeSpan(g.run, g.ok)
	if !hasTimes(g.run, g.ok) {
		t = g.time
	}
	if t != 0 {
		out.RequestRate, out.TokenRate = Maybe(float64(out.Good)/t), Maybe(tokens/t)
	}
	return out
}

// boundsKept yields, for each bound that is set, its index in boundKinds and whether a success keeps it. A missing
// figure is out of bounds, but a bound on what requests of the API cannot have is none.
func (g *subset) boundsKept(q *run.Request, b record.Bounds) iter.Seq2[int, bool] {
	return func(yield func(int, bool) bool) {
		for i, kind := range boundKinds {
			limit := kind.limitMS(b) / 1000
			if limit == 0 || !concerns(q, kind.latency) {
				continue
			}
			if !yield(i, kind.value(g, q) <= limit) { // false for NaN
				return
			}
		}
	}
}

package page

import (
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// curves holds the thinned data of single requests that charts show. Times are in seconds.
type curves struct {
	requests int

	ttft, itl, lateness xy            // distributions: percent over seconds
	ttftDots, itlDots   xy            // over the second at which the request was sent
	adapters            map[string]xy // distribution of TTFT of each adapter, if there are at least two
	begins              []float64     // instants of the first request of each stage, in ascending order
}

// collection holds the figures of all requests while their curves are made.
type collection struct {
	ttft, lateness    []float64
	ttftDots, itlDots xy
	byAdapter         map[string][]float64
	begins            map[int]float64
	requests          int
}

// curvesOf returns the curves of a report's requests. It passes once over the requests, and once over their chunks.
func curvesOf(p *convert.Report) *curves {
	c := collection{byAdapter: map[string][]float64{}, begins: map[int]float64{}}
	for s := range p.Samples() {
		c.take(s)
	}
	out := &curves{
		requests: c.requests, ttft: distribution(c.ttft), lateness: distribution(c.lateness), itl: curve(p.TokenGaps()),
		ttftDots: extremes(c.ttftDots, maxDots, maxSpans), itlDots: extremes(c.itlDots, maxDots, maxSpans),
		adapters: map[string]xy{},
	}
	if len(c.byAdapter) > 1 {
		for adapter, values := range c.byAdapter {
			out.adapters[plain.Terminal(adapter)] = distribution(values)
		}
	}
	for _, at := range c.begins {
		out.begins = append(out.begins, at)
	}
	slices.Sort(out.begins)
	return out
}

func (c *collection) take(s convert.Sample) {
	c.requests++
	timed := !math.IsNaN(s.Start)
	if _, known := c.begins[s.Stage]; !known && timed {
		c.begins[s.Stage] = s.Start
	}
	if !math.IsNaN(s.Delay) {
		c.lateness = append(c.lateness, s.Delay)
	}
	if !math.IsNaN(s.TTFT) {
		c.ttft = append(c.ttft, s.TTFT)
		if timed {
			c.ttftDots.add(s.Start, s.TTFT)
		}
		if s.Adapter != "" {
			c.byAdapter[s.Adapter] = append(c.byAdapter[s.Adapter], s.TTFT)
		}
	}
	if !math.IsNaN(s.ITL) && timed {
		c.itlDots.add(s.Start, s.ITL)
	}
}

// distribution returns the curve of values, which it sorts.
func distribution(values []float64) xy {
	slices.Sort(values)
	return curve(len(values), func(k int) float64 { return values[k] })
}

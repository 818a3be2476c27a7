package page

import (
	"maps"
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

// curvesOf returns the curves of a report's requests. It passes over the requests once for each curve, so that only the
// points of one take memory.
func curvesOf(p *convert.Report) *curves {
	ttft := func(s convert.Sample) float64 { return s.TTFT }
	itl := func(s convert.Sample) float64 { return s.ITL }
	delay := func(s convert.Sample) float64 { return s.Delay }
	var points xy
	out := &curves{
		requests: len(p.Run().Requests), itl: curve(p.TokenGaps()), adapters: adapterCurves(p), begins: stageBegins(p),
		ttft: points.distribution(p, ttft), lateness: points.distribution(p, delay),
	}
	out.ttftDots, out.itlDots = points.dots(p, ttft), points.dots(p, itl)
	return out
}

// distribution returns the curve of the known values of a figure. It keeps them in points while it makes the curve.
func (points *xy) distribution(p *convert.Report, figure func(convert.Sample) float64) xy {
	points.reset(p)
	for s := range p.Samples() {
		if v := figure(s); !math.IsNaN(v) {
			points.X = append(points.X, v)
		}
	}
	return distribution(points.X)
}

// dots returns the known values of a figure over the starts of the requests, thinned.
func (points *xy) dots(p *convert.Report, figure func(convert.Sample) float64) xy {
	points.reset(p)
	for s := range p.Samples() {
		if v := figure(s); !math.IsNaN(v) && !math.IsNaN(s.Start) {
			points.add(s.Start, v)
		}
	}
	thin := extremes(*points, maxDots, maxSpans)
	return xy{slices.Clone(thin.X), slices.Clone(thin.Y)}
}

// reset empties the lists, and gives them room for all requests.
func (points *xy) reset(p *convert.Report) {
	points.X, points.Y = slices.Grow(points.X[:0], len(p.Run().Requests)), slices.Grow(points.Y[:0],
		len(p.Run().Requests))
}

// adapterCurves returns the distribution of TTFT of each adapter, if there are several.
func adapterCurves(p *convert.Report) map[string]xy {
	values, out := map[string][]float64{}, map[string]xy{}
	for s := range p.Samples() {
		if s.Adapter != "" && !math.IsNaN(s.TTFT) {
			values[s.Adapter] = append(values[s.Adapter], s.TTFT)
		}
	}
	if len(values) > 1 {
		for adapter, list := range values {
			out[plain.Terminal(adapter)] = distribution(list)
		}
	}
	return out
}

// stageBegins returns when the first request of each stage was sent, in ascending order.
func stageBegins(p *convert.Report) []float64 {
	begins := map[int]float64{}
	for s := range p.Samples() {
		if _, known := begins[s.Stage]; !known && !math.IsNaN(s.Start) {
			begins[s.Stage] = s.Start
		}
	}
	return slices.Sorted(maps.Values(begins))
}

// distribution returns the curve of values, which it sorts.
func distribution(values []float64) xy {
	slices.Sort(values)
	return curve(len(values), func(k int) float64 { return values[k] })
}

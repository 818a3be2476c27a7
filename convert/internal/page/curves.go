package page

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// curves holds the thinned data of single requests that charts show. Times are in seconds.
type curves struct {
	requests int

	ttft, itl, delay    xy                  // distributions: percent over seconds
	latency             xy                  // the same of request latencies, of requests that generate no text
	latencyDots         xy                  // those over the second at which the request was sent
	ttftDots, itlDots   xy                  // over the second at which the request was sent
	audioDots           xy                  // the same of first audio
	adapters, scenarios curveSet            // by each
	keyed               map[string]curveSet // by their keys
	begins              map[int]float64     // instants of the first request of each stage
}

// curvesOf returns the curves of a report's requests. It passes over the requests once for each curve, so that only the
// points of one take memory.
func curvesOf(p *convert.Report) *curves {
	ttft := func(s convert.Sample) float64 { return s.TTFT }
	itl := func(s convert.Sample) float64 { return s.ITL }
	delay := func(s convert.Sample) float64 { return s.Delay }
	var points xy
	out := &curves{
		requests: len(p.Run().Requests), itl: curve(p.TokenGaps()), begins: stageBegins(p),
		adapters: groupCurves(p, func(_ int, s convert.Sample) string { return s.Adapter }),
		keyed:    map[string]curveSet{},
		ttft:     points.distribution(p, ttft), delay: points.distribution(p, delay),
	}
	requests := p.Run().Requests
	keys, _ := run.Keys(p.Groups.Keys()) // they are known
	for _, key := range keys {
		out.keyed[key.Name] = groupCurves(p, func(i int, _ convert.Sample) string {
			return convert.GroupName{Name: key.Of(p.Run(), requests[i])}.Shown()
		})
	}
	if len(scenariosOf(p)) > 1 {
		out.scenarios = groupCurves(p, func(i int, _ convert.Sample) string {
			return run.LoadName(requests[i].Scenario)
		})
	}
	out.ttftDots, out.itlDots = points.dots(p, ttft), points.dots(p, itl)
	if p.Summary.HasTextless() {
		latency := func(s convert.Sample) float64 { return s.Latency }
		out.latency, out.latencyDots = points.distribution(p, latency), points.dots(p, latency)
		out.audioDots = points.dots(p, func(s convert.Sample) float64 { return s.FirstAudio })
	}
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

// curveSet has the distribution of TTFT of each group of requests, of those with the most if there are many.
type curveSet struct {
	curves map[string]xy // none if there is only one group
	groups int           // number of all groups
}

// groupCurves returns the distributions of groups of requests. The requests of no name are in none.
func groupCurves(p *convert.Report, group func(i int, s convert.Sample) string) curveSet {
	values := map[string][]float64{}
	i := -1
	for s := range p.Samples() {
		i++
		if name := group(i, s); name != "" && !math.IsNaN(s.TTFT) {
			values[name] = append(values[name], s.TTFT)
		}
	}
	out := curveSet{curves: map[string]xy{}, groups: len(values)}
	if len(values) < 2 {
		return out
	}
	most := slices.SortedFunc(maps.Keys(values), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(values[b]), len(values[a])), cmp.Compare(a, b))
	})
	for _, name := range most[:min(len(most), maxLines)] {
		out.curves[plain.Terminal(name)] = distribution(values[name])
	}
	return out
}

// stageBegins returns when the first request of each stage was sent.
func stageBegins(p *convert.Report) map[int]float64 {
	begins := map[int]float64{}
	for s := range p.Samples() {
		if _, known := begins[s.Stage]; !known && !math.IsNaN(s.Start) {
			begins[s.Stage] = s.Start
		}
	}
	return begins
}

// distribution returns the curve of values, which it sorts.
func distribution(values []float64) xy {
	slices.Sort(values)
	return curve(len(values), func(k int) float64 { return values[k] })
}

package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
)

const allStages = math.MinInt

// scope is a pair of sides or of their stages to compare.
type scope struct {
	base, fresh replicas
	stage       int
}

// compareScopes compares all quantities of all scopes, as many at a time as there are processors.
func compareScopes(scopes []scope, o Options, resamples int) [][]Metric {
	list := quantities()
	parts := make([][]Metric, len(scopes)*len(list))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i := range parts {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			parts[i] = scopes[i/len(list)].compare(list[i%len(list)], o, resamples)
		})
	}
	wg.Wait()
	out := make([][]Metric, len(scopes))
	for i, metrics := range parts {
		out[i/len(list)] = append(out[i/len(list)], metrics...)
	}
	return out
}

// compare compares all figures of one quantity. It returns none if neither side has the quantity.
func (s scope) compare(q quantity, o Options, resamples int) (out []Metric) {
	if q.perSecond != nil && (s.base.is(isUntimed) || s.fresh.is(isUntimed)) {
		return s.bareRate(q, o)
	}
	ids := figures(q, o.Percentiles)
	where := strconv.Itoa(s.stage)
	a := s.base.estimates(q, o.Percentiles, o, "base", where, resamples)
	b := s.fresh.estimates(q, o.Percentiles, o, "new", where, resamples)
	for i, id := range ids {
		switch {
		case a != nil && b != nil:
			spread := replicate(q, &a[i], &b[i], o)
			m := judge(q, id, a[i].estimate, b[i].estimate, o)
			m.Runs = spread
			out = append(out, m)
		case a != nil:
			out = append(out, oneSided(q, id, &a[i].estimate, nil))
		case b != nil:
			out = append(out, oneSided(q, id, nil, &b[i].estimate))
		}
		if b != nil {
			s.askPercentile(&out[len(out)-1], q, id, b[i], o)
		}
	}
	return out
}

func isUntimed(r *run) bool { return r.untimed }

// bareRate compares a rate if a run has no times that could be resampled.
func (s scope) bareRate(q quantity, o Options) []Metric {
	a, knownBase := s.base.rate(q)
	b, knownNew := s.fresh.rate(q)
	if !knownBase && !knownNew {
		return nil
	}
	m := bare(newMetric(q, metricID{quantity: q.name}), a, b, knownBase, knownNew, o)
	if remark := o.unlike(q); remark != "" {
		m.Verdict, m.Warnings, m.sparse, m.gated = Unclear, []string{remark}, true, false
		return []Metric{m}
	}
	if m.Verdict == Unclear && m.gated {
		m.Warnings = []string{noStarts}
	}
	return []Metric{m}
}

// noStarts is the remark on a rate of a run without start times.
const noStarts = "the times of its requests would be needed"

// rate returns a rate over the length of the run, and false if the length or the count is unknown.
func (r *run) rate(q quantity) (rate float64, known bool) {
	total := 0.0
	for _, i := range r.order {
		v := q.perSecond(&r.requests[i])
		if finite(v) {
			total, known = total+v, true
		}
	}
	return total / r.seconds, known && r.seconds > 0
}

// figures returns the figures of a quantity.
func figures(q quantity, percentiles []float64) []metricID {
	if q.latency == nil {
		return []metricID{{quantity: q.name}}
	}
	ids := []metricID{{quantity: q.name, statistic: mean}}
	for _, p := range percentiles {
		ids = append(ids, metricID{quantity: q.name, statistic: percentile, percentile: p})
	}
	return ids
}

// estimates returns a run's figures of a quantity, in the order of figures, or nil if no request has the quantity.
func (r *run) estimates(q quantity, percentiles []float64, rng *rand.PCG, resamples int) []estimate {
	switch {
	case q.latency != nil:
		if s := r.latencies(q); len(s.values) > 0 {
			return latencyEstimates(rng, s, percentiles, resamples)
		}
	case q.share != nil:
		if s := r.shares(q); len(s.values) > 0 {
			return []estimate{shareEstimate(rng, s, resamples)}
		}
	case r.seconds > 0:
		if s, rest, last := r.rates(q); len(s.values) > 0 {
			return []estimate{ratioEstimate(rng, s, rest, last, resamples)}
		}
	}
	return nil
}

func newMetric(q quantity, id metricID) Metric {
	return Metric{Name: id.String(), Unit: q.unit, Direction: q.direction, Headline: id.headline(q), Verdict: Unclear}
}

// oneSided returns a figure that only one run has.
func oneSided(q quantity, id metricID, a, b *estimate) Metric {
	m := newMetric(q, id)
	if a != nil {
		m.Base, m.BaseSample = known(a.value), a.sample()
		m.Warnings = []string{"NEW does not have it"}
	} else {
		m.New, m.NewSample = known(b.value), b.sample()
		m.Warnings = []string{"BASE does not have it"}
	}
	return m
}

func (e estimate) sample() Sample { return Sample{Requests: e.n, Block: e.blocks.length} }

// judge compares one figure of two runs.
func judge(q quantity, id metricID, a, b estimate, o Options) Metric {
	m := newMetric(q, id)
	m.Base, m.New, m.BaseSample, m.NewSample = known(a.value), known(b.value), a.sample(), b.sample()
	d := differ(a, b, o.Level)
	if a.blocks.drifts || b.blocks.drifts {
		d.p = max(d.p, outgrows(a, b))
	}
	if q.share != nil { // a share and its interval lie between 0 and 1
		d.low, d.high = max(d.low, -1), min(d.high, 1)
	}
	m.Change, m.Interval, m.PValue = known(d.value), knownInterval(d.low, d.high), known(d.p)
	if m.Interval == nil || m.Change == nil || m.PValue == nil {
		m.Interval, m.PValue = nil, nil
		m.Warnings = append(m.Warnings, "the numbers are too large to compare")
		return m
	}
	if a.value != 0 {
		by := math.Abs(a.value)
		m.Relative, m.RelativeInterval = known(d.value/by), knownInterval(relativeLow(a, b, d.low/by), d.high/by)
	}
	m.Detectable = known(d.detectable(degrees(a, b), o.Level))
	if remark := o.unlike(q); remark != "" {
		m.Warnings, m.sparse = append(m.Warnings, remark), true
		return m
	}
	m.ask(q, id, a, b, o)
	m.gated = tooFew(q, id, a, b, forGates) == ""
	if warning := tooFew(q, id, a, b, forVerdicts); warning != "" {
		m.Warnings = append(m.Warnings, warning)
		m.sparse = float64(min(a.n, b.n)) < forVerdicts.forPercentile(id)
		return m
	}
	m.judged = true
	m.Verdict, m.tiny = m.verdict(d.excludesZero(), o), m.beneathTimeFloor(o)
	return m
}

// otherLoad is the remark on a rate of runs that were asked for different rates, which it follows.
const otherLoad = "the loads differ"

// unlike returns why a quantity of the two runs is not the same thing, and "" if it is.
func (o Options) unlike(q quantity) string {
	switch {
	case q.perSecond != nil && o.otherLoad:
		return otherLoad
	case o.uncounted[q.name]:
		return otherCounts
	}
	return ""
}

// relativeLow limits the lower end of a relative change: a quantity that is never negative cannot fall by more than
// itself.
func relativeLow(a, b estimate, low float64) float64 {
	if a.value > 0 && b.value >= 0 {
		return max(low, -1)
	}
	return low
}

// demand holds the least that a figure must rest on to be judged: the number of requests, the number of requests beyond
// a percentile (or, for a share, of the rarer kind), and the number of blocks of dependent requests.
type demand struct{ requests, beyond, blocks int }

// Who sets a gate names the figure that matters, and takes a verdict that rests on little over none.
var (
	forVerdicts = demand{30, 10, fewestBlocks}
	forGates    = demand{20, 2, 5}
)

// forPercentile returns the number of requests that a percentile needs, infinite at the ends, and 0 for other figures.
func (d demand) forPercentile(id metricID) float64 {
	if !id.isPercentile() {
		return 0
	}
	return math.Ceil(float64(d.beyond)/(min(id.percentile, 100-id.percentile)/100) - 1e-6)
}

// tooFew returns why a figure cannot be judged, or "" if it can. A percentile near the end depends on a handful of
// requests, and resampling them shows too little of what others would have been.
func tooFew(q quantity, id metricID, a, b estimate, d demand) string {
	n := min(a.n, b.n)
	if n < d.requests {
		return fmt.Sprintf("too few %s: %d, where %d are needed", q.of(), n, d.requests)
	}
	switch needed := d.forPercentile(id); {
	case math.IsInf(needed, 1):
		return "an extreme depends on one request, so it is not judged"
	case float64(n) < needed:
		return fmt.Sprintf("too few %s: %d, where %.0f are needed", q.of(), n, needed)
	}
	for _, e := range []estimate{a, b} {
		if e.blocks.drifts && outgrows(a, b) >= 0.05 {
			return "it drifts through the run, as under a ramp or when a queue grows, and would have to grow far " +
				"faster in one of the runs not to be chance"
		}
		if !e.blocks.drifts && e.blocks.few && e.blocks.count < float64(d.blocks) {
			return fmt.Sprintf("too short a run: its %s hang together over %d, so that it has %.0f spans to "+
				"learn from, where %d are needed", q.of(), e.blocks.length, math.Floor(e.blocks.count), d.blocks)
		}
	}
	if q.share != nil {
		rarer := min(a.events+b.events, a.n+b.n-a.events-b.events)
		if rarer > 0 && rarer < d.beyond {
			return fmt.Sprintf("too few to tell: %d of %d, where %d are needed", rarer, a.n+b.n, d.beyond)
		}
	}
	return ""
}

// verdict returns the verdict of the figure alone.
func (m *Metric) verdict(significant bool, o Options) Verdict {
	switch {
	case significant && m.beyondFloor(o):
		return m.side()
	case significant || m.withinMargin(o):
		return Same
	}
	return Unclear
}

// side returns better or worse, by the sign of the change.
func (m *Metric) side() Verdict {
	if (*m.Change < 0) == (m.Direction == LowerIsBetter) {
		return Better
	}
	return Worse
}

// beyondFloor reports whether the change is more than noise.
func (m *Metric) beyondFloor(o Options) bool {
	change := math.Abs(*m.Change)
	if m.Unit == Share {
		return change > o.ShareFloor
	}
	if m.Unit == Seconds && change <= o.TimeFloor {
		return false
	}
	return m.Relative == nil || math.Abs(*m.Relative) > o.RelativeFloor
}

// withinMargin reports whether the whole interval is so near zero that the figures may be called the same.
func (m *Metric) withinMargin(o Options) bool {
	far := max(math.Abs(m.Interval.Low), math.Abs(m.Interval.High))
	if m.Unit == Share {
		return far <= max(o.Margin/5, o.ShareFloor)
	}
	if m.Unit == Seconds && far <= o.TimeFloor {
		return true
	}
	return m.withinRelative(far, o)
}

// beneathTimeFloor reports whether the whole interval of a time is too small to matter, whatever share of it that is.
func (m *Metric) beneathTimeFloor(o Options) bool {
	far := max(math.Abs(m.Interval.Low), math.Abs(m.Interval.High))
	return m.Unit == Seconds && far <= o.TimeFloor && !m.withinRelative(far, o)
}

func (m *Metric) withinRelative(far float64, o Options) bool {
	return m.Base != nil && far <= math.Abs(*m.Base)*max(o.Margin, o.RelativeFloor)
}

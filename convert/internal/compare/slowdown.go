package compare

import "math"

// Slowdown is how many times as long a figure is in one part of a run as in another.
type Slowdown struct {
	Ratio float64
	// Interval is nil if there are too few requests for one, or they vary too much; Reason says so.
	Interval *Interval
	Reason   string
}

// Slowdowns compares the mean, and the percentiles, of a latency by its name, from the same resamples as Compare draws.
// It returns nil if a side has none of it.
func Slowdowns(base, fresh Side, latency string, o Options) ([]Slowdown, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	q, _ := quantityOf(latency)
	resamples := o.resamplesFor(max(len(base.Requests), len(fresh.Requests)))
	a := newRun(base).estimates(q, o.Percentiles, source(o.Seed, "base", latency), resamples)
	b := newRun(fresh).estimates(q, o.Percentiles, source(o.Seed, "new", latency), resamples)
	if a == nil || b == nil {
		return nil, nil
	}
	var list []Slowdown
	for i, id := range figures(q, o.Percentiles) {
		list = append(list, slowdown(q, id, a[i], b[i], o))
	}
	return list, nil
}

// slowdown compares two estimates by their logarithms, whose difference is that of the ratio.
func slowdown(q quantity, id metricID, a, b estimate, o Options) (s Slowdown) {
	if s.Ratio = b.value / a.value; !finite(s.Ratio) || s.Ratio <= 0 {
		return Slowdown{Ratio: math.NaN(), Reason: "it is 0 in one of them"}
	}
	if s.Reason = tooFew(q, id, a, b, forGates); s.Reason != "" {
		return s
	}
	if d := differ(a.logarithm(), b.logarithm(), o.Level); finite(d.low) && finite(d.high) {
		s.Interval = &Interval{math.Exp(d.low), math.Exp(d.high)}
	}
	return s
}

// logarithm returns the estimate of the logarithm of a positive value. Draws far below it, which widening may make
// negative, count as a tenth.
func (e estimate) logarithm() estimate {
	draws := make([]float64, len(e.draws))
	for i, d := range e.draws {
		draws[i] = math.Log(max(d, e.value/10))
	}
	e.value, e.draws = math.Log(e.value), draws
	return e
}

package compare

import "math"

// Single is a figure of one run, and how well it is known.
type Single struct {
	Name      string
	Unit      Unit
	Direction Direction
	Value     float64
	// Low and High are the ends of its interval at the level of the options, by the block bootstrap of comparisons; NaN
	// without times of the requests, or with too few of them.
	Low, High float64
	// LogError is the standard error of the logarithm of the value, and Freedom its degrees of freedom; NaN likewise.
	LogError, Freedom float64
	Requests          int
}

// Singles returns the figures that one run has.
func Singles(s Side, o Options) ([]Single, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	r := newRun(s)
	resamples := o.resamplesFor(len(r.order))
	var list []Single
	for _, q := range quantities() {
		ids := figures(q, o.Percentiles)
		if q.latency == nil && r.untimed {
			if q.perSecond == nil {
				continue
			}
			if v, has := r.rate(q); has {
				list = append(list, newSingle(q, ids[0], v))
			}
			continue
		}
		for i, e := range r.estimates(q, o.Percentiles, source(o.Seed, "single", q.name), resamples) {
			f := newSingle(q, ids[i], e.value)
			if f.Requests = e.n; !r.untimed && float64(e.n) >= forVerdicts.forPercentile(ids[i]) {
				f.measure(e, o.Level)
			}
			list = append(list, f)
		}
	}
	return list, nil
}

func newSingle(q quantity, id metricID, value float64) Single {
	nan := math.NaN()
	return Single{id.String(), q.unit, q.direction, value, nan, nan, nan, nan, 0}
}

// measure adds how well a figure is known.
func (f *Single) measure(e estimate, level float64) {
	freedom := e.freedom()
	d := differenceOf(e.value, e.draws, freedom, level)
	if !finite(d.low) || !finite(d.high) {
		return
	}
	f.Low, f.High = d.low, d.high
	if e.value > 0 {
		f.LogError, f.Freedom = deviation(e.draws)/e.value, freedom
	}
}

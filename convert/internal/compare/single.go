package compare

import "math"

// Single is a figure of one run, and how well it is known.
type Single struct {
	Name      string
	Unit      Unit
	Direction Direction
	Value     float64
	// Low and High are the ends of its interval at the level of the options, by the block bootstrap of comparisons; NaN
	// without times of the requests, with too few of them, or where it would reach over two orders of magnitude. Of a
	// figure that is above zero so are both, and the value lies between them.
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
				f.measure(e, q.share != nil, o.Level)
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
func (f *Single) measure(e estimate, share bool, level float64) {
	if share {
		d := differenceOf(e.value, e.draws, e.freedom(), level)
		f.Low, f.High = max(0, d.low), min(1, d.high)
		return
	}
	logs, ok := e.logs()
	if !ok {
		return
	}
	deviation := deviation(logs)
	d := differenceOf(0, logs, e.freedom(), level)
	if !(d.high-d.low < math.Log(widest)) {
		return
	}
	f.Low, f.High = e.value*math.Exp(d.low), e.value*math.Exp(d.high)
	f.LogError, f.Freedom = deviation, e.freedom()
}

// widest is the ratio of the ends of an interval that says nothing any more.
const widest = 100

// logs returns the logarithms of the draws over the value, as far from zero as blocks widen them, or false if there is
// none. Times and rates are above zero, and what few blocks do not show multiplies them: moving draws away from the
// value by differences would move some below zero.
func (e estimate) logs() ([]float64, bool) {
	if !(e.value > 0) || !finite(e.value) || !(e.blocks.widen > 0) || !finite(e.blocks.widen) {
		return nil, false
	}
	logs := make([]float64, len(e.draws))
	for i, draw := range e.draws {
		ratio := 1 + (draw/e.value-1)/e.blocks.widen
		if !(ratio > 0) || !finite(ratio) {
			return nil, false
		}
		logs[i] = e.blocks.widen * math.Log(ratio)
	}
	return logs, len(logs) > 0
}

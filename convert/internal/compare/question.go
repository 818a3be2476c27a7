package compare

import (
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/seed-307b789f/xk6-llm/internal/gate"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// question is what a gate asks that says what is to hold: whether something is above its bound, or below it.
type question struct {
	gate     Gate
	value    float64 // what has the bound
	requests int     // of the smaller side
	// runs is the number of the smaller side that has several; 0 if requests alone explain the interval.
	runs int
	// ends returns the interval of the value: NaN where there are too few requests. An end may be infinite.
	ends func(level float64) (low, high float64)
	// share is that over the bound, of a share or a percentile of NEW, nil for others; most is what keeps the gate.
	share *gate.Share
	most  float64
	// least returns how many requests the interval takes, whatever the bound is; nil for most.
	least func(level float64) float64
	unit  Unit
	drift float64 // how likely growth of equal runs that drift differs by so much; 0 if they do not drift
}

// status answers the gate at a level.
func (q *question) status(level float64) Status {
	if q.share != nil && (q.most <= 0 || q.most >= 1) {
		return q.share.Status(q.most, level)
	}
	if q.drift >= 1-level {
		return gate.Inconclusive
	}
	low, high := q.ends(level)
	if !q.gate.above {
		low, high = -high, -low
	}
	bound := q.oriented(q.gate.bound)
	switch {
	case high <= bound:
		return gate.Pass
	case low > bound:
		return gate.Fail
	}
	return gate.Inconclusive
}

// oriented turns a value so that more is worse.
func (q *question) oriented(v float64) float64 {
	if q.gate.above {
		return v
	}
	return -v
}

// reach returns how far the interval reaches from the value to the side of the bound.
func (q *question) reach(level float64) float64 {
	low, high := q.ends(level)
	if q.value < q.gate.bound {
		return high - q.value
	}
	return q.value - low
}

// quantiles returns the normal quantiles of an interval at a level and of the power.
func quantiles(level float64) (interval, power float64) {
	return math.Sqrt2 * math.Erfinv(level), distuv.UnitNormal.Quantile(gate.Power)
}

// answer fills in what became of the gate.
func (q *question) answer(out *GateResult, m *Metric, a gate.Answer, gates int) {
	out.Status = a.Status
	low, high := q.ends(a.Level)
	out.Interval = &GateInterval{Low: known(low), High: known(high), Level: a.Level}
	out.Power = q.power(a.Level)
	out.Reason = q.measured(m, low, high, gates)
	if out.Status != gate.Inconclusive {
		return
	}
	needs := q.needs(a.Level)
	switch {
	case !finite(needs):
		out.Reason += "; it lies on the bound, where no number of requests decides"
	case q.runs > 0:
		runs := math.Ceil(max(needs/float64(max(q.requests, 1))*float64(q.runs), float64(q.runs+1)))
		out.NeedsRuns = new(int64(runs))
		out.Reason += fmt.Sprintf("; some %.0f runs a side would decide it", runs)
	default:
		needs = math.Ceil(max(needs, float64(q.requests+1)))
		out.Needs = new(int64(needs))
		out.Reason += fmt.Sprintf("; some %s requests%s would decide it", roughly(needs), q.aSide())
	}
}

func (q *question) aSide() string {
	if q.gate.kind == absolute {
		return ""
	}
	return " a side"
}

// measured says what was measured, with the interval.
func (q *question) measured(m *Metric, low, high float64, gates int) string {
	text := fmt.Sprintf("NEW is %s", optional(m.New, m.Unit))
	if q.gate.kind != absolute {
		text = m.sentence("")
	}
	if q.gate.kind == absolute || gates > 1 || m.Unit == Share || q.gate.kind == change {
		text += fmt.Sprintf(" [%s, %s]", q.end(low), q.end(high))
		if gates > 1 {
			text += fmt.Sprintf(" corrected for %d gates", gates)
		}
	}
	if q.gate.kind == absolute && q.share != nil && m.Unit != Share {
		text += fmt.Sprintf(" with failures as slower than any: %d of %d requests are over the bound", q.share.Over,
			q.share.Requests)
	} else {
		text += fmt.Sprintf(", of %d requests", q.requests)
	}
	return text
}

// end writes an end of the interval.
func (q *question) end(v float64) string {
	switch {
	case math.IsNaN(v):
		return "?"
	case math.IsInf(v, 0):
		return "a failure"
	case q.gate.kind == relative:
		return signed(100*v) + " %"
	case q.gate.kind == change && q.unit == Share:
		return signed(100*v) + " pp"
	case q.gate.kind == change && q.unit == Seconds:
		return signed(1000*v) + " ms"
	}
	return value(v, q.unit)
}

// needs returns of how many requests of a side the gate would have an answer with the chance gate.Power, if what was
// measured is so; infinite if it lies on the bound.
func (q *question) needs(level float64) float64 {
	if q.share != nil {
		needs := q.share.Needs(q.most, level)
		if q.least != nil {
			needs = max(needs, q.least(level))
		}
		return needs
	}
	z, more := quantiles(level)
	far := math.Abs(q.value - q.gate.bound)
	factor := square(q.reach(level) / far * (1 + more/z))
	if !(factor < 1e6) {
		return math.Inf(1)
	}
	return float64(q.requests) * factor
}

// power returns what the gate could have seen.
func (q *question) power(level float64) *Power {
	p := &Power{Probability: gate.Power, Of: map[gateKind]string{relative: "relative_change", change: "change",
		absolute: "value"}[q.gate.kind]}
	if q.share != nil {
		if p.Of = "share_over"; q.unit == Share && q.gate.above {
			p.Of = "value"
		}
		passes, fails := q.share.Sees(q.most, level)
		p.PassesTo, p.FailsFrom = known(passes), known(fails)
		return p
	}
	z, more := quantiles(level)
	low, high := q.ends(level)
	margin := (high - low) / 2 * (1 + more/z)
	if !q.gate.above {
		margin = -margin
	}
	p.PassesTo, p.FailsFrom = known(q.gate.bound-margin), known(q.gate.bound+margin)
	return p
}

// ask adds to a figure the questions of the gates on it.
func (m *Metric) ask(q quantity, id metricID, a, b estimate, o Options) {
	for _, g := range o.Gates {
		if !g.kept || g.metric != id {
			continue
		}
		if m.questions == nil {
			m.questions = map[string]*question{}
		}
		asked := &question{gate: g, unit: q.unit, requests: min(a.n, b.n), runs: replicated(a, b)}
		if g.kind == absolute {
			asked.requests, asked.runs = b.n, replicated(b, b)
		}
		if asked.runs == 0 && g.kind != absolute && (a.blocks.drifts || b.blocks.drifts) {
			asked.drift = outgrows(a, b)
		}
		if q.share != nil {
			asked.ofShares(a, b)
		} else {
			asked.ofDraws(a, b, o.Level)
		}
		m.questions[g.text] = asked
	}
}

// ofDraws answers by the draws of the sides. A relative change above c is a difference NEW − (1 + c) BASE above zero,
// which has the deviation of BASE in it.
func (q *question) ofDraws(a, b estimate, level float64) {
	draws := make([]float64, len(b.draws))
	by, scale, offset := 1.0, 1.0, 0.0
	freedom := degrees(a, b)
	switch q.gate.kind {
	case relative:
		by, scale, offset = 1+q.gate.bound, math.Abs(a.value), q.gate.bound
		q.value = (b.value - a.value) / scale
	case change:
		q.value = b.value - a.value
	case absolute:
		by, freedom = 0, b.freedom()
		q.value = b.value
	}
	for i := range draws {
		draws[i] = b.draws[i] - by*a.draws[i]
	}
	d := differenceOf(b.value-by*a.value, draws, freedom, level)
	z := math.Sqrt2 * math.Erfinv(level)
	q.ends = func(at float64) (low, high float64) {
		factor := student(math.Sqrt2*math.Erfinv(at), freedom) / student(z, freedom)
		low, high = d.value-factor*(d.value-d.low), d.value+factor*(d.high-d.value)
		return low/scale + offset, high/scale + offset
	}
}

// ofShares answers by the exact intervals of the shares of both sides, whose ends are combined as by Newcombe (Interval
// estimation for the difference between independent proportions, Statistics in Medicine 17, 1998) and Zou and Donner
// (27, 2008). The draws could not tell of what never happened.
func (q *question) ofShares(a, b estimate) {
	base, fresh := a.share(), b.share()
	if q.gate.kind == absolute {
		over := fresh
		if q.most = q.gate.bound; !q.gate.above { // what is not in the share is over
			over.Over, q.most = over.Requests-over.Over, 1-q.gate.bound
		}
		q.value, q.share, q.ends = b.value, &over, fresh.Interval
		return
	}
	by, scale, offset := 1.0, 1.0, 0.0
	if q.value = b.value - a.value; q.gate.kind == relative {
		by, offset = 1+q.gate.bound, q.gate.bound
		if scale = a.value; scale == 0 { // from zero any step is more than any percentage
			scale = 1 / float64(max(base.Requests, 1))
		}
		q.value /= scale
	}
	q.ends = func(level float64) (low, high float64) {
		la, ua := base.Interval(level)
		lb, ub := fresh.Interval(level)
		d := b.value - by*a.value
		low = d - math.Hypot(b.value-lb, by*(ua-a.value))
		high = d + math.Hypot(ub-b.value, by*(a.value-la))
		return low/scale + offset, high/scale + offset
	}
}

// share returns the sample of a share. What its draws vary by more than independent requests do is the design effect.
func (e estimate) share() gate.Share {
	s := gate.Share{Over: e.events, Requests: e.n, Design: 1}
	if v := e.value * (1 - e.value) / float64(max(e.n, 1)); v > 0 {
		s.Design = max(1, square(deviation(e.draws))/v)
	}
	return s
}

// roughly writes a count with two digits.
func roughly(n float64) string {
	scale := math.Pow(10, max(0, math.Floor(math.Log10(n))-1))
	if n = math.Ceil(n/scale) * scale; n < 1000 {
		return strconv.Itoa(int(n))
	}
	return plain.Digits(n, "-", ",")
}

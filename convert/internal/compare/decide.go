package compare

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/gate"
)

// pending is a gate that is decided together with others.
type pending struct {
	result   *GateResult
	gate     Gate
	metric   *Metric
	question *question
}

// decide decides the gates on each of the results. Those that say what is to fail ask whether a change is significant,
// the others by their intervals; each kind is corrected for the number of its gates.
func decide(o Options, parts []*Result) {
	var trips, kept []pending
	for _, r := range parts {
		gates := slices.DeleteFunc(slices.Clone(o.Gates), func(g Gate) bool {
			return g.group != "" && g.group != r.Group
		})
		r.Gates = make([]GateResult, len(gates))
		for i, g := range gates {
			m, out := r.metric(g.metric.String()), &r.Gates[i]
			*out = GateResult{Expression: g.text, Metric: g.metric.String()}
			if out.Status, out.Reason = atOnce(r, g, m); out.Status != "" {
				continue
			}
			switch {
			case g.kept:
				kept = append(kept, pending{out, g, m, m.question(g, o.Level)})
			case m.PValue == nil:
				out.Status, out.Reason = g.onFigures(m)
			default:
				trips = append(trips, pending{result: out, gate: g, metric: m})
			}
		}
	}
	decideTrips(trips, o)
	decideKept(kept, o)
}

func decideTrips(family []pending, o Options) {
	p := make([]float64, len(family))
	for i, f := range family {
		p[i] = *f.metric.PValue
	}
	for i, adjusted := range holm(p) {
		f := family[i]
		f.result.AdjustedP = &adjusted
		f.result.Status, f.result.Reason = f.gate.onChange(f.metric, adjusted, 1-o.Level)
	}
}

func decideKept(family []pending, o Options) {
	asked := make([]func(float64) Status, len(family))
	for i, f := range family {
		asked[i] = f.question.status
	}
	for i, answer := range gate.Decide(o.Level, asked) {
		family[i].question.answer(family[i].result, family[i].metric, answer, len(family))
	}
}

// question returns what a gate asks of a figure, by its interval if nothing better is known.
func (m *Metric) question(g Gate, level float64) *question {
	if q := m.questions[g.text]; q != nil {
		return q
	}
	q := &question{gate: g, unit: m.Unit, requests: min(m.BaseSample.Requests, m.NewSample.Requests)}
	known, interval := m.Change, m.Interval
	if g.kind == relative && m.Relative != nil {
		known, interval = m.Relative, m.RelativeInterval
	}
	q.value = *known
	z, _ := quantiles(level)
	q.ends = func(at float64) (low, high float64) {
		other, _ := quantiles(at)
		return q.value - other/z*(q.value-interval.Low), q.value + other/z*(interval.High-q.value)
	}
	return q
}

// settle sets the answer: that of the gates, or without gates that of the headline figures.
func (r *Result) settle(o Options) {
	switch {
	case len(o.Gates) > 0: // which need not be on this group
		var list []Status
		for _, g := range r.Gates {
			list = append(list, g.Status)
		}
		r.Status = gate.Worst(list...)
	case r.Verdict == Worse:
		r.Status = GateFailed
	case r.searches:
		r.Status = gate.Worst(capacityStatuses(r)...)
	case r.pairs:
		r.Status = GatePassed
	default:
		r.Status = GatePassed
		if r.Open = r.open(o); len(r.Open) > 0 {
			r.Status = GateUndecided
		}
	}
	r.Passed = r.Status != GateFailed
}

func capacityStatuses(r *Result) (list []Status) {
	for _, c := range r.Capacities {
		list = append(list, c.status())
	}
	return list
}

// open returns what of the headline figures leaves it open whether NEW is worse by more than the margin. Figures with
// too few requests to tell anything are passed over, unless there are no others.
func (r *Result) open(o Options) (list []string) {
	told := 0
	for i := range r.Metrics {
		m := &r.Metrics[i]
		if !m.Headline || m.sparse || m.Base == nil && m.New == nil {
			continue
		}
		told++
		if m.opens = m.open(o); m.opens != "" {
			list = append(list, m.opens)
		}
	}
	if told == 0 {
		return []string{"no headline figure has enough requests to be judged"}
	}
	return list
}

// open returns why it is open whether a figure is worse by more than the margin, and "" if that is ruled out.
func (m *Metric) open(o Options) string {
	if !m.judged || m.Interval == nil {
		if m.Verdict == Same {
			return ""
		}
		return m.Name + ": " + cmp.Or(strings.Join(m.Warnings, "; "), noRequests)
	}
	worst := m.Interval.High
	if m.Direction == HigherIsBetter {
		worst = -m.Interval.Low
	}
	switch {
	case m.Unit == Share && worst <= max(o.Margin/5, o.ShareFloor), m.Unit == Seconds && worst <= o.TimeFloor,
		m.Unit != Share && worst <= math.Abs(*m.Base)*max(o.Margin, o.RelativeFloor):
		return ""
	case m.Unit == Share:
		return fmt.Sprintf("%s may be worse by %s percentage points", m.Name, digits(100*worst))
	case *m.Base == 0 || m.RelativeInterval == nil:
		return fmt.Sprintf("%s may be worse by %s", m.Name, value(worst, m.Unit))
	}
	return fmt.Sprintf("%s may be worse by %s %%", m.Name, digits(100*worst/math.Abs(*m.Base)))
}

// atOnce decides a gate that needs no statistics. It returns "" for other gates.
func atOnce(r *Result, g Gate, m *Metric) (Status, string) {
	switch {
	case g.metric.isCapacity() && g.kept:
		return g.keptByCapacity(r.capacity(g.metric.String()))
	case g.metric.isCapacity():
		return g.onCapacity(r.capacity(g.metric.String()))
	case r.searches:
		return GateUndecided, "figures of a search are of no single load"
	}
	return g.atOnce(m)
}

// atOnce decides a gate that needs no statistics. It returns "" for other gates.
func (g Gate) atOnce(m *Metric) (Status, string) {
	switch {
	case m == nil || m.New == nil:
		return GateFailed, "NEW does not have " + g.metric.String()
	case g.kept && m.questions[g.text] != nil && (g.kind == absolute || m.gated || m.Unit == Share):
		return "", ""
	case g.kept && m.Interval == nil && m.Base != nil && len(m.Warnings) == 0:
		return GateUndecided, noRequests
	case g.kept && g.kind == absolute:
		return GateUndecided, fmt.Sprintf("NEW is %s: %s", value(*m.New, m.Unit),
			cmp.Or(strings.Join(m.Warnings, "; "), noRequests))
	case g.kind == absolute && g.trips(*m.New):
		return GateFailed, fmt.Sprintf("NEW is %s, the bound is %s", value(*m.New, m.Unit), value(g.bound, m.Unit))
	case g.kind == absolute:
		return GatePassed, fmt.Sprintf("NEW is %s", value(*m.New, m.Unit))
	case m.Base == nil:
		return GateUndecided, "BASE does not have " + g.metric.String() + ", so there is no change to judge"
	case !m.gated:
		return GateUndecided, m.sentence("") + ": " + strings.Join(m.Warnings, "; ")
	}
	return "", ""
}

// onChange decides a gate on a change: it trips if the change is beyond the bound and significant.
func (g Gate) onChange(m *Metric, p, most float64) (Status, string) {
	beyond, what := g.beyond(m)
	switch {
	case !beyond:
		return GatePassed, what
	case p >= most:
		return GatePassed, fmt.Sprintf("%s: beyond the bound, but it may be chance (p %s)", what, pText(p))
	}
	return GateFailed, fmt.Sprintf("%s: beyond the bound, and hardly chance (p %s)", what, pText(p))
}

// onFigures decides a gate on a change by the two values alone.
func (g Gate) onFigures(m *Metric) (Status, string) {
	beyond, what := g.beyond(m)
	if !beyond {
		return GatePassed, what
	}
	return GateFailed, what + ": beyond the bound"
}

// beyond reports whether a change is beyond the bound, and describes it.
func (g Gate) beyond(m *Metric) (bool, string) {
	what := m.sentence("")
	if !m.judged && len(m.Warnings) > 0 {
		what += " (" + strings.Join(m.Warnings, "; ") + " for a sure verdict)"
	}
	switch {
	case g.kind != relative:
		return g.trips(*m.Change), what
	case m.Relative == nil: // from zero, any step is more than any percentage
		return *m.Change != 0 && *m.Change > 0 == g.above, what + ", from zero"
	}
	return g.trips(*m.Relative), what
}

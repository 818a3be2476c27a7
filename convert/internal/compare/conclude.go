package compare

import (
	"fmt"
	"slices"
	"strings"
)

// conclude sets the verdicts and decides the gates. Groups are read together, so p-values are corrected for the number
// of figures of all, and for the number of gates on all.
func (r *Result) conclude(o Options) {
	parts := r.parts()
	r.correct(o)
	decide(o, parts)
	for _, part := range parts {
		part.Verdict, part.Reasons = part.overall()
		part.settle(o)
	}
	if r.By != "" {
		r.sumUp()
	}
}

// parts returns the results that have figures: the groups, or the result itself.
func (r *Result) parts() []*Result {
	if r.By != "" {
		return r.Groups
	}
	return []*Result{r}
}

// settle sets whether NEW passes.
func (r *Result) settle(o Options) {
	r.Passed = r.Verdict != Worse
	if len(o.Gates) > 0 { // which need not be on this group
		r.Passed = !slices.ContainsFunc(r.Gates, func(g GateResult) bool { return g.Status == GateFailed })
	}
}

// correct corrects the verdicts for the number of figures: those of headline figures, on which the overall verdict
// rests, for the number of these, and those of all others, of stages too, for theirs.
func (r *Result) correct(o Options) {
	var headline, others []*Metric
	for _, part := range r.parts() {
		for i := range part.Metrics {
			if m := &part.Metrics[i]; m.judged && m.Headline {
				headline = append(headline, m)
			} else if m.judged {
				others = append(others, m)
			}
		}
		for _, stage := range part.Stages {
			for i := range stage.Metrics {
				if m := &stage.Metrics[i]; m.judged {
					others = append(others, m)
				}
			}
		}
	}
	correct(headline, o)
	correct(others, o)
	if len(headline)+len(others) > 1 {
		r.Notes = append(r.Notes, fmt.Sprintf("verdicts are corrected for the number of figures judged at once: %d "+
			"headline figures, and %d others", len(headline), len(others)))
	}
}

// correct corrects the verdicts of a family of figures by Holm's method. A change that may be chance among so many
// figures is unclear, with this as the reason.
func correct(family []*Metric, o Options) {
	p := make([]float64, len(family))
	for i, m := range family {
		p[i] = *m.PValue
	}
	for i, adjusted := range holm(p) {
		m := family[i]
		m.AdjustedP = &adjusted
		switch {
		case m.Verdict != Better && m.Verdict != Worse || adjusted < 1-o.Level:
		case m.withinMargin(o):
			m.Verdict = Same
		default:
			m.Verdict, m.Warnings = Unclear, []string{fmt.Sprintf("may be chance among %d figures: p %s",
				len(family), pText(adjusted))}
		}
	}
}

// overall returns worse if any headline figure is worse, else better if any is better, else the same if all are the
// same, apart from percentiles for which there are too few requests. It also returns the reasons.
func (r *Result) overall() (Verdict, []string) {
	switch {
	case r.New.Requests == 0 && r.Base.Requests > 0:
		return Worse, []string{"NEW has no requests"}
	case r.New.Requests == 0 || r.Base.Requests == 0:
		return Unclear, []string{"BASE has no requests to compare with"}
	}
	found := map[Verdict][]string{}
	for i := range r.Metrics {
		if m := &r.Metrics[i]; m.Headline && !m.sparse {
			found[m.Verdict] = append(found[m.Verdict], m.judgement())
		}
	}
	for _, v := range []Verdict{Worse, Better} {
		if len(found[v]) > 0 {
			return v, append(found[Worse], found[Better]...)
		}
	}
	if len(found[Unclear]) > 0 {
		return Unclear, found[Unclear]
	}
	return Same, []string{fmt.Sprintf("no headline figure changed: %d were compared", len(found[Same]))}
}

// decide decides the gates on each of the results.
func decide(o Options, parts []*Result) {
	type pending struct {
		result *GateResult
		gate   Gate
		metric *Metric
	}
	var family []pending // gates that ask whether a change is significant
	var p []float64
	for _, r := range parts {
		gates := slices.DeleteFunc(slices.Clone(o.Gates), func(g Gate) bool {
			return g.group != "" && g.group != r.Group
		})
		r.Gates = make([]GateResult, len(gates))
		for i, g := range gates {
			m, out := r.metric(g.metric.String()), &r.Gates[i]
			*out = GateResult{Expression: g.text, Metric: g.metric.String()}
			if out.Status, out.Reason = r.atOnce(g, m); out.Status != "" {
				continue
			}
			if m.PValue == nil {
				out.Status, out.Reason = g.onFigures(m)
				continue
			}
			family, p = append(family, pending{out, g, m}), append(p, *m.PValue)
		}
	}
	for i, adjusted := range holm(p) {
		f := family[i]
		f.result.AdjustedP = &adjusted
		f.result.Status, f.result.Reason = f.gate.onChange(f.metric, adjusted, 1-o.Level)
	}
}

// atOnce decides a gate that needs no statistics. It returns "" for other gates.
func (r *Result) atOnce(g Gate, m *Metric) (Status, string) {
	switch {
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

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

package compare

import (
	"fmt"
	"strings"
)

// conclude sets the overall verdict and decides the gates.
func (r *Result) conclude(o Options) {
	r.adjustHeadlines(o)
	r.Verdict, r.Reasons = r.overall()
	r.Passed = r.Verdict != Worse
	if len(o.Gates) > 0 {
		r.Gates = r.decide(o)
		r.Passed = true
		for _, g := range r.Gates {
			r.Passed = r.Passed && g.Status != GateFailed
		}
	}
	r.noteChance()
}

// adjustHeadlines corrects the p-values of the headline figures for their number.
func (r *Result) adjustHeadlines(o Options) {
	var family []*Metric
	var p []float64
	for i := range r.Metrics {
		if m := &r.Metrics[i]; m.Headline && m.judged {
			family, p = append(family, m), append(p, *m.PValue)
		}
	}
	for i, adjusted := range holm(p) {
		family[i].AdjustedP = &adjusted
	}
	for i := range r.Metrics {
		r.Metrics[i].headlineVerdict = r.Metrics[i].corrected(o)
	}
}

// corrected returns the verdict of a headline figure, corrected for the number of headline figures.
func (m *Metric) corrected(o Options) Verdict {
	if m.AdjustedP == nil || (m.Verdict != Better && m.Verdict != Worse) {
		return m.Verdict
	}
	if *m.AdjustedP < 1-o.Level {
		return m.Verdict
	}
	if m.withinMargin(o) {
		return Same
	}
	return Unclear
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
			v := m.headlineVerdict
			found[v] = append(found[v], m.sentence(v))
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

// noteChance adds the note that single figures may differ by chance.
func (r *Result) noteChance() {
	crossed, judged := 0, 0
	for _, list := range append([]Stage{{Metrics: r.Metrics}}, r.Stages...) {
		for _, m := range list.Metrics {
			if m.judged {
				judged++
			}
			if m.Verdict == Better || m.Verdict == Worse {
				crossed++
			}
		}
	}
	if crossed > 0 {
		r.Notes = append(r.Notes,
			fmt.Sprintf("verdicts beside single figures are not corrected for their number: of %d judged, %d are "+
				"better or worse, where chance alone makes up to %.0f", judged, crossed,
				float64(judged)*(1-r.Level)+0.5))
	}
}

// decide decides the gates.
func (r *Result) decide(o Options) []GateResult {
	out := make([]GateResult, len(o.Gates))
	var family []int // gates that ask whether a change is significant
	var p []float64
	for i, g := range o.Gates {
		m := r.metric(g.metric.String())
		out[i] = GateResult{Expression: g.String(), Metric: g.metric.String()}
		switch {
		case g.metric.isCapacity():
			out[i].Status, out[i].Reason = g.onCapacity(r.capacity(g.metric.String()))
		case r.searches:
			out[i].Status, out[i].Reason = GateUndecided, "figures of a search are of no single load"
		default:
			out[i].Status, out[i].Reason = g.atOnce(m)
		}
		switch {
		case out[i].Status != "":
		case m.PValue == nil:
			out[i].Status, out[i].Reason = g.onFigures(m)
		default:
			family, p = append(family, i), append(p, *m.PValue)
		}
	}
	for i, adjusted := range holm(p) {
		at := family[i]
		out[at].AdjustedP = &adjusted
		out[at].Status, out[at].Reason = o.Gates[at].onChange(r.metric(out[at].Metric), adjusted, 1-o.Level)
	}
	return out
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

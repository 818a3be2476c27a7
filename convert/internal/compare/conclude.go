package compare

import (
	"fmt"
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
	if few := fewRuns(r.Base, r.New); few != "" && r.Status == GateUndecided {
		r.Reasons = append(r.Reasons, few)
	}
}

// parts returns the results that have figures: the groups, or the result itself.
func (r *Result) parts() []*Result {
	if r.By != "" {
		return r.Groups
	}
	return []*Result{r}
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

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

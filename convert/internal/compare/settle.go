package compare

import (
	"fmt"

	"github.com/seed-307b789f/xk6-llm/internal/gate"
)

// Settle makes INCONCLUSIVE answers count as another. They remain what they are, and are written with what they count
// as: whoever reads that a job failed shall see that nothing was shown to be wrong.
func Settle(r *Result, as Status) {
	for _, group := range r.Groups {
		Settle(group, as)
	}
	for i := range r.Gates {
		if g := &r.Gates[i]; g.Status == gate.Inconclusive {
			g.Settled = as
		}
	}
	if r.Status == gate.Inconclusive {
		r.Settled = as
		r.Passed = as != gate.Fail
	}
}

// settled writes an answer, with what it counts as.
func settled(status, as Status) string {
	if as == "" {
		return string(status)
	}
	return fmt.Sprintf("%s, settled as %s", status, as)
}

// fewRuns says of a side with few runs why its intervals are wide, and "" of others.
func fewRuns(base, fresh SideSummary) string {
	a, b := max(base.Runs, 1), max(fresh.Runs, 1)
	freedom := a + b - 2
	if freedom < 1 || freedom > 2 {
		return ""
	}
	degrees := fmt.Sprintf("%d degrees of freedom", freedom)
	if freedom == 1 {
		degrees = "1 degree of freedom"
	}
	if min(a, b) == 1 {
		return fmt.Sprintf("with one run on a side the deviation between runs is that of the other side's %d runs "+
			"(%s): one more run a side narrows this", max(a, b), degrees)
	}
	return fmt.Sprintf("the deviation between runs is that of %d runs a side (%s): one more run a side narrows this", a,
		degrees)
}

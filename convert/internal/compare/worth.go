package compare

import (
	"fmt"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/gate"
)

// mostOpen is how many figures the text names that leave the answer open.
const mostOpen = 3

// answerText returns the answer of a comparison without gates in words; "" if gates, or nothing, decide it.
func (r *Result) answerText() string {
	for _, part := range r.parts() {
		if len(part.Gates) > 0 || part.pairs {
			return ""
		}
	}
	switch r.Status {
	case gate.Pass:
		return "PASS: no headline figure is worse by more than the margin"
	case gate.Fail:
		return "FAIL: NEW is worse"
	}
	open := strings.Join(r.Open[:min(len(r.Open), mostOpen)], "; ")
	if more := len(r.Open) - mostOpen; more > 0 {
		open += fmt.Sprintf("; and %d more figures", more)
	}
	more := "longer runs, or several a side, would tell: "
	if r.Base.Runs > 1 || r.New.Runs > 1 {
		more = "more runs a side would tell: "
	}
	return settled(r.Status, r.Settled) + ": " + more + open
}

// worth says which change of each figure would have been found, and how much runs of one side differ.
func worth(list []Metric) (lines []string) {
	var found, differ []string
	for i := range list {
		m := &list[i]
		if m.Detectable != nil && *m.Detectable > 0 && m.judged {
			found = append(found, m.Name+" "+m.size(*m.Detectable, false))
		}
		if m.Runs != nil && m.Runs.Deviation != nil {
			differ = append(differ, m.Name+" "+m.size(*m.Runs.Deviation, m.Runs.Relative))
		}
	}
	if found != nil {
		lines = append(lines, "changes that are found 4 times in 5: "+strings.Join(found, ", "))
	}
	if differ != nil {
		lines = append(lines, "standard deviation of runs of one side: "+strings.Join(differ, ", "))
	}
	return lines
}

// size writes the size of a change, or of a deviation that may be relative already.
func (m *Metric) size(v float64, relative bool) string {
	switch {
	case m.Unit == Share:
		return plus(100*v) + " pp"
	case relative:
		return plus(100*v) + " %"
	case m.Base == nil || *m.Base == 0:
		return value(v, m.Unit)
	}
	if *m.Base < 0 {
		v = -v
	}
	return plus(100*v / *m.Base) + " %"
}

// plus formats a number as changes are, without its sign.
func plus(v float64) string { return strings.TrimPrefix(signed(v), "+") }

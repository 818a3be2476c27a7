package convert

import (
	"cmp"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// mostCauses are told one by one. The client knows fewer; a damaged file may name any number.
const mostCauses = 20

// judgeOwnSide finds a run invalid in which this machine failed: what a server would have done with those requests, and
// how the others would have fared beside them, is not known.
func (j *assessment) judgeOwnSide(g *subset) {
	faults := ownFailures(g)
	causes := sortedKeys(faults)
	slices.SortStableFunc(causes, func(a, b string) int { return cmp.Compare(faults[b], faults[a]) })
	for i, cause := range causes {
		if i == mostCauses {
			j.addReason(Invalid, "and %d further causes of that kind", len(causes)-i)
			break
		}
		fix := record.OwnFaultFix(cause)
		if fix != "" {
			fix = ": " + fix
		}
		j.addReason(Invalid, "%d requests met a failure of the machine that sent them, not of the server: %s%s",
			faults[cause], plain.OneLine(cause, 80), fix)
	}
}

// ownFailures counts, by the cause, the requests of which an attempt failed on the machine that sent them.
func ownFailures(g *subset) map[string]int {
	faults := map[string]int{}
	for _, q := range g.all {
		if cause := ownFault(q); cause != "" {
			faults[cause]++
		}
	}
	return faults
}

// ownFault is noted by the client. Other tools do not, nor did the client always: then the error tells.
func ownFault(q *run.Request) (cause string) {
	if _, after, noted := strings.Cut(q.Note, record.NoteOwnFault+": "); noted {
		cause, _, _ = strings.Cut(after, ";")
		return cause
	}
	return record.OwnFault(q.ErrorType, q.Error)
}

package convert

import (
	"cmp"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// mostCauses is how many causes get a reason of their own. The client knows fewer; a damaged file may name any number.
const mostCauses = 20

// judgeOwnSide finds a run invalid if the machine that sent the requests failed: it is unknown how the server would
// have answered those requests, and how the other requests would have fared beside them.
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

// ownFailures counts, by cause, the requests with an attempt that failed on the machine that sent it.
func ownFailures(g *subset) map[string]int {
	faults := map[string]int{}
	for _, q := range g.all {
		if cause := ownFault(q); cause != "" {
			faults[cause]++
		}
	}
	return faults
}

// ownFault returns the cause of a failure on the sending machine, "" if there was none. The client notes it; other
// tools and older clients do not, so that the error has to show it.
func ownFault(q *run.Request) (cause string) {
	if _, after, noted := strings.Cut(q.Note, record.NoteOwnFault+": "); noted {
		cause, _, _ = strings.Cut(after, ";")
		return cause
	}
	if !q.Failed() {
		return ""
	}
	return record.OwnFault(q.ErrorType, errorOf(q))
}

package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// otherCounts is the remark on a figure of tokens of runs whose tokens were counted in different ways.
const otherCounts = "tokens were counted in different ways"

// ofTokens are the figures that follow the count of an answer's tokens, and by which of them a count of the server
// does for that of the client's tokenizer.
var ofTokens = map[string]bool{"tpot": false, "itl": false, "ntpot": true, "output_tokens_per_sec": true,
	"total_tokens_per_sec": true}

// settleCounts makes runs comparable whose tokens were counted in different ways: by the server's counts if both have
// them all. What remains without a common count is not judged. It changes no request of the caller.
func (o *Options) settleCounts(runs []*Side, ofBase int) (notes []string) {
	differ, served := false, true
	for _, s := range runs {
		if s.Counted == "" {
			return nil
		}
		differ = differ || s.Counted != runs[0].Counted
		served = served && s.served()
	}
	if !differ {
		return nil
	}
	o.uncounted = map[string]bool{}
	for name, byServer := range ofTokens {
		o.uncounted[name] = !served || !byServer
	}
	note := fmt.Sprintf("tokens were counted in different ways: of BASE by %s, of NEW by %s",
		countedBy(runs[:ofBase]), countedBy(runs[ofBase:]))
	if !served {
		return []string{note + "; so no figure of tokens is judged"}
	}
	for _, s := range runs {
		s.countByServer()
	}
	return []string{note + "; here both are by the server's counts, and tpot and itl are not judged"}
}

// countedBy names by what the tokens of runs were counted.
func countedBy(runs []*Side) string {
	var names []string
	for _, s := range runs {
		if !slices.Contains(names, s.Counted) {
			names = append(names, s.Counted)
		}
	}
	return strings.Join(names, " and ")
}

// served reports whether the server counted the answers of all successes that have a count.
func (s *Side) served() bool {
	return !slices.ContainsFunc(s.Requests, func(q Request) bool {
		return !q.Failed && finite(q.Output) && !finite(q.ServerOutput)
	})
}

// countByServer replaces the counts of the answers, in a copy of the requests.
func (s *Side) countByServer() {
	s.Requests = slices.Clone(s.Requests)
	for i := range s.Requests {
		q := &s.Requests[i]
		if q.Failed || !finite(q.Output) {
			continue
		}
		q.Output = q.ServerOutput
		if q.NTPOT = q.Latency / q.Output; q.Output == 0 {
			q.NTPOT = math.NaN()
		}
	}
}

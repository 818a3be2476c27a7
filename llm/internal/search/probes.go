package search

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Failing reports whether the probe fails whatever becomes of the requests in flight: some tier fails for certain, and
// so do all that need certainty, or no request at all has ended. Look must have returned.
func (j *Judge) Failing() bool {
	if j.silent() {
		return true
	}
	failing := false
	for _, t := range j.tiers {
		_, fails := j.certainTier(t)
		if !t.settled && !fails {
			return false
		}
		failing = failing || fails
	}
	return failing
}

// silent reports whether requests were sent and none has ended.
func (j *Judge) silent() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.requests) > 0 && !slices.ContainsFunc(j.requests, func(q request) bool { return q.fate != inFlight })
}

// MostProbes returns how many probes there may be, with those that are refused.
func (o Options) MostProbes() int { return o.MaxProbes + o.MaxProbes/2 + 1 }

// Longest returns how long the search may take, without the waits for the server after each probe. The transient of a
// probe takes no longer than what follows it.
func (o Options) Longest() time.Duration {
	probe, hold := max(o.Probe, time.Minute), max(o.Hold, time.Minute)
	if o.stretch {
		probe, hold = mostStretch*o.Probe, mostStretch*o.Hold
	}
	holds := min(o.MostProbes(), len(o.Tiers)*(2+len(below)+len(above))) // the two sides of the edge, and around it
	return 2 * (time.Duration(o.MostProbes()-holds)*probe + time.Duration(holds)*hold)
}

// String describes the search, such as: the highest rate that keeps p99(ttft)<500ms.
func (o Options) String() string {
	texts := make([]string, len(o.Tiers))
	for i, t := range o.Tiers {
		texts[i] = t.Text()
	}
	return "searches for the highest " + o.Over + " that keeps " + strings.Join(texts, " or ")
}

// Tell says what became of a probe, such as: 16/s passes (p99 TTFT 212 ms, 412 requests, certain).
func (s *Search) Tell(p record.SearchProbe) string {
	verb := map[string]string{Pass: "passes", Fail: "fails"}[p.Outcome]
	if p.Outcome == Refused {
		return fmt.Sprintf("%s is refused, for the load generator did not keep up: %s", s.o.load(p.Value),
			strings.Join(p.Reasons, "; "))
	}
	var o slo.Objective
	for _, t := range s.o.Tiers {
		if found, ok := t.objective(p.Binding); ok {
			o = found
		}
	}
	facts := joined(figure(o, p)) + count(p.Requests, "request")
	if p.Unstable {
		facts += ", requests in flight grow without bound"
	}
	if p.Certain {
		facts += ", certain"
	}
	return fmt.Sprintf("%s %s (%s)", s.o.load(p.Value), verb, facts)
}

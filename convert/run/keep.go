package run

import (
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Span is a time from one instant up to but not including another, in ticks.
type Span struct{ From, To int64 }

func (s Span) has(instant int64) bool { return instant >= s.From && instant < s.To }

// Keep leaves out the requests of some stages that were not sent within a span of theirs, the sessions that did not
// begin within it, and the dropped arrivals that were not due in it. It returns the number of requests left out, and
// says why in a remark.
func Keep(r *Run, spans map[int]Span, why string) int {
	outside := func(instant int64, stage int) bool {
		span, of := spans[stage]
		return of && !span.has(instant)
	}
	sent := len(r.Requests) + len(r.Abandoned)
	out := func(q *Request) bool { return outside(q.Start, int(q.Stage)) }
	leave(r, out)
	r.Abandoned = slices.DeleteFunc(r.Abandoned, out)
	r.Sessions = slices.DeleteFunc(r.Sessions, func(s *Session) bool { return outside(s.Start, s.Stage) })
	r.Dropped = slices.DeleteFunc(r.Dropped, func(d *record.Dropped) bool {
		return d.Due != nil && outside(*d.Due, d.Stage)
	})
	left := sent - len(r.Requests) - len(r.Abandoned)
	r.Cut.Requests += left
	if left > 0 {
		r.remark("left out %d of %d requests: %s", left, sent, why)
	}
	return left
}

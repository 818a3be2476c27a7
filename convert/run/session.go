package run

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Session is a replayed session with its calls.
type Session struct {
	// Session is its line. If the run has none, as when it was killed, the line is made of the calls that were sent.
	*record.Session
	Recorded bool
	Requests []*Request // of the calls that were sent, in order of their numbers
}

// sessionKey identifies a session in a run.
type sessionKey struct {
	scenario string
	index    int64
}

// findSessions joins the lines of sessions with their calls, in order of their starts.
func findSessions(r *Run) {
	sessions := map[sessionKey]*Session{}
	for _, line := range r.sessionLines {
		sessions[sessionKey{line.Scenario, line.Index}] = &Session{Session: line, Recorded: true}
	}
	for _, q := range r.Requests {
		if !q.Replayed || q.Warmup {
			continue
		}
		key := sessionKey{q.Scenario, q.Index}
		s := sessions[key]
		if s == nil {
			s = new(Session)
			sessions[key] = s
		}
		s.Requests = append(s.Requests, q)
	}
	unrecorded := 0
	for _, s := range sessions {
		slices.SortStableFunc(s.Requests, func(a, b *Request) int { return cmp.Compare(a.Seq, b.Seq) })
		if !s.Recorded {
			s.Session = lineOfCalls(s.Requests)
			unrecorded++
		}
		r.Sessions = append(r.Sessions, s)
	}
	switch {
	case unrecorded == 1:
		r.remark("1 session has calls and no line of its own, as of a run that was killed: it is unfinished")
	case unrecorded > 1:
		r.remark("%d sessions have calls and no lines of their own, as of a run that was killed: they are unfinished",
			unrecorded)
	}
	sortSessions(r)
}

func sortSessions(r *Run) {
	slices.SortFunc(r.Sessions, func(a, b *Session) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Scenario, b.Scenario), cmp.Compare(a.Index, b.Index))
	})
}

// lineOfCalls returns the line of a session of which only calls are known.
func lineOfCalls(calls []*Request) *record.Session {
	first := calls[0]
	s := &record.Session{Scenario: first.Scenario, Stage: int(first.Stage), Index: first.Index, Client: first.Client,
		Label: first.Label, ID: first.SessionID(), Start: first.Start, End: first.End, Calls: len(calls),
		Sent: len(calls), ErrorType: record.ErrorCanceled, Error: "the run has no line of the session"}
	for _, q := range calls {
		call := q.Call()
		begin := q.Start
		if len(call.After) == 0 {
			begin = call.Ready - call.Wait*1000
		}
		s.Start, s.End = min(s.Start, begin), max(s.End, q.End)
		if !q.Failed() {
			s.Completed++
		}
		if call.UserFacing {
			s.UserFacing = append(s.UserFacing, call.ID)
		}
	}
	return s
}

// checkSessions refuses a run that has the line of a session twice.
func checkSessions(r *Run) error {
	seen := make(map[sessionKey]string, len(r.sessionLines))
	for _, line := range r.sessionLines {
		key := sessionKey{line.Scenario, line.Index}
		if other, twice := seen[key]; twice {
			return fmt.Errorf("session %d of scenario %q is there twice (instances %q and %q): was the same run given "+
				"in two forms?", line.Index, line.Scenario, other, r.from[line])
		}
		seen[key] = r.from[line]
	}
	return nil
}

// Ends returns when the calls of the session ended, by their numbers.
func (s *Session) Ends() map[int]int64 {
	ends := make(map[int]int64, len(s.Requests))
	for _, q := range s.Requests {
		ends[int(q.Seq)] = q.End
	}
	return ends
}

// Released returns when the last of the calls that a call waits for had ended, or the start of the session. ends are
// the session's.
func (s *Session) Released(call *record.Call, ends map[int]int64) int64 {
	at := s.Start
	for _, n := range call.After {
		if end, sent := ends[n]; sent {
			at = max(at, end)
		}
	}
	return at
}

package convert

import "github.com/seed-307b789f/xk6-llm/convert/run"

// PathKind is what a part of a session's critical path was spent on.
type PathKind int

// The kinds of parts.
const (
	PathModel   PathKind = iota // a call was with the server
	PathTool                    // the trace has a tool run
	PathThink                   // the trace has a person read and write
	PathPause                   // the trace waits, and does not tell what for
	PathWaiting                 // a call that was to be sent had not been sent yet
	pathKinds
)

// PathPart is a part of a critical path: From and To are instants of the run, and Call is the call that was with the
// server, or that came next. It is nil for what came after the last call.
type PathPart struct {
	Kind     PathKind
	From, To int64
	Call     *run.Request
}

// CriticalPath returns what the time of a session was spent on, from its start to its end without gaps: the call that
// ended last, the wait before it, the call before it that ended last, and so on. Parts without a length are left out.
func CriticalPath(s *run.Session) []PathPart {
	byNumber := make(map[int]*run.Request, len(s.Requests))
	for _, q := range s.Requests {
		byNumber[int(q.Seq)] = q
	}
	w := pathWalk{at: max(s.Start, s.End), from: s.Start}
	next := lastBefore(s.Requests, w.at)
	if next == nil {
		w.to(s.Start, PathWaiting, nil)
	} else {
		w.to(next.End, PathWaiting, nil)
	}
	for next != nil {
		q := next
		w.to(q.Start, PathModel, q)
		call, released := q.Call(), s.Start
		next = nil
		for _, n := range call.After {
			if before := byNumber[n]; before != nil && (next == nil || before.End > next.End) {
				next, released = before, before.End
			}
		}
		w.to(max(call.Ready, released), PathWaiting, q)
		w.to(released, pauseKind(call.Pause), q)
	}
	for i, k := 0, len(w.parts)-1; i < k; i, k = i+1, k-1 {
		w.parts[i], w.parts[k] = w.parts[k], w.parts[i]
	}
	return w.parts
}

// lastBefore returns the call that ended last, of those that ended by an instant.
func lastBefore(calls []*run.Request, at int64) (last *run.Request) {
	for _, q := range calls {
		if q.End <= at && (last == nil || q.End >= last.End) {
			last = q
		}
	}
	return last
}

func pauseKind(pause string) PathKind {
	switch pause {
	case "tool":
		return PathTool
	case "think":
		return PathThink
	}
	return PathPause
}

// pathWalk collects the parts of a path from its end to its beginning.
type pathWalk struct {
	at, from int64
	parts    []PathPart
}

// to goes back to an instant. What lies before the session, or after what was reached, as where a call began before
// those that it waited for had ended, is cut off, so that the parts always add up to the session.
func (w *pathWalk) to(instant int64, kind PathKind, call *run.Request) {
	instant = max(w.from, min(instant, w.at))
	if instant < w.at {
		w.parts = append(w.parts, PathPart{kind, instant, w.at, call})
	}
	w.at = instant
}

// pathOf adds up the critical path of a session by kind, in ticks.
func pathOf(s *run.Session) (sums [pathKinds]int64) {
	for _, p := range CriticalPath(s) {
		sums[p.Kind] += p.To - p.From
	}
	return sums
}

package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Bounds of what the swim lanes show of a run, so that a page stays small.
const (
	maxLanes     = 40 // sessions
	maxSlowLanes = 10 // of them, those that took longest
	maxBadLanes  = 10 // and those that failed
	maxLaneCalls = 4000
)

// lanes are the swim lanes of a run: what its sessions did when. Times are seconds from the start of the first session.
type lanes struct {
	ID       string `json:"id"`
	Run      string `json:"-"`
	Note     string `json:"-"`
	Sessions []lane `json:"sessions"`
}

// lane is a session. Calls that overlap stand in rows below each other.
type lane struct {
	Name  string     `json:"name"`
	From  rounded    `json:"from"`
	To    rounded    `json:"to"`
	Rows  int        `json:"rows"`
	Error string     `json:"error,omitempty"`
	Cut   string     `json:"cut,omitempty"` // by what, if it neither succeeded nor failed
	Calls []laneCall `json:"calls"`
}

// laneCall is a call of a session: what it waited for, from Pause to Ready, and its request.
type laneCall struct {
	Name  string  `json:"name"`
	Row   int     `json:"row"`
	Pause rounded `json:"pause"` // the calls before it have ended
	Kind  string  `json:"kind"`  // what the trace asks for between Pause and Ready: tool, think, or wait
	Ready rounded `json:"ready"` // it is to be sent
	Start rounded `json:"start"` // it was sent
	First rounded `json:"first"` // its first token; null without one
	End   rounded `json:"end"`
	Error string  `json:"error,omitempty"`
	Cut   string  `json:"cut,omitempty"` // likewise
}

// lanesOf returns the swim lanes of a report's sessions, nil if it has none.
func lanesOf(p *convert.Report) *lanes {
	all := convert.ReplayedSessions(p)
	if len(all) == 0 {
		return nil
	}
	chosen, from := choose(all), all[0].Start
	l := &lanes{}
	for _, s := range chosen {
		l.Sessions = append(l.Sessions, laneOf(p.Run(), s, from))
	}
	if len(chosen) < len(all) {
		l.Note = fmt.Sprintf("Of %d sessions %d are shown: the slowest, some that failed, and others evenly spaced in "+
			"order of their starts.", len(all), len(chosen))
	}
	return l
}

// choose returns sessions to show, in the order of their starts: all, or those that took longest, some that failed, and
// others evenly spaced, as long as they have no more calls than a page can hold.
func choose(all []*run.Session) (chosen []*run.Session) {
	picked, calls := map[*run.Session]bool{}, 0
	take := func(s *run.Session) bool {
		if len(picked) >= maxLanes || len(picked) > 0 && !picked[s] && calls+len(s.Requests) > maxLaneCalls {
			return false
		}
		if !picked[s] {
			picked[s], calls = true, calls+len(s.Requests)
		}
		return true
	}
	slowest := slices.Clone(all)
	slices.SortStableFunc(slowest, func(a, b *run.Session) int { return cmp.Compare(b.End-b.Start, a.End-a.Start) })
	for _, s := range slowest[:min(maxSlowLanes, len(all))] {
		take(s)
	}
	bad := 0
	for _, s := range all {
		if bad < maxBadLanes && s.ErrorType != "" && !s.Unfinished() && take(s) {
			bad++
		}
	}
	for n, k := min(2*maxLanes, len(all)), 0; k < n; k++ {
		take(all[k*len(all)/n])
	}
	for _, s := range all {
		if picked[s] {
			chosen = append(chosen, s)
		}
	}
	return chosen
}

func laneOf(r *run.Run, s *run.Session, from int64) lane {
	seconds := func(at int64) rounded { return rounded(r.Seconds(at - from)) }
	l := lane{Name: plain.Terminal(s.ID), From: seconds(s.Start), To: seconds(s.End)}
	if l.Cut = cutBy(s.ErrorType); s.ErrorType != "" && l.Cut == "" {
		l.Error = plain.Terminal(plain.Clip(cmp.Or(s.Error, s.ErrorType), 300))
	}
	ends := s.Ends()
	var rows []int64 // the end of the last call of each row
	for _, q := range s.Requests {
		call := q.Call()
		released := min(s.Released(call, ends), q.Start)
		row := slices.IndexFunc(rows, func(end int64) bool { return end <= released })
		if row < 0 {
			row, rows = len(rows), append(rows, 0)
		}
		rows[row] = q.End
		l.Calls = append(l.Calls, laneCall{
			Name: plain.Terminal(call.ID), Row: row, Pause: seconds(released), Kind: kindOf(call),
			Ready: seconds(max(released, min(call.Ready, q.Start))), Start: seconds(q.Start), End: seconds(q.End),
			First: firstToken(q, seconds(q.Start)), Error: failureOf(q), Cut: cutBy(q.ErrorType),
		})
	}
	l.Rows = max(1, len(rows))
	return l
}

// cutBy says what cut a session or a call off, "" if nothing did.
func cutBy(errorType string) string {
	switch errorType {
	case record.ErrorCanceled:
		return "by the end of the load"
	case record.ErrorAbandoned:
		return "by its user, who left"
	}
	return ""
}

// failureOf returns why a call failed. One that was cut off did not.
func failureOf(q *run.Request) string {
	if cutBy(q.ErrorType) != "" {
		return ""
	}
	return plain.Terminal(q.ErrorType)
}

func kindOf(c *record.Call) string { return cmp.Or(c.Pause, "wait") }

// firstToken returns when the first token of a request came.
func firstToken(q *run.Request, start rounded) rounded {
	if q.TokenTimes == 0 {
		return rounded(math.NaN())
	}
	return start + rounded(q.FirstToken())
}

// laneBoxes are the lanes of the runs that have some.
func laneBoxes(runs []Run) (list []*lanes) {
	for i := range runs {
		if l := runs[i].lanes; l != nil {
			l.ID, l.Run = fmt.Sprintf("lanes-%d", i), runs[i].Name
			list = append(list, l)
		}
	}
	return list
}

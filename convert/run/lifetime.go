package run

import (
	"fmt"
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// lifetime is the time between an instance's run line and its end line, with a margin: in k6's JSON the run line is not
// the first line.
type lifetime struct{ from, to int64 }

// Margins of a lifetime, in nanoseconds.
const (
	roomBefore = 60_000_000_000
	roomAfter  = 1_000_000_000
)

func (l lifetime) contains(at int64) bool { return at == 0 || l.from <= at && at <= l.to }

// lifetimes holds the lifetimes of the instances of one input by name.
type lifetimes map[string]*lifetime

// observe extends the lifetime of an instance if the line is a run line or an end line.
func (l lifetimes) observe(line record.Line, instance string) {
	switch line := line.(type) {
	case *record.Run:
		own := l[instance]
		if own == nil {
			own = &lifetime{math.MaxInt64, math.MinInt64}
			l[instance] = own
		}
		own.from = min(own.from, line.Start-roomBefore)
	case *record.End:
		if own := l[instance]; own != nil && line.Time > 0 {
			own.to = max(own.to, line.Time+roomAfter)
		}
	}
}

// lookup returns the lifetime of an instance. It has no end if the input has no end line, or an impossible one.
func (l lifetimes) lookup(instance string) lifetime {
	own := l[instance]
	switch {
	case own == nil:
		return lifetime{math.MinInt64, math.MaxInt64}
	case own.to < own.from:
		return lifetime{own.from, math.MaxInt64}
	}
	return *own
}

// containsRequest reports whether a request lies within its instance's lifetime.
func (l lifetimes) containsRequest(q *Request) bool {
	own := l.lookup(q.Instance)
	return own.contains(q.Start) && own.contains(q.End) && (!q.DueKnown || own.contains(q.Due))
}

// mark holds the numbers of lines that a run had before an input was read.
type mark struct{ requests, dropped, stages, servers, beats, sessions int }

func (r *Run) mark() mark {
	return mark{len(r.Requests), len(r.Dropped), len(r.Stages), len(r.Servers), len(r.Beats), len(r.sessionLines)}
}

// leaveOutside leaves out the lines of an input whose instants lie outside their instances' lifetimes, because a
// damaged time in one line would stretch the whole run. If most requests lie outside, the lines that bound the
// lifetimes are wrong, and leaveOutside keeps everything.
func leaveOutside(r *Run, before mark, l lifetimes) (refused []error) {
	requests := r.Requests[before.requests:]
	outside := 0
	for _, q := range requests {
		if !l.containsRequest(q) {
			outside++
		}
	}
	if 2*outside > len(requests) {
		return []error{
			fmt.Errorf("%d of %d requests lie outside of the run's own time, which cannot be right", outside,
				len(requests)),
		}
	}
	kept := slices.DeleteFunc(requests, func(q *Request) bool {
		if l.containsRequest(q) {
			return false
		}
		refused = append(refused, fmt.Errorf("request %s: its times lie outside of the run", q.ID()))
		return true
	})
	r.Requests = r.Requests[:before.requests+len(kept)]
	r.Dropped, refused = keepInside(r, r.Dropped, before.dropped, l, refused)
	r.Stages, refused = keepInside(r, r.Stages, before.stages, l, refused)
	r.Servers, refused = keepInside(r, r.Servers, before.servers, l, refused)
	r.Beats, refused = keepInside(r, r.Beats, before.beats, l, refused)
	r.sessionLines, refused = keepInside(r, r.sessionLines, before.sessions, l, refused)
	return refused
}

// keepInside leaves out the lines, from index before on, that lie outside of their instances' lifetimes.
func keepInside[L record.Line](r *Run, lines []L, before int, l lifetimes, refused []error) ([]L, []error) {
	kept := slices.DeleteFunc(lines[before:], func(line L) bool {
		own := l.lookup(r.from[line])
		if !slices.ContainsFunc(instantsOf(line), func(at *int64) bool { return !own.contains(*at) }) {
			return false
		}
		refused = append(refused, fmt.Errorf("a %s line: its times lie outside of the run", nameOf(line)))
		return true
	})
	return lines[:before+len(kept)], refused
}

// nameOf returns the type of a line that leaveOutside checks.
func nameOf(line record.Line) string {
	switch line.(type) {
	case *record.Dropped:
		return "dropped"
	case *record.Stage:
		return "stage"
	case *record.Heartbeat:
		return "heartbeat"
	case *record.Session:
		return "session"
	}
	return "server"
}

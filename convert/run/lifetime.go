package run

import (
	"fmt"
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// lifetime is the time between an instance's run line and its end line, with some room: the run line of k6's JSON
// is not its first.
type lifetime struct{ from, to int64 }

const (
	roomBefore = 60_000_000_000
	roomAfter  = 1_000_000_000
)

func (l lifetime) has(at int64) bool { return at == 0 || l.from <= at && at <= l.to }

// lifetimes are those of the instances of one input.
type lifetimes map[string]*lifetime

// take looks for the lines that bound a lifetime.
func (l lifetimes) take(line record.Line, instance string) {
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

// of is the lifetime of an instance, without an end where none is told or none can be.
func (l lifetimes) of(instance string) lifetime {
	own := l[instance]
	switch {
	case own == nil:
		return lifetime{math.MinInt64, math.MaxInt64}
	case own.to < own.from:
		return lifetime{own.from, math.MaxInt64}
	}
	return *own
}

// holds says whether a request lies within its instance's lifetime.
func (l lifetimes) holds(q *Request) bool {
	own := l.of(q.Instance)
	return own.has(q.Start) && own.has(q.End) && (!q.DueKnown || own.has(q.Due))
}

// mark is how much of a run there was before an input was read.
type mark struct{ requests, dropped, stages, servers, beats int }

func (r *Run) mark() mark {
	return mark{len(r.Requests), len(r.Dropped), len(r.Stages), len(r.Servers), len(r.Beats)}
}

// leaveOutside leaves out what an input told of instants outside its instances' lifetimes: a damaged time of one
// line would stretch the whole run. If that is most of it, then the lines that bound the lifetimes are at fault.
func leaveOutside(r *Run, before mark, l lifetimes) (refused []error) {
	requests := r.Requests[before.requests:]
	outside := 0
	for _, q := range requests {
		if !l.holds(q) {
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
		if l.holds(q) {
			return false
		}
		refused = append(refused, fmt.Errorf("request %s: its times lie outside of the run", q.ID))
		return true
	})
	r.Requests = r.Requests[:before.requests+len(kept)]
	r.Dropped, refused = inside(r, r.Dropped, before.dropped, l, refused)
	r.Stages, refused = inside(r, r.Stages, before.stages, l, refused)
	r.Servers, refused = inside(r, r.Servers, before.servers, l, refused)
	r.Beats, refused = inside(r, r.Beats, before.beats, l, refused)
	return refused
}

// inside leaves lines out likewise.
func inside[L record.Line](r *Run, lines []L, before int, l lifetimes, refused []error) ([]L, []error) {
	kept := slices.DeleteFunc(lines[before:], func(line L) bool {
		own := l.of(r.from[line])
		if !slices.ContainsFunc(instantsOf(line), func(at *int64) bool { return !own.has(*at) }) {
			return false
		}
		refused = append(refused, fmt.Errorf("a %s line: its times lie outside of the run", nameOf(line)))
		return true
	})
	return lines[:before+len(kept)], refused
}

// nameOf names a line of those that are held to the lifetime.
func nameOf(line record.Line) string {
	switch line.(type) {
	case *record.Dropped:
		return "dropped"
	case *record.Stage:
		return "stage"
	case *record.Heartbeat:
		return "heartbeat"
	}
	return "server"
}

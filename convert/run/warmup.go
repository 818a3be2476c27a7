package run

import (
	"cmp"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// leaveWarmup leaves out what belongs to the warm-ups of stages, and lets the stages begin where their warm-ups end.
func leaveWarmup(r *Run) {
	leaveWarmupStages(r)
	before, whole := len(r.Requests), 0
	for _, w := range r.Warmups {
		whole += w.Requests
	}
	leave(r, func(q *Request) bool { return q.Warmup })
	r.Sessions = slices.DeleteFunc(r.Sessions, func(s *Session) bool { return s.Warmup })
	r.Dropped = slices.DeleteFunc(r.Dropped, func(d *record.Dropped) bool { return d.Warmup })
	for _, s := range r.Stages {
		if s.Warmup != nil && s.Start > 0 {
			s.Start = min(s.Start+int64(*s.Warmup*r.Clock.Instant), max(s.Start, s.End))
			*s = s.Measured()
		}
	}
	if n := before - len(r.Requests) - whole; n > 0 {
		r.remark("%d requests of warm-ups are in no figure", n)
	}
	for _, w := range r.Warmups {
		r.remark("warm-up: %s; in no figure", w.Text())
	}
}

// leaveAbandoned moves the requests whose users left to a list of their own: they neither succeeded nor failed.
func leaveAbandoned(r *Run) {
	leave(r, func(q *Request) bool {
		if q.Abandoned() {
			r.Abandoned = append(r.Abandoned, q)
		}
		return q.Abandoned()
	})
}

// Sent returns all requests of the load in order of start: Requests, and Abandoned among them.
func Sent(r *Run) []*Request {
	if len(r.Abandoned) == 0 {
		return r.Requests
	}
	all := slices.Concat(r.Requests, r.Abandoned)
	slices.SortStableFunc(all, func(a, b *Request) int { return cmp.Compare(a.Start, b.Start) })
	return all
}

// FirstStart returns the first start of all requests of the load, 0 if there is none.
func FirstStart(r *Run) int64 {
	switch {
	case len(r.Requests) == 0 && len(r.Abandoned) == 0:
		return 0
	case len(r.Requests) == 0:
		return r.Abandoned[0].Start
	case len(r.Abandoned) == 0:
		return r.Requests[0].Start
	}
	return min(r.Requests[0].Start, r.Abandoned[0].Start)
}

// WarmedUp reports whether a stage of the run began with a warm-up, as each probe of a search does.
func (r *Run) WarmedUp() bool {
	if len(r.Searches) > 0 {
		return true
	}
	for _, s := range r.Scenarios() {
		for _, stage := range s.Stages {
			if stage.Warmup != nil && *stage.Warmup > 0 {
				return true
			}
		}
	}
	return false
}

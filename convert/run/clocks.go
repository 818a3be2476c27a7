package run

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// serverClock is by how many nanoseconds the server's clock is ahead of an instance's: as its answers tell, at
// least low and at most high.
type serverClock struct{ low, high int64 }

// noteServerClock takes what an answer tells. Its Date was read between sending and the first byte, and is cut to
// a second.
func noteServerClock(r *Run, rec *record.Request, instance string) {
	if rec.ServerDate == 0 || rec.FirstByte == 0 {
		return
	}
	date := rec.ServerDate * 1e9
	if abs(date-rec.FirstByte) > mostApart {
		return
	}
	told := serverClock{date - rec.FirstByte, date + 1e9 - max(rec.Start, rec.Attempt)}
	known := r.serverClocks[instance]
	switch {
	case r.serverClocks == nil:
		r.serverClocks = map[string]*serverClock{}
		fallthrough
	case known == nil:
		r.serverClocks[instance] = &told
	default:
		known.low, known.high = max(known.low, told.low), min(known.high, told.high)
	}
}

// span is low to high. They are the other way around where servers of several clocks answered, or one whose Date
// is a cached one: then nothing between them is excluded.
func (c serverClock) span() span {
	return span{min(c.low, c.high), max(c.low, c.high)}
}

// span is what a difference of clocks can be, in nanoseconds.
type span struct{ low, high int64 }

func (s span) has(n int64) bool      { return s.low <= n && n <= s.high }
func (s span) nearest(n int64) int64 { return max(s.low, min(s.high, n)) }
func (s span) middle() int64         { return s.low + (s.high-s.low)/2 }

// evidence is what tells of two instances' clocks.
type evidence struct {
	start  *int64 // by how much later the instance began, each by its own clock; nil if unknown
	rough  bool   // it is only the first request's
	server *span  // by how much the instance's clock is ahead, as the server's clock tells; nil if unknown
}

// settle parts a difference into that of the clocks and that of the starts: of what the server's clock leaves
// open, the clocks explain as much as they can, for instances are started together. What is within the tolerance
// is none.
func (e evidence) settle(tolerance int64) (ahead, late int64) {
	switch {
	case e.start == nil && e.server == nil:
		return 0, 0
	case e.server == nil:
		ahead = *e.start
	case e.start == nil || e.rough:
		if ahead = e.server.middle(); e.server.has(0) {
			ahead = 0
		}
	case e.server.has(*e.start):
		ahead = *e.start
	case e.server.has(0):
		late = *e.start
	default:
		ahead = e.server.nearest(*e.start)
		if late = *e.start - ahead; abs(late) >= abs(*e.start) { // servers of different clocks
			ahead, late = 0, *e.start
		}
	}
	clocks := min(tolerance, mostTolerance)
	if e.rough && e.server == nil {
		clocks = mostTolerance
	}
	if abs(ahead) <= clocks {
		ahead = 0
	}
	if abs(late) <= tolerance {
		late = 0
	}
	return ahead, late
}

func abs(n int64) int64 { return max(n, -n) }

// The tolerance is a share of the time that an instance took, as is that of the rates, but no less than clocks are
// set to. A clock that is off by more than the second counts in any run, for it bends the time series.
const (
	leastTolerance = 100_000_000
	mostTolerance  = 1_000_000_000
)

// RateBound is the share by which requests, or the time they took, may be off from what was asked.
const RateBound = 0.02

// mostApart is as far as clocks are compared, 60 years in nanoseconds: one that was never set begins in 1970.
const mostApart = 60 * 365 * 24 * 3600 * 1e9

// alignClocks compares the clocks of a run's instances and puts all instants on one of them.
func alignClocks(r *Run) {
	if !hasComparableClocks(r) {
		return
	}
	starts, rough := instanceStarts(r)
	all := map[string]evidence{}
	for _, run := range r.Runs {
		var e evidence
		if start, known := starts[run.Instance]; known {
			e.start, e.rough = &start, rough
		}
		all[run.Instance] = e
	}
	against := referenceInstance(r, all)
	for _, run := range r.Runs {
		if run.Instance == against {
			continue
		}
		e := compareClocks(r, all, run.Instance, against)
		ahead, late := e.settle(clockTolerance(r))
		if e.start == nil && e.server == nil || abs(ahead) > mostApart {
			continue
		}
		run.Clock = &record.Clock{Against: against, Ahead: ahead, Late: late, ServerDate: e.server != nil}
	}
	shiftClocks(r)
}

// hasComparableClocks says whether there are instances to compare: several, each of a name of its own, and not compared
// before.
func hasComparableClocks(r *Run) bool {
	names := map[string]bool{}
	for _, run := range r.Runs {
		if run.Clock != nil || run.ID != r.Runs[0].ID {
			return false
		}
		names[run.Instance] = true
	}
	return len(names) > 1 && len(names) == len(r.Runs)
}

// compareClocks is the evidence on an instance's clock against another's.
func compareClocks(r *Run, all map[string]evidence, instance, against string) evidence {
	e := all[instance]
	start, base := e.start, all[against].start
	if e.start = nil; start != nil && base != nil && abs(*start-*base) <= mostApart {
		e.start = new(*start - *base)
	}
	of, others := r.serverClocks[instance], r.serverClocks[against]
	if of != nil && others != nil {
		a, b := others.span(), of.span()
		e.server = &span{a.low - b.high, a.high - b.low}
	}
	return e
}

// referenceInstance is the instance in the middle of those that can be compared, so that of three clocks the one that
// is off is named.
func referenceInstance(r *Run, all map[string]evidence) string {
	type reading struct {
		instance string
		at       int64
	}
	var byStart, byServer []reading
	for _, run := range r.Runs {
		if start := all[run.Instance].start; start != nil {
			byStart = append(byStart, reading{run.Instance, *start})
		}
		if clock := r.serverClocks[run.Instance]; clock != nil {
			byServer = append(byServer, reading{run.Instance, -clock.span().middle()})
		}
	}
	list := byStart
	if len(byServer) > len(byStart) {
		list = byServer
	}
	if len(list) == 0 {
		return r.Runs[0].Instance
	}
	slices.SortStableFunc(list, func(a, b reading) int { return cmp.Compare(a.at, b.at) })
	return list[(len(list)-1)/2].instance
}

// clockTolerance is by how much clocks and starts may differ.
func clockTolerance(r *Run) int64 {
	return max(leastTolerance, int64(RateBound*float64(longestInstance(r))))
}

// longestInstance is the longest time from an instance's first start to its last end.
func longestInstance(r *Run) (most int64) {
	first := map[string]int64{}
	for _, q := range r.Requests { // in order of start
		at, begun := first[q.Instance]
		if !begun {
			at = q.Start
			first[q.Instance] = at
		}
		most = max(most, q.End-at)
	}
	return most
}

// shiftClocks puts the instants of each instance on the clock of the one that it was compared with.
func shiftClocks(r *Run) {
	ahead := map[string]int64{}
	for _, run := range r.Runs {
		if run.Clock != nil && run.Clock.Ahead != 0 {
			ahead[run.Instance] = run.Clock.Ahead
			run.Start = max(0, run.Start-run.Clock.Ahead)
			r.remark("%s", ClockReason(run))
		}
	}
	if len(ahead) == 0 {
		return
	}
	for _, q := range r.Requests {
		by := ahead[q.Instance]
		for _, at := range [...]*int64{&q.Start, &q.End, &q.Due, &q.Connected, &q.FirstByte, &q.Attempt} {
			move(at, by)
		}
	}
	for line, instance := range r.from {
		for _, at := range instantsOf(line) {
			move(at, ahead[instance])
		}
	}
	sortRequests(r)
	sortLines(r)
}

// move shifts an instant that is known.
func move(at *int64, by int64) {
	if *at != 0 {
		*at -= by
	}
}

// instantsOf are the instants of a line that is no request.
func instantsOf(line record.Line) []*int64 {
	switch l := line.(type) {
	case *record.Dropped:
		if l.Due != nil {
			return []*int64{l.Due}
		}
	case *record.Stage:
		return []*int64{&l.Start, &l.End}
	case *record.Server:
		return []*int64{&l.Time}
	case *record.Heartbeat:
		return []*int64{&l.Start, &l.End}
	case *record.End:
		return []*int64{&l.Time}
	}
	return nil
}

// ClockReason tells of an instance whose clock was off.
func ClockReason(run *record.Run) string {
	if run.Clock.ServerDate {
		return clockText(
			"the clock of instance %q is %s that of instance %q: its instants were put on the other's clock", run)
	}
	return clockText("the clock of instance %q is %s that of instance %q, or it began so much apart: its instants "+
		"were moved", run)
}

func clockText(format string, run *record.Run) string {
	return fmt.Sprintf(format, run.Instance, TimeApart(run.Clock.Ahead, "ahead of", "behind"), run.Clock.Against)
}

// TimeApart tells a difference of n nanoseconds in words: "0.50 s after".
func TimeApart(n int64, after, before string) string {
	if n < 0 {
		return fmt.Sprintf("%.2f s %s", float64(-n)/1e9, before)
	}
	return fmt.Sprintf("%.2f s %s", float64(n)/1e9, after)
}

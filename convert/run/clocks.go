package run

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// serverClock bounds how many nanoseconds the server's clock is ahead of an instance's clock, according to the server's
// answers.
type serverClock struct{ low, high int64 }

// noteServerClock narrows the bounds on the server's clock by one answer. The server read its Date between the sending
// of the request and the first byte, and cut it to a whole second.
func noteServerClock(r *Run, rec *record.Request, instance string) {
	if rec.ServerDate == 0 || rec.FirstByte == 0 {
		return
	}
	date := rec.ServerDate * 1e9
	if abs(date-rec.FirstByte) > maxClockDifference {
		return
	}
	bounds := serverClock{date - rec.FirstByte, date + 1e9 - max(rec.Start, rec.Attempt)}
	clock := r.serverClocks[instance]
	switch {
	case r.serverClocks == nil:
		r.serverClocks = map[string]*serverClock{}
		fallthrough
	case clock == nil:
		r.serverClocks[instance] = new(bounds)
	default:
		clock.low, clock.high = max(clock.low, bounds.low), min(clock.high, bounds.high)
	}
}

// span returns the bounds in ascending order. low exceeds high if servers with different clocks answered, or if a
// server caches its Date: then every difference between the two is possible.
func (c serverClock) span() span {
	return span{min(c.low, c.high), max(c.low, c.high)}
}

// span is the range of a difference between clocks, in nanoseconds.
type span struct{ low, high int64 }

func (s span) contains(n int64) bool { return s.low <= n && n <= s.high }
func (s span) nearest(n int64) int64 { return max(s.low, min(s.high, n)) }
func (s span) middle() int64         { return s.low + (s.high-s.low)/2 }

// evidence is what a run shows of the difference between two instances' clocks.
type evidence struct {
	start  *int64 // how much later the instance began, each start by its own clock; nil if unknown
	rough  bool   // start compares only the first requests
	server *span  // how far the instance's clock is ahead, measured by the server's clock; nil if unknown
}

// settle splits the difference between two instances into a difference of their clocks, ahead, and one of their starts,
// late. Instances are started together, hence the clocks explain as much as the server's clock allows. A difference
// within the tolerance counts as 0.
func (e evidence) settle(tolerance int64) (ahead, late int64) {
	switch {
	case e.start == nil && e.server == nil:
		return 0, 0
	case e.server == nil:
		ahead = *e.start
	case e.start == nil || e.rough:
		if ahead = e.server.middle(); e.server.contains(0) {
			ahead = 0
		}
	case e.server.contains(*e.start):
		ahead = *e.start
	case e.server.contains(0):
		late = *e.start
	default:
		ahead = e.server.nearest(*e.start)
		if late = *e.start - ahead; abs(late) >= abs(*e.start) { // servers of different clocks
			ahead, late = 0, *e.start
		}
	}
	clocks := min(tolerance, maxTolerance)
	if e.rough && e.server == nil {
		clocks = maxTolerance
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

// The tolerance is a share of the time that an instance ran, as the tolerance of rates is, but no less than the
// accuracy to which clocks are set. A clock that is off by more than maxTolerance counts in any run, because it
// distorts the time series.
const (
	minTolerance = 100_000_000
	maxTolerance = 1_000_000_000
)

// RateBound is the share by which requests, or the time they took, may differ from the plan.
const RateBound = 0.02

// maxClockDifference is the largest difference at which clocks are compared, 60 years in nanoseconds: a clock that was
// never set begins in 1970.
const maxClockDifference = 60 * 365 * 24 * 3600 * 1e9

// alignClocks compares the clocks of a run's instances and converts all instants to one of these clocks.
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
		if e.start == nil && e.server == nil || abs(ahead) > maxClockDifference {
			continue
		}
		run.Clock = &record.Clock{Against: against, Ahead: ahead, Late: late, ServerDate: e.server != nil}
	}
	shiftClocks(r)
}

// hasComparableClocks reports whether a run has instances to compare: several with distinct names that were not
// compared before.
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

// compareClocks returns the evidence on an instance's clock relative to another instance's clock.
func compareClocks(r *Run, all map[string]evidence, instance, against string) evidence {
	e := all[instance]
	start, base := e.start, all[against].start
	if e.start = nil; start != nil && base != nil && abs(*start-*base) <= maxClockDifference {
		e.start = new(*start - *base)
	}
	own, other := r.serverClocks[instance], r.serverClocks[against]
	if own != nil && other != nil {
		a, b := other.span(), own.span()
		e.server = &span{a.low - b.high, a.high - b.low}
	}
	return e
}

// referenceInstance returns the median of the instances that can be compared: if one of three clocks is off, the report
// then names that clock.
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

// clockTolerance returns the difference that clocks and starts may have, in nanoseconds.
func clockTolerance(r *Run) int64 {
	return max(minTolerance, int64(RateBound*float64(longestInstance(r))))
}

// longestInstance returns the longest time from an instance's first start to its last end.
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

// shiftClocks converts the instants of each instance to the clock of the instance that it was compared with.
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
		for _, at := range [...]*int64{&q.Start, &q.End, &q.Due} { // the others are relative to the start
			move(at, by)
		}
		if q.Media != nil && q.Media.Poll != nil {
			move(&q.Media.Poll.Created, by)
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

// move shifts an instant back by a number of nanoseconds, unless it is 0, which means unknown.
func move(at *int64, by int64) {
	if *at != 0 {
		*at -= by
	}
}

// instantsOf returns the instants of a line that is not a request.
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
	case *record.Session:
		if l.Due != nil {
			return []*int64{&l.Start, &l.End, l.Due}
		}
		return []*int64{&l.Start, &l.End}
	case *record.Mark:
		return []*int64{&l.Time}
	case *record.End:
		return []*int64{&l.Time}
	}
	return nil
}

// ClockReason describes how far the clock of an instance was off, and what was done about it.
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

// TimeApart describes a difference of n nanoseconds, such as "0.50 s after"; it uses before if n is negative.
func TimeApart(n int64, after, before string) string {
	if n < 0 {
		return fmt.Sprintf("%.2f s %s", float64(-n)/1e9, before)
	}
	return fmt.Sprintf("%.2f s %s", float64(n)/1e9, after)
}

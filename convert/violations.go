package convert

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
)

// Violations tells in which seconds of the run the SLO was violated: those in which any of its objectives was.
type Violations struct {
	Violation
	Objectives []ObjectiveViolation `json:"objectives"`
}

// ObjectiveViolation tells in which seconds of the run an objective was violated.
type ObjectiveViolation struct {
	Objective string `json:"objective"`
	Label     string `json:"label,omitempty"` // of the requests that it is about; "" means all
	Violation
	// JustKept is how many seconds would be expected of a run that only just keeps the objective, if the requests
	// that it lets be over their bounds came at random.
	JustKept Float `json:"seconds_if_just_kept"`
}

// Violation is a set of seconds in violation. A longer interval counts with all its seconds.
type Violation struct {
	Seconds   Float           `json:"seconds"`
	Of        Float           `json:"of_seconds"` // that there is something to judge by in
	Share     *Float          `json:"share"`      // null if there are none
	Longest   Float           `json:"longest_seconds"`
	LongestAt *Float          `json:"longest_at_seconds"` // null without a violation
	Spans     []ViolationSpan `json:"spans"`              // in order of time; the longest if there are too many
	Left      int             `json:"spans_left_out,omitempty"`
}

// ViolationSpan is a span of seconds in violation, counted from the first start.
type ViolationSpan struct {
	From Float `json:"from"`
	To   Float `json:"to"` // the end of its last second
	Over int   `json:"requests_over"`
	// WorstShare is the largest share of a second's requests that are over their bounds.
	WorstShare Float `json:"worst_share"`
	// Worst is, of an objective on one latency, the highest of any success due in the span: in seconds, or as a factor
	// if the bound is one. It is nil for other objectives and the whole SLO, and if nothing succeeded.
	Worst       *Float `json:"worst_seconds,omitempty"`
	WorstFactor *Float `json:"worst_factor,omitempty"`
}

// mostSpans is how many spans of an objective a report lists.
const mostSpans = 1000

const violationsDefinition = "seconds in which the objective is broken by the requests that were due in them (or " +
	"sent, " +
	"if nobody knows when they were due), and dropped arrivals: judged alone, as over a stage. A request cut off by " +
	"the " +
	"end of the run counts, as over its bound, if it had waited longer than that. A second in which some of those " +
	"were " +
	"due and none succeeded is in violation of each objective on them; so is one in which nothing was due and a " +
	"request " +
	"that is over its bound was waiting all the time"

// secondJudge judges each second by one objective.
type secondJudge struct {
	judge
	s        *seriesMaker
	o        objective
	judged   []int32
	kept     []int32
	answered []bool    // something succeeded
	worst    []float64 // the highest latency of each second; nil for other objectives
	waiting  []int32   // by how many requests more than before wait through a second and are over their bounds
}

func newSecondJudge(g judge, s *seriesMaker, o objective) *secondJudge {
	n := len(s.Sent)
	j := &secondJudge{judge: g, s: s, o: o, judged: make([]int32, n), kept: make([]int32, n),
		answered: make([]bool, n)}
	if o.Kind != slo.Failures && len(o.Bounds) == 1 {
		j.worst = make([]float64, n)
	}
	for _, q := range g.of.all {
		j.add(q)
	}
	if !o.partial && !g.of.part {
		j.addDropped()
	}
	return j
}

// add judges a request in the second in which it was due.
func (j *secondJudge) add(q *run.Request) {
	bounds := j.o.bounds(q)
	if bounds == nil || q.LeftOut && j.o.Kind != slo.Failures || !bearOn(q, bounds) {
		return
	}
	at := q.Start
	if q.DueKnown && (q.Seq == 0 || q.Replayed) {
		at = q.Due
	}
	k := j.s.at(at)
	kept := false
	switch {
	case unfinished(q):
		if !j.waitedOver(q, bounds) {
			return
		}
	case !q.Failed():
		known := false
		if kept, known = j.keeps(q, bounds); !known {
			return
		}
		j.answered[k] = true
		if j.worst != nil {
			if v, _ := j.latency(q, bounds[0].Latency); !math.IsInf(v, 1) {
				j.worst[k] = max(j.worst[k], v)
			}
		}
	}
	j.judged[k]++
	if kept {
		j.kept[k]++
		return
	}
	j.wait(k, q)
}

// waitedOver reports whether a request that the end of the run cut off had waited longer than a bound allows.
func (j *secondJudge) waitedOver(q *run.Request, bounds []slo.Bound) bool {
	return slices.ContainsFunc(bounds, func(b slo.Bound) bool {
		waited := j.s.run.Seconds(q.End - q.Start)
		switch {
		case b.Latency == "ttft" && !math.IsNaN(q.TTFT):
			waited = q.TTFT
		case b.Latency != "ttft" && b.Latency != "request_latency" || !concerns(q, b.Latency):
			return false
		}
		return !b.Keeps(waited)
	})
}

// wait notes that a request over its bound was waiting after the second in which it was due: for its first token, if
// the objective is on that.
func (j *secondJudge) wait(k int, q *run.Request) {
	until := q.End
	if len(j.o.Bounds) == 1 && j.o.Bounds[0].Latency == "ttft" && !math.IsNaN(q.TTFT) {
		until = q.Start + int64(q.TTFT*j.s.run.Clock.Instant)
	}
	last := j.s.at(until) // the request does not wait all through this one
	if last <= k+1 {
		return
	}
	if j.waiting == nil {
		j.waiting = make([]int32, len(j.judged)+1)
	}
	j.waiting[k+1]++
	j.waiting[last]--
}

// addDropped counts dropped arrivals, where known, as over every bound. They are no failures, yet nobody answered them.
func (j *secondJudge) addDropped() {
	if j.o.Kind == slo.Failures {
		return
	}
	for _, d := range j.of.run.Dropped {
		if d.Due != nil {
			j.judged[j.s.at(*d.Due)] += narrow(int(d.Count))
		}
	}
}

// seconds returns which intervals are in violation, and in which there is something to judge by.
func (j *secondJudge) seconds(dropped []int) (violated, judged []bool) {
	violated, judged = make([]bool, len(j.judged)), make([]bool, len(j.judged))
	waiting := int32(0)
	for k, n := range j.judged {
		if j.waiting != nil {
			waiting += j.waiting[k]
		}
		lost := !j.o.partial && !j.of.part && dropped[k] > 0
		switch {
		case n > 0:
			outcome := j.o.Judge(slo.Counts{Judged: int(n), Kept: int(j.kept[k])})
			violated[k] = outcome == slo.Broken || !j.answered[k]
		case lost:
			violated[k] = true
		default:
			violated[k] = waiting > 0
		}
		judged[k] = n > 0 || violated[k]
	}
	return violated, judged
}

// over returns how many requests of an interval are over their bounds, and which share that is.
func (j *secondJudge) over(k int) (n int, share float64) {
	n = int(j.judged[k] - j.kept[k])
	return n, float64(n) / float64(max(j.judged[k], 1))
}

// justKept returns the number of seconds to expect of a run that just keeps the objective.
func (j *secondJudge) justKept() (seconds float64) {
	p := 1 - j.o.Share
	if j.o.Kind == slo.Failures {
		p = j.o.Share
	}
	known := map[int32]float64{0: 0}
	for _, n := range j.judged {
		chance, found := known[n]
		if !found {
			chance = brokenByChance(j.o.Objective, int(n), p)
			known[n] = chance
		}
		seconds += chance
	}
	return seconds * j.s.step
}

// brokenByChance returns the probability that n requests break an objective if each is over its bound with
// probability p.
func brokenByChance(o slo.Objective, n int, p float64) float64 {
	allowed := int(p*float64(n)) + 1 // more than the objective lets be over
	for allowed >= 0 && o.Judge(slo.Counts{Judged: n, Kept: n - allowed}) != slo.Kept {
		allowed--
	}
	switch {
	case allowed < 0:
		return 1
	case p <= 0 || allowed >= n:
		return 0
	case p >= 1:
		return 1
	}
	return 1 - distuv.Binomial{N: float64(n), P: p}.CDF(float64(allowed))
}

// violation makes spans of the intervals in violation. describe completes a span from its intervals.
func (s *seriesMaker) violation(violated, judged []bool, describe func(*ViolationSpan, int, int)) Violation {
	v := Violation{Spans: []ViolationSpan{}}
	of := 0
	for k := 0; k < len(violated); {
		from := k
		for k < len(violated) && violated[k] {
			k++
		}
		if k == from {
			if judged[k] {
				of++
			}
			k++
			continue
		}
		of += k - from
		span := ViolationSpan{From: Float(float64(from) * s.step), To: Float(float64(k) * s.step)}
		describe(&span, from, k)
		v.Seconds += span.To - span.From
		if long := span.To - span.From; long > v.Longest {
			v.Longest, v.LongestAt = long, new(span.From)
		}
		v.Spans = append(v.Spans, span)
	}
	v.Of = Float(float64(of) * s.step)
	if v.Of > 0 {
		v.Share = new(v.Seconds / v.Of)
	}
	v.Spans, v.Left = longestSpans(v.Spans)
	return v
}

// longestSpans returns the longest of too many spans, in order of time, and how many others there are.
func longestSpans(spans []ViolationSpan) ([]ViolationSpan, int) {
	left := len(spans) - mostSpans
	if left <= 0 {
		return spans, 0
	}
	length := func(s ViolationSpan) float64 { return float64(s.To - s.From) }
	slices.SortStableFunc(spans, func(a, b ViolationSpan) int { return int(math.Copysign(1, length(b)-length(a))) })
	spans = spans[:mostSpans:mostSpans]
	slices.SortFunc(spans, func(a, b ViolationSpan) int { return int(a.From - b.From) })
	return spans, left
}

// violations judges each second by each objective of the group, which is the whole run. dropped are the arrivals that
// were dropped in each; how many objectives each violates goes into counts. It also returns which intervals are in
// violation of any. It returns nil without objectives.
func violations(g *subset, s *seriesMaker, dropped, counts []int) (v *Violations, violated, judged []bool) {
	list := judge{g}.objectives()
	if len(list) == 0 {
		return nil, nil, nil
	}
	n := len(s.Sent)
	v = &Violations{Objectives: []ObjectiveViolation{}}
	violated, judged = make([]bool, n), make([]bool, n)
	over, shares := make([]int, n), make([]float64, n) // of the objective that most are over
	for _, o := range list {
		j := newSecondJudge(judge{g}, s, o)
		broken, known := j.seconds(dropped)
		for k := range n {
			if judged[k] = judged[k] || known[k]; broken[k] {
				violated[k] = true
				counts[k]++
				many, share := j.over(k)
				over[k], shares[k] = max(over[k], many), max(shares[k], share)
			}
		}
		v.Objectives = append(v.Objectives, ObjectiveViolation{
			Objective: o.text(), Label: o.Label, Violation: s.violation(broken, known, j.describe),
			JustKept: Float(j.justKept()),
		})
	}
	v.Violation = s.violation(violated, judged, func(span *ViolationSpan, from, to int) {
		for k := from; k < to; k++ {
			span.Over += over[k]
		}
		span.WorstShare = Float(slices.Max(shares[from:to]))
	})
	return v, violated, judged
}

// describe sets what the requests of a span were like at worst.
func (j *secondJudge) describe(span *ViolationSpan, from, to int) {
	for k := from; k < to; k++ {
		n, share := j.over(k)
		span.Over += n
		span.WorstShare = max(span.WorstShare, Float(share))
	}
	if j.worst == nil {
		return
	}
	worst := slices.Max(j.worst[from:to])
	switch {
	case !(worst > 0):
	case slo.IsFactor(j.o.Bounds[0].Latency):
		span.WorstFactor = new(Float(worst))
	default:
		span.Worst = new(Float(worst))
	}
}

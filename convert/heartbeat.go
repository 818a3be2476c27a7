package convert

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Heartbeats tell how late the load generator got to do what it waited for, over the time of some requests. Times are seconds.
type Heartbeats struct {
	Beats int64 `json:"beats"`
	P99   Float `json:"late_p99"`
	Max   Float `json:"late_max"`
	// Seconds are those, counted from the run's first start, in which a beat was over 8 ms late.
	Seconds   []LateSecond `json:"late_seconds"`
	RunWait   *Float       `json:"run_wait"`  // threads waited for a processor, added up; null where the system does not tell
	Throttled *Float       `json:"throttled"` // the quota of the control group was used up
	Stalled   *Float       `json:"stalled"`   // any process of the control group, or of the system, waited for a processor
}

// LateSecond is a second in which the load generator was late.
type LateSecond struct {
	Second int   `json:"second"`
	P99    Float `json:"late_p99"`
	Max    Float `json:"late_max"`
}

// FigureError bounds what the load generator's lateness may have done to a percentile, in seconds.
type FigureError struct {
	Figure     string `json:"figure"`
	Percentile string `json:"percentile"`
	Reported   Float  `json:"reported"`
	Lowest     Float  `json:"lowest"`  // if all that came in a late moment had come at its beginning
	Highest    Float  `json:"highest"` // likewise, where that makes the figure larger
}

// lateSpan is a time in which an instance did not get to run, in ticks.
type lateSpan struct{ from, to int64 }

// beatPeriod is how far heartbeats lie apart. What holds one up may have begun so long before it was due.
const beatPeriod = 5_000_000

// shortest is the lateness, in ticks, that can matter: two of them stay well below the smallest bound of a verdict.
const shortest = 2_000_000

// lateSpans are the times in which each instance did not get to run, in order.
func (r *Run) lateSpans() map[string][]lateSpan {
	if r.late != nil {
		return r.late
	}
	r.late = map[string][]lateSpan{}
	for _, b := range r.Beats {
		for _, span := range b.Late {
			if from, length := b.Start+span[0]*1000, span[1]*1000; length >= shortest {
				instance := r.from[b]
				r.late[instance] = append(r.late[instance], lateSpan{from, from + length})
			}
		}
	}
	for _, spans := range r.late {
		slices.SortFunc(spans, func(a, b lateSpan) int { return cmp.Compare(a.from, b.from) })
	}
	return r.late
}

// lateDuring returns the spans that may concern a request.
func (r *Run) lateDuring(q *Request) []lateSpan {
	spans := r.lateSpans()[q.Instance]
	first, _ := slices.BinarySearchFunc(spans, q.Start-beatPeriod, func(s lateSpan, at int64) int { return cmp.Compare(s.to, at) })
	spans = spans[first:]
	end, _ := slices.BinarySearchFunc(spans, q.End+beatPeriod, func(s lateSpan, at int64) int { return cmp.Compare(s.from, at) })
	return spans[:end]
}

// readLate is by how much what was read at an instant may have been read late. Whatever waited with the heartbeat is worked
// off after it: a process that is idle half of the time needs half of the wait for that; what takes longer than a period
// delays the next beat.
func readLate(spans []lateSpan, at int64) (late int64) {
	for _, s := range spans {
		if s.from <= at && at <= s.to+min((s.to-s.from)/2, beatPeriod) {
			late = max(late, at-s.from)
		}
	}
	return late
}

// begunLate is by how much what was to happen at an instant may have happened later.
func begunLate(spans []lateSpan, at int64) (late int64) {
	for _, s := range spans {
		if s.from-beatPeriod <= at && at < s.to {
			late = max(late, s.to-at)
		}
	}
	return late
}

// lateFigure is a figure of the report, and what lateness may have done to it.
type lateFigure struct {
	name            string
	reported        *Distribution
	lowest, highest *Distribution
}

var latePercentiles = []float64{50, 90, 99}

// lateFigures bounds the figures of successes; nil where no heartbeat and no writing was late while they were measured.
func (g *group) lateFigures() []lateFigure {
	touched := func(q *Request) bool { return q.WriteDelay >= shortest || len(g.run.lateDuring(q)) > 0 }
	if !slices.ContainsFunc(g.ok, touched) {
		return nil
	}
	b := &lateLists{group: g, gapsLow: newTally(g.run.clock.chunk), gapsHigh: newTally(g.run.clock.chunk)}
	for _, q := range g.ok {
		if !q.leftOut {
			b.add(q)
		}
	}
	return b.figures()
}

// lateLists collects the figures of requests as they are, as small and as large as they may be.
type lateLists struct {
	group             *group
	rec               record.Request
	any               bool
	ttft, latency     [3][]float64
	tpot              [3][]float64
	gapsLow, gapsHigh *tally
}

func (b *lateLists) add(q *Request) {
	spans := b.group.run.lateDuring(q)
	q.unpack(&b.rec)
	begun := b.group.run.seconds(max(begunLate(spans, q.Start), q.WriteDelay))
	late := func(chunk int) float64 {
		return b.group.run.seconds(readLate(spans, q.Start+b.rec.Chunks[chunk]*1000))
	}
	b.latency = appendBounds(b.latency, requestLatency(b.group, q), begun+b.group.run.seconds(readLate(spans, q.End)), 0)
	if last := len(b.rec.Chunks) - 1; last >= 0 {
		b.ttft = appendBounds(b.ttft, ttft(b.group, q), begun+late(0), 0)
		n := outputTokens(b.group, q) - 1
		b.tpot = appendBounds(b.tpot, tpot(b.group, q), late(last)/n, late(0)/n)
	}
	b.addGaps(q, spans)
}

// appendBounds appends a value, the value less what it may be too large, and plus what it may be too small.
func appendBounds(lists [3][]float64, value, over, under float64) [3][]float64 {
	if math.IsNaN(value) {
		return lists
	}
	for i, v := range [...]float64{value, max(0, value-over), value + under} {
		lists[i] = append(lists[i], v)
	}
	return lists
}

// addGaps adds the gaps between the token times of one answer.
func (b *lateLists) addGaps(q *Request, spans []lateSpan) {
	last, lastLate := int64(-1), int64(0)
	for i, at := range b.rec.Chunks {
		late := readLate(spans, q.Start+at*1000) / 1000
		tokens := 1
		if q.tokenized {
			tokens = b.rec.ChunkTokens[i]
		}
		if tokens == 0 {
			continue
		}
		if last >= 0 {
			b.gapsLow.add(max(0, at-last-late))
			b.gapsHigh.add(at - last + lastLate)
		}
		for range tokens - 1 {
			b.gapsLow.add(0)
			b.gapsHigh.add(0)
		}
		last, lastLate = at, late
	}
}

func (b *lateLists) figures() []lateFigure {
	of := func(name string, lists [3][]float64) lateFigure {
		return lateFigure{
			name, NewDistribution(lists[0], latePercentiles),
			NewDistribution(lists[1], latePercentiles), NewDistribution(lists[2], latePercentiles),
		}
	}
	return []lateFigure{
		of("time_to_first_token", b.ttft), of("request_latency", b.latency), of("time_per_output_token", b.tpot),
		{
			"inter_token_latency", b.group.tokenGaps.distribution(latePercentiles),
			b.gapsLow.distribution(latePercentiles), b.gapsHigh.distribution(latePercentiles),
		},
	}
}

// readsLate reports whether a figure of a request may be off by more than 10 ms.
func (r *Run) readsLate(q *Request, rec *record.Request) bool {
	spans := r.lateDuring(q)
	q.unpack(rec)
	late := max(begunLate(spans, q.Start), q.WriteDelay, readLate(spans, q.End))
	for _, at := range rec.Chunks {
		late = max(late, readLate(spans, q.Start+at*1000))
	}
	return r.seconds(late) > lateBounds[0]
}

// timedOutLate reports whether a request may have failed because the load generator did not get to run: the end of its
// waiting came late, by as much as a figure must not be off.
func (r *Run) timedOutLate(q *Request, rec *record.Request) bool {
	since := q.Start
	switch q.ErrorType {
	case record.ErrorStall:
		q.unpack(rec)
		for _, times := range [...][]int64{rec.Chunks, rec.Reasoning, rec.ToolCalls} {
			if n := len(times); n > 0 {
				since = max(since, q.Start+times[n-1]*1000)
			}
		}
	case record.ErrorTimeout:
	default:
		return false
	}
	late := r.seconds(readLate(r.lateDuring(q), q.End))
	return late > lateBounds[0] && late > shareBounds[0]*r.seconds(q.End-since)
}

// off is by how much, in seconds, a percentile may be too large, and too small; least is the least that it may be in truth.
func (f lateFigure) off(percentile float64) (reported, over, under, least float64) {
	reported, known := f.reported.At(percentile)
	if !known {
		return 0, 0, 0, 0
	}
	low, _ := f.lowest.At(percentile)
	high, _ := f.highest.At(percentile)
	return reported, reported - low, high - reported, low
}

func percentileName(p float64) string { return fmt.Sprintf("p%g", p) }

// figureErrors lists the bounds of all percentiles of some figures.
func figureErrors(figures []lateFigure) []FigureError {
	list := []FigureError{}
	for _, f := range figures {
		for _, p := range latePercentiles {
			if reported, over, under, _ := f.off(p); over > 0 || under > 0 {
				list = append(list, FigureError{
					f.name, percentileName(p), Float(reported), Float(reported - over), Float(reported + under),
				})
			}
		}
	}
	return list
}

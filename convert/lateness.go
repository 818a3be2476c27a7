package convert

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

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

// readUntil is until when the instance may have read what came in the span. Whatever waited with the heartbeat is
// worked off after it: a process that is idle half of the time needs half of the wait for that; what takes longer than
// a period delays the next beat.
func (s lateSpan) readUntil() int64 { return s.to + min((s.to-s.from)/2, beatPeriod) }

// findLate collects the late spans of the heartbeats, without those that are too short to matter, and puts them in
// order. Those that overlap are of processes that share a name, and become one.
func (r *Run) findLate() {
	r.late = map[string][]lateSpan{}
	for _, b := range r.Beats {
		instance := r.from[b]
		for _, span := range b.Late {
			if from, length := b.Start+span[0]*1000, span[1]*1000; length >= shortest {
				r.late[instance] = append(r.late[instance], lateSpan{from, from + length})
			}
		}
	}
	for instance, spans := range r.late {
		slices.SortFunc(spans, func(a, b lateSpan) int { return cmp.Compare(a.from, b.from) })
		apart := spans[:0]
		for _, s := range spans {
			if last := len(apart) - 1; last >= 0 && s.from < apart[last].to {
				apart[last].to = max(apart[last].to, s.to)
				continue
			}
			apart = append(apart, s)
		}
		r.late[instance] = apart
	}
}

// lateBetween returns an instance's spans that may concern what happened between two instants.
func (r *Run) lateBetween(instance string, from, to int64) []lateSpan {
	spans := r.late[instance]
	first := sort.Search(len(spans), func(i int) bool { return spans[i].to >= from-beatPeriod })
	end := sort.Search(len(spans), func(i int) bool { return spans[i].from >= to+beatPeriod })
	return spans[first:max(first, end)]
}

// readLate is by how much what was read at an instant may have been read late. It gives also the spans that are left
// for later instants.
func readLate(spans []lateSpan, at int64) (late int64, left []lateSpan) {
	for len(spans) > 0 && spans[0].readUntil() < at {
		spans = spans[1:]
	}
	if len(spans) == 0 || at < spans[0].from {
		return 0, spans
	}
	return at - spans[0].from, spans
}

// begunLate is by how much what was to happen at an instant may have happened later.
func begunLate(spans []lateSpan, at int64) (late int64) {
	for _, s := range spans {
		if at < s.from-beatPeriod {
			break
		}
		late = max(late, s.to-at)
	}
	return late
}

// lateness is by how much a request was handled later than it could have been, at most, in ticks.
type lateness struct {
	write  int64
	chunks []int64 // the reading of each
	end    int64
}

func (l *lateness) most() int64 {
	most := max(l.write, l.end)
	for _, late := range l.chunks {
		most = max(most, late)
	}
	return most
}

// lateness fills l, whose memory it uses again.
func (r *Run) lateness(q *Request, chunks []int64, l *lateness) {
	spans := r.lateBetween(q.Instance, q.Start, q.End)
	l.write = max(begunLate(spans, q.Start), q.WriteDelay)
	l.end, _ = readLate(spans, q.End)
	l.chunks = l.chunks[:0]
	for _, at := range chunks {
		var late int64
		late, spans = readLate(spans, q.Start+at*1000)
		l.chunks = append(l.chunks, late)
	}
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
	ticks, _ := readLate(r.lateBetween(q.Instance, q.Start, q.End), q.End)
	late := r.seconds(ticks)
	return late > lateBounds[0] && late > shareBounds[0]*r.seconds(q.End-since)
}

// touched reports whether lateness may have changed a figure of a request.
func (r *Run) touched(q *Request) bool {
	return q.WriteDelay >= shortest || len(r.lateBetween(q.Instance, q.Start, q.End)) > 0
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
	if !slices.ContainsFunc(g.ok, g.run.touched) {
		return nil
	}
	b := &lateLists{group: g, gapsLow: stats.NewTally(g.run.clock.chunk), gapsHigh: stats.NewTally(g.run.clock.chunk)}
	for _, lists := range [...]*[3][]float64{&b.ttft, &b.latency, &b.tpot} {
		for i := range lists {
			lists[i] = make([]float64, 0, len(g.ok))
		}
	}
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
	late              lateness
	ttft, latency     [3][]float64
	tpot              [3][]float64
	gapsLow, gapsHigh *stats.Tally
}

func (b *lateLists) add(q *Request) {
	q.unpack(&b.rec)
	b.group.run.lateness(q, b.rec.Chunks, &b.late)
	seconds := b.group.run.seconds
	b.latency = appendBounds(b.latency, requestLatency(b.group, q), seconds(b.late.write+b.late.end), 0)
	if last := len(b.late.chunks) - 1; last >= 0 {
		first, n := b.late.chunks[0], outputTokens(b.group, q)-1
		b.ttft = appendBounds(b.ttft, ttft(b.group, q), seconds(b.late.write+first), 0)
		b.tpot = appendBounds(b.tpot, tpot(b.group, q), seconds(b.late.chunks[last])/n, seconds(first)/n)
	}
	for i, k := range tokenGaps(b.rec.Chunks, b.rec.ChunkTokens) {
		gap := b.rec.Chunks[k] - b.rec.Chunks[i]
		if i == k { // tokens of one chunk come together, whenever that is
			b.gapsLow.Add(0)
			b.gapsHigh.Add(0)
			continue
		}
		b.gapsLow.Add(max(0, gap-b.late.chunks[k]/1000))
		b.gapsHigh.Add(gap + b.late.chunks[i]/1000)
	}
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
			"inter_token_latency", newDistribution(b.group.tokenGaps, latePercentiles),
			newDistribution(b.gapsLow, latePercentiles), newDistribution(b.gapsHigh, latePercentiles),
		},
	}
}

// off is by how much, in seconds, a percentile may be too large, and too small; least is the least that it may be
// in truth.
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

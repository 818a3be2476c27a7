package convert

import (
	"fmt"
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// FigureError bounds the true value of a percentile that the load generator's lateness may have changed, in seconds.
type FigureError struct {
	Figure     string `json:"figure"`
	Percentile string `json:"percentile"`
	Reported   Float  `json:"reported"`
	Lowest     Float  `json:"lowest"`  // if everything read in a late moment had come at its beginning
	Highest    Float  `json:"highest"` // likewise, where that makes the figure larger
}

// timedOutLate reports whether a request may have failed because the load generator did not get to run: the end of its
// wait came late by more than a figure may be off.
func timedOutLate(r *run.Run, q *run.Request, rec *record.Request) bool {
	since := q.Start
	switch q.ErrorType {
	case record.ErrorStall:
		q.Unpack(rec)
		for _, times := range [...][]int64{rec.Chunks, rec.Reasoning, rec.ToolCalls} {
			if n := len(times); n > 0 {
				since = max(since, q.Start+times[n-1]*1000)
			}
		}
	case record.ErrorTimeout:
	default:
		return false
	}
	var l run.Lateness
	r.FillLateness(q, nil, &l)
	late := r.Seconds(l.End)
	return late > lateBounds[0] && late > shareBounds[0]*r.Seconds(q.End-since)
}

// lateFigure is a figure of the report with the least and the greatest values that lateness allows.
type lateFigure struct {
	name            string
	reported        *Distribution
	lowest, highest *Distribution
}

var latePercentiles = []float64{50, 90, 99}

// lateFigures bounds the figures of successes. It returns nil if no heartbeat and no write was late while they were
// measured.
func lateFigures(g *subset) []lateFigure {
	if !slices.ContainsFunc(g.ok, g.run.Touched) {
		return nil
	}
	b := &lateLists{group: g, gapsLow: stats.NewTally(g.run.Clock.Chunk), gapsHigh: stats.NewTally(g.run.Clock.Chunk)}
	for _, lists := range [...]*[3][]float64{&b.ttft, &b.latency, &b.tpot} {
		for i := range lists {
			lists[i] = make([]float64, 0, len(g.ok))
		}
	}
	for _, q := range g.ok {
		if !q.LeftOut {
			b.add(q)
		}
	}
	return b.figures()
}

// lateLists collects three values for each figure of a request: as measured, as small and as large as it may be in
// truth.
type lateLists struct {
	group             *subset
	rec               record.Request
	late              run.Lateness
	ttft, latency     [3][]float64
	tpot              [3][]float64
	gapsLow, gapsHigh *stats.Tally
}

func (b *lateLists) add(q *run.Request) {
	q.Unpack(&b.rec)
	b.group.run.FillLateness(q, b.rec.Chunks, &b.late)
	seconds := b.group.run.Seconds
	b.latency = appendBounds(b.latency, requestLatency(b.group, q), seconds(b.late.Write+b.late.End), 0)
	if last := len(b.late.Chunks) - 1; last >= 0 {
		first, n := b.late.Chunks[0], outputTokens(b.group, q)-1
		b.ttft = appendBounds(b.ttft, ttft(b.group, q), seconds(b.late.Write+first), 0)
		b.tpot = appendBounds(b.tpot, tpot(b.group, q), seconds(b.late.Chunks[last])/n, seconds(first)/n)
	}
	for i, k := range tokenGaps(b.rec.Chunks, b.rec.ChunkTokens) {
		gap := b.rec.Chunks[k] - b.rec.Chunks[i]
		if i == k { // the tokens of one chunk come together, late or not
			b.gapsLow.Add(0)
			b.gapsHigh.Add(0)
			continue
		}
		b.gapsLow.Add(max(0, gap-b.late.Chunks[k]/1000))
		b.gapsHigh.Add(gap + b.late.Chunks[i]/1000)
	}
}

// appendBounds appends a value, the value less over, by which it may be too large, and the value plus under, by which
// it may be too small.
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
	newFigure := func(name string, lists [3][]float64) lateFigure {
		return lateFigure{
			name, NewDistribution(lists[0], latePercentiles),
			NewDistribution(lists[1], latePercentiles), NewDistribution(lists[2], latePercentiles),
		}
	}
	return []lateFigure{
		newFigure("time_to_first_token", b.ttft), newFigure("request_latency", b.latency),
		newFigure("time_per_output_token", b.tpot),
		{
			"inter_token_latency", newDistribution(b.group.tokenGaps, latePercentiles),
			newDistribution(b.gapsLow, latePercentiles), newDistribution(b.gapsHigh, latePercentiles),
		},
	}
}

// off returns by how much, in seconds, a percentile may be too large (over) and too small (under); least is the
// smallest value that it may have in truth.
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

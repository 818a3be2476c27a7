package convert

import (
	"math"
	"slices"
	"sort"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Series holds figures over the time of the run, one value for each interval from the first start on.
type Series struct {
	Interval Float    `json:"interval_seconds"`
	Start    int64    `json:"start_ns"` // since the Unix epoch; 0 for an imported run, whose clock is another
	Due      []int    `json:"due"`      // 0 if due instants are unknown
	Sent     []int    `json:"sent"`
	Ended    []int    `json:"ended"`
	Failed   []int    `json:"failed"`
	Left     []int    `json:"abandoned,omitempty"` // whose users left; nil if none did
	InFlight []int    `json:"in_flight"`           // at the interval's end
	Chunks   []int    `json:"content_chunks"`      // nil if their arrivals are unknown
	TTFT50   []*Float `json:"ttft_p50"`            // of the requests sent in the interval; null without any
	TTFT99   []*Float `json:"ttft_p99"`
	ChunkGap []*Float `json:"chunk_gap_mean"`
}

// maxIntervals limits the length of a series. Longer runs have longer intervals, of whole seconds.
const maxIntervals = 100_000

// newSeriesMaker returns nil without requests or without start times.
func newSeriesMaker(r *run.Run) *seriesMaker {
	sent := run.Sent(r)
	if len(sent) == 0 || r.Untimed {
		return nil
	}
	s := &seriesMaker{run: r, zero: sent[0].Start}
	span := timeSpan(r, sent)
	step := math.Ceil(max(span/maxIntervals, 1))
	n := int(span/step) + 1
	s.step = step
	s.Series = Series{
		Interval: Float(step), Start: s.zero, Due: make([]int, n), Sent: make([]int, n), Ended: make([]int, n),
		Failed:   make([]int, n),
		InFlight: make([]int, n), Chunks: make([]int, n), TTFT50: make([]*Float, n), TTFT99: make([]*Float, n),
		ChunkGap: make([]*Float, n),
	}
	s.gaps, s.gapCounts, s.ttfts = make([]float64, n), make([]int, n), make([][]float64, n)
	s.more = newTimelineMaker(n)
	if len(r.Abandoned) > 0 {
		s.Left = make([]int, n)
	}
	if r.Origin != "" {
		s.Start = 0
	}
	return s
}

type seriesMaker struct {
	Series
	run  *run.Run
	zero int64
	step float64

	gaps      []float64 // the sum of the gaps before the chunks that arrived in each interval
	gapCounts []int
	ttfts     [][]float64 // of the requests sent in each interval
	more      timelineMaker
}

// slot returns the interval of an instant. An instant outside the run, as the first due instant may be, belongs to the
// nearest interval.
func (s *seriesMaker) slot(seconds float64) int {
	return max(0, min(int(seconds/s.step), len(s.Sent)-1))
}

// add adds a request, whose chunks rec has.
func (s *seriesMaker) add(q *run.Request, rec *record.Request) {
	chunks := rec.Chunks
	at := s.run.Seconds(q.Start - s.zero)
	sent := s.slot(at)
	s.Sent[sent]++
	ended := s.slot(s.run.Seconds(q.End - s.zero))
	s.Ended[ended]++
	switch {
	case q.Abandoned():
		s.Left[ended]++
	case q.Failed():
		s.Failed[ended]++
	}
	due, answered := sent, ended
	if q.DueKnown && (q.Seq == 0 || q.Replayed) {
		due = s.slot(s.run.Seconds(q.Due - s.zero))
		s.Due[due]++
	}
	if !math.IsNaN(q.TTFT) && !q.Failed() && !q.LeftOut {
		s.ttfts[sent] = append(s.ttfts[sent], q.TTFT)
	}
	slot := func(ticks int64) int { return s.slot(at + float64(ticks)/s.run.Clock.Chunk) }
	if len(chunks) > 0 {
		answered = slot(chunks[0])
	}
	s.more.begin(s.run, q, chunks, due, answered)
	for i := 0; i < len(chunks); {
		k := slot(chunks[i])
		next := i + sort.Search(len(chunks)-i, func(j int) bool { return slot(chunks[i+j]) > k })
		s.Chunks[k] += next - i
		s.more.arrived(k, q, rec, i, next)
		if before := max(i-1, 0); !q.LeftOut && !q.Abandoned() {
			s.gaps[k] += float64(chunks[next-1] - chunks[before])
			s.gapCounts[k] += next - 1 - before
		}
		i = next
	}
}

// series returns the series of the requests that were added. It returns nil for a nil maker.
func (s *seriesMaker) series() *Series {
	if s == nil {
		return nil
	}
	flying := 0
	for i := range s.Sent {
		flying += s.Sent[i] - s.Ended[i]
		s.InFlight[i] = flying
		if list := s.ttfts[i]; len(list) > 0 {
			slices.Sort(list)
			at := func(k int) float64 { return list[k] }
			s.TTFT50[i], s.TTFT99[i] = new(Float(stats.Percentile(len(list), at, 50))),
				new(Float(stats.Percentile(len(list), at, 99)))
			s.more.ttft90[i] = new(Float(stats.Percentile(len(list), at, 90)))
		}
		if s.gapCounts[i] > 0 {
			s.ChunkGap[i] = new(Float(s.gaps[i] / float64(s.gapCounts[i]) / s.run.Clock.Chunk))
		}
	}
	if slices.ContainsFunc(s.run.Requests, func(q *run.Request) bool { return q.ChunksUnlisted }) {
		s.Chunks = nil
	}
	return &s.Series
}

package convert

import (
	"math"
	"slices"

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
	InFlight []int    `json:"in_flight"`      // at the interval's end
	Chunks   []int    `json:"content_chunks"` // nil if their arrivals are unknown
	TTFT50   []*Float `json:"ttft_p50"`       // of the requests sent in the interval; null without any
	TTFT99   []*Float `json:"ttft_p99"`
	ChunkGap []*Float `json:"chunk_gap_mean"`
}

// maxIntervals limits the length of a series. Longer runs have longer intervals, of whole seconds.
const maxIntervals = 100_000

// newSeries returns nil without requests or without start times.
func newSeries(r *run.Run) *Series {
	if len(r.Requests) == 0 || r.Untimed {
		return nil
	}
	s := &seriesMaker{run: r, zero: r.Requests[0].Start}
	span := timeSpan(r, r.Requests)
	step := math.Ceil(max(span/maxIntervals, 1))
	n := int(span/step) + 1
	s.step = step
	s.Series = Series{
		Interval: Float(step), Start: s.zero, Due: make([]int, n), Sent: make([]int, n), Ended: make([]int, n),
		Failed:   make([]int, n),
		InFlight: make([]int, n), Chunks: make([]int, n), TTFT50: make([]*Float, n), TTFT99: make([]*Float, n),
		ChunkGap: make([]*Float, n),
	}
	if r.Origin != "" {
		s.Start = 0
	}
	s.fill()
	if slices.ContainsFunc(r.Requests, func(q *run.Request) bool { return q.ChunksUnlisted }) {
		s.Chunks = nil
	}
	return &s.Series
}

type seriesMaker struct {
	Series
	run  *run.Run
	zero int64
	step float64
}

// slot returns the interval of an instant. An instant outside the run, as the first due instant may be, belongs to the
// nearest interval.
func (s *seriesMaker) slot(seconds float64) int {
	return max(0, min(int(seconds/s.step), len(s.Sent)-1))
}

func (s *seriesMaker) fill() {
	gaps := make([]float64, len(s.Sent))
	gapCounts := make([]int, len(s.Sent))
	ttfts := make([][]float64, len(s.Sent))
	var rec record.Request
	for _, q := range s.run.Requests {
		at := s.run.Seconds(q.Start - s.zero)
		sent := s.slot(at)
		s.Sent[sent]++
		ended := s.slot(s.run.Seconds(q.End - s.zero))
		s.Ended[ended]++
		if q.Failed() {
			s.Failed[ended]++
		}
		if q.DueKnown && q.Seq == 0 {
			s.Due[s.slot(s.run.Seconds(q.Due-s.zero))]++
		}
		if !math.IsNaN(q.TTFT) && !q.Failed() && !q.LeftOut {
			ttfts[sent] = append(ttfts[sent], q.TTFT)
		}
		q.Unpack(&rec)
		for i, us := range rec.Chunks {
			k := s.slot(at + float64(us)/s.run.Clock.Chunk)
			s.Chunks[k]++
			if i > 0 && !q.LeftOut {
				gaps[k] += float64(us - rec.Chunks[i-1])
				gapCounts[k]++
			}
		}
	}
	flying := 0
	for i := range s.Sent {
		flying += s.Sent[i] - s.Ended[i]
		s.InFlight[i] = flying
		if list := ttfts[i]; len(list) > 0 {
			slices.Sort(list)
			at := func(k int) float64 { return list[k] }
			s.TTFT50[i], s.TTFT99[i] = new(Float(stats.Percentile(len(list), at, 50))),
				new(Float(stats.Percentile(len(list), at, 99)))
		}
		if gapCounts[i] > 0 {
			s.ChunkGap[i] = new(Float(gaps[i] / float64(gapCounts[i]) / s.run.Clock.Chunk))
		}
	}
}

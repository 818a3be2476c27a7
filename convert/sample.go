package convert

import (
	"iter"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Sample holds what charts show of one request. Times are seconds, NaN if they are undefined or left out.
type Sample struct {
	Start   float64 // since the first start of the run; NaN if the starts are unknown
	Delay   float64 // start - due
	TTFT    float64 // of successes; an answer of one token has it, too
	ITL     float64 // mean gap between token times, of successes
	Latency float64 // of successes that generate no text
	// FirstAudio is the time to first audio, of successes of the API speech.
	FirstAudio float64
	Stage      int
	Adapter    string
	Failed     bool
}

// Samples yields the report's requests in order of their start.
func (p *Report) Samples() iter.Seq[Sample] {
	return func(yield func(Sample) bool) {
		g := &subset{run: p.run, opts: p.opts}
		for _, q := range p.run.Requests {
			s := Sample{
				Start: p.run.Seconds(q.Start - run.FirstStart(p.run)), Delay: scheduleDelay(g, q), TTFT: q.TTFT,
				ITL: q.MeanITL(), Latency: unknown, FirstAudio: unknown,
				Stage: int(q.Stage), Adapter: q.Adapter, Failed: q.Failed(),
			}
			if s.Failed || q.LeftOut {
				s.TTFT, s.ITL = unknown, unknown
			}
			if q.Textless && !s.Failed {
				s.Latency = requestLatency(g, q)
			}
			if q.API == record.APISpeech && !s.Failed {
				s.FirstAudio = firstArrival(g, q)
			}
			if p.run.Untimed {
				s.Start = unknown
			}
			if !yield(s) {
				return
			}
		}
	}
}

// TokenGaps returns the gaps between token times that inter_token_latency sums up, pooled over the successes: their
// number n, and a function that returns the gap of rank k, from 0, in order of size, in seconds. Only one goroutine at
// a time may call the function.
func (p *Report) TokenGaps() (n int, at func(k int) float64) {
	return p.tokenGaps.Len(), p.tokenGaps.At
}

// Run returns the run that the report describes.
func (p *Report) Run() *run.Run { return p.run }

// Bounds returns the bounds that the report judges by: those of its options, else those of the first request that has
// any. The zero value means that there are none.
func (p *Report) Bounds() record.Bounds {
	if p.opts.SLO != (record.Bounds{}) {
		return p.opts.SLO
	}
	for _, q := range p.run.Requests {
		if q.SLO != (record.Bounds{}) {
			return q.SLO
		}
	}
	return record.Bounds{}
}

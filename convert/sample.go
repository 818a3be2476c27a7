package convert

import (
	"iter"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Sample is what charts show of one request. Times are seconds, NaN where they are undefined or left out.
type Sample struct {
	Start   float64 // since the first start of the run, NaN too where nobody knows the starts
	Delay   float64 // start - due
	TTFT    float64 // of successes, from one token on
	ITL     float64 // mean gap between token times, of successes
	Stage   int
	Adapter string
	Failed  bool
}

// Samples are the report's requests in order of their start.
func (p *Report) Samples() iter.Seq[Sample] {
	return func(yield func(Sample) bool) {
		g := &subset{run: p.run, opts: p.opts}
		for _, q := range p.run.Requests {
			s := Sample{
				Start: p.run.Seconds(q.Start - p.run.Requests[0].Start), Delay: scheduleDelay(g, q), TTFT: q.TTFT,
				ITL:   q.MeanITL,
				Stage: int(q.Stage), Adapter: q.Adapter, Failed: q.Failed(),
			}
			if s.Failed || q.LeftOut {
				s.TTFT, s.ITL = unknown, unknown
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

// TokenGaps are the gaps between token times that inter_token_latency sums up, pooled over the successes: how many
// there are, and the one of rank k from 0 in order of size, in seconds. It goes through all chunks of the run. The
// function is for one goroutine.
func (p *Report) TokenGaps() (n int, at func(k int) float64) {
	g := &subset{run: p.run, opts: p.opts, ok: slices.DeleteFunc(slices.Clone(p.run.Requests), (*run.Request).Failed)}
	g.tallyGaps()
	return g.tokenGaps.Len(), g.tokenGaps.At
}

// Run is the run that the report is of.
func (p *Report) Run() *run.Run { return p.run }

// Bounds are those the report judges by: of its options, else of the first request that has some; zero for none.
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

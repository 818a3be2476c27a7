package convert

import (
	"bytes"
	"math"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
	"github.com/seed-307b789f/xk6-llm/convert/run"
)

// Adjusted holds percentiles over all requests, in which one that failed or was never sent counts as slower than any
// success: a server that fails under load does not look fast.
type Adjusted struct {
	// Slower counts the requests without success: those that failed, time-outs among them, and dropped arrivals. Those
	// that the end of the test cut off are not among them.
	Slower      int64                `json:"counted_as_slower"`
	TTFT        *AdjustedPercentiles `json:"ttft"`
	TTFTFromDue *AdjustedPercentiles `json:"ttft_from_due"`
	Request     *AdjustedPercentiles `json:"request_latency"`
	FromDue     *AdjustedPercentiles `json:"request_latency_from_due"`
}

const adjustedDefinition = "percentiles over successes, failures and dropped arrivals, in which one without success " +
	"counts as slower than any success: null where the percentile is such a request; requests that the end of the " +
	"test cut off are left out"

// AdjustedPercentiles are percentiles of which some may be unknown: NaN, because a request without success is there.
type AdjustedPercentiles []Percentile

// MarshalJSON writes them in their order.
func (a AdjustedPercentiles) MarshalJSON() ([]byte, error) {
	var buf bytes.Buffer
	buf.WriteByte('{')
	for _, q := range a {
		writeMember(&buf, percentileKey(q.P), q.Value)
	}
	return append(bytes.TrimSuffix(buf.Bytes(), []byte(",")), '}'), nil
}

// newAdjusted returns nil if every request succeeded.
func newAdjusted(g *subset, c RequestCounts) *Adjusted {
	slower := int64(c.Failed-c.Canceled) + c.Dropped
	if slower <= 0 {
		return nil
	}
	of := func(f figure) *AdjustedPercentiles {
		values := g.values(g.ok, func(g *subset, q *run.Request) float64 {
			if q.LeftOut {
				return unknown
			}
			return f(g, q)
		})
		if len(values) == 0 {
			return nil
		}
		stats.Sort(values)
		return adjusted(values, slower, g.opts.Percentiles)
	}
	return &Adjusted{Slower: slower, TTFT: of(func(_ *subset, q *run.Request) float64 { return q.TTFT }),
		TTFTFromDue: of(ttftFromDue), Request: of(requestLatency), FromDue: of(latencyFromDue)}
}

// adjusted returns percentiles of sorted values and of so many that are larger than any.
func adjusted(sorted []float64, slower int64, percentiles []float64) *AdjustedPercentiles {
	n := int(min(int64(len(sorted))+slower, math.MaxInt32))
	at := func(rank int) float64 {
		if rank < len(sorted) {
			return sorted[rank]
		}
		return math.NaN()
	}
	var out AdjustedPercentiles
	for _, p := range percentiles {
		// A percentile at a rank is no interpolation, whatever follows.
		rank, value := p/100*float64(n-1), 0.0
		if value = stats.Percentile(n, at, p); rank == math.Floor(rank) {
			value = at(int(rank))
		}
		out = append(out, Percentile{P: p, Value: value})
	}
	return &out
}

package run

import (
	"math"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// figures holds the figures of a request that are packed, or follow from other facts, in seconds.
type figures [5]float64

const (
	firstToken = iota
	ttfo
	ttfr
	ntpot
	meanITL
)

// newFigures returns the figures of a record by the formulas of package record. c must be its counts.
func newFigures(rec *record.Request, c record.Counts) figures {
	first, _, _ := rec.TokenSpan()
	return figures{
		firstToken: first.Seconds(), ttfo: secondsOf(rec.TTFO()), ttfr: secondsOf(rec.TTFR()),
		ntpot: secondsOf(rec.NTPOT(c)), meanITL: secondsOf(rec.MeanITL()),
	}
}

// derive computes the figures of a usual request: its output is content alone, and its instants are those of a record.
func (q *Request) derive() figures {
	f := figures{ttfo: q.TTFT, ttfr: unknown, ntpot: unknown, meanITL: unknown}
	if q.TokenTimes > 0 {
		f[firstToken] = q.TTFT
	}
	if q.CompletionTokens != 0 {
		f[ntpot] = (time.Duration(q.End-q.Start) / time.Duration(q.CompletionTokens)).Seconds()
	}
	if q.TokenTimes > 1 {
		f[meanITL] = (time.Duration(math.Round(q.TokenSpan*1e9)) / time.Duration(q.TokenTimes-1)).Seconds()
	}
	return f
}

// same reports whether all figures are the same, where unknown is unknown.
func (f figures) same(other figures) bool {
	for i := range f {
		if f[i] != other[i] && !(math.IsNaN(f[i]) && math.IsNaN(other[i])) {
			return false
		}
	}
	return true
}

func (q *Request) figures() figures {
	if q.derived {
		return q.derive()
	}
	return q.Details().figures
}

// FirstToken returns the first token time in seconds, 0 if there is none.
func (q *Request) FirstToken() float64 { return q.figures()[firstToken] }

// TTFO returns the time to the first output of any kind in seconds, unknown where undefined.
func (q *Request) TTFO() float64 { return q.figures()[ttfo] }

// TTFR returns the time to the first reasoning in seconds, unknown where undefined.
func (q *Request) TTFR() float64 { return q.figures()[ttfr] }

// NTPOT returns the time per output token in seconds, unknown without tokens.
func (q *Request) NTPOT() float64 { return q.figures()[ntpot] }

// MeanITL returns the mean gap between token times in seconds, unknown with fewer than two.
func (q *Request) MeanITL() float64 { return q.figures()[meanITL] }

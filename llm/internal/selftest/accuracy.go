// Package selftest holds what the client recorded against what the simulator stamped, both on the clock of one machine:
// the differences are the client's own error, with the way between the two processes.
package selftest

import (
	"math"
	"slices"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/rank"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Truth is what the simulator knows of a request, in Unix nanoseconds.
type Truth struct {
	Chunks []int64 // just before each content chunk was written
	End    int64   // the last byte was written
}

// Spread is of the sizes of errors, in milliseconds; without errors all are 0.
type Spread struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
}

// Errors are how far the records of a run are from the truth.
type Errors struct {
	Requests int `json:"requests"` // that succeeded, of which the truth is known
	Failed   int `json:"failed"`
	Unknown  int `json:"unknown"` // whose chunks are not those of the simulator
	Tokens   int `json:"tokens"`

	First Spread `json:"first_token"` // recorded arrival of the first chunk − its writing
	All   Spread `json:"any_token"`   // the same of every chunk
	Gaps  Spread `json:"gaps"`        // recorded gap between two chunks − the gap between their writings
	End   Spread `json:"end"`         // recorded end − the last byte's writing
}

// collector gathers sizes of errors.
type collector struct{ first, all, gaps, end []float64 }

// Of compares the requests of a run with the truth by their ids. It costs some 16 bytes per token.
func Of(requests []*record.Request, truth map[string]Truth) Errors {
	var e Errors
	var c collector
	for _, q := range requests {
		t, known := truth[q.ID]
		switch {
		case q.Failed():
			e.Failed++
		case !known || len(t.Chunks) != len(q.Chunks) || len(q.Chunks) == 0:
			e.Unknown++
		default:
			e.Requests++
			e.Tokens += len(q.Chunks)
			c.add(q, t)
		}
	}
	e.First, e.All, e.Gaps, e.End = spread(c.first), spread(c.all), spread(c.gaps), spread(c.end)
	return e
}

func (c *collector) add(q *record.Request, t Truth) {
	c.first = append(c.first, size(q.Start+1000*q.Chunks[0]-t.Chunks[0]))
	for i, at := range q.Chunks {
		c.all = append(c.all, size(q.Start+1000*at-t.Chunks[i]))
	}
	for i := 1; i < len(q.Chunks); i++ {
		c.gaps = append(c.gaps, size(1000*(q.Chunks[i]-q.Chunks[i-1])-(t.Chunks[i]-t.Chunks[i-1])))
	}
	c.end = append(c.end, size(q.End-t.End))
}

// size is that of an error in nanoseconds, in milliseconds.
func size(ns int64) float64 { return math.Abs(float64(ns)) / float64(time.Millisecond) }

// spread takes the nearest rank, so that each figure is an error that occurred.
func spread(errors []float64) Spread {
	if len(errors) == 0 {
		return Spread{}
	}
	slices.Sort(errors)
	at := func(p float64) float64 { return rank.Nearest(errors, p) }
	return Spread{P50: at(0.5), P99: at(0.99), Max: at(1)}
}

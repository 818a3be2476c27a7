// Package selftest measures the error of the client on this machine. It runs the client against a simulator in another
// process, and compares the client's records with the simulator's stamps. Both use the clock of one machine, so the
// differences are the error of the client and of the connection between the two processes.
package selftest

import (
	"math"
	"slices"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/rank"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// Spread summarizes the sizes of errors in milliseconds. Without errors all are 0.
type Spread struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
}

// Errors holds how far the records of a run are from the truth.
type Errors struct {
	Requests int `json:"requests"` // that succeeded and whose truth is known
	Failed   int `json:"failed"`
	Unknown  int `json:"unknown"` // whose chunks are not those of the simulator
	Tokens   int `json:"tokens"`

	First Spread `json:"first_token"` // recorded arrival of the first chunk − its writing
	All   Spread `json:"any_token"`   // the same of every chunk
	Gaps  Spread `json:"gaps"`        // recorded gap between two chunks − the gap between their writings
	End   Spread `json:"end"`         // recorded end − the last byte's writing
}

// collector gathers the sizes of errors in milliseconds.
type collector struct{ first, all, gaps, end []float64 }

// Compare compares the requests of a run with the truth, matched by id. It takes about 16 bytes per token.
func Compare(requests []*record.Request, truth map[string]sim.Truth) Errors {
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

func (c *collector) add(q *record.Request, t sim.Truth) {
	c.first = append(c.first, milliseconds(q.Start+1000*q.Chunks[0]-t.Chunks[0]))
	for i, at := range q.Chunks {
		c.all = append(c.all, milliseconds(q.Start+1000*at-t.Chunks[i]))
	}
	for i := 1; i < len(q.Chunks); i++ {
		c.gaps = append(c.gaps, milliseconds(1000*(q.Chunks[i]-q.Chunks[i-1])-(t.Chunks[i]-t.Chunks[i-1])))
	}
	c.end = append(c.end, milliseconds(q.End-t.End))
}

// milliseconds returns the size of an error given in nanoseconds.
func milliseconds(ns int64) float64 { return math.Abs(float64(ns)) / float64(time.Millisecond) }

// spread takes the nearest rank, so that each figure is an error that occurred.
func spread(errors []float64) Spread {
	if len(errors) == 0 {
		return Spread{}
	}
	slices.Sort(errors)
	at := func(p float64) float64 { return rank.Nearest(errors, p) }
	return Spread{P50: at(0.5), P99: at(0.99), Max: at(1)}
}

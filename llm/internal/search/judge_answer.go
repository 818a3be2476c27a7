package search

import (
	"math"
	"slices"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Answer is what the judge needs to know of a request that ended. Latencies are seconds from the due instant on, from
// the start where none is known, and NaN where the answer has none.
type Answer struct {
	Failed, Unfinished              bool // Unfinished: the end of the probe cut it off; it does not count
	Left                            bool // its user left; it does not count either, and nothing waits for it
	TTFT, TPOT, NTPOT, ITL, Latency float64
	FirstAudio, RTF                 float64 // of sounds; RTF is latency / seconds of sound

	API      string // "" if no request was made, which is over all bounds
	Textless bool   // it asked for no text
	Label    string // of its class of users
}

// AnswerOf returns the answer of a record. A request that was sent late has waited in the client, as a user would have:
// its TTFT, NTPOT and latency include the wait, and so do the figures of a sound. c is the result of the record's
// Counts.
func AnswerOf(r *record.Request, c record.Counts) Answer {
	a := Answer{Unfinished: r.Unfinished(), API: r.API, Textless: !r.Generates(), Label: r.Label}
	a.Left = r.ErrorType == record.ErrorAbandoned
	a.Failed = r.Failed() && !a.Unfinished
	wait := time.Duration(0)
	if r.Due != nil && *r.Due > 0 {
		wait = max(time.Duration(r.Start-*r.Due), 0)
	}
	a.TTFT = secondsFrom(r.TTFT())
	a.TPOT = secondsFrom(r.TPOT(c))
	a.ITL = secondsFrom(r.MeanITL())
	a.NTPOT = secondsFrom(r.NTPOT(c))
	a.Latency = (wait + r.Latency()).Seconds()
	a.TTFT += wait.Seconds()
	if c.Completion > 0 {
		a.NTPOT += wait.Seconds() / float64(c.Completion)
	}
	a.FirstAudio = secondsFrom(record.FirstAudio(r)) + wait.Seconds()
	a.RTF = math.NaN()
	if seconds, known := record.AudioSeconds(r); known {
		a.RTF = a.Latency / seconds
	}
	if len(r.Chunks) == 0 && r.Streaming && !a.Textless && !r.Noted(record.NoteWhole) {
		a.TTFT = math.Inf(1) // a stream without content never had a first token, however long one waits
	}
	return a
}

// secondsFrom returns a latency in seconds, NaN if it is unknown.
func secondsFrom(d time.Duration, known bool) float64 {
	if !known {
		return math.NaN()
	}
	return d.Seconds()
}

// latency returns a latency by the name that package record gives it.
func (a Answer) latency(name string) float64 {
	switch name {
	case "ttft":
		return a.TTFT
	case "tpot":
		return a.TPOT
	case "ntpot":
		return a.NTPOT
	case "itl":
		return a.ITL
	case "first_audio":
		return a.FirstAudio
	case "rtf":
		return a.RTF
	}
	return a.Latency
}

// finding is what an answer is to an objective.
type finding struct {
	known bool // else the objective is not about it, such as an ITL of one token
	kept  bool
	// margin orders the requests: all those kept come before all those that are not. It is the latency in seconds if
	// the objective has one bound; if it has several, the largest latency as a multiple of its bound; and infinite for
	// a request that failed.
	margin float64
}

// overAll is the finding of a request that is over every bound.
var overAll = finding{known: true, margin: math.Inf(1)}

// mark judges an answer that ended, by the rules of the reports: a success without any of the latencies is not judged.
func (a Answer) mark(o slo.Objective) finding {
	if !a.concerns(o) {
		return finding{}
	}
	if a.Failed {
		return overAll
	}
	m := finding{known: len(o.Bounds) == 0, kept: true}
	for _, b := range o.Bounds {
		v := a.latency(b.Latency)
		if math.IsNaN(v) || !record.Concerns(b.Latency, a.API, !a.Textless) {
			continue
		}
		m.known = true
		m.kept = m.kept && b.Keeps(v)
		if len(o.Bounds) > 1 {
			v /= b.Limit.Seconds()
		}
		m.margin = max(m.margin, v)
	}
	return m
}

// concerns reports whether the objective is about requests of the answer's API and label.
func (a Answer) concerns(o slo.Objective) bool {
	if !o.Concerns(a.Label) {
		return false
	}
	return len(o.Bounds) == 0 || a.API == "" || slices.ContainsFunc(o.Bounds, func(b slo.Bound) bool {
		return record.Concerns(b.Latency, a.API, !a.Textless)
	})
}

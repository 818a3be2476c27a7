package convert

import (
	"math"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// warnOfCuts warns of answers that were all cut off after the same time: no server breaks down so regularly.
func (w *warner) warnOfCuts(g *subset) {
	var cut record.Cuts
	for _, q := range g.all {
		if !record.IsCut(q.ErrorType) {
			continue
		}
		last := q.TTFO() + q.TokenSpan
		if math.IsNaN(last) {
			last = 0
		}
		cut.Add(seconds(last), seconds(g.run.Seconds(q.End-q.Start)))
	}
	after, alike := cut.Alike()
	w.warn(alike, "%d answers were cut off, each %s after it was asked for: a time limit of a proxy or of the server "+
		"ends them (timeout of Envoy's route)", cut.Count, after)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

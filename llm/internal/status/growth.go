package status

import (
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// parts is into how many parts a stage is cut to see whether it changes.
const parts = 3

// growth follows a stage with a rate and a duration, to tell whether the server kept up with the rate. If it does not,
// requests pile up: more are open at the end than before, and later ones wait longer for their first token.
type growth struct {
	open  int64
	at    [parts]int64 // open at the end of each part
	taken int          // how many of these have been
	parts [parts]sums
}

// sums are of the requests that began in a part of a stage and succeeded.
type sums struct {
	n                   float64
	ttft, tpot, latency time.Duration
}

// look notes how many requests are open at the end of each part that has passed since the last event of the stage.
func (g *growth) look(into, length time.Duration) {
	for g.taken < parts && into*parts >= length*time.Duration(g.taken+1) {
		g.at[g.taken] = g.open
		g.taken++
	}
}

// add counts a success that began so long after the stage did.
func (g *growth) add(r *record.Request, c record.Counts, into, length time.Duration) {
	ttft, known := r.TTFT()
	if !known || into < 0 || length <= 0 {
		return
	}
	s := &g.parts[min(int(into*parts/length), parts-1)]
	tpot, _ := r.TPOT(c)
	s.n++
	s.ttft, s.tpot, s.latency = s.ttft+ttft, s.tpot+tpot, s.latency+r.Latency()
}

// Bounds of what is taken for growth. They are far above what chance does to a stage with a few dozen requests.
const (
	fewest    = 5    // answers in the first part, and further open requests
	moreOpen  = 1.25 // times as many open at the end as at the end of the part before
	laterTTFT = 2    // times the mean of the first part, in the last
	laterTPOT = 1.5
	leastTTFT = 20 * time.Millisecond // by which the mean rises at least
)

// behind reports whether the server fell behind the rate of the stage.
func (g *growth) behind(length time.Duration) bool {
	before, end := float64(g.at[parts-2]), float64(g.at[parts-1])
	first, last := g.parts[0], g.parts[parts-1]
	if g.taken < parts || end < moreOpen*before || end-before < fewest || first.n < fewest {
		return false
	}
	if last.n == 0 { // none of those that began late was answered at all
		return true
	}
	ttft0, ttft1 := first.mean(first.ttft), last.mean(last.ttft)
	if ttft1 > laterTTFT*ttft0 && ttft1-ttft0 > leastTTFT {
		return true
	}
	// Batches slow down until as many requests are open as the rate asks for, which is no sign in a short stage.
	settled := first.mean(first.latency) < length/parts
	return settled && last.mean(last.tpot) > first.mean(first.tpot)*3/2
}

func (s sums) mean(sum time.Duration) time.Duration { return time.Duration(float64(sum) / s.n) }

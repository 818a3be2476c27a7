// Package warmup finds out when a server that is sent a steady load has become steady itself: when its TTFT and its
// throughput have stopped to change.
//
// The requests that ended in the second half of the time so far are cut into blocks, and a straight line is laid
// through the means of the blocks, whose scatter tells how well its slope is known, however much requests depend on
// their neighbours (batch means, Schmeiser 1982). The server is steady if both hold:
//
//   - The TTFT, of which the logarithm is taken, is certain to change by less than tolerance over the half, with an
//     error of 5 % on either side. It is not enough that no change can be seen: a change that matters can be ruled out
//     (two one-sided tests, Schuirmann 1987). A TTFT that varies much therefore takes more requests.
//
// - Neither the TTFT nor the throughput nor the time per token has a slope that stands out from its scatter, unless it
// is too small to matter.
//
// The second half is what Geweke (1992) compares with the beginning: it leaves a start that is over behind, and grows
// with the time, so that what changes more slowly is looked at for longer.
package warmup

import (
	"math"
	"slices"
	"sync"
	"time"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/seed-307b789f/xk6-llm/internal/rank"
)

const (
	blocks = 8
	// tolerance is the change of the logarithm of the TTFT that must be ruled out: by 35 %. slight is the change, as a
	// share, that does not matter even if it is certain.
	tolerance = 0.3
	slight    = 0.05
	// ruledOut is the error of either side at which a change is ruled out, and seen that at which it stands out.
	ruledOut, seen = 0.05, 0.02
	// mostFailed is the share of the requests that may fail.
	mostFailed = 0.1
	// Shortest is how long a warm-up lasts at least.
	Shortest = 10 * time.Second
	// The half that is looked at has at least so many answers in a block, and lasts at least so many times as long as a
	// request.
	leastSize, generations = 2, 2
	// The server fills until the slowest of the first requests has ended. What was due until then is not looked at.
	firstRequests = 10
	// Looks are made at numbers of answers that grow geometrically. So many in a row have to find the server steady.
	lookGrowth = 1.15
	inARow     = 2
	// shortestTTFT keeps logarithms in bounds, in seconds.
	shortestTTFT = 1e-6
)

// Answer is what counts of a request that has ended. Times are seconds, and NaN if unknown.
type Answer struct {
	Failed  bool
	Ignored bool    // it says nothing: its user left, or it was cut
	TTFT    float64 // or the whole latency, of one that was not streamed
	TPOT    float64
}

// Judge decides when the server is steady. All times are since the warm-up began. It may be used concurrently.
type Judge struct {
	mu    sync.Mutex
	first []request // that were sent
	sent  int
	ended []request // in the order in which they ended
	next  int       // number of them at which to look again
	row   int       // looks in a row that found the server steady
	found Finding

	looking sync.Mutex
}

// request is one that was sent.
type request struct {
	due, end time.Duration
	over     bool
	answer   Answer
}

// Finding is what a judge knows.
type Finding struct {
	Stable bool
	// First and Last are the TTFT, in seconds, at the beginning and at the latest look, as reports have it: the medians
	// of the first and of the last eighth of the answers. They are 0 before the first look.
	First, Last float64
}

// NewJudge returns a judge that has seen nothing.
func NewJudge() *Judge { return &Judge{next: leastSize * blocks} }

// Sent counts a request that is about to be sent, and returns its number for Ended.
func (j *Judge) Sent(due time.Duration) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.sent < firstRequests {
		j.first = append(j.first, request{due: due})
	}
	j.sent++
	return j.sent - 1
}

// Ended takes the answer of a request that was due at an instant, or sent then in a closed loop.
func (j *Judge) Ended(number int, due, end time.Duration, a Answer) {
	j.mu.Lock()
	defer j.mu.Unlock()
	q := request{due: due, end: max(end, due), over: true, answer: a}
	if number < len(j.first) {
		j.first[number] = q
	}
	if !a.Ignored {
		j.ended = append(j.ended, q)
	}
}

// Finding returns what is known.
func (j *Judge) Finding() Finding {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.found
}

// Look reports whether the server is steady. It is called a few times a second. It takes constant time unless the
// number of answers has grown by a seventh since it last looked at them. Then it takes a time in proportion to their
// number, in which it does not hold up Sent and Ended.
func (j *Judge) Look(now time.Duration) (stable bool) {
	j.looking.Lock()
	defer j.looking.Unlock()
	j.mu.Lock()
	filled, known := j.filled()
	n := len(j.ended)
	if j.found.Stable || !known || n < j.next {
		stable = j.found.Stable
		j.mu.Unlock()
		return stable
	}
	j.next = int(math.Ceil(lookGrowth * float64(n)))
	all := slices.Clip(j.ended)
	j.mu.Unlock()
	w := windowOf(all, max(filled, now/2), filled, now)
	steady := now >= Shortest && w.steady()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.show()
	if j.row++; !steady {
		j.row = 0
	}
	j.found.Stable = j.row >= inARow
	return j.found.Stable
}

// filled returns when the slowest of the first requests ended, and false while one of them is in flight or to come.
func (j *Judge) filled() (at time.Duration, known bool) {
	for _, q := range j.first {
		if !q.over {
			return 0, false
		}
		at = max(at, q.end-q.due)
	}
	return at, len(j.first) == firstRequests
}

// Final returns what is known once all answers have come.
func (j *Judge) Final() Finding {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.show()
	return j.found
}

// show keeps the TTFT that is shown.
func (j *Judge) show() {
	ttft := make([]float64, 0, len(j.ended))
	for _, q := range j.ended {
		if !q.answer.Failed && !math.IsNaN(q.answer.TTFT) {
			ttft = append(ttft, q.answer.TTFT)
		}
	}
	j.found.First, j.found.Last, _ = rank.Ends(ttft)
}

// window is the part of the answers that is looked at, in the order in which they ended.
type window struct {
	ttft          []float64 // logarithms
	tpot          []float64
	perBlock      []float64 // answers in blocks of equal time
	ended, failed int
	latency       float64 // mean, in seconds
	span          float64 // in seconds
}

// windowOf returns the answers between two instants to requests that were due when the server was filled.
func windowOf(all []request, from, filled, until time.Duration) window {
	w := window{perBlock: make([]float64, blocks), span: (until - from).Seconds()}
	for _, q := range all {
		if q.end < from || q.due < filled || q.end >= until {
			continue
		}
		w.ended++
		if q.answer.Failed {
			w.failed++
			continue
		}
		w.perBlock[min(blocks-1, int(blocks*(q.end-from).Seconds()/w.span))]++
		w.latency += (q.end - q.due).Seconds()
		if x := q.answer.TTFT; !math.IsNaN(x) {
			w.ttft = append(w.ttft, math.Log(max(x, shortestTTFT)))
		}
		if x := q.answer.TPOT; !math.IsNaN(x) {
			w.tpot = append(w.tpot, x)
		}
	}
	w.latency /= float64(max(1, w.ended-w.failed))
	return w
}

// steady reports whether nothing changes in the window any more.
func (w window) steady() bool {
	switch {
	case len(w.ttft) < leastSize*blocks, float64(w.failed) > mostFailed*float64(w.ended),
		w.span < generations*w.latency:
		return false
	}
	ttft := trendOf(blockMeans(w.ttft), 1)
	if !ttft.within(tolerance) || ttft.standsOut() || relative(w.perBlock).standsOut() {
		return false
	}
	return len(w.tpot) < leastSize*blocks || !relative(blockMeans(w.tpot)).standsOut()
}

// blockMeans returns the means of blocks of as many values each.
func blockMeans(values []float64) []float64 {
	means := make([]float64, blocks)
	for i := range means {
		means[i] = stat.Mean(values[i*len(values)/blocks:(i+1)*len(values)/blocks], nil)
	}
	return means
}

// trend is a straight line through the means of blocks: by how much it changes from the beginning of the first block to
// the end of the last, and the standard error of that.
type trend struct{ change, deviation float64 }

// relative returns the trend as a share of the mean.
func relative(means []float64) trend {
	return trendOf(means, max(stat.Mean(means, nil), math.SmallestNonzeroFloat64))
}

// trendOf returns the trend in a unit.
func trendOf(means []float64, unit float64) trend {
	n := float64(len(means))
	x := make([]float64, len(means))
	for i := range x {
		x[i] = float64(i) - (n-1)/2
	}
	middle, slope := stat.LinearRegression(x, means, nil, false)
	var rest, spread float64
	for i, y := range means {
		d := y - middle - slope*x[i]
		rest, spread = rest+d*d, spread+x[i]*x[i]
	}
	return trend{change: slope * n / unit, deviation: math.Sqrt(rest/(n-2)/spread) * n / unit}
}

// within reports whether the change is certain to be smaller than a bound, either way.
func (t trend) within(bound float64) bool {
	return math.Abs(t.change)+quantile(ruledOut)*t.deviation <= bound
}

// standsOut reports whether the change is certain to be one, and matters.
func (t trend) standsOut() bool { return math.Abs(t.change) > max(quantile(seen)*t.deviation, slight) }

// quantile returns by how many standard errors a trend may be off with an error.
func quantile(alpha float64) float64 {
	return distuv.StudentsT{Sigma: 1, Nu: blocks - 2}.Quantile(1 - alpha)
}

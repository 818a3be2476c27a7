package arrival

import (
	"iter"
	"math"
	"math/rand/v2"
	"time"
)

// Normalised is how inference-perf spreads the requests of its load types constant and concurrent: as many exponential
// gaps as the rate asks for, scaled so that the last arrival falls on the stage's end. The requests of a closed loop
// fall due like that within its first second, whatever its concurrency: what waits for a slot is late by design.
type Normalised struct {
	stopped func() bool // nil for never
}

// Interruptible returns a process whose Due ends soon after stopped returns true, even before the first instant, which
// some processes take long to draw.
func Interruptible(p Process, stopped func() bool) Process {
	if n, ok := p.(Normalised); ok {
		n.stopped = stopped
		return n
	}
	return p
}

// Due yields one instant per arrival.
func (p Normalised) Due(s Stage, src *rand.PCG) iter.Seq[time.Duration] {
	if s.Closed() {
		s = Stage{From: float64(s.Requests), To: float64(s.Requests), Duration: time.Second}
	}
	total := s.Area()
	return s.under(normalised(Count(total), total, src, p.stopped))
}

// stopCheck is after how many gaps it is asked whether to stop: some milliseconds.
const stopCheck = 1 << 17

// normalised yields n sums of exponential gaps, the last of which is the total. It draws the gaps twice from the same
// source, once to add them up.
func normalised(n int64, total float64, src *rand.PCG, stopped func() bool) iter.Seq[float64] {
	return func(yield func(float64) bool) {
		ahead := *src
		sum, at := 0.0, 0.0
		for i := range n {
			if i%stopCheck == 0 && stopped != nil && stopped() {
				return
			}
			sum += exponential(&ahead)
		}
		for range n {
			at += exponential(src)
			if !yield(math.Min(total, float64(at*total)/sum)) {
				return
			}
		}
	}
}

// BySecond is how inference-perf spreads the requests of its load type poisson: for one second after the other it draws
// their number, with the stage's rate as its mean, and normalises that many gaps to the second. It stops after as many
// as the rate asks for over the duration, so a stage ends with its last arrival, before or after its duration.
type BySecond struct{}

// Due yields one instant per arrival.
func (BySecond) Due(s Stage, src *rand.PCG) iter.Seq[time.Duration] {
	if s.Closed() {
		return Normalised{}.Due(s, src)
	}
	return func(yield func(time.Duration) bool) {
		left := Count(s.Area())
		for second := int64(0); left > 0 && second < lastSecond; second++ {
			n := poisson(s.rate(float64(second)+0.5), src)
			for at := range normalised(n, 1, src, nil) {
				if !yield(time.Duration(second)*time.Second + time.Duration(math.Round(float64(at*1e9)))) {
					return
				}
				if left--; left == 0 {
					return
				}
			}
		}
	}
}

// lastSecond is the last whole one that a time.Duration can hold.
const lastSecond = int64(math.MaxInt64 / time.Second)

// rate is the stage's after so many seconds; after its end, the one it reached.
func (s Stage) rate(seconds float64) float64 {
	return s.From + float64((s.To-s.From)*math.Min(1, seconds/s.Duration.Seconds()))
}

// poisson draws a number with a mean: that of exponential gaps of mean 1 which fit into it. It costs one draw each.
func poisson(mean float64, src *rand.PCG) (n int64) {
	for at := exponential(src); at < mean; at += exponential(src) {
		n++
	}
	return n
}

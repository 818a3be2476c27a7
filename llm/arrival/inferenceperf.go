package arrival

import (
	"iter"
	"math"
	"math/rand/v2"
	"time"
)

// Normalised spreads arrivals as inference-perf does for its load types constant and concurrent: it draws as many
// exponential gaps as the rate asks for, and scales them to make the last arrival fall on the stage's end. The arrivals
// of a closed loop fall due in the same way within its first second, whatever its concurrency: a request that waits for
// a slot is late by design.
type Normalised struct {
	stopped func() bool // nil means that nothing stops the draw
}

// Interruptible returns a process whose Due ends soon after stopped returns true, even before the first instant,
// because some processes take long to draw that one.
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

// stopCheck is the number of gaps between two calls of stopped. Drawing that many takes some milliseconds.
const stopCheck = 1 << 17

// normalised yields n running sums of exponential gaps, scaled to make the last one equal total. It draws the gaps
// twice from the same source, the first time to add them up.
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

// BySecond spreads arrivals as inference-perf does for its load type poisson: for each second in turn it draws the
// number of arrivals, with the stage's rate as its mean, and normalises that many gaps to the second. It stops after as
// many arrivals as the rate asks for over the duration, so a stage ends with its last arrival, before or after its
// duration.
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

// lastSecond is the last whole second that a time.Duration can hold.
const lastSecond = int64(math.MaxInt64 / time.Second)

// rate returns the stage's rate after the given number of seconds; after the end of the stage it returns the rate
// reached there.
func (s Stage) rate(seconds float64) float64 {
	return s.From + float64((s.To-s.From)*math.Min(1, seconds/s.Duration.Seconds()))
}

// poisson draws a Poisson number with the given mean: the number of exponential gaps of mean 1 whose sum stays below
// it. Each gap costs one draw.
func poisson(mean float64, src *rand.PCG) (n int64) {
	for at := exponential(src); at < mean; at += exponential(src) {
		n++
	}
	return n
}

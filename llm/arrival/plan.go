// Package arrival works out when requests are due: pure functions of stages, a process and a seed, with no clock and no
// waiting. The same seed gives the same schedule on every machine and with every version of Go.
package arrival

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/timespan"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Stage is a span of load: rates, in requests per second over all instances, or so many requests by so many at a time.
type Stage struct {
	From, To float64 // rate at the start and at the end, which it reaches in a straight line
	Duration time.Duration

	Requests, Concurrency int64         // of a closed loop; From, To and Duration are 0 then
	RampUp                time.Duration // over which a closed loop reaches its concurrency
}

// Closed reports whether the stage is a closed loop.
func (s Stage) Closed() bool { return s.Requests > 0 }

// Validate returns an error that names the first wrong field, and nil if the stage can be sent.
func (s Stage) Validate() error {
	switch {
	case s.RampUp < 0:
		return fmt.Errorf("rampUp must not be negative, got %v", s.RampUp)
	case s.RampUp > 0 && !s.Closed():
		return errors.New("rampUp is for stages of {requests, concurrency}, a rate rises by {target, duration}")
	case s.Requests < 0 || s.Concurrency < 0:
		return fmt.Errorf("requests and concurrency must be positive, got %d and %d", s.Requests, s.Concurrency)
	case s.Requests > maxArrivals || s.Concurrency > maxArrivals:
		return fmt.Errorf("requests and concurrency must be at most %d, got %d and %d", int64(maxArrivals), s.Requests,
			s.Concurrency)
	case s.Closed() && s.Concurrency == 0:
		return errors.New("requests need a concurrency")
	case s.Closed() && (s.Duration != 0 || s.From != 0 || s.To != 0):
		return errors.New("a stage of {requests, concurrency} takes no rate and no duration")
	case s.Closed():
		return nil
	case s.Concurrency > 0:
		return errors.New("concurrency needs requests")
	case s.Duration <= 0:
		return fmt.Errorf("duration must be positive, got %v", s.Duration)
	}
	for _, rate := range [...]float64{s.From, s.To} {
		if !(rate >= 0) || rate > maxRate {
			return fmt.Errorf("rate must be a number from 0 to %g, got %v", float64(maxRate), rate)
		}
	}
	return nil
}

// Opens returns when a slot of a closed loop, 0 to Concurrency - 1, starts to take requests, after the stage's start.
// Slots that open at once end their requests at once, if these are alike, and start the next ones in waves.
func (s Stage) Opens(slot int64) time.Duration {
	return time.Duration(float64(s.RampUp) * float64(slot) / float64(s.Concurrency))
}

// maxRate keeps the numbers of arrivals in bounds.
const maxRate = 1e7

// Area returns the number of arrivals to expect of a stage that has a rate.
func (s Stage) Area() float64 { return s.ramp().Area() }

func (s Stage) ramp() record.Ramp {
	return record.Ramp{From: s.From, To: s.To, Seconds: s.Duration.Seconds()}
}

// At returns when the area under the rate reaches a value, at most the stage's duration.
func (s Stage) At(area float64) time.Duration {
	if area <= 0 {
		return 0
	}
	t := s.ramp().At(area)
	return time.Duration(math.Min(math.Round(float64(t*1e9)), float64(s.Duration)))
}

// Plan is the load of one scenario.
type Plan struct {
	Stages  []Stage
	Process Process
	Seed    int64
}

// maxArrivals is how many arrivals a load may have: the numbers up to it are exact in a float64 and in JavaScript.
const maxArrivals = 1 << 53

// Validate refuses stages that together cannot be timed or counted; [Stage.Validate] is for each of them.
func (p Plan) Validate() error {
	var seconds, arrivals float64
	for _, s := range p.Stages {
		seconds += s.Duration.Seconds()
		arrivals += float64(s.Requests) + (s.From+s.To)/2*s.Duration.Seconds()
	}
	switch {
	case seconds > timespan.Max.Seconds():
		return fmt.Errorf("the stages must not last longer than 1000000h together, got %.0fh", seconds/3600)
	case arrivals > maxArrivals:
		return fmt.Errorf("the stages must have at most %d arrivals together, got %.4g", int64(maxArrivals), arrivals)
	}
	return nil
}

// Due yields when the arrivals of one stage are due, after the stage's start, in order; of a closed loop none, unless
// the process has them fall due at instants all the same. It keeps no list: any number of arrivals costs the same
// memory.
func (p Plan) Due(stage int) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		src := rand.NewPCG(uint64(p.Seed), uint64(stage)) // reproducible is what is wanted
		p.Process.Due(p.Stages[stage], src)(yield)
	}
}

// Some reports whether a stage has an arrival.
func (p Plan) Some(stage int) bool {
	switch p.Process.(type) {
	case Poisson, Gamma:
		for range p.Due(stage) {
			return true
		}
		return false
	}
	return p.Most(stage) > 0
}

// mostArrivals keeps numbers of arrivals in bounds where a burstiness is next to nothing.
const mostArrivals = 1e17

// Most is how many arrivals a stage has; of Poisson and Gamma, whose number varies, one that hardly any draw exceeds.
func (p Plan) Most(stage int) int64 {
	s := p.Stages[stage]
	if s.Closed() {
		return s.Requests
	}
	area, varies := s.Area(), 0.0 // times the area, the variance
	switch process := p.Process.(type) {
	case Poisson:
		varies = 1
	case Gamma:
		varies = max(1, 1/process.Burstiness)
	}
	return Count(min(area+5*math.Sqrt(area*varies)+10*varies, mostArrivals))
}

// Length is how long a stage lasts whose last arrival was due at an instant after its start: its duration; under
// BySecond, which counts arrivals and not time, until that arrival.
func (p Plan) Length(stage int, last time.Duration) time.Duration {
	if _, counts := p.Process.(BySecond); counts {
		return last
	}
	return p.Stages[stage].Duration
}

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

// Stage is a span of load: either rates, in requests per second over all instances, or a closed loop with a fixed
// number of requests in flight, which ends after a number of requests or after a time.
type Stage struct {
	From, To float64 // rates at the start and at the end, with a straight line between them; 0 in a closed loop
	Duration time.Duration

	Requests    int64         // of a closed loop that ends with its last request; its Duration is 0
	Concurrency int64         // of a closed loop
	RampUp      time.Duration // over which a closed loop reaches its concurrency
	// Dispatch bounds the rate at which a closed loop of Requests begins them, per second over all instances; 0 means
	// no bound.
	Dispatch float64
	// Timeout is after which a closed loop of Requests begins no further one; 0 means never.
	Timeout time.Duration

	// Warmup is how long the stage warms up: no figure has the requests that are due until then, or sent in a closed
	// loop.
	Warmup time.Duration
	// Kind is one of the constants record.Warmup… if all of the stage is a warm-up, and "" otherwise. One until the
	// server is steady ends early, and Duration is its bound.
	Kind string
}

// Closed reports whether the stage is a closed loop.
func (s Stage) Closed() bool { return s.Concurrency > 0 || s.Requests > 0 }

// Counted reports whether the stage is a closed loop that ends with its last request.
func (s Stage) Counted() bool { return s.Requests > 0 }

// Validate returns an error that names the first wrong field, and nil if the stage can be sent.
func (s Stage) Validate() error {
	if s.RampUp != 0 || s.Requests != 0 || s.Concurrency != 0 || s.Timeout != 0 || s.Dispatch != 0 {
		if err := s.validateLoop(); err != nil {
			return err
		}
	}
	switch {
	case s.Duration < 0 || s.Duration == 0 && !s.Closed():
		return errDuration(s.Duration)
	}
	if err := s.validateWarmup(); err != nil {
		return err
	}
	for _, rate := range [...]float64{s.From, s.To} {
		if !(rate >= 0) || rate > maxRate {
			return fmt.Errorf("rate must be a number from 0 to %g, got %v", float64(maxRate), rate)
		}
	}
	return nil
}

func errDuration(d time.Duration) error { return fmt.Errorf("duration must be positive, got %v", d) }

// validateLoop checks the fields of a closed loop.
func (s Stage) validateLoop() error {
	switch {
	case s.Duration < 0:
		return errDuration(s.Duration)
	case s.RampUp < 0:
		return fmt.Errorf("rampUp must not be negative, got %v", s.RampUp)
	case s.Timeout < 0:
		return fmt.Errorf("timeout must not be negative, got %v", s.Timeout)
	case s.Timeout > 0 && !s.Counted():
		return errors.New("timeout is for stages of {requests, concurrency}, all others end after their duration")
	case s.Requests == 0 && s.Concurrency == 0:
		return errors.New("rampUp is for stages with a concurrency, a rate rises by {target, duration}")
	case s.Requests < 0 || s.Concurrency < 0:
		return fmt.Errorf("requests and concurrency must be positive, got %d and %d", s.Requests, s.Concurrency)
	case s.Requests > maxArrivals || s.Concurrency > maxArrivals:
		return fmt.Errorf("requests and concurrency must be at most %d, got %d and %d", int64(maxArrivals), s.Requests,
			s.Concurrency)
	case s.Concurrency == 0:
		return errors.New("requests need a concurrency, or a rate at which they begin")
	case s.From != 0 || s.To != 0 || s.Dispatch != 0 && !s.Counted():
		return errors.New("a stage with a concurrency takes no rate, unless it is one of {requests, concurrency}")
	case !(s.Dispatch >= 0) || s.Dispatch > maxRate:
		return fmt.Errorf("rate must be a number from 0 to %g, got %v", float64(maxRate), s.Dispatch)
	case s.Counted() && s.Duration > 0:
		return errors.New("requests and duration do not go together: the stage ends either after so many requests, " +
			"as in {requests: 400, concurrency: 8}, or after a time, as in {concurrency: 8, duration: '30s'}")
	case !s.Counted() && s.Duration == 0:
		return errors.New("concurrency needs requests, or a duration")
	case !s.Counted() && s.RampUp > s.Duration:
		return fmt.Errorf("rampUp (%v) must not be longer than the stage (%v)", s.RampUp, s.Duration)
	}
	return nil
}

// Numbers returns how many numbers of arrivals a closed loop takes, over all instances. A loop that ends after a time
// takes more than it can send: instances do not know how many the others send, and must agree on the numbers of the
// next stage.
func (s Stage) Numbers() int64 {
	if s.Counted() {
		return s.Requests
	}
	return max(1, int64(min(mostNumbers, float64(s.Concurrency)*math.Ceil(s.Duration.Seconds())*loopRate)))
}

const (
	loopRate    = 10_000  // requests per second that no server and client exceed with one request in flight
	mostNumbers = 1 << 36 // that no stage exceeds; a run's numbers may reach 1 << 40
)

// Opens returns how long after the stage's start a slot of a closed loop, 0 to Concurrency - 1, starts to take
// requests. Slots that open together, with requests of equal length, also end their requests together and start the
// next ones in waves.
func (s Stage) Opens(slot int64) time.Duration {
	return time.Duration(float64(s.RampUp) * float64(slot) / float64(s.Concurrency))
}

// maxRate keeps the numbers of arrivals in bounds.
const maxRate = 1e7

// Area returns the expected number of arrivals in a stage that has a rate.
func (s Stage) Area() float64 { return s.ramp().Area() }

func (s Stage) ramp() record.Ramp {
	return record.Ramp{From: s.From, To: s.To, Seconds: s.Duration.Seconds()}
}

// At returns the time after which the area under the rate reaches a value, at most the stage's duration.
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
	// Sessions tells descriptions of the plan that its arrivals are sessions, each of which sends several requests.
	Sessions bool
}

// maxArrivals is the largest number of arrivals that a load may have: float64 and JavaScript hold every whole number up
// to it exactly.
const maxArrivals = 1 << 53

// Validate returns an error if the stages together cannot be timed or counted; [Stage.Validate] checks each of them.
func (p Plan) Validate() error {
	var seconds, arrivals float64
	for _, s := range p.Stages {
		seconds += s.Duration.Seconds() + s.Timeout.Seconds()
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

// Due yields the due times of one stage's arrivals, after the stage's start, in order. A closed loop has none, unless
// its process makes the arrivals fall due at instants all the same; whoever sends it knows when those with a Dispatch
// are. Due keeps no list: any number of arrivals costs the same memory.
func (p Plan) Due(stage int) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		if p.Stages[stage].Dispatch > 0 {
			return
		}
		src := rand.NewPCG(uint64(p.Seed), p.stream(stage)) // reproducible on purpose
		p.Process.Due(p.Stages[stage], src)(yield)
	}
}

// stream returns the number of the randomness of a stage. Stages that are warm-ups are counted by themselves, from the
// far end, so that adding one leaves the arrivals of the others as they are.
func (p Plan) stream(stage int) uint64 {
	before := uint64(0)
	for _, s := range p.Stages[:stage] {
		if s.Warming() == p.Stages[stage].Warming() {
			before++
		}
	}
	if p.Stages[stage].Warming() {
		return math.MaxUint64 - before
	}
	return before
}

// HasArrival reports whether a stage has an arrival.
func (p Plan) HasArrival(stage int) bool {
	switch p.Process.(type) {
	case Poisson, Gamma:
		for range p.Due(stage) {
			return true
		}
		return false
	}
	return p.Most(stage) > 0
}

// CheckArrivals returns an error if no stage has an arrival.
func (p Plan) CheckArrivals() error {
	for i := range p.Stages {
		if p.HasArrival(i) {
			return nil
		}
	}
	return fmt.Errorf("the load sends nothing: %s is less than one request", p)
}

// mostArrivals keeps numbers of arrivals in bounds where a burstiness is close to 0.
const mostArrivals = 1e17

// Most returns how many arrivals a stage has. Under Poisson and Gamma, whose number varies, it returns a bound that
// hardly any draw exceeds.
func (p Plan) Most(stage int) int64 {
	s := p.Stages[stage]
	if s.Closed() {
		return s.Numbers()
	}
	area, varies := s.Area(), 0.0 // varies times the area is the variance
	switch process := p.Process.(type) {
	case Poisson:
		varies = 1
	case Gamma:
		varies = max(1, 1/process.Burstiness)
	}
	return Count(min(area+5*math.Sqrt(area*varies)+10*varies, mostArrivals))
}

// Length returns how long a stage lasts, given the due time of its last arrival: its duration, except under BySecond,
// which counts arrivals and not time, and whose stage lasts until that arrival.
func (p Plan) Length(stage int, last time.Duration) time.Duration {
	if _, counts := p.Process.(BySecond); counts {
		return last
	}
	return p.Stages[stage].Duration
}

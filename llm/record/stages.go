package record

import (
	"math"
	"math/big"
	"strconv"
	"time"
)

// How a stage ended, as its Status tells, if it was not stopped for a reason.
const (
	StageCompleted   = "completed"
	StageInterrupted = "interrupted"
	StageTimedOut    = "timed_out" // its timeout was over before its last request or session had ended

	// of a warm-up until the server is steady: it became steady, or not before the stage was over
	StageStable    = "stable"
	StageNotStable = "not_stable"
)

// Which stages are warm-ups as a whole.
const (
	WarmupWhole       = "whole"        // as long as the stage lasts
	WarmupUntilStable = "until_stable" // until the server is steady; the duration of the stage is the bound
)

// WarmsUp reports whether all of the stage is a warm-up.
func (s Stage) WarmsUp() bool { return s.WarmupStage != "" }

// Ramp is a rate, per second over all instances, that goes in a straight line from From to To within Seconds. A
// constant rate is a ramp between equals.
type Ramp struct{ From, To, Seconds float64 }

// Ramp returns the rate of a stage, and false for a stage that has none, such as a closed loop.
func (s Stage) Ramp() (Ramp, bool) {
	if s.Rate == nil || s.Duration == nil {
		return Ramp{}, false
	}
	r := Ramp{*s.Rate, *s.Rate, *s.Duration}
	if s.From != nil {
		r.From = *s.From
	}
	return r, true
}

// Measured returns the part of a stage after its warm-up, which is what figures are about. The number of requests of a
// closed loop stays, because nobody knows how many of them the warm-up takes.
func (s Stage) Measured() Stage {
	if s.Warmup == nil {
		return s
	}
	warmup := *s.Warmup
	s.Warmup = nil
	if s.Duration == nil {
		return s
	}
	if r, ok := s.Ramp(); ok && s.From != nil {
		s.From = new(r.From + (r.To-r.From)*min(1, warmup/r.Seconds))
	}
	s.Duration = new(max(0, *s.Duration-warmup))
	return s
}

// MeanRate returns the mean of the rates at the beginning and the end of a stage that has a rate.
func (s Stage) MeanRate() float64 {
	if s.From == nil {
		return *s.Rate
	}
	return (*s.From + *s.Rate) / 2
}

// Area returns the number of arrivals to expect, (From + To)/2 × Seconds, computed as the decimal fractions the numbers
// were written as: 0.29 per second over 100 s is 29, not a hair less.
func (r Ramp) Area() float64 {
	sum := new(big.Rat).Add(decimal(r.From), decimal(r.To))
	sum.Mul(sum, decimal(r.Seconds))
	area, _ := sum.Mul(sum, big.NewRat(1, 2)).Float64()
	return area
}

// decimal returns the number that the shortest decimal notation of x stands for.
func decimal(x float64) *big.Rat {
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(x, 'g', -1, 64))
	if !ok {
		return new(big.Rat)
	}
	return r
}

// Between returns the arrivals to expect between two instants, in seconds after the beginning of the ramp.
func (r Ramp) Between(from, to float64) float64 {
	from, to = max(from, 0), min(to, r.Seconds)
	if from >= to {
		return 0
	}
	middle := (from + to) / 2 / r.Seconds
	return (to - from) * (r.From + (r.To-r.From)*middle)
}

// At returns the seconds after which the area under the rate reaches a positive value: the positive root of
// slope/2·t² + From·t = area, in the form that loses no digits however flat the ramp. It may exceed Seconds. The
// conversions to float64 keep the compiler from fusing operations, so every machine returns the same.
func (r Ramp) At(area float64) float64 {
	if r.From == r.To {
		return area / r.From
	}
	slope := (r.To - r.From) / r.Seconds
	under := float64(r.From*r.From) + float64(float64(2*slope)*area)
	return float64(2*area) / (r.From + math.Sqrt(math.Max(0, under)))
}

// edge is how far past its end, in seconds, an instant still counts as the end of a stage: instants that are computed
// from rates carry rounding errors.
const edge = 1e-9

// StageAt returns the index of the stage that runs the given seconds after the scenario's start. An arrival due at the
// very end of a stage, as the last of a ramp always is, belongs to that stage. After the last stage it is the last, and
// -1 for a scenario without stages.
func (s Scenario) StageAt(seconds float64) int {
	if len(s.Stages) == 0 {
		return -1
	}
	last := len(s.Stages) - 1
	for _, stage := range s.Stages[:last] {
		if stage.Duration == nil || seconds <= *stage.Duration+edge {
			return stage.Index
		}
		seconds -= *stage.Duration
	}
	return s.Stages[last].Index
}

// StageAt returns the index of the stage that runs in the named scenario so long after its start, and -1 if the
// scenario is not among the given ones or has no stages.
func StageAt(scenarios []Scenario, name string, elapsed time.Duration) int {
	for _, s := range scenarios {
		if s.Name == name {
			return s.StageAt(elapsed.Seconds())
		}
	}
	return -1
}

// StageNumber returns the index in the whole run of the i-th stage of the named scenario, and -1 if there is none.
func StageNumber(scenarios []Scenario, name string, i int) int {
	for _, s := range scenarios {
		if s.Name == name && i < len(s.Stages) {
			return s.Stages[i].Index
		}
	}
	return -1
}

package arrival

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"go.k6.io/k6/v2/lib/types"
	"gopkg.in/guregu/null.v3"

	"github.com/seed-307b789f/xk6-llm/internal/timespan"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Defaults of options that scenarios(), pace() and the executor share.
const (
	DefaultGracefulStop    = 120 * time.Second // how long requests in flight may go on after the end of a stage
	DefaultExpectedLatency = 10 * time.Second  // how long a request takes, from which the number of VUs follows
	MaxClosedLoop          = 24 * time.Hour    // how long k6 lets a stage go on that ends with its last request
)

// Load is the load of one scenario as its options describe it: every option of k6's ramping-arrival-rate with the same
// meaning, and more. Its JSON is the executor's, and null stands for the default. [Load.Plan] turns the options into a
// [Plan]; the zero value has no stage, so its plan is an error. The plan of a search has no stages either.
type Load struct {
	StartRate null.Float         `json:"startRate"` // per TimeUnit; the rate from which a first {target, duration} starts
	TimeUnit  types.NullDuration `json:"timeUnit"`  // of all rates; 1s by default
	Stages    []StageOptions     `json:"stages"`
	// By default, as many VUs as the highest rate × ExpectedLatency, and at most ten times that number, but no more
	// than there are arrivals.
	PreAllocatedVUs null.Int `json:"preAllocatedVUs"`
	MaxVUs          null.Int `json:"maxVUs"`

	Arrival         null.String        `json:"arrival"`    // see [ByName], or "trace"
	Burstiness      null.Float         `json:"burstiness"` // of arrival "gamma"
	Seed            null.Int           `json:"seed"`
	Interval        types.NullDuration `json:"interval"` // pause between stages
	Drain           null.Bool          `json:"drain"`    // wait for requests in flight before the next stage
	ExpectedLatency types.NullDuration `json:"expectedLatency"`
	Trace           []float64          `json:"trace"` // seconds, of arrival "trace"
	// Warmup is a time of each stage that does not state its own, or until the server is steady, before all stages.
	Warmup Warmup `json:"warmup"`

	// Search finds the highest load within an SLO, in place of Stages.
	Search *SearchOptions `json:"search"`
}

// SearchOptions describe a search for the highest load at which a server keeps an SLO. Package llm/internal/search has
// the defaults, and checks the options.
type SearchOptions struct {
	Over       null.String        `json:"over"`       // rate or concurrency
	SLO        null.String        `json:"slo"`        // as package internal/slo reads it
	Tiers      []SearchTier       `json:"tiers"`      // several SLOs in place of SLO
	Min        null.Float         `json:"min"`        // the lowest load to try
	Max        null.Float         `json:"max"`        // the highest
	Resolution null.Float         `json:"resolution"` // ratio, less 1, of two loads between which the answer lies
	Confidence null.Float         `json:"confidence"` // of the interval around the answer
	Probe      types.NullDuration `json:"probe"`      // the longest time that a load is measured
	Hold       types.NullDuration `json:"hold"`       // the longest time that the answer is measured once more
	MaxProbes  null.Int           `json:"maxProbes"`
}

// SearchTier is one of several SLOs.
type SearchTier struct {
	Name string `json:"name"`
	SLO  string `json:"slo"`
}

// StageOptions describes a stage in one of four forms: {rate, duration} holds a rate, {target, duration} ramps to a
// rate in a straight line, as in k6, and {requests, concurrency, rampUp, rate, timeout} and {concurrency, duration,
// rampUp} are closed loops. The rate of a closed loop is the highest at which its requests begin; with it the
// concurrency may be left out. Each form may have a warmup.
type StageOptions struct {
	Target      null.Float         `json:"target"`
	Rate        null.Float         `json:"rate"`
	Duration    types.NullDuration `json:"duration"`
	Requests    null.Int           `json:"requests"`
	Concurrency null.Int           `json:"concurrency"`
	RampUp      types.NullDuration `json:"rampUp"`
	Timeout     types.NullDuration `json:"timeout"`
	Warmup      Warmup             `json:"warmup"`
}

// Closed reports whether the stage is a closed loop.
func (o StageOptions) Closed() bool { return o.Requests.Valid || o.Concurrency.Valid }

// Check returns an error unless the stage has exactly one whole form. It requires a duration of every stage with a
// rate, while [Load.Plan] treats a stage of no duration as a jump to another rate.
func (o StageOptions) Check() error {
	s, err := o.stage(0, time.Second)
	switch {
	case err != nil:
		return err
	case !s.Closed() && s.Duration == 0 && !o.Closed():
		return errNoDuration
	}
	return s.Validate()
}

var (
	errNoStages   = errors.New("stages are missing, as in {stages: [{rate: 5, duration: '30s'}]}")
	errNoDuration = errors.New("needs a duration")
)

// stage returns the stage that follows the rate from. unit is the time unit of the options' rates.
func (o StageOptions) stage(from float64, unit time.Duration) (Stage, error) {
	s := Stage{Duration: o.Duration.TimeDuration(), RampUp: o.RampUp.TimeDuration(), Timeout: o.Timeout.TimeDuration(),
		Warmup: o.Warmup.TimeDuration(), Kind: o.Warmup.Kind}
	switch {
	case s.Kind != record.WarmupUntilStable:
	case o.Warmup.Most > 0:
		return s, fmt.Errorf("warmup: '%s' ends with its stage at the latest: give the stage the duration %v",
			UntilStable,
			o.Warmup.Most)
	case s.Duration == 0 && !o.Requests.Valid && !o.Target.Valid:
		s.Duration = DefaultBound
	}
	switch {
	case o.Closed() && o.Target.Valid, o.Rate.Valid && o.Concurrency.Valid && !o.Requests.Valid,
		!o.Closed() && o.Rate.Valid == o.Target.Valid:
		return Stage{}, errors.New("must be one of {rate, duration}, {target, duration}, " +
			"{requests, concurrency, rate, timeout}, {concurrency, duration}")
	case o.Closed():
		err := o.loop(&s, unit)
		return s, err
	case o.Timeout.Valid && s.Timeout == 0:
		return Stage{}, errTimeout
	case o.Rate.Valid && s.Duration == 0:
		return Stage{}, errNoDuration
	case o.Rate.Valid:
		rate := perSecond(o.Rate.Float64, unit)
		s.From, s.To = rate, rate
		return s, nil
	}
	s.From, s.To = from, perSecond(o.Target.Float64, unit)
	if s.To < 0 || s.Duration < 0 {
		return Stage{}, fmt.Errorf("target and duration must not be negative, got %v and %v", o.Target.Float64,
			s.Duration)
	}
	return s, nil
}

var errTimeout = errors.New("timeout must be positive, got 0s")

// loop sets the fields of a closed loop.
func (o StageOptions) loop(s *Stage, unit time.Duration) error {
	s.Requests, s.Concurrency = o.Requests.Int64, o.Concurrency.Int64
	switch {
	case o.Timeout.Valid && s.Timeout == 0:
		return errTimeout
	case !o.Rate.Valid:
		return nil
	case !(o.Rate.Float64 > 0):
		return fmt.Errorf("rate must be positive, got %v", o.Rate.Float64)
	}
	s.Dispatch = perSecond(o.Rate.Float64, unit)
	if !o.Concurrency.Valid {
		s.Concurrency = s.Requests
	}
	return nil
}

func perSecond(rate float64, unit time.Duration) float64 {
	if unit > 0 && unit != time.Second {
		return rate / unit.Seconds()
	}
	return rate
}

// Plan turns the options into the plan of the load. It leaves out stages of no duration: each only sets the rate from
// which the next stage starts. Errors name the option, or the stage by its number in Stages, from 0.
func (l *Load) Plan() (Plan, error) {
	p := Plan{Seed: l.Seed.Int64}
	if l.Search != nil {
		return searchPlan(l, p)
	}
	if l.Arrival.String == "trace" || len(l.Trace) > 0 {
		return l.tracePlan(p)
	}
	var err error
	if p.Process, err = ByName(l.Arrival.String, l.Burstiness.Float64); err != nil {
		return p, err
	}
	if len(l.Stages) == 0 {
		return p, errNoStages
	}
	if p.Stages, err = l.stages(); err != nil {
		return p, err
	}
	if len(p.Stages) == 0 {
		return p, errors.New("no stage has a duration")
	}
	return p, p.Validate()
}

// stages returns the stages that have a load, or the error of the first invalid one.
func (l *Load) stages() (stages []Stage, err error) {
	unit := l.TimeUnit.TimeDuration()
	from := perSecond(l.StartRate.Float64, unit)
	all, err := l.warmFirst()
	if err != nil {
		return nil, err
	}
	given := len(l.Stages) - len(all) // number of the first in Stages; -1 is a warm-up before them
	for i, o := range all {
		i += given
		s, err := o.stage(from, unit)
		if err != nil {
			return nil, fmt.Errorf("stage %d: %w", i, err)
		}
		from = s.To
		if s.Duration == 0 && !o.Closed() {
			continue
		}
		if !o.Warmup.Valid {
			s.Warmup = l.Warmup.TimeDuration()
		}
		if err := s.Validate(); err != nil {
			return nil, fmt.Errorf("stage %d: %w", i, err)
		}
		stages = append(stages, s)
	}
	return stages, checkWarmups(stages)
}

func (l *Load) tracePlan(p Plan) (Plan, error) {
	switch {
	case len(l.Trace) == 0:
		return p, errors.New("arrival 'trace' needs trace, the seconds of the arrivals")
	case l.Arrival.Valid && l.Arrival.String != "trace":
		return p, fmt.Errorf("trace goes with arrival 'trace', not %q", l.Arrival.String)
	case len(l.Stages) > 0:
		return p, errors.New("a trace takes no stages")
	case l.Warmup.Kind != "":
		return p, fmt.Errorf("a trace is one stage, and warmup: %s would leave nothing of it to measure: give a time, "+
			"such as '10s'", l.Warmup.Text())
	}
	trace, err := NewTrace(l.Trace)
	if err != nil {
		return p, err
	}
	s := trace.Stage()
	s.Warmup = l.Warmup.TimeDuration()
	p.Process, p.Stages = trace, []Stage{s}
	return p, s.Validate()
}

// CheckStages returns an error if a stage is invalid, if all stages together have more arrivals than can be counted, or
// if the last one ends too late to be timed when the first starts at the given time after the test. It does not look at
// the arrival process.
func (l *Load) CheckStages(start time.Duration) error {
	if len(l.Stages) == 0 && l.Trace == nil {
		return errNoStages
	}
	stages, err := l.stages()
	if err != nil {
		return err
	}
	pauses := float64(len(l.Stages)) * l.Interval.TimeDuration().Hours()
	if hours := start.Hours() + pauses; hours > timespan.Max.Hours() {
		return fmt.Errorf("startTime and the intervals must not be longer than 1000000h together, got %.0fh", hours)
	}
	p := Plan{Stages: stages, Process: Constant{}}
	if err := p.Validate(); err != nil || l.Arrival.Valid && l.Arrival.String != "constant" || len(stages) == 0 {
		return err
	}
	return p.CheckArrivals()
}

// CheckEnd returns an error if the end of a plan of the load, with its start, its pauses and the waits of gracefulStop,
// is too far away to be timed.
func (l *Load) CheckEnd(p Plan, start, gracefulStop time.Duration) error {
	n := float64(len(p.Stages))
	hours := start.Hours() + n*(MaxClosedLoop+l.Interval.TimeDuration()).Hours() + (n+1)*gracefulStop.Hours()
	for _, s := range p.Stages {
		hours += s.Duration.Hours()
	}
	if hours > 2*timespan.Max.Hours() {
		return fmt.Errorf("the scenario with its startTime, its intervals and gracefulStop must not last longer "+
			"than 2000000h, got %.0fh", hours)
	}
	return nil
}

// Duration returns how long a plan of the load lasts with its pauses, without waits for requests in flight. A closed
// loop of a number of requests counts with the expected latency of each, and as at least ten minutes, but with no more
// than its timeout.
func (l *Load) Duration(p Plan) time.Duration {
	d := time.Duration(len(p.Stages)-1) * l.Interval.TimeDuration()
	for _, s := range p.Stages {
		if s.Counted() {
			d += s.expected(l.Latency())
		}
		d += s.Duration
	}
	return d
}

// expected returns how long a closed loop of a number of requests may last if each takes the given time.
func (s Stage) expected(latency time.Duration) time.Duration {
	rounds := (s.Requests-1)/s.Concurrency + 1
	expected := float64(rounds) * float64(latency)
	if s.Dispatch > 0 {
		expected = max(expected, float64(s.Requests)/s.Dispatch*1e9+float64(latency))
	}
	d := max(leastLoop, time.Duration(min(expected, float64(MaxClosedLoop))))
	if s.Timeout > 0 {
		d = min(d, s.Timeout)
	}
	return d
}

const leastLoop = 10 * time.Minute // as k6 says of its shared-iterations

// VUs returns how many VUs a plan of the load starts with and how many it may have, over all instances.
func (l *Load) VUs(p Plan) (preAllocated, most int64) {
	inFlight, arrivals := p.inFlight(l.Latency())
	if slices.ContainsFunc(p.Stages, func(s Stage) bool { return !s.Closed() }) {
		return l.vus(inFlight, arrivals)
	}
	slots := inFlight
	for _, s := range p.Stages {
		slots = max(slots, min(s.Concurrency, s.Numbers()))
	}
	preAllocated, most = l.vus(inFlight, slots)
	if !l.MaxVUs.Valid {
		most = max(most, slots)
	}
	return preAllocated, most
}

// Latency returns how long a request is expected to take.
func (l *Load) Latency() time.Duration {
	if l.ExpectedLatency.Valid {
		return l.ExpectedLatency.TimeDuration()
	}
	return DefaultExpectedLatency
}

// vus returns the numbers of VUs for the given number of requests in flight: that number, and room for ten times as
// many, but no more VUs than arrivals. The options preAllocatedVUs and maxVUs take precedence.
func (l *Load) vus(inFlight, arrivals int64) (preAllocated, most int64) {
	preAllocated = inFlight
	if l.PreAllocatedVUs.Valid {
		preAllocated = max(1, l.PreAllocatedVUs.Int64)
	}
	most = max(preAllocated, min(10*preAllocated, arrivals))
	if l.MaxVUs.Valid {
		most, preAllocated = l.MaxVUs.Int64, min(preAllocated, l.MaxVUs.Int64)
	}
	return preAllocated, most
}

// rateVUs returns the numbers of VUs for a rate per second and a number of arrivals. A VU holds one request at a time.
func (l *Load) rateVUs(rate float64, arrivals int64) (preAllocated, most int64) {
	return l.vus(max(1, min(int64(math.Ceil(rate*l.Latency().Seconds())), arrivals)), arrivals)
}

// maxSum keeps sums over stages in bounds.
const maxSum = 1e17

// inFlight returns how many requests of a plan are in flight at most if each takes the given latency, at least 1, and
// how many arrivals the plan has. A stage adds no more requests than it has arrivals to those that the stages before it
// left in flight.
func (p Plan) inFlight(latency time.Duration) (most, arrivals int64) {
	most, before := 1, int64(0)
	for i, s := range p.Stages {
		n := p.Most(i)
		arrivals = min(arrivals+n, maxSum)
		expected := func(rate float64) int64 { return int64(min(maxSum, math.Ceil(rate*latency.Seconds()))) }
		switch {
		case s.Dispatch > 0:
			before = min(s.Concurrency, n, max(1, expected(s.Dispatch)))
		case s.Closed():
			before = min(s.Concurrency, n)
		default:
			before = min(expected(max(s.From, s.To)), before+n)
		}
		most = max(most, before)
	}
	return most, arrivals
}

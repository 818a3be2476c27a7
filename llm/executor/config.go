// Package executor is the k6 executor llm-arrival-rate: a thin loop over the arrivals that package arrival works out.
// It starts an iteration at each arrival, tells it when it was due, and gives every arrival its own number over all
// instances.
package executor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/lib/executor"
	"go.k6.io/k6/v2/lib/types"
	"gopkg.in/guregu/null.v3"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/timespan"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Defaults.
const (
	defaultGracefulStop    = 120 * time.Second
	defaultExpectedLatency = 10 * time.Second
	maxClosedLoop          = 24 * time.Hour // what k6 is told a stage of {requests, concurrency} lasts at most
)

// Config is a scenario of this executor: every option of ramping-arrival-rate with its meaning, and more.
type Config struct {
	executor.BaseConfig
	StartRate null.Float         `json:"startRate"`
	TimeUnit  types.NullDuration `json:"timeUnit"`
	Stages    []Stage            `json:"stages"`
	// By default, as many VUs as the highest rate × ExpectedLatency, and ten times that, but no more than arrivals.
	PreAllocatedVUs null.Int `json:"preAllocatedVUs"`
	MaxVUs          null.Int `json:"maxVUs"`

	Arrival         null.String        `json:"arrival"` // constant, poisson, gamma, inference-perf, trace
	Burstiness      null.Float         `json:"burstiness"`
	Seed            null.Int           `json:"seed"`
	Interval        types.NullDuration `json:"interval"` // pause between stages
	Drain           null.Bool          `json:"drain"`    // wait for requests in flight before the next stage
	ExpectedLatency types.NullDuration `json:"expectedLatency"`
	Trace           []float64          `json:"trace"` // seconds, of arrival "trace"

	beforeLoad func(context.Context) // see NewConfigWith
}

// Stage is {target, duration} as in k6, {rate, duration}, or {requests, concurrency, rampUp}.
type Stage struct {
	Target      null.Float         `json:"target"`
	Rate        null.Float         `json:"rate"`
	Duration    types.NullDuration `json:"duration"`
	Requests    null.Int           `json:"requests"`
	Concurrency null.Int           `json:"concurrency"`
	RampUp      types.NullDuration `json:"rampUp"`
}

var (
	_ lib.ExecutorConfig = new(Config)
	_ samples.Staged     = new(Config)
	_ samples.Seeded     = new(Config)
)

// NewConfigWith makes of NewConfig a constructor of scenarios that call beforeLoad before a load that begins with the
// test, whose first arrival waits for it. Several scenarios may call it at once; it is to return soon after its
// context ends.
func NewConfigWith(beforeLoad func(context.Context)) lib.ExecutorConfigConstructor {
	return func(name string, raw []byte) (lib.ExecutorConfig, error) {
		c, err := newConfig(name, raw)
		if err != nil {
			return nil, err
		}
		c.beforeLoad = beforeLoad
		return c, nil
	}
}

// NewConfig reads a scenario's options; unknown ones are errors. It is what lib.RegisterExecutorConfigType wants.
func NewConfig(name string, raw []byte) (lib.ExecutorConfig, error) {
	return NewConfigWith(nil)(name, raw)
}

func newConfig(name string, raw []byte) (*Config, error) {
	c := &Config{BaseConfig: executor.NewBaseConfig(name, record.ExecutorName)}
	c.GracefulStop = types.NewNullDuration(defaultGracefulStop, false)
	if err := checkTimes(raw); err != nil {
		return nil, plain.Error(err)
	}
	if err := lib.StrictJSONUnmarshal(raw, c); err != nil {
		return nil, plain.Error(err)
	}
	return c, nil
}

// times are the options that are durations, of a scenario and of its stages.
var times = []string{"startTime", "gracefulStop", "timeUnit", "interval", "expectedLatency", "duration", "rampUp"}

// checkTimes refuses durations that a time.Duration cannot hold, which k6's reader lets wrap around. It leaves to that
// reader what is no JSON of a scenario.
func checkTimes(raw []byte) error {
	var options map[string]json.RawMessage
	if json.Unmarshal(raw, &options) != nil {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(options)) {
		var stages []json.RawMessage
		isTime := slices.ContainsFunc(times, func(name string) bool { return strings.EqualFold(name, key) })
		switch {
		case strings.EqualFold(key, "stages") && json.Unmarshal(options[key], &stages) == nil:
			for i, stage := range stages {
				if err := checkTimes(stage); err != nil {
					return fmt.Errorf("stage %d: %w", i, err)
				}
			}
		case isTime:
			if err := checkTime(options[key]); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	return nil
}

func checkTime(raw []byte) error {
	var given any
	if json.Unmarshal(raw, &given) != nil || given == nil {
		return nil
	}
	_, err := timespan.Value(given)
	return err
}

// plan is the load in the terms of package arrival. Zero-length stages only set the rate from which the next begins.
func (c *Config) plan() (arrival.Plan, error) {
	p := arrival.Plan{Seed: c.Seed.Int64}
	if c.Arrival.String == "trace" || len(c.Trace) > 0 {
		return c.tracePlan(p)
	}
	var err error
	if p.Process, err = arrival.ByName(c.Arrival.String, c.Burstiness.Float64); err != nil {
		return p, err
	}
	if len(c.Stages) == 0 {
		return p, errors.New("stages are missing")
	}
	from := c.perSecond(c.StartRate.Float64)
	for i, s := range c.Stages {
		stage, err := c.stage(s, from)
		if err != nil {
			return p, fmt.Errorf("stage %d: %w", i, err)
		}
		from = stage.To
		if stage.Duration == 0 && !stage.Closed() {
			continue
		}
		if err := stage.Validate(); err != nil {
			return p, fmt.Errorf("stage %d: %w", i, err)
		}
		p.Stages = append(p.Stages, stage)
	}
	if len(p.Stages) == 0 {
		return p, errors.New("no stage has a duration")
	}
	return p, p.Validate()
}

func (c *Config) stage(s Stage, from float64) (arrival.Stage, error) {
	stage := arrival.Stage{Duration: s.Duration.TimeDuration(), RampUp: s.RampUp.TimeDuration()}
	switch {
	case s.Requests.Valid || s.Concurrency.Valid:
		if s.Rate.Valid || s.Target.Valid {
			return arrival.Stage{},
				errors.New("must be one of {rate, duration}, {target, duration}, {requests, concurrency}")
		}
		stage.Requests, stage.Concurrency = s.Requests.Int64, s.Concurrency.Int64
		return stage, nil
	case s.Rate.Valid == s.Target.Valid:
		return arrival.Stage{},
			errors.New("must be one of {rate, duration}, {target, duration}, {requests, concurrency}")
	case s.Rate.Valid:
		if stage.Duration == 0 {
			return arrival.Stage{}, errors.New("needs a duration")
		}
		rate := c.perSecond(s.Rate.Float64)
		stage.From, stage.To = rate, rate
		return stage, nil
	}
	stage.From, stage.To = from, c.perSecond(s.Target.Float64)
	if stage.To < 0 || stage.Duration < 0 {
		return arrival.Stage{}, fmt.Errorf("target and duration must not be negative, got %v and %v", s.Target.Float64,
			stage.Duration)
	}
	return stage, nil
}

func (c *Config) tracePlan(p arrival.Plan) (arrival.Plan, error) {
	switch {
	case len(c.Trace) == 0:
		return p, errors.New("arrival 'trace' needs trace, the seconds of the arrivals")
	case c.Arrival.Valid && c.Arrival.String != "trace":
		return p, fmt.Errorf("trace goes with arrival 'trace', not %q", c.Arrival.String)
	case len(c.Stages) > 0:
		return p, errors.New("a trace takes no stages")
	}
	trace, err := arrival.NewTrace(c.Trace)
	if err != nil {
		return p, err
	}
	p.Process, p.Stages = trace, []arrival.Stage{trace.Stage()}
	return p, nil
}

func (c *Config) perSecond(rate float64) float64 {
	if unit := c.TimeUnit.TimeDuration(); unit > 0 && unit != time.Second {
		return rate / unit.Seconds()
	}
	return rate
}

// Validate names every fault, with the stage and the value.
func (c *Config) Validate() []error {
	errs := c.BaseConfig.Validate()
	if p, err := c.plan(); err != nil {
		errs = append(errs, plain.Error(err))
	} else if err := c.checkLength(p); err != nil {
		errs = append(errs, err)
	}
	if c.TimeUnit.Valid && c.TimeUnit.TimeDuration() <= 0 {
		errs = append(errs, fmt.Errorf("timeUnit must be positive, got %v", c.TimeUnit.TimeDuration()))
	}
	if c.Interval.TimeDuration() < 0 || c.ExpectedLatency.TimeDuration() < 0 {
		errs = append(errs, errors.New("interval and expectedLatency must not be negative"))
	}
	if c.PreAllocatedVUs.Int64 < 0 || c.MaxVUs.Valid && c.MaxVUs.Int64 < max(1, c.PreAllocatedVUs.Int64) {
		errs = append(errs, fmt.Errorf("maxVUs (%d) must be at least 1 and at least preAllocatedVUs (%d)",
			c.MaxVUs.Int64, c.PreAllocatedVUs.Int64))
	}
	if max(c.PreAllocatedVUs.Int64, c.MaxVUs.Int64) > math.MaxInt32 {
		errs = append(errs, fmt.Errorf("preAllocatedVUs and maxVUs must be at most %d, got %d and %d", math.MaxInt32,
			c.PreAllocatedVUs.Int64, c.MaxVUs.Int64))
	}
	return errs
}

// checkLength refuses a scenario whose end, its pauses, waits and start included, is too far away to be timed.
func (c *Config) checkLength(p arrival.Plan) error {
	n := float64(len(p.Stages))
	hours := c.StartTime.TimeDuration().Hours() + n*(maxClosedLoop+c.Interval.TimeDuration()).Hours() +
		(n+1)*c.GracefulStop.TimeDuration().Hours()
	for _, s := range p.Stages {
		hours += s.Duration.Hours()
	}
	if hours > 2*timespan.Max.Hours() {
		return fmt.Errorf("the scenario with its startTime, its intervals and gracefulStop must not last longer "+
			"than 2000000h, got %.0fh", hours)
	}
	return nil
}

// vus gives how many VUs to begin with and how many at most, over all instances.
func (c *Config) vus() (pre, most int64) {
	p, err := c.plan()
	if err != nil {
		return 0, 0
	}
	latency := defaultExpectedLatency
	if c.ExpectedLatency.Valid {
		latency = c.ExpectedLatency.TimeDuration()
	}
	pre, arrivals := inFlight(p, latency)
	if c.PreAllocatedVUs.Valid {
		pre = max(1, c.PreAllocatedVUs.Int64)
	}
	most = max(pre, min(10*pre, arrivals))
	if c.MaxVUs.Valid {
		most, pre = c.MaxVUs.Int64, min(pre, c.MaxVUs.Int64)
	}
	return pre, most
}

// duration is the load's, the waits of drain left out.
func (c *Config) duration() time.Duration {
	p, err := c.plan()
	if err != nil {
		return 0
	}
	d := time.Duration(len(p.Stages)-1) * c.Interval.TimeDuration()
	for _, s := range p.Stages {
		if s.Closed() {
			d += maxClosedLoop
		}
		d += s.Duration
	}
	return d
}

// GetDescription is the scenario's line in k6's header.
func (c *Config) GetDescription(et *lib.ExecutionTuple) string {
	p, _ := c.plan() // validated by now
	_, most := c.vus()
	top := 0.0
	for _, s := range p.Stages {
		top = max(top, s.From, s.To)
	}
	kind := c.Arrival.String
	if kind == "" {
		kind = "constant"
	}
	return fmt.Sprintf("up to %g %s arrivals/s over %d stages (maxVUs: %d, gracefulStop: %v)", top, kind, len(p.Stages),
		et.ScaleInt64(most), c.GracefulStop.TimeDuration())
}

// GetExecutionRequirements tells k6 how many VUs to make, and how long the scenario can last.
func (c *Config) GetExecutionRequirements(et *lib.ExecutionTuple) []lib.ExecutionStep {
	pre, most := c.scaledVUs(et)
	end := c.duration() + c.GracefulStop.TimeDuration()
	if c.drains(et) {
		end += time.Duration(len(c.Stages)) * c.GracefulStop.TimeDuration()
	}
	return []lib.ExecutionStep{
		{PlannedVUs: uint64(pre), MaxUnplannedVUs: uint64(most - pre)}, // not negative
		{TimeOffset: end},
	}
}

func (c *Config) scaledVUs(et *lib.ExecutionTuple) (pre, most int64) {
	pre, most = c.vus()
	return et.ScaleInt64(pre), et.ScaleInt64(most)
}

// drains says whether stages wait for each other's requests: by default they do, but not under an execution segment,
// where instances would drift apart.
func (c *Config) drains(et *lib.ExecutionTuple) bool {
	if c.Drain.Valid {
		return c.Drain.Bool
	}
	return et.Segment == nil || et.Segment.FloatLength() == 1
}

// HasWork says whether this instance has any part in the load.
func (c *Config) HasWork(et *lib.ExecutionTuple) bool {
	_, most := c.scaledVUs(et)
	return most > 0
}

// RecordSeed is the seed of the arrivals, 0 unless one was given.
func (c *Config) RecordSeed() int64 { return c.Seed.Int64 }

// RecordStages describes the stages for the record file.
func (c *Config) RecordStages() []record.Stage {
	p, err := c.plan()
	if err != nil {
		return nil
	}
	list := make([]record.Stage, len(p.Stages))
	for i, s := range p.Stages {
		if s.Closed() {
			list[i] = record.Stage{Requests: new(s.Requests), Concurrency: new(s.Concurrency)}
			continue
		}
		list[i] = record.Stage{Rate: new(s.To), Duration: new(s.Duration.Seconds())}
		if s.From != s.To {
			list[i].From = new(s.From)
		}
	}
	return list
}

// NewExecutor makes the executor for one run.
func (c *Config) NewExecutor(es *lib.ExecutionState, log *logrus.Entry) (lib.Executor, error) {
	return newExecutor(c, es, log)
}

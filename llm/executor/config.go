// Package executor is the k6 executor llm-arrival-rate: a thin loop over the arrivals that package arrival computes. It
// starts an iteration at each arrival, passes it the due time, and numbers the arrivals over all instances. The options
// of a load and their defaults are [arrival.Load].
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

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/timespan"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/engine"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Config holds the options of a scenario of the executor: the options of every k6 scenario, and those of the load.
type Config struct {
	executor.BaseConfig
	arrival.Load
	Exec Exec `json:"exec"` // in place of that of BaseConfig, which is a function's name

	module Module // see NewConfigWith
}

// Module is what the executor needs of the module k6/x/llm. It may be used concurrently.
type Module interface {
	// BeforeLoad prepares the load of the scenarios that begin with the test: their first arrivals wait for it to
	// return. Several scenarios may call it at once; it returns soon after its context ends.
	BeforeLoad(ctx context.Context)
	// ServerIdle reports whether no request runs or waits at the servers that were sent any, as their own pages of
	// metrics tell; known is false if none tells. It returns within a second. A server may tell that it is idle late.
	ServerIdle(ctx context.Context) (idle, known bool)
	// Salt prepares the data of a probe, which begins soon and whose arrivals will bring the salt.
	Salt(salt string)
	// Searched takes the state of a search after a probe, whose stage has ended, for what users see of the run.
	Searched(state *record.Search, last record.Stage)
	// Sessions reports whether the items of a data set, by its number in the script, are sessions.
	Sessions(data int) bool
	// Lend returns what the iterations of a scenario that need no JavaScript use of a VU, by its number. k6 has
	// activated the VU for the scenario.
	Lend(vu uint64, scenario string, what engine.Native) (*engine.Lender, error)
}

var (
	_ lib.ExecutorConfig = new(Config)
	_ samples.Staged     = new(Config)
	_ samples.Seeded     = new(Config)
	_ samples.Streaming  = new(Config)
)

// NewConfigWith returns a constructor like NewConfig, of scenarios that use the module.
func NewConfigWith(module Module) lib.ExecutorConfigConstructor {
	return func(name string, raw []byte) (lib.ExecutorConfig, error) {
		c, err := newConfig(name, raw)
		if err != nil {
			return nil, err
		}
		c.module = module
		return c, nil
	}
}

// NewConfig reads a scenario's options and returns an error for unknown ones. It has the type that
// lib.RegisterExecutorConfigType requires.
func NewConfig(name string, raw []byte) (lib.ExecutorConfig, error) {
	return NewConfigWith(nil)(name, raw)
}

func newConfig(name string, raw []byte) (*Config, error) {
	c := &Config{BaseConfig: executor.NewBaseConfig(name, record.ExecutorName)}
	c.GracefulStop = types.NewNullDuration(arrival.DefaultGracefulStop, false)
	if err := checkTimes(raw); err != nil {
		return nil, plain.Error(err)
	}
	if err := lib.StrictJSONUnmarshal(raw, c); err != nil {
		return nil, plain.Error(err)
	}
	c.BaseConfig.Exec = c.Exec.Function
	return c, nil
}

// times lists the options of a scenario and of its stages that are durations.
var times = []string{"startTime", "gracefulStop", "timeUnit", "interval", "expectedLatency", "duration", "rampUp",
	"warmup", "timeout", "probe", "hold"}

// checkTimes returns an error for a duration that a time.Duration cannot hold, which k6's reader lets wrap around. It
// leaves input that is not the JSON of a scenario to that reader.
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
		case strings.EqualFold(key, "search"):
			if err := checkTimes(options[key]); err != nil {
				return fmt.Errorf("search.%w", err)
			}
		case isTime && strings.EqualFold(key, "warmup") && warmupWord(options[key]):
		case isTime:
			if err := checkTime(options[key]); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	return nil
}

// warmupWord reports whether a warm-up is no time, but a word or a truth value, which its own reader checks.
func warmupWord(raw []byte) bool {
	var given any
	if json.Unmarshal(raw, &given) != nil {
		return false
	}
	_, isBool := given.(bool)
	text, isText := given.(string)
	return isBool || isText && !strings.ContainsAny(text[:min(1, len(text))], "0123456789.+-")
}

func checkTime(raw []byte) error {
	var given any
	if json.Unmarshal(raw, &given) != nil || given == nil {
		return nil
	}
	_, err := timespan.Value(given)
	return err
}

// Validate returns every fault, with the stage and the value.
func (c *Config) Validate() []error {
	errs := c.BaseConfig.Validate()
	if p, err := c.Plan(); err != nil {
		errs = append(errs, plain.Error(err))
	} else if c.Search != nil {
		errs = append(errs, checkSearch(c)...)
	} else if err := p.CheckArrivals(); err != nil {
		errs = append(errs, err)
	} else if err := c.CheckEnd(p, c.StartTime.TimeDuration(), c.GracefulStop.TimeDuration()); err != nil {
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
	if c.Exec.Native != nil && c.module == nil {
		errs = append(errs, errors.New("exec: {client, data} needs the module k6/x/llm"))
	}
	return errs
}

// sendsSessions reports whether the iterations are known to replay a session each. What functions do is not known.
func sendsSessions(c *Config) bool {
	return c.Exec.Native != nil && c.module != nil && c.module.Sessions(c.Exec.Native.Data)
}

// vus returns how many VUs to start with and how many there may be, over all instances.
func (c *Config) vus() (preAllocated, most int64) {
	if c.Search != nil {
		return arrival.SearchVUs(&c.Load, c.Exec.Native != nil)
	}
	p, err := c.Plan()
	if err != nil {
		return 0, 0
	}
	return c.VUs(p)
}

// duration returns how long the load lasts without the waits of drain.
func (c *Config) duration() time.Duration {
	if c.Search != nil {
		return longest(c)
	}
	p, err := c.Plan()
	if err != nil {
		return 0
	}
	return c.Duration(p)
}

// GetDescription returns the scenario's line in the header that k6 prints.
func (c *Config) GetDescription(*lib.ExecutionTuple) string {
	p, _ := c.Plan() // validated by now
	p.Sessions = sendsSessions(c)
	text := p.String()
	if c.Search != nil {
		text = describeSearch(c)
	}
	if c.Exec.Native != nil {
		text += ", by exec {client, data}"
	} else if name := c.Exec.Function.String; name != "" {
		text += ", by exec " + name
	}
	if start := c.StartTime.TimeDuration(); start > 0 {
		text += ", from " + start.String() + " on"
	}
	return text
}

// GetExecutionRequirements returns how many VUs k6 must make, and how long the scenario lasts. The waits of drain come
// on top, but k6 shows the time as that of the test, and no server needs gracefulStop after each stage.
func (c *Config) GetExecutionRequirements(et *lib.ExecutionTuple) []lib.ExecutionStep {
	pre, most := scaledVUs(c, et)
	if c.Exec.Native != nil {
		// The rest is never made, but counts: the k6 Operator refuses more instances than a test may have VUs.
		pre = lenders(most)
	}
	return []lib.ExecutionStep{
		{PlannedVUs: uint64(pre), MaxUnplannedVUs: uint64(most - pre)}, // not negative
		{TimeOffset: c.duration() + c.GracefulStop.TimeDuration()},
	}
}

// lenders returns how many VUs lend to native iterations, at most the given number in flight. Several VUs, because k6
// gives each its own address of the option localIPs, and its own choice among a server's addresses.
func lenders(inFlight int64) int64 { return min(8, inFlight) }

// Streams returns how many requests are expected in flight on this instance without a VU each.
func (c *Config) Streams(et *lib.ExecutionTuple) int64 {
	if c.Exec.Native == nil {
		return 0
	}
	pre, _ := scaledVUs(c, et)
	return pre
}

func scaledVUs(c *Config, et *lib.ExecutionTuple) (pre, most int64) {
	pre, most = c.vus()
	return et.ScaleInt64(pre), et.ScaleInt64(most)
}

// drains reports whether stages wait for each other's requests: by default they do, but not under an execution segment,
// where instances would drift apart.
func drains(c *Config, et *lib.ExecutionTuple) bool {
	if c.Drain.Valid {
		return c.Drain.Bool
	}
	return whole(et)
}

// whole reports whether this instance is the only one.
func whole(et *lib.ExecutionTuple) bool { return et.Segment == nil || et.Segment.FloatLength() == 1 }

// HasWork reports whether this instance has any part in the load.
func (c *Config) HasWork(et *lib.ExecutionTuple) bool {
	_, most := scaledVUs(c, et)
	return most > 0 || c.Search != nil
}

// RecordSeed returns the seed of the arrivals, 0 unless the options have one.
func (c *Config) RecordSeed() int64 { return c.Seed.Int64 }

// RecordStages describes the stages for the record file.
func (c *Config) RecordStages() []record.Stage {
	p, err := c.Plan()
	if err != nil {
		return nil
	}
	list := make([]record.Stage, len(p.Stages))
	for i, s := range p.Stages {
		list[i] = recordStage(s)
	}
	return list
}

func recordStage(s arrival.Stage) (r record.Stage) {
	if s.Duration > 0 {
		r.Duration = new(s.Duration.Seconds())
	}
	if s.Warmup > 0 {
		r.Warmup = new(s.Warmup.Seconds())
	}
	r.WarmupStage = s.Kind
	switch {
	case s.Dispatch > 0:
		r.Rate, r.Concurrency = new(s.Dispatch), new(s.Concurrency)
	case s.Closed():
		r.Concurrency = new(s.Concurrency)
	default:
		r.Rate = new(s.To)
	}
	if s.Counted() {
		r.Requests = new(s.Requests)
	}
	if s.Timeout > 0 {
		r.Timeout = new(s.Timeout.Seconds())
	}
	if s.From != s.To {
		r.From = new(s.From)
	}
	return r
}

// NewExecutor makes the executor for one run.
func (c *Config) NewExecutor(es *lib.ExecutionState, log *logrus.Entry) (lib.Executor, error) {
	return newExecutor(c, es, log)
}

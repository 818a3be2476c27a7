package samples

import (
	"strconv"
	"time"

	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/lib/executor"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Staged is the configuration of a scenario that describes its stages itself, as the executor llm-arrival-rate does.
type Staged interface {
	RecordStages() []record.Stage
}

// Searching is the configuration of a scenario that may be a search, as one of the executor llm-arrival-rate may.
type Searching interface {
	// MostProbes returns how many probes the search may have, and 0 for a scenario that is none.
	MostProbes() int
}

// Seeded is the configuration of a scenario that has a seed itself, as the executor llm-arrival-rate does.
type Seeded interface {
	RecordSeed() int64
}

// Streaming is the configuration of a scenario whose requests in flight need no VU each, as native iterations of the
// executor llm-arrival-rate.
type Streaming interface {
	// Streams returns how many requests are expected in flight on an instance without a VU each.
	Streams(*lib.ExecutionTuple) int64
}

// Seed returns the seed of a scenario, and false if it has none.
func Seed(config lib.ExecutorConfig) (int64, bool) {
	if s, ok := config.(Seeded); ok {
		return s.RecordSeed(), true
	}
	seed, err := strconv.ParseInt(config.GetEnv()[record.SeedEnv], 10, 64)
	return seed, err == nil
}

// RunSeed returns the seed that all scenarios with a seed share, or nil if they differ or none has a seed.
func RunSeed(configs lib.ScenarioConfigs) *int64 {
	var shared *int64
	for _, config := range configs {
		seed, ok := Seed(config)
		switch {
		case !ok:
		case shared != nil && *shared != seed:
			return nil
		default:
			shared = &seed
		}
	}
	return shared
}

// Scenarios returns the scenarios in order of start time, with their stages numbered consecutively from 0. Stages that
// are warm-ups have the numbers after those of all others, so that one more leaves the numbers of the others as they
// are.
func Scenarios(configs lib.ScenarioConfigs) []record.Scenario {
	list := make([]record.Scenario, 0, len(configs))
	number := 0
	for _, config := range configs.GetSortedConfigs() {
		s := record.Scenario{
			Name: config.GetName(), Executor: config.GetType(), StartAt: config.GetStartTime().Seconds(),
			Stages: stages(config),
		}
		list = append(list, s)
	}
	for _, warmsUp := range []bool{false, true} {
		for _, s := range list {
			for i := range s.Stages {
				if s.Stages[i].WarmsUp() == warmsUp {
					s.Stages[i].Index = number
					number++
				}
			}
		}
	}
	return list
}

// FirstProbe returns the number of the first probe of the search of a scenario. Probes are stages that no plan lists,
// so their numbers follow those of all planned stages, and those that other searches may take.
func FirstProbe(configs lib.ScenarioConfigs, name string) (number int) {
	for _, s := range Scenarios(configs) {
		number += len(s.Stages)
	}
	for _, config := range configs.GetSortedConfigs() {
		if config.GetName() == name {
			break
		}
		if s, ok := config.(Searching); ok {
			number += s.MostProbes()
		}
	}
	return number
}

// stages returns the stages of a scenario. A scenario whose load k6 does not plan in advance is a single stage.
func stages(config lib.ExecutorConfig) []record.Stage {
	switch c := config.(type) {
	case Staged:
		return c.RecordStages()
	case *executor.RampingArrivalRateConfig:
		return ramps(c)
	case *executor.ConstantArrivalRateConfig:
		return constant(c)
	case executor.SharedIterationsConfig:
		return []record.Stage{{Requests: new(c.Iterations.Int64), Concurrency: new(c.VUs.Int64)}}
	case executor.PerVUIterationsConfig:
		return []record.Stage{{Requests: new(c.Iterations.Int64 * c.VUs.Int64), Concurrency: new(c.VUs.Int64)}}
	case executor.ConstantVUsConfig:
		return []record.Stage{{Concurrency: new(c.VUs.Int64), Duration: new(c.Duration.TimeDuration().Seconds())}}
	}
	return []record.Stage{{}}
}

func constant(c *executor.ConstantArrivalRateConfig) []record.Stage {
	return []record.Stage{{
		Rate:     new(perSecond(c.Rate.Int64, c.TimeUnit.TimeDuration())),
		Duration: new(c.Duration.TimeDuration().Seconds()),
	}}
}

// ramps returns a stage for each entry with a duration. An entry without one only sets the rate from which the next
// begins.
func ramps(c *executor.RampingArrivalRateConfig) []record.Stage {
	list := []record.Stage{}
	unit := c.TimeUnit.TimeDuration()
	from := perSecond(c.StartRate.Int64, unit)
	for _, s := range c.Stages {
		to := perSecond(s.Target.Int64, unit)
		if d := s.Duration.TimeDuration(); d > 0 {
			stage := record.Stage{Rate: new(to), Duration: new(d.Seconds())}
			if from != to {
				stage.From = new(from)
			}
			list = append(list, stage)
		}
		from = to
	}
	if _, generated := c.GetEnv()[record.FirstItemEnv]; generated && len(list) > 1 {
		list = list[:1] // the following stages only wait for the last arrival
	}
	return list
}

func perSecond(rate int64, unit time.Duration) float64 {
	if unit <= 0 {
		unit = time.Second
	}
	return float64(rate) / unit.Seconds()
}

// Planned returns the maximum number of VUs that k6 makes for this instance's scenarios before the load, and how many
// requests are expected in flight without a VU each.
func Planned(opts lib.Options) (vus, streams int64, err error) {
	tuple, err := lib.NewExecutionTuple(opts.ExecutionSegment, opts.ExecutionSegmentSequence)
	if err != nil {
		return 0, 0, err
	}
	vus = int64(lib.GetMaxPlannedVUs(opts.Scenarios.GetFullExecutionRequirements(tuple))) // far from overflow
	for _, config := range opts.Scenarios {
		if s, ok := config.(Streaming); ok {
			streams += s.Streams(tuple)
		}
	}
	return vus, streams, nil
}

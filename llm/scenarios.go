package llm

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Defaults of scenarios().
const (
	defaultGracefulStop    = 120 * time.Second
	defaultExpectedLatency = 10 * time.Second
	defaultMaxDuration     = 24 * time.Hour
)

// lastArrival keeps a stage open past its end: k6 lets the last arrival, which is due at the very end, race with the
// end of the scenario, and a request of sixty is lost now and then.
const lastArrival = 500 * time.Millisecond

// loadOptions are the argument of scenarios().
type loadOptions struct {
	stages     []loadStage
	arrival    string
	burstiness float64
	trace      []float64
	executor   string
	drain      *bool
	interval   time.Duration
	seed       int64

	gracefulStop    time.Duration
	expectedLatency time.Duration
	startTime       time.Duration
	maxDuration     time.Duration
	preAllocatedVUs int64
	maxVUs          int64
	exec            string
	env, tags       map[string]string
}

// loadStage is one stage: a rate, a ramp to a target, or so many requests by so many at a time.
type loadStage struct {
	rate, target          float64
	hasRate, hasTarget    bool
	duration              time.Duration
	requests, concurrency int64
	rampUp                time.Duration
}

func newLoadOptions() *loadOptions {
	return &loadOptions{
		arrival: "constant", gracefulStop: defaultGracefulStop, expectedLatency: defaultExpectedLatency,
		maxDuration: defaultMaxDuration,
	}
}

func (o *loadOptions) fields(rt *sobek.Runtime) fields {
	return fields{
		"stages":          func(v sobek.Value) error { return o.readStages(rt, v) },
		"arrival":         text(&o.arrival),
		"executor":        text(&o.executor),
		"burstiness":      number(&o.burstiness),
		"trace":           numbers(&o.trace),
		"drain":           func(v sobek.Value) error { o.drain = new(bool); return boolean(o.drain)(v) },
		"interval":        duration(&o.interval),
		"seed":            integer(&o.seed, 0),
		"gracefulStop":    duration(&o.gracefulStop),
		"expectedLatency": duration(&o.expectedLatency),
		"startTime":       duration(&o.startTime),
		"maxDuration":     duration(&o.maxDuration),
		"preAllocatedVUs": integer(&o.preAllocatedVUs, 0),
		"maxVUs":          integer(&o.maxVUs, 1),
		"exec":            text(&o.exec),
		"env":             texts(&o.env),
		"tags":            texts(&o.tags),
	}
}

// scenarios makes k6 scenarios of stages.
func (m *ModuleInstance) scenarios(options sobek.Value) (map[string]any, error) {
	rt := m.vu.Runtime()
	o := newLoadOptions()
	if err := o.fields(rt).read(rt, "scenarios", options); err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("scenarios: %w", err)
	}
	switch {
	case o.executor == record.ExecutorName:
		return map[string]any{"load": o.own()}, nil
	case o.stages[0].requests > 0:
		return map[string]any{"stage_0": o.closedLoop(o.stages[0])}, nil
	}
	return o.openLoop(), nil
}

func (o *loadOptions) readStages(rt *sobek.Runtime, v sobek.Value) error {
	list, ok := v.(*sobek.Object)
	if !ok || list.ClassName() != "Array" {
		return fmt.Errorf("must be an array such as [{rate: 5, duration: '30s'}], got %s", describe(v))
	}
	for i := range int(list.Get("length").ToInteger()) {
		stage, err := readStage(rt, list.Get(strconv.Itoa(i)))
		if err != nil {
			return fmt.Errorf("stage %d: %w", i, err)
		}
		o.stages = append(o.stages, stage)
	}
	return nil
}

func readStage(rt *sobek.Runtime, v sobek.Value) (s loadStage, err error) {
	if absent(v) {
		return s, errors.New("is missing")
	}
	if err := s.fields().read(rt, "stage", v); err != nil {
		return s, err
	}
	return s, s.check()
}

func (s *loadStage) fields() fields {
	return fields{
		"rate":        func(v sobek.Value) error { s.hasRate = true; return number(&s.rate)(v) },
		"target":      func(v sobek.Value) error { s.hasTarget = true; return number(&s.target)(v) },
		"duration":    withUnit(&s.duration),
		"requests":    integer(&s.requests, 1),
		"concurrency": integer(&s.concurrency, 1),
		"rampUp":      withUnit(&s.rampUp),
	}
}

// check wants one of the three forms of a stage, whole.
func (s *loadStage) check() error {
	forms := 0
	for _, given := range []bool{s.hasRate, s.hasTarget, s.requests > 0 || s.concurrency > 0} {
		if given {
			forms++
		}
	}
	switch {
	case forms != 1:
		return errors.New("must be one of {rate, duration}, {target, duration}, {requests, concurrency}")
	case s.rate < 0 || s.target < 0:
		return fmt.Errorf("rate must not be negative, got %v", min(s.rate, s.target))
	case (s.hasRate || s.hasTarget) && s.duration == 0:
		return errors.New("needs a duration")
	case s.requests > 0 && s.concurrency == 0 || s.requests == 0 && s.concurrency > 0:
		return errors.New("needs both requests and concurrency")
	case s.requests > 0 && s.duration > 0:
		return errors.New("with requests and concurrency takes no duration, it lasts as long as the requests do")
	case s.rampUp > 0 && s.requests == 0:
		return errors.New("rampUp is for {requests, concurrency}, a rate rises by {target, duration}")
	}
	return nil
}

const stockExecutor = "ramping-arrival-rate"

// check chooses the executor, and refuses by name what k6's own cannot do. The executor llm-arrival-rate checks itself
// what it is asked.
func (o *loadOptions) check() error {
	if len(o.stages) == 0 && o.trace == nil {
		return errors.New("stages are missing, as in {stages: [{rate: 5, duration: '30s'}]}")
	}
	if o.maxVUs > 0 && o.maxVUs < o.preAllocatedVUs {
		return fmt.Errorf("maxVUs (%d) must not be less than preAllocatedVUs (%d)", o.maxVUs, o.preAllocatedVUs)
	}
	if err := o.checkSums(); err != nil {
		return err
	}
	rampUp := slices.ContainsFunc(o.stages, func(s loadStage) bool { return s.rampUp > 0 })
	mixed := slices.ContainsFunc(o.stages, func(s loadStage) bool { return s.requests > 0 }) && len(o.stages) > 1
	if o.executor == "" {
		o.executor = stockExecutor
		if o.arrival != "constant" || o.trace != nil || mixed || rampUp {
			o.executor = record.ExecutorName
		}
	}
	switch {
	case o.executor == record.ExecutorName:
		return nil
	case o.executor != stockExecutor:
		return fmt.Errorf("unknown executor %q, known are %q, %q", o.executor, stockExecutor, record.ExecutorName)
	case o.arrival != "constant" || o.trace != nil:
		return fmt.Errorf("arrival %q needs the executor %q", o.arrival, record.ExecutorName)
	case o.drain != nil && *o.drain:
		return fmt.Errorf("drain needs the executor %q: stages of k6's own start by the clock", record.ExecutorName)
	case rampUp:
		return fmt.Errorf("rampUp needs the executor %q", record.ExecutorName)
	case mixed:
		return fmt.Errorf("stages of {requests, concurrency} beside others need the executor %q: nobody knows when "+
			"they end", record.ExecutorName)
	}
	return nil
}

// own makes the scenario of our executor, which takes the stages as they are.
func (o *loadOptions) own() map[string]any {
	s := o.base(record.ExecutorName, o.startTime, 0)
	s["arrival"], s["seed"], s["interval"], s["expectedLatency"] = o.arrival, o.seed, o.interval.String(),
		o.expectedLatency.String()
	if o.arrival == "gamma" {
		s["burstiness"] = o.burstiness
	}
	if o.trace != nil {
		s["trace"] = o.trace
	}
	if o.drain != nil {
		s["drain"] = *o.drain
	}
	if o.preAllocatedVUs > 0 {
		s["preAllocatedVUs"] = o.preAllocatedVUs
	}
	if o.maxVUs > 0 {
		s["maxVUs"] = o.maxVUs
	}
	stages := make([]any, len(o.stages))
	for i, stage := range o.stages {
		stages[i] = stage.options()
	}
	s["stages"] = stages
	return s
}

// options is the stage as it was written.
func (s loadStage) options() map[string]any {
	switch {
	case s.requests > 0:
		stage := map[string]any{"requests": s.requests, "concurrency": s.concurrency}
		if s.rampUp > 0 {
			stage["rampUp"] = s.rampUp.String()
		}
		return stage
	case s.hasRate:
		return map[string]any{"rate": s.rate, "duration": s.duration.String()}
	}
	return map[string]any{"target": s.target, "duration": s.duration.String()}
}

// base are the options all scenarios share; items is how many items of a data set those before take.
func (o *loadOptions) base(executor string, start time.Duration, items int64) map[string]any {
	env := map[string]any{record.FirstItemEnv: strconv.FormatInt(items, 10)}
	if o.seed != 0 && executor != record.ExecutorName { // which has an option for it
		env[record.SeedEnv] = strconv.FormatInt(o.seed, 10)
	}
	for k, v := range o.env {
		env[k] = v
	}
	s := map[string]any{
		"executor": executor, "startTime": start.String(), "gracefulStop": o.gracefulStop.String(), "env": env,
	}
	if o.exec != "" {
		s["exec"] = o.exec
	}
	if len(o.tags) > 0 {
		s["tags"] = o.tags
	}
	return s
}

func (o *loadOptions) closedLoop(stage loadStage) map[string]any {
	s := o.base("shared-iterations", o.startTime, 0)
	s["vus"], s["iterations"], s["maxDuration"] = stage.concurrency, stage.requests, o.maxDuration.String()
	return s
}

// openLoop makes one scenario per stage, each with its start time.
func (o *loadOptions) openLoop() map[string]any {
	all := make(map[string]any, len(o.stages))
	start, items, from := o.startTime, int64(0), 0.0
	for i, stage := range o.stages {
		to := stage.target
		if stage.hasRate {
			from, to = stage.rate, stage.rate
		}
		s := o.base(stockExecutor, start, items)
		unit, rates := wholeRates(from, to)
		s["startRate"], s["timeUnit"] = rates[0], unit.String()
		s["stages"] = []any{
			map[string]any{"target": rates[1], "duration": stage.duration.String()},
			map[string]any{"target": 0, "duration": "0s"},
			map[string]any{"target": 0, "duration": lastArrival.String()},
		}
		arrivals := int64(math.Floor((from+to)/2*stage.duration.Seconds() + 1e-9))
		s["preAllocatedVUs"], s["maxVUs"] = o.vus(max(from, to), arrivals)
		all["stage_"+strconv.Itoa(i)] = s
		items += arrivals
		start += stage.duration + o.interval
		from = to
	}
	return all
}

// vus gives as many VUs as requests are in flight at that rate when each takes as long as expected, and room for ten
// times that, but none that has no arrival. A VU holds one request at a time; an arrival that finds none free is
// dropped.
func (o *loadOptions) vus(rate float64, arrivals int64) (pre, most int64) {
	pre = max(1, min(int64(math.Ceil(rate*o.expectedLatency.Seconds())), arrivals))
	if o.preAllocatedVUs > 0 {
		pre = o.preAllocatedVUs
	}
	most = max(pre, min(10*pre, arrivals))
	if o.maxVUs > 0 {
		most, pre = o.maxVUs, min(pre, o.maxVUs)
	}
	return pre, most
}

// wholeRates finds the time unit in which rates per second are whole numbers, as k6's executors want them: 1.5 and 2
// per second are 15 and 20 per 10 s. Rates are taken as the decimal numbers they were written as, to a millionth.
func wholeRates(perSecond ...float64) (time.Duration, []int64) {
	digits := 0
	for _, rate := range perSecond {
		_, fraction, _ := strings.Cut(strconv.FormatFloat(math.Round(rate*1e6)/1e6, 'f', -1, 64), ".")
		digits = max(digits, len(fraction))
	}
	scale := math.Pow10(digits)
	rates := make([]int64, len(perSecond))
	for i, rate := range perSecond {
		rates[i] = int64(math.Round(rate * scale))
	}
	return time.Duration(scale) * time.Second, rates
}

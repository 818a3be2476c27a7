package llm

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/grafana/sobek"
	"gopkg.in/guregu/null.v3"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/executor"
	"github.com/seed-307b789f/xk6-llm/llm/internal/engine"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// stockExecutor is k6's executor for stages of rates.
const stockExecutor = "ramping-arrival-rate"

// lastArrival keeps a stage open past its end. In k6 the last arrival, which is due at the very end, races with the end
// of the scenario, and now and then one request of sixty is lost.
const lastArrival = 500 * time.Millisecond

// loadOptions are the options of scenarios() and pace(): a load, and the options that k6 has for every scenario.
type loadOptions struct {
	arrival.Load
	executor string
	arrives  bool // arrival was given

	gracefulStop time.Duration
	startTime    time.Duration
	maxDuration  time.Duration
	exec         executor.Exec
	client       *jsClient // of exec, if that is {client, data} with a single client
	pair         *jsPair   // likewise, with a pair
	env, tags    map[string]string
	label        string // a tag
}

func newLoadOptions() *loadOptions {
	return &loadOptions{
		Load:         arrival.Load{Arrival: null.StringFrom("constant")},
		gracefulStop: arrival.DefaultGracefulStop, maxDuration: arrival.MaxClosedLoop,
	}
}

func (o *loadOptions) fields(m *ModuleInstance) fields {
	rt := m.vu.Runtime()
	return fields{
		"stages":          func(v sobek.Value) error { return o.readStages(rt, v) },
		"search":          func(v sobek.Value) error { return o.readSearch(rt, v) },
		"arrival":         optional(&o.arrives, text(&o.Arrival.String)),
		"executor":        text(&o.executor),
		"burstiness":      number(&o.Burstiness.Float64),
		"trace":           numbers(&o.Trace),
		"drain":           optional(&o.Drain.Valid, boolean(&o.Drain.Bool)),
		"warmup":          warmup(&o.Warmup),
		"interval":        duration((*time.Duration)(&o.Interval.Duration)),
		"seed":            integer(&o.Seed.Int64, 0),
		"gracefulStop":    duration(&o.gracefulStop),
		"expectedLatency": optional(&o.ExpectedLatency.Valid, duration((*time.Duration)(&o.ExpectedLatency.Duration))),
		"startTime":       duration(&o.startTime),
		"maxDuration":     duration(&o.maxDuration),
		"preAllocatedVUs": positive(&o.PreAllocatedVUs, integer(&o.PreAllocatedVUs.Int64, 0)),
		"maxVUs":          positive(&o.MaxVUs, integer(&o.MaxVUs.Int64, 1)),
		"exec":            func(v sobek.Value) error { return m.readExec(v, o) },
		"env":             texts(&o.env),
		"tags":            texts(&o.tags),
		"label":           label(&o.label),
	}
}

// optional marks an option as given and reads it.
func optional(given *bool, read func(sobek.Value) error) func(sobek.Value) error {
	return func(v sobek.Value) error {
		*given = true
		return read(v)
	}
}

// positive reads a number. 0 means the default.
func positive(n *null.Int, read func(sobek.Value) error) func(sobek.Value) error {
	return func(v sobek.Value) error {
		err := read(v)
		n.Valid = n.Int64 > 0
		return err
	}
}

var errNative = fmt.Errorf("exec: {client, data} needs the executor %q: k6's own run a function of the script",
	record.ExecutorName)

// readExec reads the name of a function, or {client, data} with a Client and a Dataset of the script.
func (m *ModuleInstance) readExec(v sobek.Value, o *loadOptions) error {
	if _, isText := export(v).(string); isText {
		o.exec.Function.Valid = true
		return text(&o.exec.Function.String)(v)
	}
	var data *jsDataset
	err := fields{
		"client": func(v sobek.Value) error {
			o.client, o.pair = m.clientOf(v), m.pairOf(v)
			return nil
		},
		"data": func(v sobek.Value) error {
			if i := slices.IndexFunc(m.sets, func(d *jsDataset) bool { return v.SameAs(d.script) }); i >= 0 {
				data = m.sets[i]
			}
			return nil
		},
	}.read(m.vu.Runtime(), "exec", v)
	switch {
	case err != nil:
		return err
	case o.client == nil && o.pair == nil:
		return errors.New("client must be a Client that the script made before")
	case data == nil:
		return errors.New("data must be a Dataset that the script made before")
	case o.pair != nil:
		o.exec.Native = &engine.Native{Client: o.pair.Number(), Data: data.Number()}
		return o.pair.Takes(data.Set)
	}
	o.exec.Native = &engine.Native{Client: o.client.Number(), Data: data.Number()}
	return o.client.Takes(data.Set)
}

// clientOf returns the client that the script made as an object; nil if it is none.
func (m *ModuleInstance) clientOf(v sobek.Value) *jsClient {
	if i := slices.IndexFunc(m.clients, func(c *jsClient) bool { return v.SameAs(c.script) }); i >= 0 {
		return m.clients[i]
	}
	return nil
}

// pairOf returns the pair that the script made as an object; nil if it is none.
func (m *ModuleInstance) pairOf(v sobek.Value) *jsPair {
	if i := slices.IndexFunc(m.pairs, func(p *jsPair) bool { return v.SameAs(p.script) }); i >= 0 {
		return m.pairs[i]
	}
	return nil
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
		o.Stages = append(o.Stages, stage)
	}
	return nil
}

func readStage(rt *sobek.Runtime, v sobek.Value) (s arrival.StageOptions, err error) {
	if absent(v) {
		return s, errors.New("is missing")
	}
	if err := stageFields(&s).read(rt, "stage", v); err != nil {
		return s, err
	}
	if s.Target.Valid && s.Duration.Valid && s.Duration.Duration == 0 && !s.Rate.Valid && !s.Closed() {
		return s, nil // a jump to another rate, as in k6
	}
	return s, s.Check()
}

func stageFields(s *arrival.StageOptions) fields {
	return fields{
		"rate":        optional(&s.Rate.Valid, number(&s.Rate.Float64)),
		"target":      optional(&s.Target.Valid, number(&s.Target.Float64)),
		"duration":    optional(&s.Duration.Valid, duration((*time.Duration)(&s.Duration.Duration))),
		"requests":    optional(&s.Requests.Valid, integer(&s.Requests.Int64, 1)),
		"concurrency": optional(&s.Concurrency.Valid, integer(&s.Concurrency.Int64, 1)),
		"rampUp":      duration((*time.Duration)(&s.RampUp.Duration)),
		"timeout":     optional(&s.Timeout.Valid, duration((*time.Duration)(&s.Timeout.Duration))),
		"warmup":      warmup(&s.Warmup),
	}
}

// scenarios turns stages into scenarios of k6.
func scenarios(m *ModuleInstance, options sobek.Value) (sobek.Value, error) {
	rt := m.vu.Runtime()
	o := newLoadOptions()
	if err := o.fields(m).read(rt, "scenarios", options); err != nil {
		return nil, err
	}
	all, err := o.scenarios()
	if err != nil {
		return nil, fmt.Errorf("scenarios: %w", err)
	}
	return native(rt, all)
}

// scenarios returns k6's options of the scenarios that send the load, by name.
func (o *loadOptions) scenarios() (map[string]any, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	switch {
	case o.executor == record.ExecutorName:
		return map[string]any{"load": o.ownScenario()}, nil
	case o.Stages[0].Closed():
		return map[string]any{"stage_0": o.closedLoop(o.Stages[0])}, nil
	}
	return openLoop(o), nil
}

// check chooses the executor, and refuses options that k6's own executors do not support. The executor llm-arrival-rate
// checks its options itself.
func (o *loadOptions) check() error {
	if err := checkLabel(o); err != nil {
		return err
	}
	if o.Search == nil {
		if err := o.CheckStages(o.startTime); err != nil {
			return err
		}
	}
	if o.MaxVUs.Valid && o.MaxVUs.Int64 < o.PreAllocatedVUs.Int64 {
		return fmt.Errorf("maxVUs (%d) must not be less than preAllocatedVUs (%d)", o.MaxVUs.Int64,
			o.PreAllocatedVUs.Int64)
	}
	if o.Search != nil {
		return o.checkSearch()
	}
	fault := o.StockFault()
	if o.exec.Native != nil {
		fault = errNative
	}
	if o.executor == "" {
		o.executor = stockExecutor
		if fault != nil {
			o.executor = record.ExecutorName
		}
	}
	switch {
	case o.executor == record.ExecutorName:
		return nil
	case o.executor != stockExecutor:
		return fmt.Errorf("unknown executor %q, known are %q, %q", o.executor, stockExecutor, record.ExecutorName)
	case fault != nil:
		return fault
	case o.Drain.Bool:
		return fmt.Errorf("drain needs the executor %q: stages of k6's own start by the clock", record.ExecutorName)
	}
	return nil
}

// checkLabel makes the label a tag. As a tag, it may have been given already.
func checkLabel(o *loadOptions) error {
	tag, tagged := o.tags[samples.LabelTag]
	switch {
	case o.label == "" && !tagged:
		return nil
	case o.label == "":
		o.label = tag
	case tagged && tag != o.label:
		return fmt.Errorf("label %q differs from the tag label %q: leave one of them out", o.label, tag)
	}
	if o.tags = maps.Clone(o.tags); o.tags == nil {
		o.tags = map[string]string{}
	}
	o.tags[samples.LabelTag] = o.label
	return traffic.CheckLabel(o.label)
}

// ownScenario returns the scenario of the executor llm-arrival-rate, which takes the stages as they are.
func (o *loadOptions) ownScenario() map[string]any {
	s := o.base(record.ExecutorName, o.startTime, 0)
	s["seed"], s["interval"], s["expectedLatency"] = o.Seed.Int64, o.Interval.String(), o.Latency().String()
	if o.Arrival.Valid {
		s["arrival"] = o.Arrival.String
	}
	if o.Arrival.String == "gamma" {
		s["burstiness"] = o.Burstiness.Float64
	}
	if o.Trace != nil {
		s["trace"] = o.Trace
	}
	if o.Warmup.Valid {
		s["warmup"] = warmupValue(o.Warmup)
	}
	if o.Drain.Valid {
		s["drain"] = o.Drain.Bool
	}
	if o.PreAllocatedVUs.Valid {
		s["preAllocatedVUs"] = o.PreAllocatedVUs.Int64
	}
	if o.MaxVUs.Valid {
		s["maxVUs"] = o.MaxVUs.Int64
	}
	if o.Search != nil {
		s["search"] = searchMembers(o.Search)
	} else {
		s["stages"] = o.Stages
	}
	return s
}

// nativeStage returns a stage as a script would have written it.
func nativeStage(rt *sobek.Runtime, s arrival.StageOptions) (sobek.Value, error) {
	var members []any
	add := func(name string, given bool, value any) {
		if given {
			members = append(members, name, value)
		}
	}
	add("concurrency", s.Concurrency.Valid, s.Concurrency.Int64)
	add("duration", s.Duration.Duration > 0, s.Duration.String())
	add("rampUp", s.RampUp.Duration > 0, s.RampUp.String())
	add("rate", s.Rate.Valid, s.Rate.Float64)
	add("requests", s.Requests.Valid, s.Requests.Int64)
	add("target", s.Target.Valid, s.Target.Float64)
	add("timeout", s.Timeout.Valid, s.Timeout.String())
	add("warmup", s.Warmup.Valid, warmupValue(s.Warmup))
	return nativeMembers(rt, members...)
}

// nativeMembers returns an object of names and their values.
func nativeMembers(rt *sobek.Runtime, members ...any) (sobek.Value, error) {
	obj := rt.NewObject()
	for i := 0; i < len(members); i += 2 {
		if err := obj.Set(members[i].(string), members[i+1]); err != nil {
			return nil, err
		}
	}
	return obj, nil
}

// base returns the options that all scenarios share. items is how many items of a data set the earlier scenarios take.
func (o *loadOptions) base(executor string, start time.Duration, items int64) map[string]any {
	env := map[string]any{record.FirstItemEnv: strconv.FormatInt(items, 10)}
	if o.Seed.Int64 != 0 && executor != record.ExecutorName { // llm-arrival-rate has an option for it
		env[record.SeedEnv] = strconv.FormatInt(o.Seed.Int64, 10)
	}
	for k, v := range o.env {
		env[k] = v
	}
	s := map[string]any{
		"executor": executor, "startTime": start.String(), "gracefulStop": o.gracefulStop.String(), "env": env,
	}
	switch n := o.exec.Native; {
	case n != nil:
		s["exec"] = map[string]int{"client": n.Client, "data": n.Data}
	case o.exec.Function.Valid:
		s["exec"] = o.exec.Function.String
	}
	if len(o.tags) > 0 {
		s["tags"] = o.tags
	}
	return s
}

func (o *loadOptions) closedLoop(stage arrival.StageOptions) map[string]any {
	s := o.base("shared-iterations", o.startTime, 0)
	s["vus"], s["iterations"], s["maxDuration"] = stage.Concurrency.Int64, stage.Requests.Int64, o.maxDuration.String()
	return s
}

// openLoop returns one scenario per stage, each with its start time.
func openLoop(o *loadOptions) map[string]any {
	all := make(map[string]any, len(o.Stages))
	for i, stage := range o.StockStages(o.startTime) {
		s := o.base(stockExecutor, stage.Start, stage.FirstArrival)
		s["startRate"], s["timeUnit"] = stage.From, stage.Unit.String()
		s["stages"] = []any{
			map[string]any{"target": stage.To, "duration": stage.Duration.String()},
			map[string]any{"target": 0, "duration": "0s"},
			map[string]any{"target": 0, "duration": lastArrival.String()},
		}
		s["preAllocatedVUs"], s["maxVUs"] = stage.PreAllocatedVUs, stage.MaxVUs
		all["stage_"+strconv.Itoa(i)] = s
	}
	return all
}

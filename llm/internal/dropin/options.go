package dropin

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"time"

	"go.k6.io/k6/v2/lib/types"
	"gopkg.in/guregu/null.v3"

	"github.com/seed-307b789f/xk6-llm/internal/timespan"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/config"
)

// Options are the options of the module that a configuration asks for.
type Options struct {
	// Options of Client and Dataset, by their names in scripts. Values are texts, numbers, booleans, lists ([]any),
	// further maps of type Map, and json.RawMessage.
	Client, Dataset Map
	// Options of scenarios(), with the executor llm-arrival-rate.
	Load         arrival.Load
	GracefulStop time.Duration
	// The configuration's settings for reports, for scripts that write reports themselves.
	Report Map
	// Notes are remarks on what the load leaves out of the configuration.
	Notes []string
}

// Map holds options by name.
type Map map[string]any

// set sets an option if when is true.
func (m Map) set(name string, value any, when bool) {
	if when {
		m[name] = value
	}
}

// Found is what the files of a configuration tell, on which its load depends.
type Found struct {
	// Instants are in seconds: those of the file that [TracePath] names, or the beginnings of the sessions.
	Instants []float64
	Sessions int64 // that the data has; 0 means that nobody has counted them
}

// Dataset returns the options of Dataset alone, from which whoever opens it learns what it has.
func Dataset(c *config.Config, dir string) Map {
	m := mapping{config: c, dir: dir}
	o := m.dataset()
	m.add(o, c.Own.Dataset)
	return o
}

// NewOptions maps a configuration to options. The configuration must be settled (see [config.Config.Settle]) and must
// pass [Refused]. Relative paths in it start in dir. The options hold secrets in plain text.
func NewOptions(c *config.Config, dir string, found Found) (Options, error) {
	m := mapping{config: c, dir: dir}
	load, notes, err := m.load(found)
	if err != nil {
		return Options{}, err
	}
	grace, err := duration("load.stage_teardown_grace_seconds", c.Load.Grace)
	if err != nil {
		return Options{}, err
	}
	if err := addLoad(&load, c.Own.Load); err != nil {
		return Options{}, err
	}
	o := Options{Client: m.client(), Dataset: Dataset(c, dir), Load: load, GracefulStop: grace, Report: m.report(),
		Notes: notes}
	m.add(o.Client, c.Own.Client)
	return o, nil
}

// TracePath returns the path of the file whose instants the load replays, "" if it replays none.
func TracePath(c *config.Config, dir string) string {
	if c.Load.Type != config.TraceReplay {
		return ""
	}
	return mapping{dir: dir}.path(c.Load.Trace.File)
}

// mapping maps a configuration.
type mapping struct {
	config *config.Config
	dir    string
}

// path makes a path of the configuration absolute.
func (m mapping) path(name string) string {
	if name == "" || filepath.IsAbs(name) || m.dir == "" {
		return name
	}
	return filepath.Join(m.dir, name)
}

// tokenizer returns the configuration's tokenizer, or the model's where a tokenizer is needed.
func (m mapping) tokenizer() string {
	if t := m.config.Tokenizer; t != nil && t.Name != "" {
		return t.Name
	}
	if m.config.Own.Dataset["tokensPerWord"] != nil {
		return ""
	}
	needed := !slices.Contains([]config.DataType{config.MockData, config.ShareGPT, config.BillSumConversations,
		config.InfinityInstruct, config.CNNDailyMail, config.PromptsData, config.OTelTraceReplay, config.WorkloadData,
		config.SoundData},
		m.config.Data.Type) || needsTokenizer(m.config.Data) || mixNeedsTokenizer(m.config)
	if m.config.Server != nil && (needed || m.config.Tokenizer != nil) {
		return m.config.Server.ModelName
	}
	return ""
}

// load returns the load. A duration in seconds is rounded as it would be by a script, which holds it as a number of
// milliseconds.
func (m mapping) load(found Found) (load arrival.Load, notes []string, err error) {
	l := m.config.Load
	if *l.BaseSeed > maxWhole {
		return load, nil, fmt.Errorf("load.base_seed: must be at most %d, got %d", int64(maxWhole), *l.BaseSeed)
	}
	load = arrival.Load{Seed: null.IntFrom(*l.BaseSeed), Drain: null.BoolFrom(true),
		Arrival: null.StringFrom(m.arrival())}
	if m.config.Own.Search != nil {
		load, err = m.search(load)
		return load, nil, err
	}
	if load.Arrival.String == "trace" {
		if load.Trace, err = m.trace(found.Instants); err == nil {
			load.Warmup, err = warmup("x-llm.warmup", m.config.Own.Warmup)
		}
		return load, nil, err
	}
	interval, err := duration("load.interval", l.Interval)
	if err != nil {
		return load, nil, err
	}
	load.Interval = types.NullDurationFrom(interval)
	if own := m.config.Own.Warmup; own.Until() {
		if load.Warmup, err = warmup("x-llm.warmup", own); err != nil {
			return load, nil, err
		}
		if l.Type == config.TraceSessionReplay {
			return load, nil, fmt.Errorf("x-llm.warmup: %s would replay sessions of the data that are to be measured: "+
				"give seconds", own.Word)
		}
	}
	if l.Type == config.TraceSessionReplay {
		load.Stages, notes, err = sessionStages(m, found.Sessions)
	} else {
		load.Stages, err = m.stages()
	}
	return load, notes, err
}

// search makes a load a search.
func (m mapping) search(load arrival.Load) (_ arrival.Load, err error) {
	if load.Search, err = readSearch(m.config.Own); err != nil {
		return load, err
	}
	if err := m.checkStream(load.Search); err != nil {
		return load, err
	}
	interval, err := duration("load.interval", m.config.Load.Interval)
	load.Interval = types.NullDurationFrom(interval)
	if m.config.Own.SearchOver() != "rate" {
		load.Arrival = null.String{} // a closed loop has none
	}
	return load, err
}

// stages returns the options of the stages.
func (m mapping) stages() (list []arrival.StageOptions, err error) {
	for i, s := range m.config.Load.Stages.Standard {
		o := arrival.StageOptions{Rate: null.FloatFrom(s.Rate), Duration: wholeSeconds(s.Duration)}
		if o.Warmup, err = m.stageWarmup(i, s.Warmup); err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	for i, s := range m.config.Load.Stages.Concurrent {
		o := arrival.StageOptions{Concurrency: null.IntFrom(s.Concurrency)}
		if s.NumRequests != nil {
			o.Requests = null.IntFrom(*s.NumRequests)
			o.Concurrency.Int64 = min(s.Concurrency, *s.NumRequests)
		} else {
			o.Duration = wholeSeconds(*s.Duration)
		}
		if o.Warmup, err = m.stageWarmup(i, s.Warmup); err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, nil
}

// warmup returns the warm-up that a stage states. It leaves that of all stages to the load.
func warmup(key string, own *config.Warmup) (arrival.Warmup, error) {
	switch {
	case own == nil:
		return arrival.Warmup{}, nil
	case own.Word != "":
		w, err := arrival.ParseWarmup(own.Word)
		if err != nil {
			return w, fmt.Errorf("%s: %w", key, err)
		}
		return w, nil
	}
	d, err := duration(key, own.Seconds)
	return arrival.WarmupFor(d), err
}

// stageWarmup returns the warm-up of a stage: its own, or the time of that of all stages.
func (m mapping) stageWarmup(stage int, own *config.Warmup) (arrival.Warmup, error) {
	if all := m.config.Own.Warmup; own == nil && !all.Until() {
		return warmup("x-llm.warmup", all)
	}
	return warmup(fmt.Sprintf("load.stages[%d].warmup", stage), own)
}

func wholeSeconds(n int64) types.NullDuration {
	return types.NullDurationFrom(time.Duration(n) * time.Second)
}

// maxWhole is the largest number up to which a script holds whole numbers exactly.
const maxWhole = 1 << 53

// duration converts seconds to a duration by way of the number of milliseconds that a script would hold.
func duration(key string, seconds float64) (time.Duration, error) {
	d, err := timespan.Milliseconds(milliseconds(seconds))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", key, err)
	}
	return d, nil
}

// milliseconds converts seconds to the number of milliseconds in which scripts state durations.
func milliseconds(seconds float64) float64 { return seconds * 1000 }

// arrival returns the name of the arrival process.
func (m mapping) arrival() string {
	original := m.config.Own.Arrivals == config.InferencePerf
	switch kind := m.config.Load.Type; {
	case kind == config.TraceReplay, kind == config.TraceSessionReplay && m.config.Own.Clock == config.TraceClock:
		return "trace"
	case kind == config.TraceSessionReplay:
		return "constant"
	case kind == config.PoissonLoad && original:
		return "inference-perf-poisson"
	case kind == config.PoissonLoad:
		return "poisson"
	case original:
		return "inference-perf"
	}
	return "constant"
}

// trace returns the instants to replay: as many as the stages ask for, or all of them if the requests themselves come
// from a trace.
func (m mapping) trace(instants []float64) ([]float64, error) {
	switch {
	case m.config.Load.Type == config.TraceSessionReplay:
		return sessionStarts(m.config.Load.Stages.Sessions, instants)
	case m.config.Data.Trace != nil:
		return instants, nil
	}
	asked := 0.0
	for _, s := range m.config.Load.Stages.Standard {
		asked += math.Trunc(s.Rate * float64(s.Duration))
	}
	if asked > float64(len(instants)) {
		return nil, fmt.Errorf("load.trace: the stages ask for %.0f requests, and the file has %d: shorten them", asked,
			len(instants))
	}
	return instants[:int(asked)], nil
}

func (m mapping) report() Map {
	l := m.config.Report.Lifecycle
	return Map{"percentiles": anyList(l.Percentiles), "perRequest": l.PerRequest,
		"useServerOutputTokens": l.UseServerOutputTokens}
}

func anyList[T any](items []T) []any {
	list := []any{}
	for _, item := range items {
		list = append(list, item)
	}
	return list
}

package convert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/price"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Configured returns the options and the files of reports that a configuration of inference-perf asks for, or an error
// if its objectives cannot be read.
func Configured(c *config.Config) (Options, Files, error) {
	l := c.Report.Lifecycle
	o := Options{
		Percentiles: l.Percentiles, ServerTokens: l.UseServerOutputTokens, MaxMessages: int(l.MaxErrorMessages),
		Config: c,
	}
	if c.Report.Goodput != nil {
		o.SLO = constraints(c.Report.Goodput.Constraints)
	}
	var err error
	if c.Own.SLO != "" {
		if err := o.SetSLO(c.Own.SLO); err != nil {
			return o, Files{}, fmt.Errorf("x-llm.slo: %w", err)
		}
	}
	if c.Own.Gate != "" {
		if o.Gates, err = slo.Parse(c.Own.Gate); err != nil {
			return o, Files{}, fmt.Errorf("x-llm.gate: %w", err)
		}
	}
	if o.Price, err = price.ParseBoth(c.Own.Price, c.Own.PriceRatio); err != nil {
		return o, Files{}, fmt.Errorf("x-llm.%w", err)
	}
	f := Files{
		Summary: l.Summary, Stages: l.PerStage, Adapters: l.PerAdapter, AdapterStages: l.PerAdapterStage,
		Groups:     l.PerAdapter,
		PerRequest: l.PerRequest, Sessions: c.Report.Sessions.Summary, SessionStages: c.Report.Sessions.PerStage,
		PerSession: c.Report.Sessions.PerSession,
		Fields: Fields{l.PerRequestFields.Request, l.PerRequestFields.Response, l.PerRequestFields.Info,
			l.PerRequestFields.ResponseChunks, l.PerRequestFields.ComputedMetrics},
	}
	if c.Storage != nil && c.Storage.Local != nil {
		f.Prefix = c.Storage.Local.Prefix
	}
	return o, f, nil
}

// constraints converts the bounds of a configuration, which are in seconds.
func constraints(list map[string]float64) record.Bounds {
	return record.Bounds{
		TTFT: list["ttft"] * 1000, TPOT: list["tpot"] * 1000, NTPOT: list["ntpot"] * 1000, ITL: list["itl"] * 1000,
		Latency: list["request_latency"] * 1000, FirstAudio: list["first_audio"] * 1000, RTF: list["rtf"],
	}
}

// configuration returns the text of config.yaml: the given configuration, else one made from what the records hold. It
// is nil if inference-perf's configuration cannot express the run, such as a stage of half a second. It includes the
// seed of the run, even if the seed was drawn at random.
func (p *Report) configuration() ([]byte, error) {
	if p.opts.Config != nil {
		c := *p.opts.Config
		if c.Load.BaseSeed == nil {
			c.Load.BaseSeed = commonSeed(p.run)
		}
		return c.Redacted()
	}
	overrides, ok := configOverrides(p.run)
	if !ok {
		return nil, nil
	}
	c, err := config.Parse([]byte("storage: null"), overrides...)
	if err != nil {
		return nil, nil // a configuration cannot express the run
	}
	text, err := c.Redacted()
	return recordedPart(text), err
}

// recordedPart keeps those sections of a configuration that records determine: neither the data nor the reports.
func recordedPart(text []byte) []byte {
	out := []byte("# What the records of the run tell of its configuration. Its data set is not among it.\n")
	keep := false
	for line := range bytes.Lines(text) {
		if line[0] != ' ' && line[0] != '-' {
			key, _, _ := bytes.Cut(line, []byte(":"))
			keep = slices.Contains([]string{"api", "load", "server", "tokenizer", "x-llm"}, string(key))
		}
		if keep {
			out = append(out, line...)
		}
	}
	return out
}

// configOverrides expresses a run's scenarios and client as keys of a configuration. It returns false if that is not
// possible.
func configOverrides(r *run.Run) ([]config.Override, bool) {
	kind, stages := config.Constant, []map[string]any{}
	for _, s := range r.Scenarios() {
		planned := s.Stages
		if search := r.SearchOf(s.Name); search != nil {
			planned = probedStages(r, search)
			if search.Arrival == string(config.PoissonLoad) {
				kind = config.PoissonLoad
			}
		}
		for _, stage := range planned {
			switch {
			case len(r.Sessions) > 0 && stage.Requests != nil && stage.Concurrency != nil:
				kind = config.TraceSessionReplay
				stages = append(stages, sessionStage(&stage))
			case len(r.Sessions) > 0:
				return nil, false
			case stage.Rate != nil && stage.Duration != nil && stage.From == nil:
				stages = append(stages, map[string]any{"rate": *stage.Rate, "duration": *stage.Duration})
			case stage.Requests != nil && stage.Concurrency != nil && stage.Rate == nil && stage.Timeout == nil:
				kind = config.Concurrent
				stages = append(stages, map[string]any{"num_requests": *stage.Requests,
					"concurrency_level": *stage.Concurrency})
			case stage.Concurrency != nil && stage.Duration != nil:
				kind = config.Concurrent
				stages = append(stages, map[string]any{"duration": *stage.Duration,
					"concurrency_level": *stage.Concurrency})
			default:
				return nil, false
			}
		}
	}
	text, err := json.Marshal(stages)
	if err != nil || len(stages) == 0 || slices.ContainsFunc(r.Clients, isPair) {
		return nil, false
	}
	list := []config.Override{{Key: "load.type", Value: string(kind)}, {Key: "load.stages", Value: string(text)}}
	if kind == config.TraceSessionReplay {
		list = append(list, config.Override{Key: "data.type", Value: string(config.WorkloadData)},
			config.Override{Key: "data.path", Value: "-"}) // any data of sessions
	}
	if seed := commonSeed(r); seed != nil {
		list = append(list, config.Override{Key: "load.base_seed", Value: fmt.Sprint(*seed)})
	}
	if len(r.Clients) > 0 {
		list = append(list, clientConfig(r.Clients[0])...)
	}
	return list, true
}

// sessionStage expresses a stage of sessions as one of a configuration.
func sessionStage(s *record.Stage) map[string]any {
	keys := map[string]any{"num_sessions": *s.Requests, "concurrent_sessions": *s.Concurrency}
	if s.Rate != nil {
		keys["session_rate"] = *s.Rate
	}
	if s.Timeout != nil {
		keys["timeout"] = *s.Timeout
	}
	return keys
}

// commonSeed returns the run's seed, or nil if it has none or its instances had different ones.
func commonSeed(r *run.Run) (seed *int64) {
	for i, run := range r.Runs {
		if i > 0 && (seed == nil || run.Seed == nil || *run.Seed != *seed) {
			return nil
		}
		seed = run.Seed
	}
	return seed
}

// clientConfig expresses a client's options as keys of a configuration.
func clientConfig(c *record.Client) (list []config.Override) {
	pairs := [][2]string{{"api", "api.type"}, {"streaming", "api.streaming"}}
	if c.Options["baseURL"] != nil { // without it there is no server
		pairs = append(pairs, [][2]string{{"baseURL", "server.base_url"}, {"model", "server.model_name"},
			{"ignoreEOS", "server.ignore_eos"}}...)
		if c.Simulator {
			list = append(list, config.Override{Key: "server.type", Value: "mock"})
		}
	}
	for _, pair := range pairs {
		if v, there := c.Options[pair[0]]; there && v != "" {
			if several, are := v.([]any); are { // base URLs
				v = withCommas(several)
			}
			list = append(list, config.Override{Key: pair[1], Value: fmt.Sprint(v)})
		}
	}
	if _, several := c.Options["baseURL"].([]any); several {
		list = append(list, balanceOf(c))
	}
	if c.Tokenizer != "" {
		list = append(list, config.Override{Key: "tokenizer.pretrained_model_name_or_path", Value: c.Tokenizer})
	}
	return list
}

// balanceOf expresses how a client spreads its requests over its endpoints.
func balanceOf(c *record.Client) config.Override {
	options := map[string]any{}
	for _, key := range []string{"balance", "weights"} {
		if v, there := c.Options[key]; there {
			options[key] = v
		}
	}
	text, _ := json.Marshal(options) // they were read from JSON
	return config.Override{Key: "x-llm.client", Value: string(text)}
}

// withCommas returns values with commas between them.
func withCommas(list []any) string {
	texts := make([]string, len(list))
	for i, each := range list {
		texts[i] = fmt.Sprint(each)
	}
	return strings.Join(texts, ",")
}

// plannedStages returns how many stages the run was to have, or 0 if that is unknown.
func (p *Report) plannedStages() int {
	switch c := p.opts.Config; {
	case c == nil:
		return len(p.run.StagePlan())
	case c.Load.Sweep != nil:
		return int(c.Load.Sweep.Stages)
	default:
		return c.Load.Stages.Len()
	}
}

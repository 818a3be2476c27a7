package dropin

import (
	"maps"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/config"
)

// blocks returns the sections of a configuration that tell how sessions are replayed, by their keys.
func blocks(c *config.Config) map[string]*config.Replay {
	all := map[string]*config.Replay{}
	if o := c.Data.OTel; o != nil {
		all["data.otel_trace_replay"] = &o.Replay
	}
	if w := c.Data.Weka; w != nil {
		all["data.weka_trace_replay"] = &w.Replay
	}
	if s := c.Data.SyntheticAgentic; s != nil {
		all["data.synthetic_agentic"] = &s.Replay
	}
	if w := c.Data.Workload; w != nil {
		all["data.workload.session"] = &w.Session
	}
	return all
}

// replayNoEffect lists the keys without effect that are about sessions. inference-perf reads most of them as well, and
// does nothing with them.
var replayNoEffect = append(deadInEach(),
	without{"data.weka_trace_replay.ignore_trace_delays", func(c, _ *config.Config) bool {
		return c.Data.Weka != nil && c.Data.Weka.IgnoreDelays
	}, "inference-perf does not act on it either: max_wait_ms: 0 leaves out the waits"},
	without{"data.weka_trace_replay.use_think_time_only", func(c, _ *config.Config) bool {
		return c.Data.Weka != nil && c.Data.Weka.ThinkTimeOnly
	}, "inference-perf does not act on it either"},
	without{"data.weka_trace_replay.datagen_workers", func(c, _ *config.Config) bool {
		return c.Data.Weka != nil && c.Data.Weka.Workers != nil
	}, "sessions are made as they are needed"},
)

// deadInEach returns the keys that have no effect in any of the blocks.
func deadInEach() (list []without) {
	const model = "requests name server.model_name or an adapter, as those of inference-perf do"
	dead := map[string]func(r *config.Replay) bool{
		"use_static_model":   func(r *config.Replay) bool { return r.UseStaticModel },
		"static_model_name":  func(r *config.Replay) bool { return r.StaticModel != "" },
		"model_mapping":      func(r *config.Replay) bool { return len(r.ModelMapping) > 0 },
		"default_max_tokens": func(r *config.Replay) bool { return r.DefaultMaxTokens != usualMaxTokens },
	}
	for _, block := range []string{"data.otel_trace_replay", "data.weka_trace_replay", "data.synthetic_agentic",
		"data.workload.session"} {
		for _, name := range slices.Sorted(maps.Keys(dead)) {
			why := model
			if name == "default_max_tokens" {
				why = "a call has the limit of the trace, and inference-perf does not act on it either"
			}
			list = append(list, without{block + "." + name, func(c, _ *config.Config) bool {
				r := blocks(c)[block]
				return r != nil && dead[name](r)
			}, why})
		}
	}
	return list
}

// usualMaxTokens is the default of default_max_tokens.
const usualMaxTokens = 1000

// loading returns one line for each data set of the hub with options for Python's library, which does not load it here.
func loading(c *config.Config) (list []string) {
	hubs := map[string]*config.HFDataset{}
	if o := c.Data.OTel; o != nil {
		hubs["data.otel_trace_replay"] = o.Hub
	}
	if w := c.Data.Weka; w != nil {
		hubs["data.weka_trace_replay"] = w.Hub
	}
	for _, block := range slices.Sorted(maps.Keys(hubs)) {
		h := hubs[block]
		if h == nil {
			continue
		}
		if _, more := dataFiles(h); more {
			list = append(list, block+".hf_dataset_path: only path and data_files, one pattern, have an effect here: "+
				"the files of the repository are read as they are")
		}
	}
	return list
}

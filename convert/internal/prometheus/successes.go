package prometheus

import (
	"fmt"
	"math"
)

// filler puts answers into a document and records a reason for each null.
type filler struct {
	engine    Engine
	doc       *Document
	questions map[string]question // inference-perf's questions by their names
	answers   map[question]answer
	several   int // number of figures with several series
}

// only returns the value of the first series of an answer, which inference-perf takes, or the reason why there is none.
func (a answer) only() (value float64, why string) {
	switch {
	case a.err != nil:
		return 0, a.err.Error()
	case len(a.samples) == 0:
		return 0, "no samples in the window"
	}
	switch value = a.samples[0].value; {
	case math.IsNaN(value):
		return 0, "not a number: nothing was observed in the window"
	case math.IsInf(value, 0):
		return 0, "infinite"
	}
	return value, ""
}

// original sets the figures that inference-perf reports.
func (f *filler) original() {
	one, mean, four := f.figure, f.mean, f.statistics
	f.doc.Successes = Successes{
		Count: one("count", "requests", "total"), Rate: one("rate", "requests", "per_second"),
		PromptLen: f.lengths("prompt_len", "prompt_tokens"), OutputLen: f.lengths("output_len", "output_tokens"),
		QueueLen: mean("queue_len", "queue_length", "avg"), RequestLatency: four("request_latency", "request_latency"),
		TTFT:         four("time_to_first_token", "time_to_first_token"),
		TPOT:         four("time_per_output_token", "time_per_output_token"),
		KVCacheUsage: four("kv_cache_usage_percentage", "kv_cache_usage"), RequestsSwapped: mean("num_requests_swapped",
			"num_requests_swapped", "avg"),
		Preemptions:                   mean("num_preemptions_total", "num_preemptions_total", "total"),
		PrefixCacheHits:               f.percent("prefix_cache_hit_percent", "prefix_cache"),
		ITL:                           four("inter_token_latency", "inter_token_latency"),
		RequestsRunning:               mean("num_requests_running", "num_requests_running", "avg"),
		RequestQueueTime:              four("request_queue_time", "request_queue_time"),
		RequestInferenceTime:          four("request_inference_time", "request_inference_time"),
		RequestPrefillTime:            four("request_prefill_time", "request_prefill_time"),
		RequestDecodeTime:             four("request_decode_time", "request_decode_time"),
		RequestPromptTokens:           four("request_prompt_tokens", "request_prompt_tokens"),
		RequestGenerationTokens:       four("request_generation_tokens", "request_generation_tokens"),
		RequestMaxNumGenerationTokens: four("request_max_num_generation_tokens", "request_max_num_generation_tokens"),
		RequestParamsN:                four("request_params_n", "request_params_n"),
		RequestParamsMaxTokens:        four("request_params_max_tokens", "request_params_max_tokens"),
		RequestSuccessCount:           one("request_success_count", "request_success_count", "total"),
		IterationTokens:               four("iteration_tokens", "iteration_tokens"),
		PromptTokensCached:            one("prompt_tokens_cached", "prompt_tokens_cached", "total"),
		ExternalPrefixCacheHits:       f.percent("external_prefix_cache_hit_percent", "external_prefix_cache"),
		MMCacheHits:                   f.percent("mm_cache_hit_percent", "mm_cache"),
		CorruptedRequests:             one("corrupted_requests", "corrupted_requests", "total"),
		RequestPrefillKVComputedTokens: four("request_prefill_kv_computed_tokens",
			"request_prefill_kv_computed_tokens"),
		KVBlockIdleBeforeEvict: four("kv_block_idle_before_evict", "kv_block_idle_before_evict"),
		KVBlockLifetime:        four("kv_block_lifetime", "kv_block_lifetime"),
		KVBlockReuseGap:        four("kv_block_reuse_gap", "kv_block_reuse_gap"),
	}
}

// figure returns a statistic of a field for the figure at a path within successes.
func (f *filler) figure(path, field, statistic string) *float64 {
	value, why := f.lookUp(path, field, statistic)
	return f.note(path, value, why)
}

// note returns a value, or records the reason and returns nil.
func (f *filler) note(path string, value float64, why string) *float64 {
	if why != "" {
		f.doc.Additions.Reasons["successes."+path] = why
		return nil
	}
	return new(math.Round(value*1e6) / 1e6)
}

func (f *filler) lookUp(path, field, statistic string) (float64, string) {
	q, asked := f.questions[field+"."+statistic]
	if !asked {
		return 0, fmt.Sprintf("not exported by %s", f.engine)
	}
	if path != "" {
		f.doc.Additions.Original.Queries["successes."+path] = q.text
	}
	a := f.answers[q]
	if len(a.samples) > 1 {
		f.several++
	}
	return a.only()
}

func (f *filler) mean(path, field, statistic string) Mean {
	return Mean{f.figure(path+".mean", field, statistic)}
}

func (f *filler) lengths(path, field string) Lengths {
	return Lengths{f.figure(path+".mean", field, "avg"), f.figure(path+".rate", field, "per_second")}
}

func (f *filler) statistics(path, field string) Statistics {
	of := func(key, statistic string) *float64 { return f.figure(path+"."+key, field, statistic) }
	return Statistics{of("mean", "avg"), of("median", "median"), of("p90", "p90"), of("p99", "p99")}
}

// percent returns the percentage of hits among the lookups in a cache.
func (f *filler) percent(path, cache string) Mean {
	path += ".mean"
	hits, why := f.lookUp("", cache+"_hits", "total")
	if why != "" {
		return Mean{f.note(path, 0, why)}
	}
	lookups, why := f.lookUp("", cache+"_queries", "total")
	if why == "" && lookups == 0 {
		why = "nothing was looked up in the window"
	}
	f.doc.Additions.Original.Queries["successes."+path] = fmt.Sprintf("100 * (%s) / (%s)",
		f.questions[cache+"_hits.total"].text, f.questions[cache+"_queries.total"].text)
	return Mean{f.note(path, 100*hits/lookups, why)}
}

// exact sets the exact figures.
func (f *filler) exact(list []named) {
	for _, q := range list {
		figure := Figure{Query: q.text, Time: seconds(q.at)}
		if value, why := f.answers[q.question].only(); why == "" {
			figure.Value = &value
		} else {
			f.doc.Additions.Reasons["figures."+q.name] = why
		}
		f.doc.Additions.Figures[q.name] = figure
	}
}

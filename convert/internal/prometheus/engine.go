package prometheus

import (
	"fmt"
	"slices"
	"strings"
)

// Engine is the kind of a model server, which determines the names of its metrics.
type Engine string

// The engines whose metrics are supported.
const (
	VLLM   Engine = "vllm"
	SGLang Engine = "sglang"
	TGI    Engine = "tgi"
)

// ParseEngine returns the engine of a name, or an error that lists the engines.
func ParseEngine(name string) (Engine, error) {
	if e := Engine(name); e.metrics() != nil {
		return e, nil
	}
	return "", fmt.Errorf("unknown engine %q, known are vllm, sglang, tgi", name)
}

type kind int

const (
	counter kind = iota
	gauge
	histogram
)

// metric is a metric of an engine, and the field of inference-perf that is made from it.
type metric struct {
	field string
	kind  kind
	name  string
}

// metrics returns the metrics of an engine in the order in which inference-perf asks for them, or nil for an unknown
// engine.
func (e Engine) metrics() []metric {
	switch e {
	case VLLM:
		return slices.Concat(vllmFirst, vllmMore)
	case SGLang:
		return sglangMetrics
	case TGI:
		return tgiMetrics
	}
	return nil
}

var vllmFirst = []metric{
	{"prompt_tokens", counter, "vllm:prompt_tokens"},
	{"output_tokens", counter, "vllm:generation_tokens"},
	{"requests", counter, "vllm:request_success"},
	{"request_latency", histogram, "vllm:e2e_request_latency_seconds"},
	{"queue_length", gauge, "vllm:num_requests_waiting"},
	{"time_per_output_token", histogram, "vllm:request_time_per_output_token_seconds"},
}

var vllmMore = []metric{
	{"num_requests_running", gauge, "vllm:num_requests_running"},
	{"time_to_first_token", histogram, "vllm:time_to_first_token_seconds"},
	{"inter_token_latency", histogram, "vllm:inter_token_latency_seconds"},
	{"request_success_count", counter, "vllm:request_success"},
	{"kv_cache_usage", gauge, "vllm:kv_cache_usage_perc"},
	{"num_preemptions_total", counter, "vllm:num_preemptions"},
	{"prefix_cache_hits", counter, "vllm:prefix_cache_hits"},
	{"prefix_cache_queries", counter, "vllm:prefix_cache_queries"},
	{"request_queue_time", histogram, "vllm:request_queue_time_seconds"},
	{"request_inference_time", histogram, "vllm:request_inference_time_seconds"},
	{"request_prefill_time", histogram, "vllm:request_prefill_time_seconds"},
	{"request_decode_time", histogram, "vllm:request_decode_time_seconds"},
	{"request_prompt_tokens", histogram, "vllm:request_prompt_tokens"},
	{"request_generation_tokens", histogram, "vllm:request_generation_tokens"},
	{"request_max_num_generation_tokens", histogram, "vllm:request_max_num_generation_tokens"},
	{"request_params_n", histogram, "vllm:request_params_n"},
	{"request_params_max_tokens", histogram, "vllm:request_params_max_tokens"},
	{"iteration_tokens", histogram, "vllm:iteration_tokens_total"},
	{"prompt_tokens_cached", counter, "vllm:prompt_tokens_cached"},
	{"external_prefix_cache_hits", counter, "vllm:external_prefix_cache_hits"},
	{"external_prefix_cache_queries", counter, "vllm:external_prefix_cache_queries"},
	{"mm_cache_hits", counter, "vllm:mm_cache_hits"},
	{"mm_cache_queries", counter, "vllm:mm_cache_queries"},
	{"corrupted_requests", counter, "vllm:corrupted_requests"},
	{"request_prefill_kv_computed_tokens", histogram, "vllm:request_prefill_kv_computed_tokens"},
	{"kv_block_idle_before_evict", histogram, "vllm:kv_block_idle_before_evict_seconds"},
	{"kv_block_lifetime", histogram, "vllm:kv_block_lifetime_seconds"},
	{"kv_block_reuse_gap", histogram, "vllm:kv_block_reuse_gap_seconds"},
}

var sglangMetrics = []metric{
	{"prompt_tokens", counter, "sglang:prompt_tokens_total"},
	{"output_tokens", counter, "sglang:generation_tokens_total"},
	{"requests", counter, "sglang:e2e_request_latency_seconds_count"},
	{"request_latency", histogram, "sglang:e2e_request_latency_seconds"},
	{"queue_length", gauge, "sglang:num_queue_reqs"},
	{"time_per_output_token", histogram, "sglang:time_per_output_token_seconds"},
	{"time_to_first_token", histogram, "sglang:time_to_first_token_seconds"},
	{"inter_token_latency", histogram, "sglang:inter_token_latency_seconds"},
	{"kv_cache_usage", gauge, "sglang:token_usage"},
}

var tgiMetrics = []metric{
	{"prompt_tokens", histogram, "tgi_request_input_length"},
	{"output_tokens", histogram, "tgi_request_generated_tokens"},
	{"requests", counter, "tgi_request_success"},
	{"request_latency", histogram, "tgi_request_duration"},
	{"queue_length", gauge, "tgi_queue_size"},
	{"time_per_output_token", histogram, "tgi_request_mean_time_per_token_duration"},
}

// matchers returns the label matchers for an engine's metrics. TGI has no label for the model. An unknown model adds no
// matcher; inference-perf looks for a model called None.
func (e Engine) matchers(model string, filters []string) string {
	var list []string
	if e != TGI && model != "" {
		list = append(list, "model_name='"+quoted.Replace(model)+"'")
	}
	return strings.Join(append(list, filters...), ",")
}

// quoted escapes the characters that must not stand between the single quotes of PromQL.
var quoted = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`)

// Package scrape reads the page of metrics that an inference server serves itself (vLLM, SGLang, TGI, llama.cpp, and
// NVIDIA's exporter beside them), so that a run without Prometheus knows the server's queue too. It returns a few
// figures, whose names are the same for all engines.
package scrape

import (
	"maps"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// fold is how the series of a metric become one figure.
type fold int

const (
	sum fold = iota
	mean
	most
	number
	more   // their sum, added to the figure of an earlier row
	undone // the sum of those of requests that were not answered, which the others leave out
)

// metric is a metric to read: its engine, its name without _total, and the figure it becomes.
type metric struct {
	engine, name, figure string
	fold                 fold
	scale                float64 // 0 for 1
}

// dcgm and process stand in place of an engine. The metrics of devices (dcgm) count beside any engine or alone; those
// of Prometheus' client libraries (process) count only beside an engine.
const dcgm, process = "dcgm", "process"

// table lists all metrics that are read. If several metrics on a page have the same figure, the first counts, and a
// metric folded by more is added to it. If a page has metrics of several engines, the first engine counts.
func table() []metric {
	const vllm, sglang, tgi, llama = "vllm", "sglang", "tgi", "llama.cpp"
	return []metric{
		{vllm, "vllm:num_requests_running", record.ServerRunning, sum, 0},
		{vllm, "vllm:num_requests_waiting", record.ServerWaiting, sum, 0},
		{vllm, "vllm:kv_cache_usage_perc", record.ServerKVCacheUsage, mean, 0},
		{vllm, "vllm:gpu_cache_usage_perc", record.ServerKVCacheUsage, mean, 0}, // before 0.9
		{vllm, "vllm:num_preemptions", record.ServerPreemptions, sum, 0},
		{vllm, "vllm:request_success", record.ServerRequests, sum, 0},
		{vllm, "vllm:request_success", record.ServerGivenUp, undone, 0},
		{vllm, "vllm:prompt_tokens", record.ServerPromptTokens, sum, 0},
		{vllm, "vllm:generation_tokens", record.ServerGenerationTokens, sum, 0},
		{vllm, "vllm:prefix_cache_queries", record.ServerPrefixCacheQueries, sum, 0},
		{vllm, "vllm:gpu_prefix_cache_queries", record.ServerPrefixCacheQueries, sum, 0}, // before 0.9
		{vllm, "vllm:prefix_cache_hits", record.ServerPrefixCacheHits, sum, 0},
		{vllm, "vllm:gpu_prefix_cache_hits", record.ServerPrefixCacheHits, sum, 0}, // before 0.9
		{vllm, "vllm:time_to_first_token_seconds_sum", record.ServerTTFTSum, sum, 0},
		{vllm, "vllm:time_to_first_token_seconds_count", record.ServerTTFTCount, sum, 0},

		{sglang, "sglang:num_running_reqs", record.ServerRunning, sum, 0},
		{sglang, "sglang:num_queue_reqs", record.ServerWaiting, sum, 0},
		{sglang, "sglang:token_usage", record.ServerKVCacheUsage, mean, 0},
		{sglang, "sglang:num_retracted_requests", record.ServerPreemptions, sum, 0},
		{sglang, "sglang:num_requests", record.ServerRequests, sum, 0},
		{sglang, "sglang:num_aborted_requests", record.ServerGivenUp, sum, 0},
		{sglang, "sglang:prompt_tokens", record.ServerPromptTokens, sum, 0},
		{sglang, "sglang:generation_tokens", record.ServerGenerationTokens, sum, 0},
		{sglang, "sglang:prompt_tokens", record.ServerPrefixCacheQueries, sum, 0}, // each prompt is looked up
		{sglang, "sglang:cached_tokens", record.ServerPrefixCacheHits, sum, 0},
		{sglang, "sglang:time_to_first_token_seconds_sum", record.ServerTTFTSum, sum, 0},
		{sglang, "sglang:time_to_first_token_seconds_count", record.ServerTTFTCount, sum, 0},

		{tgi, "tgi_batch_current_size", record.ServerRunning, sum, 0},
		{tgi, "tgi_queue_size", record.ServerWaiting, sum, 0},
		{tgi, "tgi_request_success", record.ServerRequests, sum, 0},
		{tgi, "tgi_request_input_length_sum", record.ServerPromptTokens, sum, 0},
		{tgi, "tgi_request_generated_tokens_sum", record.ServerGenerationTokens, sum, 0},

		{llama, "llamacpp:requests_processing", record.ServerRunning, sum, 0},
		{llama, "llamacpp:requests_deferred", record.ServerWaiting, sum, 0},
		{llama, "llamacpp:kv_cache_usage_ratio", record.ServerKVCacheUsage, mean, 0}, // of older builds
		// computed tokens, without the cached ones
		{llama, "llamacpp:prompt_tokens", record.ServerPromptTokens, sum, 0},
		{llama, "llamacpp:prompt_tokens_cached", record.ServerPromptTokens, more, 0}, // of newer builds
		{llama, "llamacpp:prompt_tokens", record.ServerPrefixCacheQueries, sum, 0},
		{llama, "llamacpp:prompt_tokens_cached", record.ServerPrefixCacheQueries, more, 0},
		{llama, "llamacpp:prompt_tokens_cached", record.ServerPrefixCacheHits, sum, 0},
		{llama, "llamacpp:tokens_predicted", record.ServerGenerationTokens, sum, 0},

		{process, "process_start_time_seconds", record.ServerProcessStart, most, 0},

		{dcgm, "DCGM_FI_DEV_GPU_UTIL", record.ServerGPUs, number, 0},
		{dcgm, "DCGM_FI_DEV_GPU_UTIL", record.ServerGPUUtilization, mean, 0.01},
		{dcgm, "DCGM_FI_DEV_FB_USED", record.ServerGPUMemory, sum, 1 << 20},
		{dcgm, "DCGM_FI_DEV_POWER_USAGE", record.ServerGPUPower, sum, 0},
		{dcgm, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", record.ServerGPUEnergy, sum, 0.001},
		{dcgm, "DCGM_FI_DEV_GPU_TEMP", record.ServerGPUTemperature, most, 0},
		{dcgm, "DCGM_FI_DEV_SM_CLOCK", record.ServerGPUClock, mean, 0},
	}
}

// byName indexes the metrics of the table by name. A name can occur twice.
func byName(metrics []metric) map[string][]int {
	index := map[string][]int{}
	for i, m := range metrics {
		index[m.name] = append(index[m.name], i)
	}
	return index
}

// Figures returns the names of all figures, sorted.
func Figures() []string {
	names := map[string]bool{}
	for _, m := range table() {
		names[m.figure] = true
	}
	return slices.Sorted(maps.Keys(names))
}

package prometheus

import (
	"bytes"
	"encoding/json"
)

// Document is the file of the figures of a run or a stage from Prometheus: inference-perf's report with additions.
// Times are in seconds. Null means that a figure is not available; Reasons says why.
type Document struct {
	BenchmarkTime float64   `json:"benchmark_time_seconds"` // 0, as in inference-perf
	Load          struct{}  `json:"load_summary"`
	Successes     Successes `json:"successes"`
	Failures      struct{}  `json:"failures"`
	Additions     Additions `json:"xk6_llm"`
}

// Successes holds the figures of inference-perf, each by inference-perf's own query. Additions has the right values
// where these queries are wrong.
type Successes struct {
	Count                          *float64   `json:"count"`
	Rate                           *float64   `json:"rate"`
	PromptLen                      Lengths    `json:"prompt_len"`
	OutputLen                      Lengths    `json:"output_len"`
	QueueLen                       Mean       `json:"queue_len"`
	RequestLatency                 Statistics `json:"request_latency"`
	TTFT                           Statistics `json:"time_to_first_token"`
	TPOT                           Statistics `json:"time_per_output_token"`
	KVCacheUsage                   Statistics `json:"kv_cache_usage_percentage"` // 0 to 1
	RequestsSwapped                Mean       `json:"num_requests_swapped"`
	Preemptions                    Mean       `json:"num_preemptions_total"`
	PrefixCacheHits                Mean       `json:"prefix_cache_hit_percent"`
	ITL                            Statistics `json:"inter_token_latency"`
	RequestsRunning                Mean       `json:"num_requests_running"`
	RequestQueueTime               Statistics `json:"request_queue_time"`
	RequestInferenceTime           Statistics `json:"request_inference_time"`
	RequestPrefillTime             Statistics `json:"request_prefill_time"`
	RequestDecodeTime              Statistics `json:"request_decode_time"`
	RequestPromptTokens            Statistics `json:"request_prompt_tokens"`
	RequestGenerationTokens        Statistics `json:"request_generation_tokens"`
	RequestMaxNumGenerationTokens  Statistics `json:"request_max_num_generation_tokens"`
	RequestParamsN                 Statistics `json:"request_params_n"`
	RequestParamsMaxTokens         Statistics `json:"request_params_max_tokens"`
	RequestSuccessCount            *float64   `json:"request_success_count"`
	IterationTokens                Statistics `json:"iteration_tokens"`
	PromptTokensCached             *float64   `json:"prompt_tokens_cached"`
	ExternalPrefixCacheHits        Mean       `json:"external_prefix_cache_hit_percent"`
	MMCacheHits                    Mean       `json:"mm_cache_hit_percent"`
	CorruptedRequests              *float64   `json:"corrupted_requests"`
	RequestPrefillKVComputedTokens Statistics `json:"request_prefill_kv_computed_tokens"`
	KVBlockIdleBeforeEvict         Statistics `json:"kv_block_idle_before_evict"`
	KVBlockLifetime                Statistics `json:"kv_block_lifetime"`
	KVBlockReuseGap                Statistics `json:"kv_block_reuse_gap"`
}

// Mean is a figure that has only a mean.
type Mean struct {
	Mean *float64 `json:"mean"`
}

// Lengths holds a mean, which for counters is inference-perf's tokens per second, and a rate per second.
type Lengths struct {
	Mean *float64 `json:"mean"`
	Rate *float64 `json:"rate"`
}

// Statistics holds a mean and quantiles.
type Statistics struct {
	Mean   *float64 `json:"mean"`
	Median *float64 `json:"median"`
	P90    *float64 `json:"p90"`
	P99    *float64 `json:"p99"`
}

// Additions holds the additions to inference-perf's report, under the key xk6_llm.
type Additions struct {
	Source         From              `json:"source"`
	Window         Exact             `json:"window"`
	Original       Asked             `json:"inference_perf"`
	Figures        map[string]Figure `json:"figures"`
	Reasons        map[string]string `json:"reasons"` // why a figure here or in successes is null
	Accelerators   *Accelerators     `json:"accelerators"`
	Reconciliation []Comparison      `json:"reconciliation"`
	Warnings       []string          `json:"warnings"`
}

// From names the server that was asked, and the settings.
type From struct {
	URL            string   `json:"url"` // without user and password
	Engine         Engine   `json:"engine"`
	Matchers       string   `json:"matchers"` // matchers of PromQL on each metric of the engine
	ScrapeInterval float64  `json:"scrape_interval_seconds"`
	Skew           *float64 `json:"clock_ahead_seconds"` // clock of Prometheus; null if it does not tell its time
}

// Exact is the window of the exact figures.
type Exact struct {
	Start   string  `json:"start"` // RFC 3339
	End     string  `json:"end"`
	Seconds float64 `json:"seconds"`
	// Settled is the time at which the counters at the end of the window are read: once all of it has been scraped, or
	// when the next stage begins.
	Settled   string `json:"settled"`
	Restarted bool   `json:"server_restarted"` // then increase() replaces exact differences
}

// Asked holds the queries for inference-perf's figures.
type Asked struct {
	Time    float64           `json:"time"` // of evaluation, unix seconds
	Range   int64             `json:"range_seconds"`
	Queries map[string]string `json:"queries"` // by the path of the figure
}

// Figure is an exact figure with its query.
type Figure struct {
	Value *float64 `json:"value"`
	Query string   `json:"query"`
	Time  float64  `json:"time"` // of evaluation, unix seconds
}

// JSON returns the text of the file.
func (d *Document) JSON() ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(d)
	return buf.Bytes(), err
}

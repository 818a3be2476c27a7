package foreign

import (
	"errors"
	"fmt"
)

// Known lists the files that Open reads, for error messages.
const Known = "per_request_lifecycle_metrics.json of inference-perf, results of vllm bench serve --save-result " +
	"--save-detailed and of " +
	"SGLang's bench_serving --output-details, benchmarks.json of guidellm, profile_export.jsonl of aiperf"

// vllmAdvice is also used for files that turn out to be summaries only when they are read.
const vllmAdvice = "it has no values per request; run vllm bench serve with --save-result --save-detailed"

// k6Summary is the format that k6 writes with --summary-export and by handleSummary.
const k6Summary Format = "k6's summary"

// advice tells which file to give instead of a file without requests.
var advice = map[Format]string{
	InferencePerfReport: "it is a report, without requests; give per_request_lifecycle_metrics.json, which " +
		"report.request_lifecycle.per_request: true writes",
	InferencePerfSessions: "it lists sessions, not requests; give per_request_lifecycle_metrics.json, which " +
		"report.request_lifecycle.per_request: true writes",
	VLLMSummary: vllmAdvice,
	AIPerfSummary: "it is a summary, without requests; give profile_export.jsonl, which aiperf (0.2 or " +
		"later) writes beside it with --export-level records",
	AIPerfRaw: "it holds answers, not measurements; give profile_export.jsonl, which aiperf writes " +
		"beside it",
	AIPerfInputs: "it holds prompts, not results; give profile_export.jsonl, which aiperf writes beside it",
	GenAIPerf: "it holds raw answers of perf_analyzer, which are not read; run aiperf, its successor, " +
		"and give profile_export.jsonl",
	GenAIPerfSummary: "it is a summary, without requests, of a tool that is not read; run aiperf, its " +
		"successor, and give profile_export.jsonl",
	BenchmarkReport: "it is a summary, without requests; give the results per request of the load generator that " +
		"llm-d-benchmark ran: " +
		Known,
	k6Summary: "it has no requests; give the records that `k6 run --out llm=FILE` writes",
}

// Check returns nil for a format with requests, and otherwise an error that says which file to give instead.
func (f Format) Check() error {
	switch f {
	case InferencePerf, VLLM, SGLang, GuideLLM, AIPerf:
		return nil
	case Unknown:
		return errors.New("not a format that llmconv reads: known are " + Known)
	}
	if text := advice[f]; text != "" {
		return fmt.Errorf("%s: %s", f, text)
	}
	if f.isUnread() {
		return fmt.Errorf("%s: llmconv does not read its results; known are %s", f, Known)
	}
	return fmt.Errorf("unknown format %q", string(f))
}

// unreadTool is a tool whose files are recognized only so that an error can name the tool.
type unreadTool struct {
	tool Format
	keys []string // a file has all of them
}

var (
	otherObjects = []unreadTool{
		{"genai-bench", []string{"aggregated_metrics", "individual_request_metrics"}},
		{"SGLang's bench_offline_throughput", []string{"backend", "successful_requests", "total_latency"}},
		{"SGLang's bench_one_batch_server", []string{"run_name", "batch_size", "output_len", "last_ttft"}},
		{"SGLang's bench_one_batch", []string{"run_name", "batch_size", "output_len", "prefill_latency"}},
		{"vllm bench latency", []string{"avg_latency", "latencies", "percentiles"}},
		{"vllm bench throughput", []string{"elapsed_time", "num_requests", "total_num_tokens", "tokens_per_second"}},
		{"trtllm-bench", []string{"world_info", "request_info", "performance"}},
		{"llmperf", []string{"results_ttft_s_quantiles_p25", "mean_input_tokens"}},
		{"llmperf", []string{"results_ttft_s", "results_end_to_end_latency_s"}},
		{"EvalScope", []string{"Number of concurrency", "Total requests"}},
		{"vegeta", []string{"latencies", "bytes_in", "bytes_out", "status_codes"}},
		{k6Summary, []string{"root_group", "metrics"}},
	}
	otherItems = []unreadTool{
		{"llama-bench", []string{"build_commit", "model_filename", "n_prompt", "n_gen"}},
		{"llmperf", []string{"error_code", "ttft_s", "inter_token_latency_s", "end_to_end_latency_s"}},
	}
)

func detectOther(m members, list []unreadTool) Format {
	for _, o := range list {
		if m.has(o.keys...) {
			return o.tool
		}
	}
	return Unknown
}

// isUnread reports whether the format belongs to a tool that is recognized but not read.
func (f Format) isUnread() bool {
	for _, list := range [...][]unreadTool{otherObjects, otherItems} {
		for _, o := range list {
			if o.tool == f {
				return true
			}
		}
	}
	return false
}

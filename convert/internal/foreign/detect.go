package foreign

import (
	"bytes"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// Format is a kind of file. Its text is the name of the tool, and of the kind of file if the file does not hold
// requests.
type Format string

// The formats with requests, which Open reads; Unknown is any other file. The other formats that Detect finds hold no
// requests or belong to tools that are not read: for each of them Check names the file to give instead.
const (
	InferencePerf Format = "inference-perf"
	VLLM          Format = "vllm bench serve"
	SGLang        Format = "SGLang's bench_serving"
	GuideLLM      Format = "guidellm"
	AIPerf        Format = "aiperf"

	Unknown               Format = ""
	InferencePerfReport   Format = "inference-perf report"
	InferencePerfSessions Format = "inference-perf sessions"
	VLLMSummary           Format = "vllm bench serve summary"
	AIPerfSummary         Format = "aiperf summary"
	AIPerfRaw             Format = "aiperf raw records"
	AIPerfInputs          Format = "aiperf inputs"
	GenAIPerf             Format = "genai-perf"
	GenAIPerfSummary      Format = "genai-perf summary"
	BenchmarkReport       Format = "llm-d benchmark report"
)

// Head is the number of bytes at the beginning of a file that Detect needs.
const Head = 1 << 16

// Detect returns the format of a file from its first bytes. The file must not be compressed. It looks for several keys
// or values that only one tool writes, never for one that others have, too. With fewer than Head bytes it may return
// Unknown, or take a summary of vllm or SGLang for a detailed result, which Reader.Next then refuses with the same
// words.
func Detect(head []byte) Format {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte(textfile.Mark)), " \r\n\t")
	switch {
	case len(head) == 0:
		return Unknown
	case head[0] == '[':
		return detectArray(head)
	case head[0] == '{':
		return detectObject(members{memberNames(head), head})
	case isBenchmarkReport(yamlKeys(head)):
		return BenchmarkReport
	}
	return Unknown
}

// members holds the keys of an object and its text.
type members struct {
	keys map[string]bool
	text []byte
}

// has reports whether the object has all of the keys.
func (m members) has(names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return !m.keys[name] })
}

// any reports whether the object has one of the keys.
func (m members) any(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return m.keys[name] })
}

// contains reports whether a text stands anywhere in the object.
func (m members) contains(text string) bool { return bytes.Contains(m.text, []byte(text)) }

func detectObject(m members) Format {
	switch {
	case m.has("load_summary") && m.any("successes", "failures", "benchmark_time_seconds"),
		m.has("successes", "failures"):
		return InferencePerfReport
	case m.has("model_id") && m.any("num_prompts", "date"), m.has("burstiness", "completed") &&
		m.any("backend", "endpoint_type"):
		return detectVLLM(m)
	case m.has("backend", "dataset_name") && m.any("sharegpt_output_len", "random_output_len", "random_range_ratio"):
		return SGLang
	case m.has("experiments") && m.contains(`"experiment"`), m.has("service_kind", "endpoint"):
		return GenAIPerf
	case m.contains(`"request_start_ns"`) && (m.has("metadata", "start_perf_ns") || m.has("metadata", "responses")):
		return AIPerfRaw
	case m.has("metadata") && m.contains(`"request_start_ns"`):
		return AIPerf
	case isGuideLLM(m):
		return GuideLLM
	case m.has("data") && m.contains(`"payloads"`) && m.contains(`"session_id"`):
		return AIPerfInputs
	case isBenchmarkReport(m.keys):
		return BenchmarkReport
	case m.has("start_time", "end_time", "error") && m.any("request", "response", "info"):
		return InferencePerf // an item of its array, on a line of its own
	}
	if format := detectPerf(m); format != Unknown {
		return format
	}
	return detectOther(m, otherObjects)
}

// detectPerf distinguishes the summaries of aiperf from the summaries of genai-perf, which it imitates: only aiperf
// names the tool early in the file and has the times of the run.
func detectPerf(m members) Format {
	switch {
	case m.has("aiperf_version"), m.any("request_throughput", "timeslices") && m.contains(`"aiperf `):
		return AIPerfSummary
	case m.has("request_throughput", "request_latency") && m.contains(`"avg"`) && m.contains(`"unit"`):
		if m.any("benchmark_duration", "min_request_timestamp", "error_summary", "was_cancelled", "start_time") {
			return AIPerfSummary
		}
		return GenAIPerfSummary
	}
	return Unknown
}

// isGuideLLM reports whether an object is a report of guidellm. The versions differ: 0.2 and 0.3 have the benchmarks
// alone, 0.4 has args beside them, later versions name the version.
func isGuideLLM(m members) bool {
	switch {
	case m.contains(`"guidellm_version"`):
		return m.any("metadata", "benchmarks")
	case m.has("benchmarks"):
		return m.contains(`"generative_benchmark"`) || m.contains(`"type_"`) && m.contains(`"requests"`) || m.has("args")
	}
	return m.has("args") && m.contains(`"data_column_mapper"`)
}

// isBenchmarkReport reports whether keys belong to the report of llm-d-benchmark: 0.1 has metrics and a scenario, 0.2 a
// run and results.
func isBenchmarkReport(keys map[string]bool) bool {
	return keys["version"] && (keys["scenario"] && keys["metrics"] || keys["run"] && keys["results"])
}

// yamlKeys returns the keys of the outermost mapping of a YAML file.
func yamlKeys(head []byte) map[string]bool {
	keys := map[string]bool{}
	for line := range bytes.Lines(head) {
		key, rest, found := bytes.Cut(line, []byte(":"))
		if found && len(key) > 0 && len(key) < 64 && (len(bytes.TrimSpace(rest)) == 0 || rest[0] == ' ') {
			keys[string(key)] = true
		}
	}
	return keys
}

// detectArray returns the format of a file that is an array. An empty array is the result of a run of inference-perf
// without requests.
func detectArray(head []byte) Format {
	head = bytes.TrimLeft(head[1:], " \r\n\t")
	if bytes.HasPrefix(head, []byte("]")) {
		return InferencePerf
	}
	m := members{memberNames(head), head}
	switch {
	case m.has("session_id", "stage_id"):
		return InferencePerfSessions
	case m.has("start_time", "end_time"):
		return InferencePerf
	}
	if format := detectOther(m, otherItems); format != Unknown {
		return format
	}
	return detectObject(m) // a list of results or records is read like a sequence of them
}

// detectVLLM distinguishes detailed results from summaries by the keys that follow the arrays or replace them, because
// the arrays come before the means.
func detectVLLM(m members) Format {
	if m.any("ttfts", "errors", "input_lens") {
		return VLLM
	}
	for key := range m.keys {
		if strings.HasPrefix(key, "mean_") || key == "max_output_tokens_per_s" || key == "max_concurrent_requests" {
			return VLLMSummary
		}
	}
	return VLLM
}

// memberNames returns the keys of an object that begin within head.
func memberNames(head []byte) map[string]bool {
	keys := map[string]bool{}
	s := &stream{src: bytes.NewReader(head), buf: make([]byte, len(head)+1)}
	if s.enter('{') != nil {
		return keys
	}
	for {
		key, more, err := s.member()
		if err != nil || !more {
			return keys
		}
		keys[key] = true
		if s.skip() != nil {
			return keys
		}
	}
}

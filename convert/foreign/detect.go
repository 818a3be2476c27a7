package foreign

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Format is a kind of file. Its text is the name of the tool, and of the kind if that is not per request.
type Format string

// The formats. Those after Unknown hold no requests; they are known so that an error can say what to give instead.
const (
	InferencePerf Format = "inference-perf"
	VLLM          Format = "vllm bench serve"
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
)

// vllmAdvice is also for files that turn out to be summaries further on.
const vllmAdvice = "it has no values per request; run vllm bench serve with --save-result --save-detailed"

// Check is nil for a format with requests, and otherwise an error that says which file to give instead.
func (f Format) Check() error {
	advice := map[Format]string{
		InferencePerfReport:   "it is a report, without requests; give per_request_lifecycle_metrics.json, which report.request_lifecycle.per_request: true writes",
		InferencePerfSessions: "it lists sessions, not requests; give per_request_lifecycle_metrics.json, which report.request_lifecycle.per_request: true writes",
		VLLMSummary:           vllmAdvice,
		AIPerfSummary:         "it is a summary, without requests; give profile_export.jsonl, which aiperf (0.2 or later) writes beside it with --export-level records",
		AIPerfRaw:             "it holds answers, not measurements; give profile_export.jsonl, which aiperf writes beside it",
		AIPerfInputs:          "it holds prompts, not results; give profile_export.jsonl, which aiperf writes beside it",
		GenAIPerf:             "it holds raw answers of perf_analyzer, which are not read; run aiperf, its successor, and give profile_export.jsonl",
	}
	switch f {
	case InferencePerf, VLLM, GuideLLM, AIPerf:
		return nil
	case Unknown:
		return errors.New("it is not a known file of requests: inference-perf's per_request_lifecycle_metrics.json, a result of vllm bench serve --save-result --save-detailed, guidellm's benchmarks.json or aiperf's profile_export.jsonl")
	}
	if advice[f] == "" {
		return fmt.Errorf("unknown format %q", string(f))
	}
	return fmt.Errorf("%s: %s", f, advice[f])
}

// Detect finds out a format from the first bytes of a file that is not compressed. 4 kB are enough; with less it may say
// Unknown, or take a vllm summary for a detailed result, which Reader.Next then refuses with the same words.
func Detect(head []byte) Format {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \r\n\t")
	switch {
	case len(head) == 0:
		return Unknown
	case head[0] == '[':
		return detectArray(head)
	case head[0] != '{':
		return Unknown
	}
	keys := memberNames(head)
	has := func(names ...string) bool {
		for _, name := range names {
			if !keys[name] {
				return false
			}
		}
		return true
	}
	switch {
	case has("load_summary") || has("successes", "failures"):
		return InferencePerfReport
	case has("model_id", "num_prompts"), has("date", "model_id"):
		return detectVLLM(has, keys)
	case has("experiments") || has("service_kind"):
		return GenAIPerf
	case has("start_perf_ns") || has("metadata", "responses"):
		return AIPerfRaw
	case has("metadata") && bytes.Contains(head, []byte(`"request_start_ns"`)):
		return AIPerf
	case has("aiperf_version"), has("request_throughput"), has("request_latency"):
		return AIPerfSummary
	case has("benchmarks"), has("metadata") && bytes.Contains(head, []byte(`"guidellm_version"`)), has("args"):
		return GuideLLM
	case has("data") && bytes.Contains(head, []byte(`"payloads"`)):
		return AIPerfInputs
	}
	return Unknown
}

// detectArray tells files apart that are arrays. A run without requests leaves an empty one.
func detectArray(head []byte) Format {
	head = bytes.TrimLeft(head[1:], " \r\n\t")
	if bytes.HasPrefix(head, []byte("]")) {
		return InferencePerf
	}
	keys := memberNames(head)
	switch {
	case keys["session_id"]:
		return InferencePerfSessions
	case keys["start_time"]:
		return InferencePerf
	}
	return Unknown
}

// detectVLLM looks for what follows the arrays, or takes their place: they come before the means.
func detectVLLM(has func(...string) bool, keys map[string]bool) Format {
	if has("ttfts") || has("errors") || has("input_lens") {
		return VLLM
	}
	for key := range keys {
		if strings.HasPrefix(key, "mean_") || key == "max_output_tokens_per_s" || key == "max_concurrent_requests" {
			return VLLMSummary
		}
	}
	return VLLM
}

// memberNames are the keys of an object, as far as head reaches.
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

package foreign

import (
	"strings"
	"testing"
)

// Zeros of counts that were never taken do not replace real counts; zeros that can be right are kept.
func TestZerosAreNoCounts(t *testing.T) {
	t.Parallel()
	perf := func(info string) string {
		return `[{"start_time": 1, "end_time": 2, "error": null, "info": {` + info + `}}]`
	}
	air := func(metrics string) string {
		return `{"metadata": {"request_start_ns": 1, "request_end_ns": 2}, "metrics": {` + metrics + `}}`
	}
	for _, tt := range []struct {
		name, text    string
		input, output int // -1 means no count
		usage         string
		zeros         bool
	}{
		{"inference-perf",
			perf(`"input_tokens": 40, "response_metrics": {"output_tokens": 9, "chunk_times": [1.5], ` +
				`"server_usage": {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}`), 40, 9, "", true},
		{"one of them",
			perf(`"input_tokens": 40, "response_metrics": {"output_tokens": 9, "server_usage": {"prompt_tokens": 0, ` +
				`"completion_tokens": 8, "x": 0}}`), 40, 9, `{"completion_tokens":8,"x":0}`, true},
		{"an answer of nothing",
			perf(`"input_tokens": 40, "response_metrics": {"output_tokens": 0, "server_usage": {"prompt_tokens": ` +
				`41, "completion_tokens": 0}}`), 40, 0, `{"prompt_tokens": 41, "completion_tokens": 0}`, false},
		{"zeros of the tool",
			perf(`"input_tokens": 0, "response_metrics": {"output_tokens": 0, "server_usage": {"input_tokens": 41, ` +
				`"output_tokens": 8}}`), -1, -1, `{"input_tokens": 41, "output_tokens": 8}`, false},
		{"null is no zero", perf(`"input_tokens": 40, "response_metrics": {"server_usage": {"prompt_tokens": null}}`),
			40, -1, `{"prompt_tokens": null}`, false},
		{"aiperf", air(`"input_sequence_length": {"value": 12}, "output_sequence_length": {"value": 5}, ` +
			`"usage_prompt_tokens": {"value": 0}, "usage_completion_tokens": {"value": 0}, "usage_total_tokens": ` +
			`{"value": 0}`), 12, 5, "", true},
	} {
		q := mustAll(t, open(t, []byte(tt.text)))[0]
		if value(q.InputTokens) != tt.input || value(q.OutputTokens) != tt.output || string(q.Usage) != tt.usage ||
			q.ZeroUsage != tt.zeros {
			t.Errorf("%s: got %d and %d tokens, usage %s, zeros %t; want %+v", tt.name, value(q.InputTokens),
				value(q.OutputTokens), q.Usage, q.ZeroUsage, tt)
		}
	}
}

func value(n *int) int {
	if n == nil {
		return -1
	}
	return *n
}

// Runs and records may follow each other, or be the items of one array.
func TestListsAndLines(t *testing.T) {
	t.Parallel()
	const (
		request = `{"start_time": 1, "end_time": 2, "request": "x", "error": null}`
		record  = `{"metadata": {"request_start_ns": 1, "request_end_ns": 2}}`
		result  = `{"date": "x", "model_id": "m", "num_prompts": 1, "backend": "vllm", "ttfts": [0.1], "itls": ` +
			`[[]], "errors": [""]}`
		line = `{"backend": "sglang", "dataset_name": "random", "random_range_ratio": 1, "ttfts": [0.1], "itls": ` +
			`[[]], "errors": [""]}`
	)
	const report = `{"benchmarks": [{"type_": "generative_benchmark", "requests": {"successful": [{"start_time": 1, ` +
		`"end_time": 2}]}}]}`
	for text, want := range map[string]string{"[" + report + "]": "EOF", report: "EOF",
		"[" + report + "," + report + "]": "after the end", report + report: "after the end"} {
		if got := Detect([]byte(text)); got != GuideLLM {
			t.Errorf("%s: got %q, want guidellm", text, got)
		}
		if list, err := all(open(t, []byte(text))); len(list) != 1 || want == "EOF" != (err == nil) || err != nil &&
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %d requests and %v, want %s", text, len(list), err, want)
		}
	}
	for item, format := range map[string]Format{request: InferencePerf, record: AIPerf, result: VLLM, line: SGLang} {
		for text, want := range map[string]int{item: 1, item + "\n" + item + "\n": 2, "[" + item + "]": 1,
			" [\n" + item + ",\n" + item + "]\n": 2} {
			if got := Detect([]byte(text)); got != format {
				t.Errorf("%s: got %q, want %q", text, got, format)
				continue
			}
			if got := len(mustAll(t, open(t, []byte(text)))); got != want {
				t.Errorf("%s: got %d requests, want %d", text, got, want)
			}
		}
		for text, want := range map[string]string{"[" + item: "cut", "[" + item + "] x": "after the end",
			"[" + item + " " + item + "]": "want ','"} {
			r := open(t, []byte(text))
			_, err := r.Next()
			for err == nil {
				_, err = r.Next()
			}
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q", text, err, want)
			}
		}
	}
}

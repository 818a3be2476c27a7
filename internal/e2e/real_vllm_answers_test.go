//go:build linux

package e2e

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// twelve sends twelve requests for so many tokens, with further fields in their bodies.
func (s *vLLM) twelve(t *testing.T, tokens int, body string, settings ...string) outcome {
	t.Helper()
	settings = append(settings, "RATE=6", "DURATION=2s", "MAX_TOKENS="+strconv.Itoa(tokens), "EXTRA_BODY="+body)
	o := s.run(t, s.settings("sharegpt", settings...)...)
	if len(o.requests) != 12 {
		t.Errorf("%d requests, want 12", len(o.requests))
	}
	for _, q := range o.requests {
		if c := q.Counts(); q.Failed() || c.ServerCompletion != tokens || *q.Prompt != c.ServerPrompt {
			t.Errorf("request %d: %s %q, prompt of %d tokens, by the server %d; %d tokens of %d", q.Index,
				q.ErrorType, q.Error, *q.Prompt, c.ServerPrompt, c.ServerCompletion, tokens)
		}
	}
	return o
}

// checkOutput checks that the report counts all tokens that the server generated, whatever they were for.
func checkOutput(t *testing.T, o outcome, tokens float64) {
	t.Helper()
	s := o.report.Successes
	if s.OutputTokens == nil || s.OutputTokens.Total != tokens || s.Throughput.Output <= 0 {
		t.Errorf("output tokens %v, want %v; throughput %v", s.OutputTokens, tokens, s.Throughput.Output)
	}
}

// Reasoning comes before the content, and its tokens are in the throughput although the client has a tokenizer. The
// server's TTFT is that of the first reasoning.
func vllmReasons(t *testing.T, s *vLLM) {
	o := s.twelve(t, 60, thinks, "SERVER_METRICS=auto")
	for _, q := range o.requests {
		var usage struct {
			Details struct {
				Reasoning int `json:"reasoning_tokens"`
			} `json:"completion_tokens_details"`
		}
		_ = json.Unmarshal(q.Usage, &usage)
		ttfr, reasons := q.TTFR()
		ttfo, _ := q.TTFO()
		ttft, answers := q.TTFT()
		if !reasons || !answers || ttfr != ttfo || ttft < ttfo {
			t.Errorf("request %d: first reasoning after %v, first output %v, first content %v", q.Index, ttfr, ttfo,
				ttft)
		}
		// A front that falls behind its engine puts several tokens into an event.
		if n := len(q.Reasoning); n > usage.Details.Reasoning || n == 0 || !slices.IsSorted(q.Reasoning) ||
			usage.Details.Reasoning < 1 || q.Reasoning[n-1] > q.Chunks[0] {
			t.Errorf("request %d: %d pieces of reasoning for %d tokens, the last at %v, content at %v", q.Index, n,
				usage.Details.Reasoning, q.Reasoning[max(n-1, 0):], q.Chunks)
		}
	}
	checkOutput(t, o, 12*60)
	if !o.warns("of 12 answers reason before their content") {
		t.Errorf("warnings %q", o.report.Extension.Warnings)
	}
	if o.report.Extension.Server == nil || o.report.Extension.Server.Counts.TTFT == nil {
		t.Fatalf("the report has no TTFT of the page")
	}
	checkVLLMTTFT(t, o, o.report.Extension.Server.Counts.TTFT.Server)
}

// Answers that reach their limit while they reason have no content, hence no TTFT, and the report says why.
func vllmReasonsOnly(t *testing.T, s *vLLM) {
	o := s.twelve(t, 3, thinks)
	only := 0
	for _, q := range o.requests {
		if len(q.Chunks) == 0 && len(q.Reasoning) > 0 {
			only++
		}
	}
	if n := o.report.Extension.Requests.ReasoningOnly; n != only || only < 6 || !o.warns("have no content") {
		t.Errorf("%d answers without content, %d by the report, want most; warnings %q", only, n,
			o.report.Extension.Warnings)
	}
	checkOutput(t, o, 12*3)
}

// Calls of tools are no content, and their tokens are in the throughput.
func vllmCalls(t *testing.T, s *vLLM) {
	o := s.twelve(t, 60, calls)
	for _, q := range o.requests {
		if len(q.ToolCalls) == 0 || len(q.Chunks) > 0 {
			t.Errorf("request %d: %d pieces of calls, %d of content; want some, and none", q.Index, len(q.ToolCalls),
				len(q.Chunks))
		}
	}
	checkOutput(t, o, 12*60)
	if n := o.report.Extension.Requests.ToolCallsOnly; n != 12 || o.report.Successes.Latency.TTFT != nil ||
		!o.warns("only tool calls", "tool calls, so there is no TTFT") {
		t.Errorf("%d answers of calls only, TTFT %+v, warnings %q", n, o.report.Successes.Latency.TTFT,
			o.report.Extension.Warnings)
	}
}

// The server speaks more APIs, in which it counts a little differently.
func vllmSpeaks(t *testing.T, s *vLLM) {
	for _, tt := range []struct {
		api, body string
		begins    int // tokens before the prompt that only the server counts
		heeds     bool
	}{
		{"completion", barred, 0, true},
		{"responses", `{}`, 1, true},
		{"anthropic_messages", `{}`, 0, false},
	} {
		for _, streaming := range []string{"true", "false"} {
			t.Run(tt.api+" streaming="+streaming, func(t *testing.T) {
				o := s.run(t, s.settings("sharegpt", "API="+tt.api, "STREAMING="+streaming, "RATE=6", "DURATION=2s",
					"MAX_TOKENS=20", "EXTRA_BODY="+tt.body, "SERVER_METRICS=auto")...)
				generated := 0
				for _, q := range o.requests {
					c := q.Counts()
					generated += c.ServerCompletion
					full := c.ServerCompletion == 20 || !tt.heeds && c.ServerCompletion < 20
					if q.Failed() || *q.Prompt+tt.begins != c.ServerPrompt || !full || c.ServerCompletion < 1 ||
						*q.Completion > c.ServerCompletion || (streaming == "true") != (len(q.Chunks) > 0) {
						t.Errorf("request %d: %s %q, %d prompt and %d output tokens of %+v, %d chunks", q.Index,
							q.ErrorType, q.Error, *q.Prompt, *q.Completion, c, len(q.Chunks))
					}
				}
				page := o.report.Extension.Server
				want := &reconciled{float64(generated), float64(generated), 0}
				if len(o.requests) != 12 || page == nil || page.Counts.Generation.String() != want.String() {
					t.Errorf("%d requests of 12, page %+v, want generation tokens %v", len(o.requests), page, want)
				}
			})
		}
	}
}

// bench finds out what the server is, and its report agrees with the server's page.
func vllmIsMeasured(t *testing.T, s *vLLM) {
	dir := filepath.Join(t.TempDir(), "report")
	var r result
	grown := s.grown(t, func() {
		r = mustSucceed(t, k6(t, "x", "llm", "bench", s.url, "--requests", "12", "--concurrency", "4", "--input", "60",
			"--output", "30", "--tokenizer", s.model, "--server-metrics", "auto", "--out", dir))
	})
	for _, want := range []string{"vLLM 0.32.0", "/v1/chat/completions", "12 requests, none failed",
		"answers 30 asked, 30 got"} {
		if !strings.Contains(r.stdout+r.stderr, want) {
			t.Errorf("the output lacks %q:\n%s\n%s", want, r.stdout, r.stderr)
		}
	}
	s.checkReport(t, filepath.Join(dir, "summary_lifecycle_metrics.json"), grown, 12)
}

// checkReport checks that the server's page grew by at least what a report counts, and the report has n requests.
func (s *vLLM) checkReport(t *testing.T, path string, grown func(name string) float64, n int) {
	t.Helper()
	var d diagnosis
	if err := json.Unmarshal([]byte(testenv.ReadFile(t, path)), &d); err != nil {
		t.Fatal(err)
	}
	page := d.Extension.Server
	want := (&reconciled{float64(n), float64(n), 0}).String()
	if page == nil || page.Counts.Requests.String() != want || page.Counts.Prompt.Difference != 0 ||
		page.Counts.Generation.Difference != 0 {
		t.Errorf("page %+v, want %s requests and no differences", page, want)
	}
	// The probe before the load asks for a few answers more.
	if got := grown("request_success_total"); got < float64(n) || got > float64(n+10) {
		t.Errorf("%v requests on the page, want %d and those of the probe", got, n)
	}
}

// The probe finds what the server can do.
func vllmIsProbed(t *testing.T, s *vLLM) {
	r := mustSucceed(t, k6(t, "x", "llm", "probe", s.url, "--json"))
	var found map[string]any
	if err := json.Unmarshal([]byte(r.stdout), &found); err != nil {
		t.Fatalf("%v\n%s\n%s", err, r.stdout, r.stderr)
	}
	for name, want := range map[string]any{"usable": true, "software": "vLLM", "version": "0.32.0", "streams": true,
		"usage": true, "usage_without_stream": true, "max_tokens": "kept",
		"metrics_page": s.url + "/metrics", "tokenize": s.url + "/tokenize", "key": "not needed"} {
		if found[name] != want {
			t.Errorf("%s: %v, want %v", name, found[name], want)
		}
	}
	// It is known to be kept only if an answer without it was shorter.
	if heed := found["ignore_eos"]; heed != "kept" && heed != "accepted" {
		t.Errorf("ignore_eos: %v", heed)
	}
}

// A configuration of inference-perf runs in two stages, and its report agrees with the server's page.
func vllmRunsConfiguration(t *testing.T, s *vLLM) {
	config := write(t, "config.yml", `load:
  type: constant
  interval: 0
  stages:
    - {rate: 4, duration: 2}
    - {rate: 6, duration: 2}
api: {type: completion, streaming: true}
server: {type: vllm, model_name: tiny, base_url: `+s.url+`, ignore_eos: true}
tokenizer: {pretrained_model_name_or_path: `+s.model+`}
data:
  type: random
  input_distribution: {min: 20, max: 60, mean: 40, std_dev: 10, total_count: 20}
  output_distribution: {min: 16, max: 16, mean: 16, std_dev: 0, total_count: 20}
x-llm: {client: {serverMetrics: auto}}
`)
	dir := filepath.Join(t.TempDir(), "report")
	grown := s.grown(t, func() { mustSucceed(t, k6(t, "x", "llm", "run", "-c", config, "--out", dir)) })
	s.checkReport(t, filepath.Join(dir, "summary_lifecycle_metrics.json"), grown, 20)
	for _, stage := range []string{"0", "1"} {
		r := readReport(t, filepath.Join(dir, "stage_"+stage+"_lifecycle_metrics.json"))
		if r.Successes.Count == 0 || r.Failures.Count != 0 {
			t.Errorf("stage %s: %d succeeded, %d failed", stage, r.Successes.Count, r.Failures.Count)
		}
	}
}

// Answers end at the end of the context, and no warning says that the server ignores ignore_eos.
func vllmFillsContext(t *testing.T, s *vLLM) {
	o := s.run(t, s.settings("random", "API=completion", "INPUT_LEN=4000", "OUTPUT_LEN=200", "RATE=4",
		"DURATION=1s")...)
	for _, q := range o.requests {
		if c := q.Counts(); q.Failed() || q.FinishReason != "length" || c.ServerPrompt != 4000 ||
			c.ServerCompletion != 96 {
			t.Errorf("request %d: %s %q, ended by %q, %+v; want 4000 and 96 tokens", q.Index, q.ErrorType, q.Error,
				q.FinishReason, c)
		}
	}
	if len(o.requests) != 4 || o.warns("does not heed") || !o.warns("shorter than asked", "context") {
		t.Errorf("%d requests of 4; want a warning of short answers that does not blame ignore_eos, got %q",
			len(o.requests), o.report.Extension.Warnings)
	}
}

// The server refuses a prompt that is longer than the context, and the failure is labelled with its cause.
func vllmRefuses(t *testing.T, s *vLLM) {
	o := s.run(t, s.settings("random", "INPUT_LEN=5000", "OUTPUT_LEN=20", "RATE=4", "DURATION=1s")...)
	for _, q := range o.requests {
		if q.ErrorType != record.ErrorHTTP || q.Status != 400 || !strings.Contains(q.Error, "maximum context length") {
			t.Errorf("request %d: %s, status %d, %q", q.Index, q.ErrorType, q.Status, q.Error)
		}
	}
	if got := o.report.Failures.ByLabel["400 - Context Window"].Count; got != 4 || len(o.requests) != 4 || o.code != 1 {
		t.Errorf("%d requests, llmconv exits %d, failures %v; want 4 and 1", len(o.requests), o.code,
			o.report.Failures.ByLabel)
	}
}

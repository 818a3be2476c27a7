package foreign

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// file reads a file of testdata and decompresses it if it has gzip.
func file(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(path, ".gz") {
		return data
	}
	plain, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(plain); err != nil {
		t.Fatal(err)
	}
	return data
}

// open returns a Reader of data in the format that Detect finds.
func open(t testing.TB, data []byte) *Reader {
	t.Helper()
	r, err := Open(bytes.NewReader(data), Detect(data[:min(len(data), 4096)]))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// all reads to the end. It returns the error that ended reading, or nil for io.EOF.
func all(r *Reader) (list []*Request, err error) {
	for {
		q, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return list, err
		}
		list = append(list, q)
	}
}

func mustAll(t testing.TB, r *Reader) []*Request {
	t.Helper()
	list, err := all(r)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// decode returns the file as encoding/json decodes it.
func decode[T any](t testing.TB, data []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(b)) }

func files(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	return paths
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path string
		want Format
	}{
		{"../../testdata/inference-perf/h_failures/per_request_lifecycle_metrics.json.gz", InferencePerf},
		{"../../testdata/golden/per_request_lifecycle_metrics.json", InferencePerf},
		{"../../testdata/inference-perf/h_failures/summary_lifecycle_metrics.json", InferencePerfReport},
		{"../../testdata/inference-perf/h_failures/stage_0_lifecycle_metrics.json", InferencePerfReport},
		{"testdata/vllm/0.10.0.json", VLLM},
		{"testdata/vllm/0.14.0.json", VLLM},
		{"testdata/vllm/0.19.0.json", VLLM},
		{"testdata/vllm/0.33.0.json", VLLM},
		{"testdata/vllm/0.33.0-append.json", VLLM},
		{"testdata/vllm/0.33.0-summary.json", VLLMSummary},
		{"testdata/sglang/0.5.3.jsonl", SGLang},
		{"testdata/sglang/0.5.23.jsonl", SGLang},
		{"testdata/sglang/0.5.23-append.jsonl", SGLang},
		{"testdata/sglang/0.5.23-summary.jsonl", SGLang},
		{"testdata/guidellm/0.2.1.json", GuideLLM},
		{"testdata/guidellm/0.3.1.json", GuideLLM},
		{"testdata/guidellm/0.4.0.json", GuideLLM},
		{"testdata/guidellm/0.5.4.json", GuideLLM},
		{"testdata/guidellm/0.6.0.json", GuideLLM},
		{"testdata/guidellm/0.7.3.json", GuideLLM},
		{"testdata/guidellm/0.8.1.json", GuideLLM},
		{"testdata/aiperf/0.3.0.jsonl", AIPerf},
		{"testdata/aiperf/0.13.0.jsonl", AIPerf},
		{"testdata/aiperf/0.13.0-raw.jsonl", AIPerfRaw},
		{"testdata/aiperf/0.13.0-summary.json", AIPerfSummary},
		{"testdata/aiperf/0.13.0-inputs.json", AIPerfInputs},
	} {
		data := file(t, tt.path)
		if got := Detect(data[:min(len(data), 4096)]); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.path, got, tt.want)
		}
	}
	for _, tt := range []struct {
		head string
		want Format
	}{
		{"", Unknown}, {"  \n", Unknown}, {"hello", Unknown}, {"{}", Unknown}, {`{"type":"run"`, Unknown},
		{"[1,2]", Unknown},
		{"[\n]", InferencePerf},
		{"\ufeff[\n {\"start_time\": 1, \"end_time\": 2, \"error\": null}", InferencePerf},
		{`[{"session_id": "a", "stage_id": 0, "file_path": "x", "start_time": 1`, InferencePerfSessions},
		{`{"experiments": [{"experiment": {}`, GenAIPerf},
		{`{"service_kind":"openai","endpoint":"v1/chat/completions","experiments":[`, GenAIPerf},
		{`{"date": "x", "model_id": "m", "num_prompts": 3, "duration": 1, "completed": 1`, VLLM},
		{"\x1f\x8b\x08", Unknown},
		{"version: 0.2.1\nrun:\n  uid: x\nresults:\n  request_performance: {}\n", BenchmarkReport},
		{"version: '0.1'\nscenario:\n  model: {}\nmetrics:\n  time: {}\n", BenchmarkReport},
		{`{"version": "0.2", "run": {}, "results": {}`, BenchmarkReport},
		{"version: 3\nservices:\n  run: x\n", Unknown},
		{`{"request_throughput": {"unit": "requests/sec", "avg": 2}, "request_latency": {"unit": "ms", "avg": 3}, ` +
			`"input_config": {}}`, GenAIPerfSummary},
		{`{"request_throughput": {"unit": "requests/sec", "avg": 2}, "input_config": {"cli_command": "aiperf ` +
			`profile -m x"}}`, AIPerfSummary},
		{`{"aggregated_metrics": {}, "individual_request_metrics": []`, "genai-bench"},
		{`{"timeslices": [], "input_config": {"cli_command": "aiperf profile -m x"}}`, AIPerfSummary},
		{`{"run_name": "default", "batch_size": 1, "input_len": 8, "output_len": 8, "latency": 1, "last_ttft": 0.1}`,
			"SGLang's bench_one_batch_server"},
		{`{"avg_latency": 1, "latencies": [1], "percentiles": {}`, "vllm bench latency"},
		{`[{"build_commit": "x", "model_filename": "m", "n_prompt": 1, "n_gen": 2}]`, "llama-bench"},
		{`{"root_group": {}, "metrics": {}}`, k6Summary},
		// A key that other tools write, too, is not enough.
		{`{"tool": "mine", "request_throughput": 2.0}`, Unknown}, {`{"request_latency": 3}`, Unknown},
		{`{"args": {"x": 1}}`, Unknown},
		{`{"context": {}, "benchmarks": [{"name": "BM_x", "real_time": 1}]}`, Unknown},
		{`{"experiments": [1]}`, Unknown},
		{`{"metadata": {}, "responses": []}`, Unknown}, {`[{"session_id": "a"}]`, Unknown},
		{`[{"start_time": 1}]`, Unknown}, {`{"load_summary": {}}`, Unknown},
	} {
		if got := Detect([]byte(tt.head)); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.head, got, tt.want)
		}
	}
}

func TestFilesWithoutRequestsSayWhatToGive(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		format Format
		want   string
	}{
		{Unknown, "not a format that llmconv reads: known are per_request_lifecycle_metrics.json of inference-perf, "},
		{InferencePerfReport, "report.request_lifecycle.per_request: true"},
		{InferencePerfSessions, "give per_request_lifecycle_metrics.json"},
		{VLLMSummary, "--save-detailed"},
		{AIPerfSummary, "--export-level records"},
		{AIPerfRaw, "give profile_export.jsonl"},
		{AIPerfInputs, "give profile_export.jsonl"},
		{GenAIPerf, "run aiperf, its successor"},
		{GenAIPerfSummary, "run aiperf, its successor"},
		{BenchmarkReport,
			"llm-d benchmark report: it is a summary, without requests; give the results per request of the load " +
				"generator"},
		{"genai-bench", "genai-bench: llmconv does not read its results; known are "},
		{k6Summary, "give the records that `k6 run --out llm=FILE` writes"},
		{"telepathy", `unknown format "telepathy"`},
	} {
		_, err := Open(strings.NewReader(""), tt.format)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want an error with %q", tt.format, err, tt.want)
		}
	}
}

func TestAppendOffsets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		q    Request
		want []float64
	}{
		{"instants", Request{Start: 8, Chunks: []float64{8.5, 9}}, []float64{0.5, 1}},
		{"gaps", Request{Start: 8, TTFT: new(0.5), Gaps: []float64{0.25, 0.25}}, []float64{0.5, 0.75, 1}},
		{"no gap", Request{TTFT: new(0.5), Gaps: []float64{}}, []float64{0.5}},
		{"gaps that nobody stored", Request{TTFT: new(0.5)}, nil},
		{"one chunk", Request{Start: 8, First: new(8.5), Last: new(8.5), ChunkCount: new(1)}, []float64{0.5}},
		{"two chunks", Request{Start: 8, First: new(8.5), Last: new(9.0), ChunkCount: new(2)}, []float64{0.5, 1}},
		{"more, of which only two are known", Request{Start: 8, First: new(8.5), Last: new(9.0), ChunkCount: new(3)},
			nil},
		{"not streamed", Request{Start: 8, End: 9}, nil},
	} {
		got := tt.q.AppendOffsets(nil)
		if len(got) != len(tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
			continue
		}
		for i := range got {
			if !near(got[i], tt.want[i]) {
				t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
			}
		}
	}
}

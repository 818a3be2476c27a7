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

// file reads a file of testdata, and undoes gzip.
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

// open opens what Detect says data is.
func open(t testing.TB, data []byte) *Reader {
	t.Helper()
	r, err := Open(bytes.NewReader(data), Detect(data[:min(len(data), 4096)]))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// all reads to the end, and gives the error that ended it unless it was io.EOF.
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

// decode is the file as encoding/json sees it.
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
		{"../testdata/inference-perf/h_failures/per_request_lifecycle_metrics.json.gz", InferencePerf},
		{"../testdata/golden/per_request_lifecycle_metrics.json", InferencePerf},
		{"../testdata/inference-perf/h_failures/summary_lifecycle_metrics.json", InferencePerfReport},
		{"../testdata/inference-perf/h_failures/stage_0_lifecycle_metrics.json", InferencePerfReport},
		{"testdata/vllm/0.10.0.json", VLLM},
		{"testdata/vllm/0.14.0.json", VLLM},
		{"testdata/vllm/0.19.0.json", VLLM},
		{"testdata/vllm/0.33.0.json", VLLM},
		{"testdata/vllm/0.33.0-append.json", VLLM},
		{"testdata/vllm/0.33.0-summary.json", VLLMSummary},
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
		{"", Unknown}, {"  \n", Unknown}, {"hello", Unknown}, {"{}", Unknown}, {`{"type":"run"`, Unknown}, {"[1,2]", Unknown},
		{"[\n]", InferencePerf},
		{"\ufeff[\n {\"start_time\": 1, \"end_time\": 2, \"error\": null}", InferencePerf},
		{`[{"session_id": "a", "stage_id": 0, "file_path": "x", "start_time": 1`, InferencePerfSessions},
		{`{"experiments": [{"experiment": {}`, GenAIPerf},
		{`{"service_kind":"openai","endpoint":"v1/chat/completions","experiments":[`, GenAIPerf},
		{`{"date": "x", "model_id": "m", "num_prompts": 3, "duration": 1, "completed": 1`, VLLM},
		{"\x1f\x8b\x08", Unknown},
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
		{"more, of which only two are known", Request{Start: 8, First: new(8.5), Last: new(9.0), ChunkCount: new(3)}, nil},
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

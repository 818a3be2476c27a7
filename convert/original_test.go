package convert

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// originalRequest is an element of inference-perf's per-request file.
type originalRequest struct {
	Start   float64 `json:"start_time"`
	End     float64 `json:"end_time"`
	Request string  `json:"request"`
	Info    struct {
		Response *struct {
			Output     int             `json:"output_tokens"`
			Usage      json.RawMessage `json:"server_usage"`
			ChunkTimes []float64       `json:"chunk_times"`
			TokenTimes []float64       `json:"output_token_times"`
		} `json:"response_metrics"`
		Input int `json:"input_tokens"`
	} `json:"info"`
	Error *struct {
		Type    string `json:"error_type"`
		Message string `json:"error_msg"`
	} `json:"error"`
}

// record makes of it the record we would have made. A chunk's tokens are counted by how often its time stands among the
// tokens'.
func (o originalRequest) record(index int, tokenizer bool) *record.Request {
	ns := func(s float64) int64 { return int64(math.Round(s * 1e9)) }
	r := &record.Request{Scenario: "s", Index: int64(index), Streaming: true, Start: ns(o.Start), End: ns(o.End), BytesSent: int64(len(o.Request)), Chunks: []int64{}}
	if o.Error != nil {
		r.ErrorType, r.Error = record.ErrorHTTP, o.Error.Message
		r.Status, _ = strconv.Atoi(strings.TrimPrefix(o.Error.Type, "HTTP Error "))
		return r
	}
	m := o.Info.Response
	r.Usage, r.Prompt, r.Completion = m.Usage, &o.Info.Input, &m.Output
	for _, at := range m.ChunkTimes {
		r.Chunks = append(r.Chunks, int64(math.Round((at-o.Start)*1e6)))
		if tokenizer {
			n := 0
			for _, t := range m.TokenTimes {
				if t == at {
					n++
				}
			}
			r.ChunkTokens = append(r.ChunkTokens, n)
		}
	}
	return r
}

// readOriginal reads a run, and gives each request the stage its start falls into.
func readOriginal(t *testing.T, dir string, tokenizer bool, perStage []int) *Run {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "per_request_lifecycle_metrics.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	plain, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var list []originalRequest
	if err := json.NewDecoder(plain).Decode(&list); err != nil {
		t.Fatal(err)
	}
	run := newRun(ReadOptions{})
	for i, o := range list {
		run.add(o.record(i, tokenizer), "i")
	}
	if err := run.finish(false); err != nil {
		t.Fatal(err)
	}
	at := 0
	for stage, n := range perStage {
		for range n {
			run.Requests[at].StageAt = narrow(stage)
			at++
		}
	}
	return run
}

func readAny(t *testing.T, path string) (value any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// compare holds got against what inference-perf wrote. Our records keep chunks in whole microseconds, so that is how far
// figures may be apart; keys may be missing in neither, but for ours.
func compare(t *testing.T, path string, got, want any) {
	t.Helper()
	// The first four are not in a per-request file; the model's name, and so the size, was changed in one of these.
	for _, skip := range []string{"schedule_delay", "requested_rate", "concurrency", "messages", "request_size_bytes"} {
		if strings.HasSuffix(path, "."+skip) {
			return
		}
	}
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			t.Errorf("%s: got %v, want an object", path, got)
			return
		}
		for key, value := range w {
			if _, there := g[key]; !there {
				t.Errorf("%s.%s is missing", path, key)
				continue
			}
			compare(t, path+"."+key, g[key], value)
		}
		for key := range g {
			if _, there := w[key]; !there && key != "xk6_llm" && key != "prompt_len" {
				t.Errorf("%s.%s is one too many", path, key)
			}
		}
	case float64:
		g, ok := got.(float64)
		if !ok || math.Abs(g-w) > 1.1e-6+1e-6*math.Abs(w) {
			t.Errorf("%s: got %v, want %v", path, got, w)
		}
	default:
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}

// Every figure of real reports of inference-perf follows from its per-request file by our formulas.
func TestFormulasAreInferencePerfs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		tokenizer bool
		perStage  []int
	}{
		{"n_no_tokenizer_chat_mock", false, []int{80}},
		{"h_failures", true, []int{100, 200}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join("testdata", "inference-perf", tt.name)
			run := readOriginal(t, dir, tt.tokenizer, tt.perStage)
			out := t.TempDir()
			if err := run.Report(Options{}).Write(out, Files{Summary: true, Stages: true}); err != nil {
				t.Fatal(err)
			}
			names := []string{"summary_lifecycle_metrics.json"}
			for stage := range tt.perStage {
				names = append(names, fmt.Sprintf("stage_%d_lifecycle_metrics.json", stage))
			}
			for _, name := range names {
				compare(t, name, readAny(t, filepath.Join(out, name)), readAny(t, filepath.Join(dir, name)))
			}
		})
	}
}

package convert

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/config"
)

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

// alike compares got with what inference-perf wrote: numbers to within 1e-9, and all keys except the additions of this
// program.
func alike(t *testing.T, path string, got, want any) {
	t.Helper()
	// A per-request file does not hold the first figure. In one of the files the model's name, and with it the size of
	// requests, was changed.
	for _, skip := range []string{"schedule_delay", "request_size_bytes"} {
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
			alike(t, path+"."+key, g[key], value)
		}
		for key := range g {
			if _, there := w[key]; !there && key != "xk6_llm" && key != "prompt_len" {
				t.Errorf("%s.%s is one too many", path, key)
			}
		}
	case float64:
		g, ok := got.(float64)
		if !ok || math.Abs(g-w) > 1e-9*math.Abs(w) {
			t.Errorf("%s: got %v, want %v", path, got, w)
		}
	default:
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}

// The formulas of this package compute every figure of real reports of inference-perf from its per-request file.
func TestImportedReportsAreInferencePerfs(t *testing.T) {
	t.Parallel()
	for name, stages := range map[string]int{"n_no_tokenizer_chat_mock": 1, "h_failures": 2,
		"p_multimodal": 2} {
		dir := filepath.Join("testdata", "inference-perf", name)
		c, err := config.Load(filepath.Join(dir, "config.yml"))
		if err != nil {
			t.Fatal(err)
		}
		run, err := run.ReadFiles(run.Options{Config: c}, filepath.Join(dir, "per_request_lifecycle_metrics.json.gz"))
		if err != nil {
			t.Fatal(err)
		}
		opts, files, err := Configured(c)
		if err != nil {
			t.Fatal(err)
		}
		out := t.TempDir()
		if _, err := NewReport(run, opts).Write(out, files); err != nil {
			t.Fatal(err)
		}
		alike(t, name+" summary", readAny(t, filepath.Join(out, reportdir.Summary)),
			readAny(t, filepath.Join(dir, reportdir.Summary)))
		for stage := range stages {
			file := fmt.Sprintf("stage_%d_lifecycle_metrics.json", stage)
			alike(t, name+" "+file, readAny(t, filepath.Join(out, file)), readAny(t, filepath.Join(dir, file)))
		}
	}
}

// Without a configuration the file itself shows whether the tool had a tokenizer, and the reports beside it the stages.
func TestImportNeedsNoConfiguration(t *testing.T) {
	t.Parallel()
	for name, tokenizer := range map[string]bool{"n_no_tokenizer_chat_mock": false, "h_failures": true} {
		dir := filepath.Join("testdata", "inference-perf", name)
		run, err := run.ReadFiles(run.Options{}, dir)
		if err != nil {
			t.Fatal(err)
		}
		p := NewReport(run, Options{})
		want := readAny(t, filepath.Join(dir, reportdir.Summary)).(map[string]any)["successes"].(map[string]any)
		if got := float64(p.Summary.Successes.TokenCountMismatches); got != want["token_count_mismatches"] ||
			(got > 0) != tokenizer {
			t.Errorf("%s: %v mismatches, want %v", name, got, want["token_count_mismatches"])
		}
		counts := map[int]int{}
		for stage, l := range p.Stages {
			counts[stage] = l.Load.Count
		}
		if wanted := map[bool]map[int]int{false: {0: 80}, true: {0: 100, 1: 200}}[tokenizer]; !maps.Equal(counts,
			wanted) {
			t.Errorf("%s: stages %v, want %v", name, counts, wanted)
		}
		if len(p.Partials) != 0 || p.Summary.Additions.Origin != "inference-perf" ||
			!slices.Contains(p.Summary.Additions.Health.Unchecked, "cpu") {
			t.Errorf("%s: %+v", name, p.Summary.Additions)
		}
	}
}

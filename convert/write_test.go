package convert

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// adapterRun returns a run whose requests went to the given adapters.
func adapterRun(t *testing.T, adapters ...string) *run.Run {
	t.Helper()
	i := -1
	return mustRead(t, asRecords(t, changed(sampleLines(), func(q *record.Request) {
		if i++; len(adapters) > 0 {
			q.Adapter = adapters[i%len(adapters)]
		}
	})))
}

// Each adapter has a file of its own, whatever the adapter's name. File names are valid on all systems, and the report
// lists the names that were changed.
func TestFilesOfAdapters(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		adapters []string
		kept     []string // adapters whose files have their names unchanged
	}{
		"fit":              {[]string{"lora-a", "a_b"}, []string{"lora-a", "a_b"}},
		"slash":            {[]string{"a/b", "a_b"}, []string{"a_b"}},
		"several":          {[]string{"a/b", `a\b`, "a:b", "a_b"}, []string{"a_b"}},
		"case":             {[]string{"Lora", "lora"}, []string{"Lora"}},
		"long":             {[]string{strings.Repeat("x", 300), strings.Repeat("x", 299)}, nil},
		"up":               {[]string{"..", "../../x", "\x00", "con", "a\nb"}, nil},
		"another's stage":  {[]string{"x", "x_stage_0"}, []string{"x"}},
		"another's stage,": {[]string{"x_stage_1", "X"}, []string{"X"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run, dir := adapterRun(t, tt.adapters...), t.TempDir()
			report := NewReport(run, Options{})
			if _, err := report.Write(dir, everyFile); err != nil {
				t.Fatal(err)
			}
			found, _ := filepath.Glob(filepath.Join(dir, "*adapter_*_lifecycle_metrics.json"))
			want := len(tt.adapters)
			for _, stages := range report.AdapterStages {
				want += len(stages)
			}
			folded := map[string]bool{}
			for _, path := range found {
				folded[strings.ToLower(path)] = true
			}
			if len(folded) != want {
				t.Errorf("%d files, want %d: %q", len(folded), want, found)
			}
			for _, adapter := range tt.kept {
				if _,
					err := os.Stat(filepath.Join(dir, everyFile.Prefix+"adapter_"+adapter+
					"_lifecycle_metrics.json")); err != nil {
					t.Error(err)
				}
			}
			if changed := len(tt.adapters) - len(tt.kept); len(report.Remarks) != changed {
				t.Errorf("remarks %q, want %d", report.Remarks, changed)
			}
		})
	}
}

// The report on a run that was killed before it wrote its first request shows that there are no requests.
func TestReportWithoutRequests(t *testing.T) {
	t.Parallel()
	run := mustRead(t, append(text(t, sampleLines()[0]), '\n'))
	files := reportFiles(t, run)
	summary := files["summary_lifecycle_metrics.json"]
	for _, want := range []string{`"count": 0`, `"verdict": "INVALID"`, `"no request was sent"`, `"partial": true`} {
		if !strings.Contains(summary, want) {
			t.Errorf("the summary lacks %s", want)
		}
	}
	want := []string{"config.yaml", "per_request_lifecycle_metrics.json", "requests.parquet",
		"summary_lifecycle_metrics.json", "validation.json"}
	if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

// If a report cannot be written, the old report stays.
func TestFailureLeavesTheOldReport(t *testing.T) {
	t.Parallel()
	r, dir := adapterRun(t), t.TempDir()
	files := allFiles
	files.Replace = true
	if _, err := NewReport(r, Options{}).Write(dir, files); err != nil {
		t.Fatal(err)
	}
	if _, err := NewReport(r, Options{}).Write(dir, Files{CSV: true}); err != nil { // it replaces nothing
		t.Fatal(err)
	}
	stage := filepath.Join(dir, "stage_1_lifecycle_metrics.json")
	old, err := os.ReadFile(stage)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "requests.parquet")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "requests.parquet"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.LeaveOut(run.Cut{Stages: []int{0}})
	if _, err := NewReport(r, Options{}).Write(dir, files); err == nil {
		t.Fatal("writing a file where a directory stands returned no error")
	}
	if text, err := os.ReadFile(stage); err != nil || string(text) != string(old) {
		t.Errorf("the old report's file is gone or was changed: %v", err)
	}
}

// Only the owner can read files with prompts and answers.
func TestBodiesArePrivate(t *testing.T) {
	t.Parallel()
	lines := changed(sampleLines(), withTexts)
	for _, bodies := range []bool{true, false} {
		run, err := run.Read(run.Options{Bodies: bodies},
			run.Source{Name: "f", Reader: strings.NewReader(string(asRecords(t, lines)))})
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if _, err := NewReport(run, Options{}).Write(dir, allFiles); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, "per_request_lifecycle_metrics.json"))
		if err != nil || (info.Mode().Perm()&0o077 == 0) != bodies {
			t.Errorf("with bodies %t: %v (%v)", bodies, info.Mode(), err)
		}
	}
}

package reportdir

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// directory returns a directory with empty files of the names given.
func directory(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func bases(paths []string) (names []string) {
	for _, path := range paths {
		names = append(names, filepath.Base(path))
	}
	return names
}

// The names that are written are found again by the patterns.
func TestNamesMatchPatterns(t *testing.T) {
	t.Parallel()
	if got := StagePattern.FindStringSubmatch(Stage(12)); got == nil || got[1] != "12" {
		t.Errorf("%s: got %q, want 12", Stage(12), got)
	}
	if got := PartialPattern.FindStringSubmatch(PartialStage(3)); got == nil || got[1] != "3" {
		t.Errorf("%s: got %q, want 3", PartialStage(3), got)
	}
	if got := PrefixedStagePattern.FindStringSubmatch("night_" + Stage(0)); got == nil || got[1] != "night_" ||
		got[2] != "0" {
		t.Errorf("night_%s: got %q, want night_ and 0", Stage(0), got)
	}
	for name, want := range map[string]Lifecycle{
		Summary: {Subject: OfRun}, Stage(4): {Subject: OfStage, Label: "4"},
		Adapter("a"): {Subject: OfAdapter, Label: "a"},
	} {
		if got, known := lifecycle(name); !known || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, known, want)
		}
	}
	for _, name := range []string{AdapterStage("a", 1), PerRequest, PrometheusSummary, PrometheusStage(1), Config} {
		if got, known := lifecycle(name); known {
			t.Errorf("%s: got %+v, want no lifecycle report", name, got)
		}
	}
}

// Each file that a report has makes a directory a report directory; the configuration alone does not.
func TestExisting(t *testing.T) {
	t.Parallel()
	names := []string{"x-" + Summary, "x-" + Search, Stage(0),
		PerRequest, AdapterStage("a", 0), PrometheusStage(0), PartialStage(0),
		Validation, Parquet, CSV, Page}
	dir := directory(t, append(names, Config, "records.jsonl", Search)...)
	if err := os.Mkdir(filepath.Join(dir, Stage(1)), 0o700); err != nil {
		t.Fatal(err)
	}
	got := bases(Existing(dir))
	slices.Sort(got)
	slices.Sort(names)
	if !slices.Equal(got, names) {
		t.Errorf("got %q, want %q", got, names)
	}
}

func TestLifecyclesHaveThePrefixOfTheSummary(t *testing.T) {
	t.Parallel()
	dir := directory(t, "x-"+Summary, "x-"+Stage(10), "x-"+Adapter("b"), "x-"+AdapterStage("b", 0), Stage(3), "x-other",
		"y-"+Summary)
	got, err := Lifecycles(dir)
	want := []Lifecycle{{"x-" + Adapter("b"), OfAdapter, "b"}, {"x-" + Stage(10), OfStage, "10"},
		{"x-" + Summary, OfRun, ""}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestStages(t *testing.T) {
	t.Parallel()
	dir := directory(t, "x-"+Stage(2), Stage(1), AdapterStage("a", 3), "stage_x"+lifecycleEnd, Summary)
	if got, want := maps.Collect(Stages(dir)), map[int]string{1: filepath.Join(dir, Stage(1)),
		2: filepath.Join(dir, "x-"+Stage(2))}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRequestsPreferTheTable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ files, want []string }{
		{[]string{Parquet, PerRequest}, []string{Parquet}},
		{[]string{PerRequest + ".gz", "x-" + PerRequest, CSV}, []string{"x-" + PerRequest, PerRequest + ".gz"}},
		{[]string{Summary}, nil},
	} {
		if got := bases(Requests(directory(t, tt.files...))); !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.files, got, tt.want)
		}
	}
}

func TestConfiguration(t *testing.T) {
	t.Parallel()
	if path, found := Configuration(directory(t, "x-config.yml")); !found || filepath.Base(path) != "x-config.yml" {
		t.Errorf("got %q, %v, want x-config.yml", path, found)
	}
	if path, found := Configuration(directory(t, Summary)); found {
		t.Errorf("got %q, want none", path)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	got, err := JSON([]byte("\ufeff" + `{"a": NaN}`))
	if err != nil || string(got) != `{"a": null}` {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := JSON([]byte("\xff\xfe{\x00")); err != textfile.ErrUTF16 {
		t.Errorf("UTF-16: got %v", err)
	}
}

func ExampleStage() {
	fmt.Println("night_" + Stage(0))
	// Output: night_stage_0_lifecycle_metrics.json
}

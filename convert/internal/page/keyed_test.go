package page

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/run"
)

// keyedNames returns the names of the groups of a run.
func keyedNames(r Run) (names []string) {
	for _, g := range r.keyed {
		names = append(names, g.name)
	}
	return names
}

func TestGroupsHaveRowsAndCurves(t *testing.T) {
	t.Parallel()
	l := load{rates: []float64{2, 4}, each: 9, labels: []string{"chat", "rag", ""}, failing: 4}
	page := written(t, runOf(t, "r", l))
	for _, want := range []string{"label (none)", "label chat", "label rag", "Distribution of TTFT by label",
		"over labels: "} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
}

// A report directory has its groups with its requests or without, and other groups with its requests alone.
func TestGroupsOfADirectory(t *testing.T) {
	t.Parallel()
	l := load{rates: []float64{2, 4}, each: 9, labels: []string{"chat", "x_stage_1"}}
	dir := t.TempDir()
	files := convert.Files{Summary: true, Stages: true, Groups: true, GroupStages: true, Parquet: true}
	if _, err := reportOf(t, l).Write(dir, files); err != nil {
		t.Fatal(err)
	}
	scenarios, err := run.Keys([]string{"scenario"})
	if err != nil {
		t.Fatal(err)
	}
	labels := []string{"label chat", "label x_stage_1"}
	for _, tt := range []struct {
		requests bool
		by       []run.Key
		want     []string
		without  int
	}{
		{true, nil, labels, 0}, {true, scenarios, []string{"scenario s"}, 0}, {false, nil, labels, 0},
		{false, scenarios, nil, 1},
	} {
		if !tt.requests {
			if err := os.RemoveAll(filepath.Join(dir, reportdir.Parquet)); err != nil {
				t.Fatal(err)
			}
		}
		r, err := FromDir(dir, tt.by)
		if err != nil || !slices.Equal(keyedNames(r), tt.want) || len(Without(r, tt.by)) != tt.without {
			t.Errorf("requests %v, by %v: got %q, %v, want %q", tt.requests, tt.by, keyedNames(r), err, tt.want)
		}
	}
}

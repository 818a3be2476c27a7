package page

import (
	"bytes"
	"fmt"
	"maps"
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

// "SLO kept" is the share of all requests, not that of the label that keeps its bounds worst.
func TestShareOfSeveralLabelsIsOfAllRequests(t *testing.T) {
	t.Parallel()
	var records []byte
	for line := range bytes.Lines(recordsOf(t, load{rates: []float64{2}, each: 10, labels: []string{"chat", "rag"}})) {
		if bytes.Contains(line, []byte(`"label":"rag"`)) {
			line = bytes.ReplaceAll(line, []byte(`"ttft_ms":150`), []byte(`"ttft_ms":1`))
		}
		records = append(records, line...)
	}
	r, err := FromReport("r", reportOn(t, records))
	if err != nil {
		t.Fatal(err)
	}
	if c := sloCell(r.stages[0]); c.Text != "50.0 %" || !strings.Contains(c.Class, "bad") {
		t.Errorf("got %+v, want half of the requests, and bad news", c)
	}
	if got := goodShare(&r, r.summary); got != 50 {
		t.Errorf("got %v in charts, want 50", got)
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

// linesOn returns the names of the lines of each chart over the load by label, with the number of their points.
func linesOn(r Run) map[string][]string {
	out := map[string][]string{}
	for _, g := range overLoadBy([]Run{r}) {
		for _, c := range g.charts {
			for _, s := range c.Series {
				out[c.ID] = append(out[c.ID], fmt.Sprintf("%s:%d", s.Name, s.points()))
			}
		}
	}
	return out
}

func TestGroupsHaveLinesOverTheLoad(t *testing.T) {
	t.Parallel()
	both := []string{"chat:2", "rag:2"}
	all := map[string][]string{"rate-label-ttft": both, "rate-label-request": both, "rate-label-kept": both}
	for _, tt := range []struct {
		name string
		load load
		want map[string][]string
	}{
		{"two stages", load{rates: []float64{2, 4}, each: 8, labels: []string{"chat", "rag"}}, all},
		{"one stage", load{rates: []float64{2}, each: 8, labels: []string{"chat", "rag"}}, map[string][]string{}},
		{"one label", load{rates: []float64{2, 4}, each: 8, labels: []string{"chat"}}, map[string][]string{}},
	} {
		dir := t.TempDir()
		files := convert.Files{Summary: true, Stages: true, Groups: true, GroupStages: true, Parquet: true}
		if _, err := reportOf(t, tt.load).Write(dir, files); err != nil {
			t.Fatal(err)
		}
		compare := func(where string, r Run) {
			t.Helper()
			if got := linesOn(r); !maps.EqualFunc(got, tt.want, slices.Equal) {
				t.Errorf("%s, %s: got the lines %v, want %v", tt.name, where, got, tt.want)
			}
			if got := len(Pictures(r)); got != min(len(tt.want), 1) {
				t.Errorf("%s, %s: got %d pictures", tt.name, where, got)
			}
		}
		compare("of a report", runOf(t, "r", tt.load))
		for _, where := range []string{"of a directory", "of one without requests"} {
			r, err := FromDir(dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			compare(where, r)
			if err := os.RemoveAll(filepath.Join(dir, reportdir.Parquet)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Of many groups those with the most requests have lines and curves, and the charts say so.
func TestTheLargestGroupsHaveLines(t *testing.T) {
	t.Parallel()
	labels := []string{"a"} // has the fewest requests
	for len(labels) < 19 {
		labels = append(labels, fmt.Sprintf("x%d", len(labels)%9+1))
	}
	r := runOf(t, "r", load{rates: []float64{2, 4}, each: 19, labels: labels})
	sections := overLoadBy([]Run{r})
	if len(sections) != 1 || sections[0].note != onlyLargest {
		t.Fatalf("got %d sections: %+v", len(sections), sections)
	}
	curves := byGroup([]Run{r}, "l", "label", func(c *curves) curveSet { return c.keyed["label"] })
	for _, c := range append(sections[0].charts, curves) {
		if len(c.Series) != maxLines || c.Series[0].Name == "a" {
			t.Errorf("%s: got %d lines from %q, want %d", c.ID, len(c.Series), c.Series[0].Name, maxLines)
		}
	}
	if curves.Note != onlyLargest {
		t.Errorf("the curves have the note %q", curves.Note)
	}
}

// Groups whose names are one on the page have one line.
func TestGroupsOfOneNameHaveALine(t *testing.T) {
	t.Parallel()
	labels := []string{"", "(none)", "\n", `\n`, "\t", `\t`, "\r", `\r`, "z"}
	for id, lines := range linesOn(runOf(t, "r", load{rates: []float64{2, 4}, each: len(labels), labels: labels})) {
		if len(lines) != 4 {
			t.Errorf("%s: got the lines %q, want 4", id, lines)
		}
	}
}

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

// A group that is all of a stage has the rates of the stage.
func TestGroupOfOneStageHasItsRates(t *testing.T) {
	t.Parallel()
	r := runOf(t, "r", load{rates: []float64{2}, each: 10, labels: []string{"chat"}})
	if got, want := r.keyed[0].done(), r.stages[0].done(); got != want || got == throughput(r.summary, "requests") {
		t.Errorf("got %v done per second, want the %v of the stage, which is no throughput", got, want)
	}
	r = runOf(t, "r", load{rates: []float64{2}, each: 10, labels: []string{"chat", "rag"}})
	if got, want := r.keyed[0].done(), throughput(r.keyed[0].doc, "requests"); got != want {
		t.Errorf("got %v done per second of a part of a stage, want its throughput %v", got, want)
	}
}

// What is done per second are successes: neither failures nor requests whose users left.
func TestRatesOverTimeAreOfSuccesses(t *testing.T) {
	t.Parallel()
	records := recordsOf(t, load{rates: []float64{5}, each: 20, failing: 4})
	left := []byte(`"leaves":"2s","error_type":"abandoned","status":200`)
	records = bytes.Replace(records, []byte(`"status":200`), left, 1)
	r, err := FromReport("r", reportOn(t, records))
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]float64{}
	for _, s := range overTime([]Run{r}).charts[0].Series {
		for _, y := range s.Y {
			sums[s.Name] += float64(y)
		}
	}
	want := map[string]float64{"asked": 20, "sent": 20, "done": 14, "failed": 5, "left": 1}
	if !maps.Equal(sums, want) {
		t.Errorf("got %v, want %v", sums, want)
	}
	if note := ratesNote([]Run{r}); !strings.Contains(note, "or requests fail") {
		t.Errorf("got the note %q, which blames the server alone", note)
	}
	page := written(t, r)
	for _, want := range []string{"<strong>Users left</strong> <span>1, 5 % of what was sent", `tabindex="0">left</abbr>`} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
}

// The page of a run of pairs says where the difference is.
func TestPageOfPairsNamesTheComparison(t *testing.T) {
	t.Parallel()
	records := recordsOf(t, load{rates: []float64{5}, each: 4})
	for want, records := range map[bool][]byte{false: records, true: bytes.Replace(records, []byte(`"api":"chat"`),
		[]byte(`"api":"chat","pair":["direct","gateway"]`), 1)} {
		report := reportOn(t, records)
		r, err := FromReport("r", report)
		if err != nil {
			t.Fatal(err)
		}
		var table bytes.Buffer
		if err := report.WriteTables(convert.Screen{W: &table}); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{written(t, r), table.String()} {
			if got := strings.Contains(text, "--paired"); got != want {
				t.Errorf("it is named: %v, want %v, in\n%s", got, want, text)
			}
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

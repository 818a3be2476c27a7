package page

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func unchanged(*record.Search) {}

// searchReport returns the report of a search after change was applied to its last line.
func searchReport(t *testing.T, change func(*record.Search)) *convert.Report {
	t.Helper()
	lines := runtest.SearchLines(1)
	change(lines[len(lines)-1].(*record.Search))
	return reportOn(t, runtest.Records(t, lines))
}

func searchRun(t *testing.T, change func(*record.Search)) Run {
	t.Helper()
	r, err := FromReport("search", searchReport(t, change))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// answerOf returns the lines of the first screen.
func answerOf(r Run) string {
	var lines []string
	for _, a := range r.answers() {
		for _, s := range a.Lines {
			lines = append(lines, s.Label+": "+s.Text)
		}
	}
	return strings.Join(lines, "\n")
}

// The first screen says what the search found, and shows the two loads between which the answer lies.
func TestSearchOnTheFirstScreen(t *testing.T) {
	t.Parallel()
	r := searchRun(t, unchanged)
	got := answerOf(r)
	for _, want := range []string{
		"SLO: strict (p99(ttft)<500ms): holds at 16.7/s (p99 TTFT 474 ms, 120 requests), breaks at 17.4/s (529 ms)\n",
		"SLO: relaxed (p90(ttft)<800ms): holds at 19/s, breaks at 22.6/s\n",
		"Search: 9 probes in 2 min 17 s, converged: the two loads lie within 5 % of each other\n",
		": strict: certain (95 %): the edge lies between 16.7/s and 22.6/s\n",
		": relaxed: the answer is certain (95 %)\n", "\nAt 16.7/s: TTFT p50 ",
		"\nAt 17.4/s: TTFT p50 ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the answer lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "Knee") || strings.Contains(got, "At 4/s") {
		t.Errorf("the answer is that of a ladder:\n%s", got)
	}
	if doubts := r.doubts(); doubts != nil {
		t.Errorf("doubts %q about a probe that was repeated", doubts)
	}
	if got := r.fact("Load"); got != "a search from 4/s to 32/s in 9 probes" {
		t.Errorf("the load is %q", got)
	}
}

func TestNextOfASearch(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{
		"converged": "", "max_reached": "raise max: the server keeps the SLO up to 16.7/s", "min_fails": "lower min",
		"client_limited": "a machine with more processors", "probes_exhausted": "more probes (maxProbes)",
		"interrupted": "search again", "": "search again", "unstable_server": "search again",
	} {
		r := searchRun(t, func(s *record.Search) { s.StopReason = reason })
		if got := r.nextLoad(); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s: got %q, want %q", reason, got, want)
		}
	}
}

// The table has the stages of the probes in the order of their loads, also of a directory without requests.
func TestProbesAtAGlance(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := searchReport(t, unchanged).Write(dir, convert.Files{Summary: true, Stages: true}); err != nil {
		t.Fatal(err)
	}
	bare, err := FromDir(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]Run{"of records": searchRun(t, unchanged), "of a directory": bare} {
		table := glance([]Run{r})
		column := slices.IndexFunc(table.Head, func(c column) bool { return c.Name == "search" }) - 1
		if column < 0 {
			t.Fatalf("%s: no column of the search", name)
		}
		var got []string
		for _, line := range table.Rows {
			got = append(got, line.Name+" "+line.Cells[column].Text)
		}
		want := []string{"stage 0 pass", "stage 1 pass, certain", "stage 2 refused", "stage 3 pass",
			"stage 8 holds: pass, certain", "stage 7 breaks: fail", "stage 6 fail", "stage 5 fail, certain",
			"stage 4 fail, certain"}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// The charts have the shares with their bounds, the latencies up to thrice the bound, and the edge.
func TestChartsOfASearch(t *testing.T) {
	t.Parallel()
	g := overProbes([]Run{searchRun(t, unchanged)})
	if len(g.charts) != 2 {
		t.Fatalf("got %d charts", len(g.charts))
	}
	shares, latencies := g.charts[0], g.charts[1]
	first := shares.Series[0]
	if first.Name != runtest.SearchSLO || len(first.X) != 8 || first.Low[4] >= first.Y[4] ||
		first.High[4] <= first.Y[4] {
		t.Errorf("the shares are %+v", first)
	}
	if want := []band{{From: 16.7, To: 22.6, Weak: true}, {From: 16.7, To: 17.4},
		{From: 19, To: 22.6}}; !slices.Equal(shares.Bands, want) {
		t.Errorf("the bands are %v, want %v", shares.Bands, want)
	}
	if latencies.Y.Max != 2400 || !strings.Contains(latencies.Note, "Up to 2") || latencies.Series[0].Low != nil {
		t.Errorf("the latencies are %+v", latencies)
	}
	var marks []string
	for _, m := range append(shares.Marks, latencies.Marks...) {
		marks = append(marks, m.Text)
	}
	edges := []string{"strict holds at 16.7/s", "strict breaks at 17.4/s", "relaxed holds at 19/s"}
	want := slices.Concat([]string{"99 % needed", "90 % needed"}, edges, []string{"SLO 500 ms", "SLO 800 ms"}, edges)
	if !slices.Equal(marks, want) {
		t.Errorf("the marks are %q, want %q", marks, want)
	}
	several := overProbes([]Run{searchRun(t, unchanged), searchRun(t, unchanged)}).charts[0]
	if several.Bands != nil || len(several.Series) != 4 {
		t.Errorf("of two runs: %d bands, %d series", len(several.Bands), len(several.Series))
	}
	closed := searchRun(t, func(s *record.Search) { s.Over = record.OverConcurrency })
	if got := overProbes([]Run{closed, searchRun(t, unchanged)}); got.charts != nil {
		t.Error("searches over different loads share a chart")
	}
	if got := overProbes([]Run{closed}).charts[0].X; got.Unit != "at a time" {
		t.Errorf("over a concurrency the axis is %+v", got)
	}
}

// The table has all that the search says of a probe, also what the terminal leaves out.
func TestTableOfProbes(t *testing.T) {
	t.Parallel()
	tables := probeTables([]Run{searchRun(t, unchanged)})
	if len(tables) != 1 {
		t.Fatalf("got %d tables", len(tables))
	}
	var heads, edge []string
	for _, c := range tables[0].Head {
		heads = append(heads, c.Name)
	}
	for _, line := range tables[0].Rows {
		if line.Cells[1].Text == "holds" {
			edge = append(edge, line.Name)
			for _, c := range line.Cells {
				edge = append(edge, c.Text)
			}
		}
	}
	want := []string{"load", "outcome", "edge", "share", "bounds", "latency", "requests", "failed", "s", "stage",
		"phase", "client", "decided by", "relaxed"}
	if !slices.Equal(heads, want) {
		t.Errorf("the columns are %q, want %q", heads, want)
	}
	want = []string{"16.7/s", "pass, certain", "holds", "100 %", "99.2–100", "476", "120", "0", "11", "8", "hold",
		"VALID", runtest.SearchSLO, "pass"}
	if !slices.Equal(edge, want) {
		t.Errorf("the load that holds has %q, want %q", edge, want)
	}
}

// Charts over the load have a point for each load, of the probe that counts, on a logarithmic axis.
func TestProbesOverTheRate(t *testing.T) {
	t.Parallel()
	r := searchRun(t, func(s *record.Search) {
		s.Probes[8].Value = s.Probes[7].Value // as a load that is tried again
	})
	g := overLoad([]Run{r})
	c := g.charts[0]
	if !c.X.Log || !c.X.Fit || !strings.Contains(g.note, "the last is shown") {
		t.Errorf("the axis is %+v, the note %q", c.X, g.note)
	}
	var names []string
	for _, name := range c.Series[0].Names {
		stage, _, _ := strings.Cut(name, ":")
		names = append(names, stage)
	}
	want := []string{"stage 0", "stage 1", "stage 3", "stage 8", "stage 6", "stage 5", "stage 4"}
	if !slices.Equal(names, want) {
		t.Errorf("the points are %q, want %q", names, want)
	}
	if got := r.fact("Took"); !strings.HasPrefix(got, "2 min 17 s, without transients ") {
		t.Errorf("the run took %q", got)
	}
}

// A directory whose summary was changed by hand is a report without a search.
func TestDamagedSearch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := `{"load_summary": {"count": 1}, "xk6_llm": {"search": {"probes": 7}}}`
	if err := os.WriteFile(filepath.Join(dir, "summary_lifecycle_metrics.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := FromDir(dir, nil); err != nil || r.searches != nil {
		t.Errorf("got %+v, %v", r.searches, err)
	}
}

package convert

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// searchRun reads a search after change was applied to its last line.
func searchRun(t *testing.T, change func(*record.Search)) *run.Run {
	t.Helper()
	lines := runtest.SearchLines(1)
	change(lines[len(lines)-1].(*record.Search))
	return mustRead(t, asRecords(t, lines))
}

func unchanged(*record.Search) {}

func printed(t *testing.T, p *Report) string {
	t.Helper()
	var out strings.Builder
	if err := p.WriteVerdict(Screen{W: &out}); err != nil {
		t.Fatal(err)
	}
	if err := p.WriteTables(Screen{W: &out}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// The terminal answers first, and then shows the probes by load.
func TestSearchInTheTerminal(t *testing.T) {
	t.Parallel()
	got := printed(t, NewReport(searchRun(t, unchanged), Options{}))
	path := filepath.Join("testdata", "search.txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := string(content(t, path)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A closed loop has no due instants.
func TestSearchOverConcurrency(t *testing.T) {
	t.Parallel()
	got := printed(t, NewReport(searchRun(t, func(s *record.Search) {
		s.Over, s.Tiers = record.OverConcurrency, s.Tiers[:1]
		s.Reason = "certain (95 %): the edge is below 23 at a time"
	}), Options{}))
	for _, want := range []string{"latencies in ms from the start of a request\n", "\nat a time  outcome",
		"\n17.4       fail "} {
		if !strings.Contains(got, want) {
			t.Errorf("the text lacks %q:\n%s", want, got)
		}
	}
	if strings.Count(got, "certain (95 %)") != 1 {
		t.Errorf("what is certain is not told once:\n%s", got)
	}
}

// What is certain is said in other words than the answer, and only if it differs from it.
func TestCertainText(t *testing.T) {
	t.Parallel()
	low, high, more := new(40.0), new(80.0), new(160.0)
	for _, tt := range []struct {
		answer, interval [2]*float64
		want             string
	}{
		{[2]*float64{low, high}, [2]*float64{}, ""},
		{[2]*float64{low, high}, [2]*float64{low, new(80.0)}, "the answer is certain (95 %)"},
		{[2]*float64{nil, high}, [2]*float64{nil, high}, "the answer is certain (95 %)"},
		{[2]*float64{low, high}, [2]*float64{low, more}, "certain (95 %): the edge lies between 40/s and 160/s"},
		{[2]*float64{low, high}, [2]*float64{low, nil}, "certain (95 %): the edge is above 40/s"},
		{[2]*float64{low, high}, [2]*float64{nil, high}, "certain (95 %): the edge is below 80/s"},
	} {
		a := record.SearchAnswer{HighestPassing: tt.answer[0], LowestFailing: tt.answer[1], Interval: tt.interval}
		s := &record.Search{Over: record.OverRate, Confidence: 0.95}
		if got := certainText(s, a); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestOutcomesOfASearch(t *testing.T) {
	t.Parallel()
	got := outcomes(RequestCounts{Sent: 100, Failed: 7, Canceled: 7}, true)
	want := "100 requests, none failed, 7 unfinished (cut off at the end of their probe), none dropped"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSearchFile(t *testing.T) {
	t.Parallel()
	dir := writeReport(t, searchRun(t, unchanged), Options{})
	text := string(content(t, filepath.Join(dir, reportdir.Search)))
	for _, want := range []string{`"over": "rate"`, `"highest_passing": 16.7`, `"lowest_failing": 17.4`,
		`"stop_reason": "converged"`, `"phase": "hold"`} {
		if !strings.Contains(text, want) {
			t.Errorf("search.json lacks %s:\n%s", want, text)
		}
	}
	summary := string(content(t, filepath.Join(dir, reportdir.Summary)))
	if indented := strings.ReplaceAll(text, "\n", "\n    "); !strings.Contains(summary, `"search": `+indented) {
		t.Error("the summary does not have the same object")
	}
}

// A probe in which the load generator did not keep up, and which was repeated, does not spoil the run.
func TestRepeatedProbeIsNotInTheVerdict(t *testing.T) {
	t.Parallel()
	r := searchRun(t, unchanged)
	p := NewReport(r, Options{})
	if h := p.Summary.Additions.Health; h.Verdict != Valid {
		t.Errorf("the run is %s: %q", h.Verdict, h.Reasons)
	}
	if h := p.Stages[2].Additions.Health; h.Verdict != Invalid {
		t.Errorf("stage 2, whose requests were late, is %s", h.Verdict)
	}
	if got := p.doubts(); got != nil {
		t.Errorf("doubts %q", got)
	}
	want, notes := "client_health leaves out 1 stage that the search repeated", p.Summary.Additions.Notes
	if !slices.ContainsFunc(notes, func(note string) bool { return strings.HasPrefix(note, want) }) {
		t.Errorf("notes %q, want %q", notes, want)
	}
	limited := searchRun(t, func(s *record.Search) { // the second attempt was refused, too
		s.Probes[3].Outcome, s.StopReason = record.ProbeRefused, "client_limited"
	})
	if h := NewReport(limited, Options{}).Summary.Additions.Health; h.Verdict == Valid {
		t.Error("a run that the client limited is VALID")
	}
}

func TestSearchAnswers(t *testing.T) {
	t.Parallel()
	var given Options
	if err := given.SetSLO(runtest.SearchSLO); err != nil {
		t.Fatal(err)
	}
	var other Options
	if err := other.SetSLO("p99(latency)<500ms"); err != nil {
		t.Fatal(err)
	}
	strict := "SLO strict (p99(ttft)<500ms): holds at 16.7/s (p99 TTFT 474 ms, 120 requests), breaks at 17.4/s (529 ms)"
	relaxed := "SLO relaxed (p90(ttft)<800ms): holds at 19/s, breaks at 22.6/s"
	for name, tt := range map[string]struct {
		opts Options
		want []SLOAnswer
	}{
		"its own":       {Options{}, []SLOAnswer{{strict, Partly}, {relaxed, Partly}}},
		"the same SLO":  {given, []SLOAnswer{{strict, Partly}, {relaxed, Partly}}},
		"a further SLO": {other, []SLOAnswer{{strict, Partly}, {relaxed, Partly}, {"", Partly}}},
	} {
		got := NewReport(searchRun(t, unchanged), tt.opts).Summary.Additions.SLOAnswers
		if n := len(got) - 1; name == "a further SLO" && n == 2 && strings.HasPrefix(got[n].Text,
			"SLO p99(latency)<500ms: kept up to 16.7/s (stage 8), broken at 17.4/s (p99 latency ") {
			got[n].Text = ""
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

// The configuration that a report writes repeats the probes as a plain run.
func TestConfigurationOfASearch(t *testing.T) {
	t.Parallel()
	text := string(content(t, filepath.Join(writeReport(t, searchRun(t, unchanged), Options{}), reportdir.Config)))
	c, err := config.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	var rates []float64
	for _, s := range c.Load.Stages.Standard {
		rates = append(rates, float64(s.Rate))
	}
	want := []float64{4, 8, 16, 16.7, 17.4, 19, 22.6, 32}
	if c.Load.Type != config.PoissonLoad || !slices.Equal(rates, want) {
		t.Errorf("got %s at %v, want poisson at %v", c.Load.Type, rates, want)
	}
}

func TestEndsOfSearches(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  func(*record.Search)
		outcome slo.Outcome // of the first tier
		none    string      // the error for the exit code
	}{
		"converged": {unchanged, Partly, ""},
		"nothing fails": {func(s *record.Search) {
			s.StopReason, s.LowestFailing, s.Tiers, s.Probes = "max_reached", nil, nil, s.Probes[:2]
		}, slo.Kept, ""},
		"everything fails": {func(s *record.Search) {
			s.StopReason, s.Reason, s.HighestPassing, s.Tiers, s.Probes = "min_fails", "1/s is too much", nil, nil,
				s.Probes[4:6]
		}, slo.Broken, "the search found no capacity: min fails"},
		"no probe": {func(s *record.Search) {
			s.StopReason, s.Reason, s.HighestPassing, s.LowestFailing, s.Tiers, s.Probes = "interrupted", "Ctrl-C", nil,
				nil, nil, nil
		}, slo.NoRequests, "the search found no capacity: interrupted"},
		"client": {func(s *record.Search) { s.StopReason, s.Reason = "client_limited", "too late" }, Partly,
			"the search did not finish: client limited"},
		"no end": {func(s *record.Search) { s.StopReason, s.HighestPassing, s.Text = "", nil, "" }, Partly,
			"the search found no capacity: it did not end"},
	} {
		p := NewReport(searchRun(t, tt.change), Options{})
		if got := p.Summary.Additions.SLOAnswers[0].Outcome; got != tt.outcome {
			t.Errorf("%s: outcome %q, want %q", name, got, tt.outcome)
		}
		if got := NoCapacity(p.run); got != tt.none {
			t.Errorf("%s: no capacity because %q, want %q", name, got, tt.none)
		}
		if got := printed(t, p); !strings.Contains(got, "search: ") || strings.Contains(got, "NaN") {
			t.Errorf("%s: got\n%s", name, got)
		}
	}
}

func TestPercentText(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64]string{0: "0", 0.0001: "0.1", 0.5: "50", 0.985: "98.5", 0.99999: "99.9",
		1: "100"} {
		if got := percentText(share); got != want {
			t.Errorf("%v: got %s, want %s", share, got, want)
		}
	}
}

// Of several probes of a load the last one counts, and gives the edge.
func TestProbeEdge(t *testing.T) {
	t.Parallel()
	probe := func(stage int, value float64, outcome string) record.SearchProbe {
		return record.SearchProbe{Stage: stage, Value: value, Outcome: outcome}
	}
	s := &record.Search{SearchAnswer: record.SearchAnswer{HighestPassing: new(4.0), LowestFailing: new(5.0)},
		Probes: []record.SearchProbe{probe(0, 4, "pass"), probe(1, 5, "pass"), probe(2, 5, "fail"), probe(3, 4, "pass"),
			probe(4, 4, "refused"), probe(5, 8, "fail")}}
	var got []string
	for _, p := range s.Probes {
		got = append(got, ProbeEdge(s, p))
	}
	if want := []string{"", "", "breaks", "holds", "", ""}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A stage that was interrupted before its probe ended was to last as long as it takes.
func TestInterruptedProbe(t *testing.T) {
	t.Parallel()
	lines := runtest.SearchLines(1)
	for _, line := range lines {
		switch l := line.(type) {
		case *record.Search:
			l.Probes, l.StopReason = l.Probes[:min(8, len(l.Probes))], "interrupted"
		case *record.Stage:
			if l.Index == 8 {
				l.Status = "interrupted"
			}
		}
	}
	got := NewReport(mustRead(t, asRecords(t, lines)), Options{}).Summary.Additions.Warnings
	want := "the run was stopped in stage 8, after 6.4 s: the figures are of what was sent until then"
	if !slices.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

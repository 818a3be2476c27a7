package convert

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/compare"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// A comparison names a run whose load generator was not valid, whether its requests are known or only its report.
func TestComparisonTellsOfTheLoadGenerator(t *testing.T) {
	t.Parallel()
	const want = "load generator INVALID: requests were sent late"
	good, _ := stalled(nil)
	late, _ := stalled(eachSecond(520_000, 250_000))
	runs := map[string]*run.Run{}
	for name, lines := range map[string][]record.Line{"BASE": good, "NEW": late} {
		var file []byte
		for _, line := range lines {
			file = append(append(file, text(t, line)...), '\n')
		}
		runs[name] = mustRead(t, file)
	}
	byRequests, err := compare.Compare(RunSide(runs["BASE"], "BASE", Options{}), RunSide(runs["NEW"], "NEW", Options{}),
		compare.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := NewReport(runs["NEW"], Options{}).Write(dir, Files{Summary: true}); err != nil {
		t.Fatal(err)
	}
	base, err := RunFigures(runs["BASE"], "BASE", Options{})
	if err != nil {
		t.Fatal(err)
	}
	fresh, found, err := ReadFigures(dir)
	if err != nil || !found {
		t.Fatalf("found %t, %v", found, err)
	}
	byFigures, err := compare.CompareFigures(base, fresh, compare.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, result := range map[string]*compare.Result{"requests": byRequests, "figures": byFigures} {
		var table, markdown bytes.Buffer
		if err := result.WriteText(&table); err != nil {
			t.Fatal(err)
		}
		if err := result.WriteMarkdown(&markdown); err != nil {
			t.Fatal(err)
		}
		if result.Base.Doubt != "" || !strings.HasPrefix(result.New.Doubt, want) {
			t.Errorf("by %s: BASE %q, NEW %q; want only NEW %q", name, result.Base.Doubt, result.New.Doubt, want)
		}
		if !strings.Contains(table.String(), want) || !strings.Contains(markdown.String(), "load generator INVALID") {
			t.Errorf("by %s:\n%s\n%s", name, table.String(), markdown.String())
		}
	}
}

// The sessions of a replay are compared, from its requests and from its report: those that ended, and those that
// succeeded have a duration.
func TestSessionsAreCompared(t *testing.T) {
	t.Parallel()
	r := replayRun(t)
	side := RunSide(r, "run", Options{})
	var durations []float64
	failed := 0
	for _, s := range side.Sessions {
		durations = append(durations, s.Latency)
		failed += count(s.Failed)
	}
	if !slices.Equal(durations, []float64{5, 1.5, 0.9}) || failed != 1 {
		t.Errorf("got %v, %d failed", durations, failed)
	}
	ofRun, err := RunFigures(r, "run", Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := NewReport(r, Options{}).Write(dir, Files{Summary: true, Sessions: true}); err != nil {
		t.Fatal(err)
	}
	ofReport, found, err := ReadFigures(dir)
	if err != nil || !found {
		t.Fatalf("found %t, %v", found, err)
	}
	for _, values := range []map[string]float64{ofRun.Values, ofReport.Values} {
		if values["p50(session_duration)"] != 1.5 || values["mean(tfut)"] != 1.1 ||
			values["session_failures"] != 1.0/3 {
			t.Errorf("got %v", values)
		}
	}
}

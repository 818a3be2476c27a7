package page

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func constant(rate, seconds float64) record.Stage {
	return record.Stage{Rate: &rate, Duration: &seconds}
}

func loop(concurrency, requests int64) record.Stage {
	return record.Stage{Concurrency: &concurrency, Requests: &requests}
}

func timedLoop(concurrency int64, seconds float64) record.Stage {
	return record.Stage{Concurrency: &concurrency, Duration: &seconds}
}

func sweep(n int, seconds float64, rate func(i int) float64) (stages []record.Stage) {
	for i := range n {
		stages = append(stages, constant(rate(i), seconds))
	}
	return stages
}

func TestLoadsOfStagesAreShort(t *testing.T) {
	t.Parallel()
	ramp := record.Stage{From: new(2.0), Rate: new(10.0), Duration: new(60.0)}
	for _, tt := range []struct {
		stages []record.Stage
		want   string
	}{
		{nil, ""},
		{[]record.Stage{constant(10, 6)}, "10/s for 6 s"},
		{[]record.Stage{constant(5, 30), constant(10, 30)}, "5, 10/s for 30 s each"},
		{[]record.Stage{constant(0.5, 30), constant(10, 180)}, "0.5/s for 30 s, then 10/s for 3 min"},
		{sweep(12, 4, func(i int) float64 { return float64(2 + 2*i) }), "2 to 24/s in 12 stages of 4 s"},
		{sweep(60, 1, func(i int) float64 { return float64(5 + i%30) }), "60 stages of 1 s between 5 and 34/s"},
		{[]record.Stage{loop(4, 24)}, "24 requests, 4 at a time"},
		{[]record.Stage{loop(4, 24), loop(16, 96)}, "4, 16 at a time, with 24, 96 requests"},
		{[]record.Stage{timedLoop(4, 30), timedLoop(16, 30)}, "4, 16 at a time for 30 s each"},
		{[]record.Stage{ramp, constant(10, 60)}, "2 → 10/s for 60 s, then 10/s for 60 s"},
		{[]record.Stage{ramp, ramp, ramp, ramp, loop(4, 24)},
			"5 stages: 2 → 10/s for 60 s, 2 → 10/s for 60 s, …, 24 requests, 4 at a time"},
	} {
		if got := stagesLoad(tt.stages, "requests"); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// A load of sessions is not told as one of requests.
func TestLoadsOfSessions(t *testing.T) {
	t.Parallel()
	limited := loop(4, 24)
	limited.Rate = new(0.5)
	for _, tt := range []struct {
		stages []record.Stage
		want   string
	}{
		{[]record.Stage{constant(2, 6)}, "2 sessions/s for 6 s"},
		{[]record.Stage{constant(5, 30), constant(10, 30)}, "5, 10 sessions/s for 30 s each"},
		{[]record.Stage{loop(4, 24)}, "24 sessions, 4 at a time"},
		{[]record.Stage{limited}, "24 sessions, 4 at a time, at most 0.5/s"},
		{[]record.Stage{loop(4, 24), loop(16, 96)}, "4, 16 at a time, with 24, 96 sessions"},
	} {
		if got := stagesLoad(tt.stages, convert.Sessions); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	runs := []Run{{Name: "r", stages: stages{{name: "stage 0", plan: loop(1, 24),
		doc: gjson.Parse(`{"xk6_llm": {"load": {"unit": "sessions"}}}`)}}}}
	if got := under(runs[0].stages[0]); got != "At 1 session at a time" {
		t.Errorf("got %q", got)
	}
	if got := glance(runs).Rows[0].Cells[0].Text; got != "1 session" {
		t.Errorf("at a glance %q", got)
	}
}

// An iteration that sends several requests, such as one of a pair, is not told as one request.
func TestLoadsOfIterations(t *testing.T) {
	t.Parallel()
	records := recordsOf(t, load{rates: []float64{2, 4}, each: 4, labels: []string{"a", "b"}})
	records = bytes.Replace(records, []byte(`"seq":0`), []byte(`"seq":1`), 1) // in the first stage
	all := bytes.ReplaceAll(records, []byte(`"seq":0`), []byte(`"seq":1`))
	for _, tt := range []struct {
		records     []byte
		under, axis string
	}{
		{records, "At 2 iterations/s", "requests asked per second"},
		{all, "At 2 iterations/s", "iterations asked per second"},
	} {
		r, err := FromReport("r", reportOn(t, tt.records))
		if err != nil {
			t.Fatal(err)
		}
		if got := under(r.stages[0]); got != tt.under {
			t.Errorf("got %q, want %q", got, tt.under)
		}
		if got := byRate.axis([]Run{r}).Label; got != tt.axis {
			t.Errorf("got the axis %q, want %q", got, tt.axis)
		}
		if got, want := r.fact("Load"), "2 iterations/s for 2 s, then 4 iterations/s for 1 s"; got != want {
			t.Errorf("got the load %q, want %q", got, want)
		}
	}
}

// A closed loop has a number of requests at a time and no rate, although inference-perf's format gives it one.
func TestClosedLoopHasNoAskedRate(t *testing.T) {
	t.Parallel()
	stage := func(c string) part {
		return part{name: "stage", doc: gjson.Parse(`{"load_summary": {"count": 24, "requested_rate": 24, ` +
			`"achieved_rate": 13.2, "concurrency": ` + c + `}, "successes": {"count": 24}, "failures": {"count": 0}}`)}
	}
	if got := stage("4"); !math.IsNaN(got.asked()) || got.load() != "4 at a time" {
		t.Errorf("got the rate %v and the load %q, want none and 4 at a time", got.asked(), got.load())
	}
	run := Run{Name: "r", stages: []part{stage("4"), stage("16")}}
	if got := axisOf([]Run{run}); got != byConcurrency {
		t.Errorf("got the axis %v, want that of requests at a time", got)
	}
	heads := ""
	for _, c := range glance([]Run{run}).Head {
		heads += c.Name + " "
	}
	if strings.Contains(heads, "asked") || !strings.Contains(heads, "at a time") {
		t.Errorf("got the columns %s, want at a time and no asked rate", heads)
	}
	if got := stage("0").load(); got != "24/s" {
		t.Errorf("without concurrency: got %q, want 24/s", got)
	}
}

// A table of both kinds of load has one column for them.
func TestLoadsOfBothKindsShareAColumn(t *testing.T) {
	t.Parallel()
	doc := gjson.Parse(`{"load_summary": {"count": 3}}`)
	run := Run{Name: "r", stages: []part{{name: "a", plan: constant(8, 5), doc: doc},
		{name: "b", plan: loop(3, 20), doc: doc}}}
	got := glance([]Run{run})
	if head := got.Head[1].Name; head != "asked" || got.Rows[0].Cells[0].Text != "8/s" ||
		got.Rows[1].Cells[0].Text != "3 at a time" || len(got.Head) != len(got.Rows[0].Cells)+1 {
		t.Errorf("got the column %q of %v and %v, want asked of 8/s and 3 at a time", head, got.Rows[0].Cells,
			got.Rows[1].Cells)
	}
}

// Two scenarios at a time are told as such, with their names.
func TestParallelScenarios(t *testing.T) {
	t.Parallel()
	at := func(name string, from, to float64, stages ...record.Stage) scenario {
		for i := range stages {
			stages[i].Index = i
		}
		return scenario{record.Scenario{Name: name, Stages: stages}, "requests", nil, from, to}
	}
	together := []scenario{at("chat", 0, 10, constant(5, 5), constant(8, 5)), at("batch", 0.1, 9, loop(3, 20))}
	if got, want := plannedLoad(together), "chat: 5, 8/s for 5 s each; at the same time batch: 20 requests, 3 at a "+
		"time"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	one := []scenario{at("chat", 0, 4, constant(5, 5)), at("batch", 6, 9, loop(3, 20))}
	if got, want := plannedLoad(one), "chat: 5/s for 5 s; then batch: 20 requests, 3 at a time"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	run := Run{scenarios: together}
	if !run.parallel() || (&Run{scenarios: one}).parallel() {
		t.Error("want the first scenarios at the same time, and the second ones not")
	}
}

// Short stages of random arrivals stand in the order of their asked rates, whatever was sent.
func TestStagesStandInTheOrderOfAskedRates(t *testing.T) {
	t.Parallel()
	var run Run
	for i, sent := range []string{"5", "3", "9"} {
		run.stages = append(run.stages, part{index: i, plan: constant(float64(2+2*i), 4),
			doc: gjson.Parse(`{"xk6_llm": {"requests": {"sent_rate": ` + sent + `}}}`)})
	}
	s := axisOf([]Run{run}).series(&run, func(part) float64 { return 1 })
	if want := []rounded{2, 4, 6}; !slices.Equal(s.X, want) {
		t.Errorf("got the points at %v, want %v", s.X, want)
	}
}

func TestSourcesAndVersionsInWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ sources, want string }{
		{`{"usage": 598}`, "the server's counts"}, {`{}`, ""},
		{`{"usage": 580, "chunks": 18}`, "each chunk counted as one (18 answers), the server's counts (580 answers)"},
	} {
		if got := tokenSources(gjson.Parse(tt.sources)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.sources, got, tt.want)
		}
	}
	const all = `{"go": "go1.26.8", "k6": "v2.2.0", "xk6-llm": "v0.0.0-00010101000000-000000000000"}`
	if got := versions(gjson.Parse(all)); got != "go1.26.8, k6 v2.2.0" {
		t.Errorf("got %q, want no version that says nothing", got)
	}
}

// What the end of the run cut off did not fail.
func TestUnfinishedIsNoFailure(t *testing.T) {
	t.Parallel()
	doc := gjson.Parse(`{"load_summary": {"count": 100}, "successes": {"count": 90, ` +
		`"goodput_metrics": {"goodput_percentage": 100}}, "failures": {"count": 10, "by_label": ` +
		`{"canceled": {"count": 10, "messages": []}}}, "xk6_llm": {"requests": {"canceled": 10}}}`)
	run := Run{Name: "r", summary: doc, stages: []part{{name: "stage 0", doc: doc}}}
	if failedShare(doc) != 0 || errorTable([]Run{run}) != nil {
		t.Errorf("got %v %% failed, want none and no table of errors", failedShare(doc))
	}
	if got := run.failures(); !strings.HasPrefix(got.Text, "10 requests were unfinished") || got.Class != "" {
		t.Errorf("got %+v, want the unfinished ones alone", got)
	}
}

// A failing stage says by what it broke the SLO.
func TestSLOBrokenByFailures(t *testing.T) {
	t.Parallel()
	doc := gjson.Parse(`{"load_summary": {"count": 100}, "successes": {"goodput_metrics": {"goodput_percentage": 100}}, ` +
		`"failures": {"count": 3}}`)
	if got := sloCell(part{doc: doc}); got.Text != "3.0 % failed" || !strings.HasSuffix(got.Class, "bad") {
		t.Errorf("got %+v, want the share that failed", got)
	}
}

// A run that is VALID tells why a stage is not.
func TestDoubtsOfStages(t *testing.T) {
	t.Parallel()
	doc := func(verdict, reason string) gjson.Result {
		return gjson.Parse(`{"xk6_llm": {"client_health": {"verdict": "` + verdict + `", "reasons": [` + reason + `]}}}`)
	}
	run := Run{summary: doc(convert.Valid, ""), stages: []part{{name: "stage 0", doc: doc(convert.Valid, "")},
		{name: "stage 1", doc: doc(convert.Suspect, `"it read late"`)}, {name: "stage 2", doc: doc(convert.Invalid,
			`"all failed"`)}}}
	got := run.doubts()
	if len(got) != 2 || got[0] != "stage 1 is SUSPECT: it read late" || !strings.Contains(got[1], "1 more") {
		t.Errorf("got %q, want the reason of stage 1, and that there is one more", got)
	}
	run.summary = doc(convert.Suspect, `"it read late"`)
	if got := run.doubts(); got != nil {
		t.Errorf("got %q beside the run's own reasons, want none", got)
	}
}

// The cell of the SLO has the objective that decides, and all of them as its meaning.
func TestSLOIsJudgedByObjectives(t *testing.T) {
	t.Parallel()
	judged := func(objective, outcome string, n, kept int, observed string) string {
		return fmt.Sprintf(`{"objective": %q, "outcome": %q, "requests": %d, "requests_kept": %d, "observed": %q}`,
			objective, outcome, n, kept, observed)
	}
	fast, slow := judged("p99(ttft)<500ms", "kept", 100, 99, "p99 TTFT 279 ms"),
		judged("p99(ttft)<500ms", "broken", 100, 36, "p99 TTFT 612 ms")
	for _, tt := range []struct{ judgements, text, class string }{
		{fast, "99.0 %", "n slo good"}, {slow, "36.0 %", "n slo bad"},
		{fast + "," + judged("failures<1%", "broken", 100, 97, "3.0 % failed"), "3.0 % failed", "n slo bad"},
		{fast + "," + judged("tpot=50ms", "no requests", 0, 0, "no requests to judge by"), "99.0 %", "n slo good"},
		{judged("tpot=50ms", "no requests", 0, 0, "no requests to judge by"), missing, "n"},
		{"", missing, "n"},
	} {
		doc := gjson.Parse(`{"xk6_llm": {"slo": [` + tt.judgements + `]}}`)
		if got := sloCell(part{doc: doc}); got.Text != tt.text || got.Class != tt.class {
			t.Errorf("%s: got %q of class %q, want %q of %q", tt.judgements, got.Text, got.Class, tt.text, tt.class)
		}
	}
	run := Run{summary: gjson.Parse(`{"xk6_llm": {"slo": [` + slow + `], "slo_answers": [{"text": ` +
		`"SLO p99(ttft)<500ms: kept up to 14.6/s", "outcome": "partly"}], "gates": [` + fast + `]}}`)}
	run.takeObjectives()
	if want := []bound{{"ttft", "TTFT", 500, ""}}; !slices.Equal(run.bounds, want) {
		t.Errorf("got the bounds %v, want %v", run.bounds, want)
	}
	want := []sentence{{"SLO", "p99(ttft)<500ms: kept up to 14.6/s", ""},
		{"Gate", "p99(ttft)<500ms: kept (p99 TTFT 279 ms)", "good"}}
	if got := run.keeps(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWarmupsAreFacts(t *testing.T) {
	t.Parallel()
	warm, bare := constant(5, 30), constant(5, 30)
	warm.Warmup = new(10.0)
	for _, tt := range []struct {
		stages []record.Stage
		want   string
	}{
		{[]record.Stage{warm, warm}, "10 s of each stage, in no figure"},
		{[]record.Stage{warm, bare}, "10 s of 1 of 2 stages, in no figure"}, {[]record.Stage{bare}, ""},
	} {
		got := plannedWarmup([]scenario{{Scenario: record.Scenario{Stages: tt.stages}}})
		if got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

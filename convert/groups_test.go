package convert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/chart"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// labelLines returns a run of two stages with two labels and requests of none, of two endpoints, with failures and
// requests whose users left. Chat's bound is 100 ms, rag's 1 s.
func labelLines() []record.Line {
	n := 0
	return changed(sampleLines(), func(q *record.Request) {
		q.Label, q.Endpoint = []string{"chat", "chat", "rag", ""}[n%4], "http://a"
		q.SLO = map[string]*record.Bounds{"chat": {TTFT: 100}, "rag": {TTFT: 1000}}[q.Label]
		if q.Good = nil; n%3 == 1 {
			q.Endpoint = "http://b:8000/v1"
			q.ErrorType, q.Error = record.ErrorConnect, fmt.Sprintf("dial tcp: connection refused %d", n)
		}
		if n%10 == 9 {
			q.ErrorType, q.Leaves, q.Error = record.ErrorAbandoned, "2s", ""
		}
		n++
	})
}

func keysOf(t *testing.T, names ...string) []run.Key {
	t.Helper()
	keys, err := run.Keys(names)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// The groups of each key have the requests, tokens and failures of the whole run.
func TestGroupsSumToTheWhole(t *testing.T) {
	t.Parallel()
	r := mustRead(t, asRecords(t, labelLines()))
	if len(r.Abandoned) != 5 {
		t.Fatalf("%d abandoned requests, want 5", len(r.Abandoned))
	}
	count := func(l *Lifecycle) []float64 {
		a, sums := l.Additions, []float64{float64(l.Load.Count), float64(l.Successes.Count), float64(l.Failures.Count)}
		for _, n := range []int{a.Requests.Sent, a.Requests.Failed, a.Requests.Canceled, a.Requests.OneToken} {
			sums = append(sums, float64(n))
		}
		for _, c := range l.Failures.ByLabel {
			sums = append(sums, 0)
			sums[7] += float64(c.count)
		}
		s := l.Successes
		return append(sums[:min(8, len(sums))], float64(s.PromptTokens.Total), float64(s.OutputTokens.Total),
			float64(a.Tokens.Gaps.Token), float64(a.Tokens.Gaps.Chunk))
	}
	report := NewReport(r, Options{By: keysOf(t, run.KeyNames()...)})
	for _, key := range run.KeyNames() {
		var sum, ofStages []float64
		add := func(to *[]float64, l *Lifecycle) {
			list := count(l)
			if len(list) == 11 { // no failures
				list = slices.Insert(list, 7, 0)
			}
			if *to == nil {
				*to = make([]float64, len(list))
			}
			for i, v := range list {
				(*to)[i] += v
			}
		}
		for _, g := range report.Groups.By(key) {
			add(&sum, g.Lifecycle)
			for _, l := range g.Stages {
				add(&ofStages, l)
			}
		}
		if want := count(report.Summary); !slices.Equal(sum, want) || !slices.Equal(ofStages, want) {
			t.Errorf("%s: got %v, of stages %v, want %v", key, sum, ofStages, want)
		}
	}
	if labels := report.Groups.By("label"); len(labels) != 3 || labels[0].Name != "" || labels[1].Name != "chat" {
		t.Errorf("got %d labels, want none, chat and rag", len(labels))
	}
}

// The share of a run that keeps the SLO is of all its requests, not of the label that keeps it worst.
func TestRequestsThatKeepTheBoundsOfTheirLabels(t *testing.T) {
	t.Parallel()
	r := mustRead(t, asRecords(t, labelLines()))
	for _, tt := range []struct{ slo, alone string }{{slo: ""}, {slo: "chat: ttft=100ms; rag: ttft=1s, itl=1s"},
		{slo: "ttft=100ms", alone: "one objective"}, {slo: "ttft=1s, failures<50%", alone: "about all requests"}} {
		var o Options
		if err := o.SetSLO(tt.slo); tt.slo != "" && err != nil {
			t.Fatal(err)
		}
		a := NewReport(r, o).Summary.Additions
		if tt.alone != "" {
			if a.SLOKept != nil {
				t.Errorf("%s: got %+v, want none: %s", tt.slo, a.SLOKept, tt.alone)
			}
			continue
		}
		var want SLOKept
		for _, j := range a.SLO {
			want.Requests, want.Kept = want.Requests+j.Requests, want.Kept+j.Kept
		}
		if got := a.SLOKept; got == nil || *got != want || want.Kept == 0 || want.Kept == want.Requests {
			t.Errorf("%q: got %+v, want %+v, some of all", tt.slo, got, want)
		}
	}
}

// A group that is all of a run has its figures.
func TestGroupOfAllHasTheFiguresOfTheRun(t *testing.T) {
	t.Parallel()
	r := mustRead(t, asRecords(t, changed(sampleLines(), func(q *record.Request) { q.Label = "chat" })))
	report := NewReport(r, Options{})
	if len(report.Groups) != 1 || report.Summary.Additions.Fairness != nil {
		t.Fatalf("got %d groups, fairness %+v", len(report.Groups), report.Summary.Additions.Fairness)
	}
	text := func(l Lifecycle) string {
		a := *l.Additions
		a.Group, a.Meaning, a.Series, a.SLOAnswers, a.Warnings, l.Additions = nil, nil, nil, nil, nil, &a
		a.Timeline, a.Violations, a.Passport, a.Steady = nil, nil, nil, nil
		data, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if got, want := text(*report.Groups[0].Lifecycle), text(*report.Summary); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestObjectivesOfLabels(t *testing.T) {
	t.Parallel()
	r := mustRead(t, asRecords(t, labelLines()))
	texts := func(list []Judgement) (out []string) {
		for _, j := range list {
			out = append(out, fmt.Sprintf("%s|%s|%d", j.Label, j.Objective, j.Requests))
		}
		return out
	}
	own := NewReport(r, Options{})
	if got := texts(own.Summary.Additions.SLO); len(got) != 2 || !strings.HasPrefix(got[0], "chat|chat: ttft=100ms|") ||
		!strings.HasPrefix(got[1], "rag|rag: ttft=1s|") {
		t.Errorf("own bounds: got %q", got)
	}
	if got := own.Summary.Additions.SLOAnswers; len(got) != 2 || !strings.HasPrefix(got[0].Text,
		"SLO chat: ttft=100ms: ") {
		t.Errorf("own bounds: got %+v", got)
	}
	o := objectives("failures<50%; rag: p50(ttft)<1s,itl=1s; chat: ttft=1ms")
	given := NewReport(r, o)
	if got := given.Summary.Additions.SLOAnswers; len(got) != 3 ||
		!strings.HasPrefix(got[1].Text, "SLO rag: p50(ttft)<1s,itl=1s: ") {
		t.Errorf("got %+v", got)
	}
	for _, g := range given.Groups.By("label") {
		want := map[string]int{"": 1, "chat": 2, "rag": 3}[g.Name]
		if got := texts(g.Additions.SLO); len(got) != want {
			t.Errorf("%s: got %q, want %d objectives", g.Shown(), got, want)
		}
	}
	chat := given.Groups.By("label")[1]
	if good := chat.Successes.Goodput; good == nil || good.Good != 0 || good.Total != chat.Successes.Count {
		t.Errorf("chat: got goodput %+v, want none of all good by 1 ms", good)
	}
	if gates := given.Summary.Additions.Gates; gates[3].Outcome != slo.Broken || gates[3].Label != "chat" {
		t.Errorf("got gates %+v", gates)
	}
}

func TestObjectiveOfUnknownLabel(t *testing.T) {
	t.Parallel()
	labels := mustRead(t, asRecords(t, labelLines()))
	for _, tt := range []struct {
		text string
		run  *run.Run
		want string
	}{
		{"chat: ttft=1s; rag: failures<1%", labels, "<nil>"},
		{"chta: ttft=1s", labels, `no request has the label "chta": did you mean "chat"?`},
		{"batch: ttft=1s", labels, `no request has the label "batch": there are chat, rag`},
		{"batch: ttft=1s", mustRead(t, asRecords(t, sampleLines())),
			`no request has the label "batch": none has any`},
	} {
		o := objectives(tt.text)
		if got := fmt.Sprint(o.CheckLabels(tt.run)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.text, got, tt.want)
		}
		warned := slices.ContainsFunc(NewReport(tt.run, o).Summary.Additions.Warnings, func(w string) bool {
			return strings.HasSuffix(w, tt.want)
		})
		if warned != (tt.want != "<nil>") {
			t.Errorf("%s: warned %v", tt.text, warned)
		}
	}
}

func TestFairness(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		shares []float64
		want   float64
	}{
		{[]float64{1, 1, 1, 1}, 1}, {[]float64{1, 0}, 0.5}, {[]float64{0, 0, 0, 0.2}, 0.25},
		{[]float64{0.9, 0.3}, 1.44 / (2 * 0.9)}, {[]float64{0, 0}, math.NaN()},
	} {
		if got := jain(tt.shares); !(math.Abs(got-tt.want) < 1e-12) && (got == got || tt.want == tt.want) {
			t.Errorf("%v: got %v, want %v", tt.shares, got, tt.want)
		}
	}
	// Of each four requests two are chat's and one is rag's. Every second of chat's keeps its bounds.
	n := 0
	lines := changed(sampleLines(), func(q *record.Request) {
		succeeded(q)
		q.Label, q.SLO, q.Good = []string{"chat", "chat", "rag", ""}[n%4], nil, nil
		if q.Label == "chat" {
			q.SLO = &record.Bounds{Latency: []float64{0.001, 1e6}[n%4]}
		}
		n++
	})
	f := NewReport(mustRead(t, asRecords(t, lines)), Options{}).Summary.Additions.Fairness
	if f == nil || len(f.Attained) != 2 || f.Attained["chat"] != 0.5 || f.Attained["rag"] != 1 ||
		math.Abs(float64(f.Jain)-1.5*1.5/(2*1.25)) > 1e-12 {
		t.Errorf("got %+v, want 0.5 of chat, all of rag and an index of 0.9", f)
	}
}

func TestDeadEndpointIsNamed(t *testing.T) {
	t.Parallel()
	const want = "endpoint http://b:8000/v1: all 15 requests failed: dial tcp: connection refused 1 (the first; " +
		"their numbers differ)"
	report := NewReport(mustRead(t, asRecords(t, labelLines())), Options{})
	if got := report.Summary.Additions.Warnings; !slices.Contains(got, want) {
		t.Errorf("got %q, want %s", got, want)
	}
	if got := report.Groups.By("endpoint"); len(got) != 2 || got[1].Name != "http://b:8000/v1" {
		t.Errorf("got %d endpoints", len(got))
	}
	var table bytes.Buffer
	if err := report.WriteTables(Screen{W: &table}); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"\nlabel ", "\nendpoint ", "(none)", "good %",
		"\nfairness over labels: Jain's index 0.83; "} {
		if !strings.Contains(table.String(), part) {
			t.Errorf("%q is not in the tables:\n%s", part, table.String())
		}
	}
}

// Labels that are no names of files, or that differ in case alone, have files of their own.
func TestFilesOfGroups(t *testing.T) {
	t.Parallel()
	labels := []string{"chat", "Chat", "../etc/passwd", "a/b", "a:b", "x_stage_1", "x", "", "(none)",
		strings.Repeat("long", 100), "nul", "é\x1b["}
	n := 0
	r := mustRead(t, asRecords(t, changed(sampleLines(), func(q *record.Request) {
		q.Label = labels[n%len(labels)]
		n++
	})))
	dir := writeReport(t, r, Options{By: keysOf(t, "label", "scenario")})
	files, err := filepath.Glob(filepath.Join(dir, "group_*.json"))
	if err != nil {
		t.Fatal(err)
	}
	seen, names := map[string]bool{}, map[string]bool{}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Own struct {
				Group GroupName       `json:"group"`
				Load  json.RawMessage `json:"load"`
			} `json:"xk6_llm"`
		}
		if err := json.Unmarshal(data, &doc); err != nil {
			t.Fatal(err)
		}
		names[strings.ToLower(filepath.Base(path))] = true
		if doc.Own.Group.By == "label" && doc.Own.Load == nil {
			seen[doc.Own.Group.Name] = true
		}
	}
	if len(seen) != len(labels) || len(names) != len(files) {
		t.Errorf("got %d labels in %d files of %d names, want %d labels", len(seen), len(files), len(names),
			len(labels))
	}
	if !names["group_chat_lifecycle_metrics.json"] || !names["group_(none)_lifecycle_metrics.json"] {
		t.Errorf("got %v", names)
	}
	// Charts have the stages of the run, and not those of its groups.
	reports, _, err := chart.Read(dir)
	if err != nil || len(reports) != 1 || len(reports[0].Stages) != 2 {
		t.Errorf("got %+v, %v, want one report of two stages", reports, err)
	}
}

func TestManyGroupsAreLimited(t *testing.T) {
	t.Parallel()
	requests := map[string][]*run.Request{"a": make([]*run.Request, 1), "b": make([]*run.Request, 3),
		"c": make([]*run.Request, 3)}
	if got := mostRequests(requests, 2); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("got %q, want the two with the most requests", got)
	}
}

// An endpoint that dies in the run is told from one that fails now and then.
func TestEndpointsThatFailFromAMomentOn(t *testing.T) {
	t.Parallel()
	n := 0
	report := NewReport(mustRead(t, asRecords(t, changed(sampleLines(), func(q *record.Request) {
		q.Endpoint = []string{"http://dies", "http://fails"}[n%2]
		if n%2 == 0 && n >= 20 || n%2 == 1 && n%9 > 0 {
			q.ErrorType, q.Error = record.ErrorConnect, "refused"
		}
		n++
	}))), Options{})
	var got []string
	for _, warning := range report.Summary.Additions.Warnings {
		if strings.Contains(warning, "endpoint") {
			got = append(got, warning)
		}
	}
	want := fmt.Sprintf("endpoint http://dies: all of its last %d requests failed, since ", (n-20+1)/2)
	if len(got) != 1 || !strings.HasPrefix(got[0], want) || !strings.HasSuffix(got[0], " s of the run: refused") {
		t.Errorf("got %q, want %q", got, want)
	}
}

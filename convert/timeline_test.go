package convert

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// stoppedServer returns the lines of a run at a constant rate whose server has a TTFT of 100 ms, and answers nothing
// from one instant to another, in seconds after the first start. Answers have 3 tokens, each 10 ms after the one
// before.
func stoppedServer(rate int, seconds, from, to float64) []record.Line {
	const start = 1_795_000_000 * second
	lines := []record.Line{&record.Run{Schema: record.Schema, ID: "r", Start: start, Scenarios: []record.Scenario{
		{Name: "s", Executor: record.ExecutorName, Stages: []record.Stage{{Rate: new(float64(rate)),
			Duration: &seconds}}},
	}}}
	for i := range int64(float64(rate) * seconds) {
		at := float64(i) / float64(rate)
		due := start + int64(math.Round(at*1e9))
		ttft := 0.1
		if at+ttft > from && at < to {
			ttft += to - max(at, from)
		}
		us := int64(ttft * 1e6)
		lines = append(lines, &record.Request{
			ID: fmt.Sprint(i), Scenario: "s", Index: i, API: "chat", Model: "m", Streaming: true, Status: 200,
			Due:   &due,
			Start: due, End: due + us*1000 + 20_000_000, Chunks: []int64{us, us + 10_000, us + 20_000},
			FinishReason: "stop", Usage: []byte(`{"prompt_tokens":7,"completion_tokens":3}`),
		})
	}
	return lines
}

// timed returns the report on lines with an SLO, and marks at some seconds.
func timed(t *testing.T, lines []record.Line, slo string, marks ...float64) *Additions {
	t.Helper()
	r, err := run.FromLines(run.Options{}, run.Instance{Name: "i", Lines: lines})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range marks {
		mark := run.Mark{At: run.FirstStart(r) + int64(at*1e9), Text: "x", Source: record.MarkGiven}
		if err := run.AddMarks(r, []run.Mark{mark}); err != nil {
			t.Fatal(err)
		}
	}
	var o Options
	if err := o.SetSLO(slo); err != nil {
		t.Fatal(err)
	}
	return Summarize(r, o).Additions
}

// slowSeconds returns the first and the last second in which a request was due whose TTFT is 500 ms or more.
func slowSeconds(lines []record.Line) (first, last Float) {
	first = -1
	for _, line := range lines[1:] {
		q := line.(*record.Request)
		if at := Float((*q.Due - lines[0].(*record.Run).Start) / second); q.Chunks[0] >= 500_000 {
			if last = at; first < 0 {
				first = at
			}
		}
	}
	return first, last
}

// A server that is stopped for 5 s makes as many seconds of violation: those in which the requests were due that it
// made wait. They are 6 where those begin in the last tenth of a second, or end in the first.
func TestViolationOfAStoppedServer(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{2, 10, 50} {
		for _, from := range []float64{20, 20.3, 20.49} {
			lines := stoppedServer(rate, 60, from, from+5)
			first, last := slowSeconds(lines)
			a := timed(t, lines, "p99(ttft)<500ms,failures<1%", from+0.2, 40)
			v := a.Violations
			if want := last + 1 - first; v.Seconds != want || v.Of != 60 || v.Longest != want ||
				*v.LongestAt != first || len(v.Spans) != 1 || want < 5 || want > 6 {
				t.Errorf("%d/s from %v s: got %+v, want %v s from %v s on", rate, from, v.Violation, want, first)
				continue
			}
			if s := v.Spans[0]; math.Abs(float64(s.From)-from) > 1 || math.Abs(float64(s.To)-from-5) > 1 {
				t.Errorf("%d/s from %v s: got %+v", rate, from, s)
			}
			worst, share := float64(*v.Objectives[0].Spans[0].Worst), v.Spans[0].WorstShare
			if v.Spans[0].Worst != nil || share != v.Objectives[0].Spans[0].WorstShare || share != 1 {
				t.Errorf("%d/s from %v s: worst share %v of %+v", rate, from, share, v.Objectives[0].Spans[0])
			}
			if worst < 4.5 || worst > 5.11 || v.Objectives[1].Seconds != 0 {
				t.Errorf("%d/s from %v s: worst %v, failures %+v", rate, from, worst, v.Objectives[1])
			}
			if m := a.Marks[0]; m.Outcome != MarkRecovered || math.Abs(float64(*m.Recovered)-4.8) > 1 {
				t.Errorf("%d/s from %v s: got %+v", rate, from, m)
			}
			if m := a.Marks[1]; m.Outcome != MarkNoViolation || *m.Recovered != 0 {
				t.Errorf("%d/s from %v s: got %+v", rate, from, m)
			}
		}
	}
}

// Failed, dropped and unfinished requests are over the bounds of the second in which they were due.
func TestViolationWithoutAnswers(t *testing.T) {
	t.Parallel()
	const from, to = 20, 24
	of := func(change func(*record.Request) record.Line) (lines []record.Line) {
		for _, line := range stoppedServer(10, 60, 99, 99) {
			q, ok := line.(*record.Request)
			if ok && q.Index >= 10*from && q.Index < 10*to {
				line = change(q)
			}
			lines = append(lines, line)
		}
		return lines
	}
	for name, change := range map[string]func(*record.Request) record.Line{
		"failed": func(q *record.Request) record.Line {
			q.ErrorType, q.Chunks = record.ErrorTimeout, nil
			return q
		},
		"dropped": func(q *record.Request) record.Line {
			return &record.Dropped{Scenario: "s", Index: &q.Index, Due: q.Due, Count: 1}
		},
		"cut off after 2 s": func(q *record.Request) record.Line {
			q.ErrorType, q.Chunks, q.End = record.ErrorCanceled, nil, q.Start+2*second
			return q
		},
	} {
		a := timed(t, of(change), "p99(ttft)<500ms")
		if v := a.Violations; v.Seconds != to-from || *v.LongestAt != from || v.Of != 60 {
			t.Errorf("%s: got %+v", name, v.Violation)
		}
	}
	soon := func(q *record.Request) record.Line {
		q.ErrorType, q.Chunks, q.End = record.ErrorCanceled, nil, q.Start+second/10
		return q
	}
	if v := timed(t, of(soon), "p99(ttft)<500ms").Violations; v.Seconds != 0 || v.Of != 60-(to-from) {
		t.Errorf("cut off after 100 ms: got %+v", v.Violation)
	}
	drops := of(func(q *record.Request) record.Line {
		return &record.Dropped{Scenario: "s", Index: &q.Index, Due: q.Due, Count: 1}
	})
	if v := timed(t, drops, "failures<50%").Violations; v.Seconds != to-from {
		t.Errorf("nobody answered: got %+v", v.Violation)
	}
}

// In a closed loop nothing is due while all requests are stuck.
func TestViolationOfAClosedLoop(t *testing.T) {
	t.Parallel()
	var lines []record.Line
	for _, line := range stoppedServer(10, 60, 20, 25) {
		if q, ok := line.(*record.Request); ok {
			if q.Due = nil; q.Index > 205 && q.Index < 250 {
				continue
			}
		}
		lines = append(lines, line)
	}
	if v := timed(t, lines, "p99(ttft)<500ms").Violations; v.Seconds != 5 || v.Of != 60 || v.Longest != 5 {
		t.Errorf("got %+v", v.Violation)
	}
}

func TestRecoveries(t *testing.T) {
	t.Parallel()
	seconds := func(text string) (violated, judged []bool) { // x in violation, . clear, - nothing to judge by
		for _, c := range text {
			violated, judged = append(violated, c == 'x'), append(judged, c != '-')
		}
		return violated, judged
	}
	clear := strings.Repeat(".", 40)
	for _, tt := range []struct {
		text    string
		at      float64
		outcome string
		want    float64
	}{
		{"..xx.....", 2.5, MarkRecovered, 1.5},
		{"..xx.....", 0, MarkRecovered, 4},
		{"..xx.....", 4, MarkNoViolation, 0},
		{"..xx....x.....", 2, MarkRecovered, 7},
		{"..xx....", 2, MarkNotRecovered, 0},
		{"..xx-----.", 2, MarkRecovered, 2},
		{"..xx-----", 2, MarkNotRecovered, 0},
		{"..xxx", 2, MarkNotRecovered, 0},
		{clear + "x.....", 9, MarkNoViolation, 0},
		{clear + "x.....", 10.5, MarkRecovered, 30.5},
		{"xx.....", -0.5, MarkRecovered, 2.5},
		{"xx.....", 1e12, MarkNoViolation, 0},
	} {
		violated, judged := seconds(tt.text)
		outcome, got := recoveries{violated, judged, 1}.after(tt.at)
		if outcome != tt.outcome || (got == nil) != (outcome == MarkNotRecovered) ||
			got != nil && float64(*got) != tt.want {
			t.Errorf("%s at %v: got %s, %v, want %s, %v", tt.text, tt.at, outcome, got, tt.outcome, tt.want)
		}
	}
}

// The lists of a time line have the requests, tokens and samples of each second.
func TestTimeline(t *testing.T) {
	t.Parallel()
	lines := stoppedServer(4, 3, 99, 99)
	start := lines[1].(*record.Request).Start
	sample := func(at float64, source string, waiting, cache float64) *record.Server {
		return &record.Server{Time: start + int64(at*1e9), Source: source, Values: map[string]float64{
			record.ServerWaiting: waiting, record.ServerKVCacheUsage: cache}}
	}
	lines[6].(*record.Request).ErrorType = record.ErrorStall
	lines = append(lines, sample(0.2, "a", 1, 0.5), sample(0.4, "b", 4, 0.1), sample(2.5, "a", 2, 0.5),
		&record.Dropped{Scenario: "s", Index: new(int64(99)), Due: new(start + second/2), Count: 3},
		&record.Heartbeat{Start: start, End: start + second, Beats: 200, Max: 9_000_000, P99: 1_000_000,
			Late: [][2]int64{{500_000, 9_000}}},
		&record.Heartbeat{Start: start + second, End: start + 2*second, Beats: 200, Max: 1_000_000})
	l := timed(t, lines, "ttft=1s").Timeline
	for name, pair := range map[string][2]any{
		"due": {l.Due, []int{4, 4, 4}}, "sent": {l.Sent, []int{4, 4, 4}}, "failed": {l.Failed, []int{0, 1, 0}},
		"dropped": {l.Dropped, []int{3, 0, 0}}, "violated": {l.Violated, []int{1, 1, 0}},
		"in flight": {l.InFlight, []int{0, 0, 0}},
		"prompt":    {l.Prompt, []Float{28, 28, 28}}, "completion": {l.Completion, []Float{12, 12, 12}},
		"late": {l.Late, "[0.009 0.001 NaN]"}, "waiting": {l.Waiting, "[5 NaN 6]"}, "cache": {l.KVCache,
			"[0.3 NaN 0.3]"},
		"running": {l.Running, "[]"},
	} {
		if got, want := fmt.Sprint(pair[0]), fmt.Sprint(pair[1]); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	for _, itl := range [][]Maybe{l.ITL50, l.ITL90, l.ITL99} {
		for _, v := range itl {
			if math.Abs(float64(v)-0.01) > 0.00016 {
				t.Errorf("ITL %v, want 10 ms", itl)
			}
		}
	}
}

// Tokens of one chunk have gaps of 0 between them, as in inter_token_latency.
func TestTimelineOfTokensInChunks(t *testing.T) {
	t.Parallel()
	lines := stoppedServer(10, 2, 99, 99)
	for _, line := range lines[1:] {
		line.(*record.Request).ChunkTokens = []int{3, 0, 2}
	}
	l := timed(t, lines, "ttft=1s").Timeline
	if got := l.ITL50[0]; got != 0 { // of 0, 0, 20 ms, 0
		t.Errorf("median: got %v, want 0", got)
	}
	if got := float64(l.ITL99[1]); math.Abs(got-0.02) > 0.00032 {
		t.Errorf("p99: got %v, want 20 ms", got)
	}
}

func TestTimelineTable(t *testing.T) {
	t.Parallel()
	r, err := run.FromLines(run.Options{}, run.Instance{Name: "i", Lines: stoppedServer(5, 4, 99, 99)})
	if err != nil {
		t.Fatal(err)
	}
	_ = run.AddMarks(r, []run.Mark{{At: run.FirstStart(r) + second, Text: "=a", Source: record.MarkGiven},
		{At: run.FirstStart(r) - second, Text: "b", Source: record.MarkGiven}})
	table, known := NewTimelineTable(NewReport(r, Options{}))
	var text bytes.Buffer
	if err := table.WriteCSV(&text); err != nil || !known {
		t.Fatal(err, known)
	}
	rows := strings.Split(strings.TrimSpace(text.String()), "\n")
	if len(rows) != 5 || !strings.HasSuffix(rows[1], ",b") || !strings.HasSuffix(rows[2], ",'=a") ||
		!strings.HasPrefix(rows[2], "r,1,1795000001000000000,1000,0,5,5,5,0,0,0,0,100,100,100,10") {
		t.Errorf("got %s", text.String())
	}
	var file bytes.Buffer
	if err := table.WriteParquet(&file); err != nil || file.Len() == 0 {
		t.Errorf("got %v", err)
	}
}

// Of too many spans a report lists the longest, in order of time.
func TestSpansAreBounded(t *testing.T) {
	t.Parallel()
	var spans []ViolationSpan
	for i := range 3 * mostSpans {
		at := Float(4 * i)
		spans = append(spans, ViolationSpan{From: at, To: at + Float(1+i%3)})
	}
	got, left := longestSpans(spans)
	sorted := slices.IsSortedFunc(got, func(a, b ViolationSpan) int { return int(a.From - b.From) })
	if len(got) != mostSpans || left != 2*mostSpans || !sorted || got[0].To-got[0].From != 3 {
		t.Errorf("got %d and %d left, sorted %v, first %+v", len(got), left, sorted, got[0])
	}
}

// The number of seconds that a run which just keeps its objective has in violation.
func TestSecondsIfJustKept(t *testing.T) {
	t.Parallel()
	v := timed(t, stoppedServer(10, 60, 99, 99), "p99(ttft)<500ms").Violations
	if got, want := float64(v.Objectives[0].JustKept), 60*(1-math.Pow(0.99, 10)); math.Abs(got-want) > 1e-6 {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Marks of the records are in the report, a tag that two instances saw is one, and requests.parquet keeps them.
func TestMarksOfRecords(t *testing.T) {
	t.Parallel()
	lines := stoppedServer(5, 4, 99, 99)
	start := lines[1].(*record.Request).Start
	lines = append(lines, &record.Mark{Time: start + second, Text: "b", Source: record.MarkTag},
		&record.Mark{Time: start + 2*second, Text: "b", Source: record.MarkTag})
	r := mustRead(t, asRecords(t, lines))
	if err := run.AddMarks(r, []run.Mark{{At: start, Text: "a", Source: record.MarkGiven}}); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := NewRequestTable(r).WriteParquet(&file); err != nil {
		t.Fatal(err)
	}
	again, err := run.ReadParquet(run.Options{}, "f", bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*run.Run{r, again} {
		got := fmt.Sprint(Summarize(r, Options{}).Additions.Marks)
		if want := fmt.Sprintf("[{0 %d a given no SLO <nil>} {1 %d b tag no SLO <nil>}]", start,
			start+second); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

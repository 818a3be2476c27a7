package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// text returns the summary for handleSummary's data.
func text(t *testing.T, s Summary, data string) string {
	t.Helper()
	if s.Failures == nil {
		s.Failures = new(Failures)
	}
	if s.Board == nil {
		s.Nothing = s.Board.Nothing()
	}
	got, err := s.Text([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// sent is a request of a test: when it was sent and ended, in seconds after zero, and how it ended.
type sent struct {
	stage      int
	start, end float64
	chunks     []int64 // microseconds
	err        string
	good       *bool
}

// counted returns a summary of a board that has counted requests, with their failures.
func counted(plan []record.Scenario, list ...sent) Summary {
	s := Summary{Board: New(zero, plan, 1), Failures: new(Failures)}
	for _, q := range list {
		r := &record.Request{Stage: q.stage, Start: after(q.start).UnixNano(), End: after(q.end).UnixNano(),
			Due: new(after(q.start).UnixNano() - 400_000), Chunks: q.chunks, ErrorType: q.err, Good: q.good,
			Streaming: true}
		if q.err == record.ErrorHTTP {
			r.Status = 503
		}
		place := Position{Scenario: plan[0].Name, Started: zero, HasStage: true, Stage: q.stage,
			Due: after(q.start - 0.0004)}
		if len(plan) > 1 {
			place.Scenario, place.Stage = plan[q.stage].Name, 0
		}
		ticket := s.Board.Sent(after(q.start), place)
		s.Board.Done(r, record.Counts{Completion: len(q.chunks), CompletionSource: record.ServerUsage, Prompt: 100,
			PromptSource: record.ServerUsage}, ticket)
		s.Failures.Add(r)
	}
	s.Nothing = s.Board.Nothing()
	return s
}

// answers returns the arrivals of chunks: the first after ttft, the others with gaps between them.
func answers(ttft, gap int64, n int) (chunks []int64) {
	for i := range int64(n) {
		chunks = append(chunks, ttft+i*gap)
	}
	return chunks
}

// twoStages is a plan of ten seconds at 1/s and ten at 2/s.
func twoStages() []record.Scenario {
	return []record.Scenario{{Name: "load", Stages: []record.Stage{steady(0, 1, 10), steady(1, 2, 10)}}}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	var list []sent
	for i := range 10 {
		at := float64(i)
		list = append(list, sent{0, at, at + 0.5, answers(50_000+int64(i)*1000, 10_000, 20), "", new(true)})
	}
	for i := range 20 {
		at := 10 + float64(i)/2
		chunks := answers(1_500_000+int64(i)*10_000, 20_000+int64(i), 20)
		list = append(list, sent{1, at, at + 2, chunks, "", new(false)})
	}
	list[29].err, list[28].err, list[27].err = record.ErrorCanceled, record.ErrorHTTP, record.ErrorTimeout
	got := text(t, counted(twoStages(), list...),
		`{"state": {"isStdOutTTY": false, "testRunDurationMs": 61250}, "metrics": {
		"dropped_iterations": {"values": {"count": 5}},
		"llm_ttft": {"contains": "time", "values": {"p(99)": 8.1}, "thresholds": {"p(90)<5": {"ok": false}, "p(99)<50": {"ok": true}, "p(50) < 6": {"ok": true}}},
		"checks": {"values": {"rate": 0.5}, "thresholds": {"rate>0.9": {"ok": false}}}
	}}`)
	const want = `
  FAILED: 30 requests sent, 2 failed, 1 unfinished, 5 dropped, 2 of 4 thresholds
          crossed, in 1m1.3s

         per second                         un-       TTFT, ms  ITL, ms  output
  stage  asked done  requests  failed  finished    p50     p99      p99   tok/s
      0   1.00 1.00        10       -         -   54.5  ≥ 58.0   ≥ 10.0    21.1
      1   2.00 2.00        20       2         1  1,580 ≥ 1,650   ≥ 20.0    29.6

  requests                30
  failed                   2      6.90 %   1 status 503, 1 timeout
  unfinished               1               cut by the end of the run
  dropped                  5     14.29 %   no free VU: raise maxVUs
  SLO kept                10     34.48 %
  prompt tokens        2,700    100 each
  output tokens          540     20 each

  latency, ms            p50       p90       p99      mean       max
  TTFT                 1,530   ≥ 1,600   ≥ 1,640     1,015     1,660
  ITL                  20.00   ≥ 20.01   ≥ 20.01     16.30     20.02
  TPOT                 20.00   ≥ 20.01   ≥ 20.01     16.30     20.02
  NTPOT                100.0   ≥ 100.0   ≥ 100.0     72.22     100.0
  request              2,000   ≥ 2,000   ≥ 2,000     1,444     2,000
  schedule delay        0.40      0.40      0.40      0.40      0.40

  ≥: at least this, too few requests for an upper bound; ~: about this

  ✗ crossed  checks rate>0.9 (0.5)
  ✓ passed   llm_ttft p(50) < 6
  ✗ crossed  llm_ttft p(90)<5
  ✓ passed   llm_ttft p(99)<50 (8.10 ms)

  records    none kept: k6 run --out llm=run.jsonl keeps them, for a report

`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for line := range strings.Lines(got) {
		if utf8.RuneCountInString(line) > narrow+1 { // with its line feed
			t.Errorf("too wide: %s", line)
		}
	}
}

func TestSummaryNamesTheCommandsForRecords(t *testing.T) {
	t.Parallel()
	for paired, want := range map[bool]string{false: `
  records    my run.jsonl
  report     llmconv report 'my run.jsonl' -o report
`, true: `
  records    my run.jsonl
  report     llmconv report 'my run.jsonl' -o report
  overhead   llmconv compare 'my run.jsonl' --paired --by endpoint
`} {
		var s summaryText
		if s.files("my run.jsonl", paired); s.String() != want {
			t.Errorf("paired %v: got %s", paired, s.String())
		}
	}
}

// Where there is room, all percentiles have a column. Closed loops say how many requests at a time, and the rate that
// bounds them, and several scenarios their names.
func TestSummaryOfSeveralScenarios(t *testing.T) {
	t.Parallel()
	plan := []record.Scenario{
		{Name: "interactive", Stages: []record.Stage{steady(0, 1, 10)}},
		{Name: "a name that is much longer than a column", Stages: []record.Stage{{Index: 1,
			Requests: new(int64(2)), Concurrency: new(int64(16)), Rate: new(5.0)}}},
	}
	s := counted(plan, sent{0, 1, 2, answers(50_000, 10_000, 20), "", nil},
		sent{0, 2, 3, answers(50_000, 10_000, 20), "", nil},
		sent{1, 1, 2, answers(50_000, 10_000, 1), "", nil}, sent{1, 1, 3, nil, record.ErrorCanceled, nil})
	s.Width = 130
	got := text(t, s, `{"metrics": {}}`)
	const want = `
                                at a       per second                 un-            TTFT, ms      ITL, ms  output
  scenario               stage  time  asked sent done  requests  finished   p50    p90    p99   p50    p99   tok/s
  interactive                0     -   1.00 1.00 1.00         2         -  50.0 ≥ 50.0 ≥ 50.0  10.0 ≥ 10.0    20.0
  a name that is much …      1    16   5.00    - 0.50         2         1  50.0 ~ 50.0 ≥ 50.0     -      -    0.50
`
	if _, after, _ := strings.Cut(got, "none dropped\n"); !strings.HasPrefix(after, want) {
		t.Errorf("got%s\nwant%s", got, want)
	}
}

// Users who left have a row and a column of their own, and are in no share of the others.
func TestSummaryOfUsersWhoLeft(t *testing.T) {
	t.Parallel()
	left := sent{0, 1, 2, answers(50_000, 10_000, 3), record.ErrorAbandoned, new(false)}
	got := text(t, counted(twoStages(), sent{0, 1, 2, answers(50_000, 10_000, 20), "", new(true)}, left, left,
		sent{0, 1, 2, nil, record.ErrorHTTP, new(false)}), `{"metrics": {}}`)
	for _, want := range []string{
		"  stage       asked  requests  failed  left ", "      0        1.00         4       1     2 ",
		"\n  requests                 4\n  failed                   1     50.00 %   1 status 503\n" +
			"  left                     2     50.00 %   before their answers were over\n",
		"\n  SLO kept                 1     50.00 %\n", "\n  output tokens           20     20 each\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// The first line tells users whether they must read on.
func TestSummaryVerdict(t *testing.T) {
	t.Parallel()
	const terminal, plain = `"state": {"isStdOutTTY": true}`, `"state": {"isStdOutTTY": false}`
	left := sent{0, 1, 2, nil, record.ErrorAbandoned, nil}
	ok, failed, cut := sent{0, 1, 2, answers(1, 1, 2), "", nil}, sent{0, 1, 2, nil, record.ErrorHTTP, nil},
		sent{0, 1, 2, nil, record.ErrorCanceled, nil}
	for _, tt := range []struct {
		name    string
		summary Summary
		data    string
		want    string
	}{
		{"all well", counted(twoStages(), ok), plain + `, "metrics": {}`,
			"\n  OK: 1 request sent, none failed, none dropped\n"},
		{"some failed", counted(twoStages(), ok, failed), plain + `, "metrics": {}`,
			"\n  CHECK: 2 requests sent, 1 failed, none dropped\n"},
		{"some unfinished", counted(twoStages(), ok, cut), plain + `, "metrics": {}`,
			"\n  OK: 2 requests sent, none failed, 1 unfinished, none dropped\n"},
		{"some left", counted(twoStages(), ok, left, left), plain + `, "metrics": {}`,
			"\n  OK: 3 requests sent, none failed, 2 left, none dropped\n"},
		{"all left", counted(twoStages(), left, left, cut), plain + `, "metrics": {}`,
			"\n  OK: 3 requests sent, none failed, every user left, 1 unfinished, none dropped\n"},
		{"all failed or left", counted(twoStages(), failed, left), plain + `, "metrics": {}`,
			"\n  FAILED: 2 requests sent, 1 failed, 1 left, none dropped\n"},
		{"some dropped", counted(twoStages(), ok),
			plain + `, "metrics": {"dropped_iterations": {"values": {"count": 1}}}`,
			"\n  CHECK: 1 request sent, none failed, 1 dropped\n"},
		{"all failed", counted(twoStages(), failed, failed), plain + `, "metrics": {}`,
			"\n  FAILED: 2 requests sent, 2 failed, none dropped\n"},
		{"none finished", counted(twoStages(), cut), plain + `, "metrics": {}`,
			"\n  FAILED: 1 request sent, none failed, 1 unfinished, none dropped\n"},
		{"nothing sent", Summary{}, plain + `, "metrics": {}`, "\n  FAILED: no request was sent\n\n"},
		{"nothing sent, and thresholds", Summary{},
			plain + `, "metrics": {"checks": {"contains": "default", "values": {"rate": 0.5}, "thresholds": ` +
				`{"rate>0.9": {"ok": false}}}}`,
			"\n  FAILED: no request was sent, 1 of 1 thresholds crossed\n\n  ✗ crossed  checks rate>0.9 (0.5)\n\n"},
		{"thresholds", counted(twoStages(), ok),
			plain + `, "metrics": {"llm_requests": {"values": {"count": 2}, "thresholds": {"count>1": {"ok": true}}}}`,
			"\n  OK: 1 request sent, none failed, none dropped, all thresholds passed\n"},
		{"colours", counted(twoStages(), ok), terminal + `, "metrics": {}`, "\n  \x1b[1;32mOK\x1b[0m: 1 request"},
		{"no colours", counted(twoStages(), ok), terminal + `, "options": {"noColor": true}, "metrics": {}`,
			"\n  OK: 1 request"},
	} {
		if got := text(t, tt.summary, "{"+tt.data+"}"); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: got %q, want it to begin with %q", tt.name, got, tt.want)
		}
	}
	interrupted := counted(twoStages(), ok, cut, cut)
	interrupted.Interrupted = true
	if got := text(t, interrupted, `{"metrics": {}}`); !strings.HasPrefix(got,
		"\n  STOPPED: 3 requests sent, none failed, 2 unfinished, none dropped\n") {
		t.Errorf("after Ctrl-C: got %s", got)
	}
}

// The value beside a threshold comes from k6's own sink if handleSummary's data lack it.
func TestSummaryMeasuresThresholds(t *testing.T) {
	t.Parallel()
	s := counted(twoStages(), sent{0, 1, 2, answers(1, 1, 2), "", nil})
	s.Measured = func(metric, expression string) (float64, bool) {
		return 612.3, metric == "llm_ttft{stage:1}" && expression == "p(99.9)<500"
	}
	got := text(t, s, `{"metrics": {"llm_ttft{stage:1}": {"contains": "time", "values": {"avg": 3},
		"thresholds": {"p(99.9)<500": {"ok": false}, "avg<5": {"ok": true}}}}}`)
	for _, want := range []string{"\n  ✗ crossed  llm_ttft{stage:1} p(99.9)<500 (612 ms)\n",
		"\n  ✓ passed   llm_ttft{stage:1} avg<5 (3.00 ms)\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

// Beside an OK for the load stands that the server did not keep up: requests piled up, and waited longer and longer.
func TestSummaryNamesAnOverload(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		latency func(at float64) float64 // of a request sent so long after the stage's start, in seconds
		want    string
	}{
		{"steady", func(float64) float64 { return 0.5 }, ""},
		{"slow, and steady", func(float64) float64 { return 8 }, ""},
		{"slower than the stage is long", func(float64) float64 { return 30 }, ""},
		{"one pause", func(at float64) float64 { return 0.5 + max(0, 5-at)*max(0, at-4) }, ""},
		{"a queue", func(at float64) float64 { return 0.5 + at },
			"  52 in flight at the end of stage 0: the server did not keep up with 10.0/s\n"},
		{"a long queue", func(at float64) float64 { return 0.5 + 10*at },
			"  91 in flight at the end of stage 0: the server did not keep up with 10.0/s\n"},
	} {
		var list []event
		for i := range 100 {
			at := float64(i) / 10
			list = append(list, event{at, i, true}, event{at + tt.latency(at), i, false})
		}
		s := played([]record.Scenario{{Name: "load", Stages: []record.Stage{steady(0, 10, 10)}}}, list)
		got := text(t, s, `{"metrics": {}}`)
		if strings.Contains(got, "did not keep up") != (tt.want != "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %s, want %q", tt.name, got, tt.want)
		}
	}
}

// event is that a request is sent, or ends.
type event struct {
	at      float64 // seconds
	request int
	begins  bool
}

// played returns a summary of a board for which the events happened in the order of their instants. Half of a request's
// time passes before the first token.
func played(plan []record.Scenario, list []event) Summary {
	slices.SortStableFunc(list, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	s := Summary{Board: New(zero, plan, 1), Failures: new(Failures)}
	begun, tickets := map[int]float64{}, map[int]Ticket{}
	for _, e := range list {
		if e.begins {
			begun[e.request] = e.at
			tickets[e.request] = s.Board.Sent(after(e.at), Position{Scenario: "load", Started: zero, HasStage: true})
			continue
		}
		took := int64((e.at - begun[e.request]) * 1e6)
		s.Board.Done(&record.Request{Start: after(begun[e.request]).UnixNano(), End: after(e.at).UnixNano(),
			Chunks: []int64{took / 2, took}, Streaming: true}, tokens(2), tickets[e.request])
	}
	s.Nothing = s.Board.Nothing()
	return s
}

// A request that was sent late was not the load that was asked for.
func TestSummaryNamesLateRequests(t *testing.T) {
	t.Parallel()
	s := counted(twoStages())
	r := &record.Request{Due: new(int64(1e9)), Start: 2e9, End: 3e9, Chunks: []int64{1}}
	s.Board.Done(r, tokens(1), s.Board.Sent(after(1), Position{Scenario: "load", Started: zero}))
	s.Nothing = ""
	const want = "\n  CHECK: 1 request sent, none failed, none dropped\n" +
		"  schedule delay p99 1,000 ms: this machine or its VUs did not keep up\n"
	if got := text(t, s, `{"metrics": {}}`); !strings.HasPrefix(got, want) {
		t.Errorf("got %s\nwant %s", got, want)
	}
	talks := counted(twoStages())
	first := *r
	first.SessionID = "a"
	talks.Board.Done(&first, tokens(1), talks.Board.Sent(after(1), Position{Scenario: "load", Started: zero}))
	talks.Nothing = ""
	if got := text(t, talks, `{"metrics": {}}`); !strings.Contains(got, "too few sessions for this rate") {
		t.Errorf("a conversation that began late: got %s", got)
	}
	turns := counted(twoStages())
	later := *r
	later.Turn = 1
	turns.Board.Done(&later, tokens(1), turns.Board.Sent(after(1), Position{Scenario: "load", Started: zero}))
	turns.Nothing = ""
	if got := text(t, turns, `{"metrics": {}}`); !strings.HasPrefix(got, "\n  OK: 1 request sent, ") {
		t.Errorf("a later turn, which waits for the one before: got %s", got)
	}
}

// The summary lists the messages of the most frequent failures, one per line, if at least a tenth of the requests
// failed.
func TestSummaryListsMessagesOfFailures(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		failed, sent int
		words, want  string
	}{
		{10, 16, "Unexpected fields in the request: {'ignore_eos'}",
			"\n  most failures   10 × status 422: Unexpected fields in the request:\n" +
				"                  {'ignore_eos'}\n" +
				"                  5 × status 422: request 0 (the first; their numbers differ)\n                  " +
				"1 × status 503: down\n" +
				"  what to do      the server does not take ignore_eos: set ignoreEOS: false\n" +
				"                  (IGNORE_EOS=false, server.ignore_eos: false)\n"},
		{2, 20, "busy", "\n  most failures   2 × status 422: busy\n"},
		{2, 20, "a\x1b[31m\r\nOK\u202e", "\n  most failures   2 × status 422: a\\x1b[31m OK\\u202e\n"},
		{10, 100, strings.Repeat("ä", 301), "\n  most failures   10 × status 422:\n" + strings.Repeat(" ", 18) +
			strings.Repeat("ä", 300) + "…\n"},
		{10, 16, "", "\n  most failures   10 × status 422: no message\n"},
		{2, 100, "busy", ""},
	} {
		s := Summary{Board: New(zero, twoStages(), 1), Failures: new(Failures)}
		add := func(r *record.Request) {
			r.Start, r.End = 1e9, 2e9
			s.Failures.Add(r)
			s.Board.Done(r, tokens(0), s.Board.Sent(zero, Position{}))
		}
		add(&record.Request{ErrorType: record.ErrorHTTP, Status: 503, Error: "down"})
		n := 1
		for i := range tt.failed {
			add(&record.Request{ErrorType: record.ErrorHTTP, Status: 422, Error: tt.words})
			if n++; i%2 == 0 {
				add(&record.Request{ErrorType: record.ErrorHTTP, Status: 422, Error: fmt.Sprintf("request %d", i)})
				n++
			}
		}
		for range tt.sent - n {
			add(&record.Request{})
		}
		got := text(t, s, `{"metrics": {}}`)
		if _, after, _ := strings.Cut(got, "output tokens"); (tt.want == "") != !strings.Contains(after,
			"most failures") || !strings.Contains(after, tt.want) {
			t.Errorf("%d × %q of %d: got %s\nwant %s", tt.failed, tt.words, tt.sent, got, tt.want)
		}
	}
}

// Answers that are cut off after the same time were cut by a clock.
func TestSummaryTellsOfATimeLimit(t *testing.T) {
	t.Parallel()
	const hint = "all were cut off 1.5 s after they were sent"
	for _, tt := range []struct {
		kind   string
		spread time.Duration
		want   bool
	}{
		{record.ErrorTruncated, 10 * time.Millisecond, true}, {record.ErrorReset, 0, true},
		{record.ErrorTruncated, time.Second, false}, {record.ErrorTimeout, 0, false},
	} {
		var f Failures
		for i := range 4 {
			f.Add(&record.Request{ErrorType: tt.kind, Start: 1e9, End: 25e8 + int64(i)*int64(tt.spread)})
		}
		if got := f.cutRemedy(tt.kind); strings.Contains(got, hint) != tt.want {
			t.Errorf("%s, %v apart: got %q", tt.kind, tt.spread, got)
		}
	}
}

// Different kinds of failures have separate lines, and the summary counts the failures that the list leaves out.
func TestSummaryListsFailuresByMessage(t *testing.T) {
	t.Parallel()
	s := counted(twoStages(), sent{0, 1, 2, nil, record.ErrorHTTP, nil})
	*s.Failures = Failures{}
	for i := range 80 {
		s.Failures.Add(&record.Request{ErrorType: record.ErrorConnect,
			Error: fmt.Sprintf("dial tcp 127.0.0.1:%d: connect: connection refused", 8000+i)})
	}
	for _, text := range []string{"EOF", "EOF", "EOF", "broken pipe", "broken pipe", "gone", "lost"} {
		s.Failures.Add(&record.Request{ErrorType: record.ErrorReset, Error: text})
	}
	got := text(t, s, `{"metrics": {}}`)
	want := "\n  most failures   80 × connect: dial tcp 127.0.0.1:8000: connect: connection\n" +
		"                  refused (the first; their numbers differ)\n" +
		"                  3 × reset: EOF\n                  2 × reset: broken pipe\n                  and 2 others\n"
	if !strings.Contains(got, want) {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// The gaps that the summary pools are those that a report pools, with a tokenizer and without.
func TestGapsArePooledAsInTheReport(t *testing.T) {
	t.Parallel()
	for _, counts := range [][]int{nil, {1, 1, 1, 1}, {2, 0, 3, 1}, {0, 0, 1, 0}, {0, 5, 0, 0}} {
		r := &record.Request{Chunks: []int64{1000, 1500, 4000, 8000}, ChunkTokens: counts}
		var got, want histogram
		got.addGaps(r)
		for _, gap := range r.AppendITL(nil) {
			want.add(gap)
		}
		if got.n != want.n || got.sum != want.sum || got.max != want.max {
			t.Errorf("%v: %d gaps of %v µs, want %d of %v", counts, got.n, got.sum, want.n, want.sum)
		}
	}
}

func TestRemedy(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		`Unexpected fields in the request: {'ignore_eos'}`:                                                               "IGNORE_EOS=false",
		`Unrecognized request argument supplied: ignore_eos`:                                                             "IGNORE_EOS=false",
		`Extra inputs are not permitted, field: 'stream_options', value: {'include_usage': True}`:                        "stream_options: null",
		`Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.`:     "MAX_TOKENS_FIELD=max_completion_tokens",
		`unknown field "max_completion_tokens"`:                                                                          "MAX_TOKENS_FIELD",
		`body.max_tokens: Extra inputs are not permitted`:                                                                "MAX_TOKENS_FIELD",
		`Unexpected fields in the request: {'add_special_tokens'}`:                                                       "addSpecialTokens",
		`'max_tokens' or 'max_completion_tokens' is too large: 5000. This model's maximum context length is 4096 tokens`: "",
		`max_tokens must be at least 1, got 0.`:                                                                          "",
		`This model's maximum context length is 4096 tokens. However, you requested 5000 tokens. Please reduce ` +
			`max_tokens.`: "",
		`sim is not a multimodal model`:                                                                  "does not take such media",
		`At most 0 image(s) may be provided in one prompt.`:                                              "does not take such media",
		`image input is not supported - hint: if this is unexpected, you may need to provide the mmproj`: "does not take such media",
		`Invalid content type. image_url is only supported by certain models.`:                           "does not take such media",
		`This model does not support audio input`:                                                        "does not take such media",
		`At most 1 image(s) may be provided in one prompt.`:                                              "--limit-mm-per-prompt",
		`image format "webp" is not supported, supported are png, jpeg`:                                  "does not take the format",
		`cannot identify image file <_io.BytesIO object at 0x7f>`:                                        "does not take the format",
		`messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg'`:              "does not take the format",
		`Request Entity Too Large`:                                                                       "client_max_body_size",
		`request body too large: it has 1398101 bytes, the most is 1048576`:                              "client_max_body_size",
		`batch size 40 > maximum allowed batch size 32`:                                                  "",
		`Unsupported Media Type`:                                                                         "", // of the header, such as that of a form
		`Bad Request`:                                                                                    "",
		`upstream: socket: too many open files`:                                                          "",
	} {
		if got := remedy("status 400", words); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", words, got, want)
		}
	}
}

func TestRemedyOfThisMachine(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"dial tcp 127.0.0.1:8000: socket: too many open files":                "ulimit -n",
		"dial tcp 127.0.0.1:8000: connect: cannot assign requested address":   "net.ipv4.ip_local_port_range",
		"dial tcp 127.0.0.1:8000: connect: connection refused (see BASE_URL)": "",
	} {
		if got := remedy(record.ErrorConnect, words); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", words, got, want)
		}
	}
}

func TestFailuresByKind(t *testing.T) {
	t.Parallel()
	var f Failures
	if got := f.String(); got != "" {
		t.Errorf("no failures: got %q", got)
	}
	for i, kind := range []string{record.ErrorReset, record.ErrorTimeout, record.ErrorStall, record.ErrorDNS,
		record.ErrorTLS, record.ErrorConnect} {
		for range 1000 >> i {
			f.Add(&record.Request{ErrorType: kind})
		}
	}
	if got, want := f.String(), "1,000 reset, 500 timeout, 250 stall, 125 dns, 93 of other kinds"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Requests of a warm-up are in no figure, and a run of them alone says nothing.
func TestSummaryLeavesWarmUpsOut(t *testing.T) {
	t.Parallel()
	plan := twoStages()
	plan[0].Stages[0].Warmup = new(5.0)
	s := counted(plan, sent{0, 6, 7, answers(50_000, 10_000, 2), "", nil})
	warm := func(s Summary) {
		r := &record.Request{Start: after(1).UnixNano(), End: after(2).UnixNano(), Chunks: []int64{9_000_000},
			Warmup: true}
		s.Board.Done(r, tokens(1), s.Board.Sent(after(1), Position{Scenario: "load", Started: zero, HasStage: true}))
	}
	warm(s)
	got := text(t, s, `{"metrics": {}}`)
	for _, want := range []string{"OK: 1 request sent,", "\n  warm-up                  1               in no figure\n",
		"\n  TTFT                 50.00   ~ 50.00   ≥ 50.00     50.00     50.00\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	only := counted(plan)
	warm(only)
	only.Nothing = only.Board.Nothing()
	if got := text(t, only, `{"metrics": {}}`); !strings.HasPrefix(got,
		"\n  FAILED: no request was sent after the warm-up\n") {
		t.Errorf("got %s", got)
	}
}

// Answers that are pictures are counted in place of tokens.
func TestSummaryCountsPictures(t *testing.T) {
	t.Parallel()
	s := Summary{Board: New(zero, twoStages(), 1), Failures: new(Failures)}
	for i := range 3 {
		at := after(float64(i))
		r := &record.Request{API: record.APIImage, Start: at.UnixNano(), End: at.UnixNano() + 1e6,
			Output: make([]record.Media, 2)}
		r.Output[0].Kind = record.MediaImage
		ticket := s.Board.Sent(at, Position{Scenario: "load", Started: zero, HasStage: true, Due: at})
		s.Board.Done(r, record.Counts{PromptSource: record.NoSource, CompletionSource: record.NoSource}, ticket)
	}
	got := text(t, s, `{"state": {"testRunDurationMs": 3000}, "metrics": {"llm_ttft": {"values": {}}}}`)
	if !strings.Contains(got, "images                   6      2 each\n") || strings.Contains(got, "tokens") {
		t.Errorf("got %s", got)
	}
	for _, want := range []string{
		"requests   per s\n      0   1.00 1.00 1.00         3    3.00\n",
		"  per image             0.50    ≥ 0.50    ≥ 0.50      0.50      0.50\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got, want := s.Board.Take(after(3)).Line(narrow), "  2.0 images/s  0 failed"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want %q at its end", got, want)
	}
}

// Answers of several kinds are counted by kind, have no latency in common, and are no iterations.
func TestSummaryOfSeveralKinds(t *testing.T) {
	t.Parallel()
	s := Summary{Board: New(zero, twoStages(), 1), Failures: new(Failures)}
	for i, output := range [][]record.Media{{{Kind: record.MediaAudio, Seconds: 2}},
		{{Kind: record.MediaImage}, {Kind: record.MediaImage}}, {{Kind: record.MediaVideo}}} {
		at := after(float64(i))
		r := &record.Request{API: []string{record.APISpeech, record.APIImage, record.APIVideo}[i], Output: output,
			Seq: i, Start: at.UnixNano(), End: at.UnixNano() + 1e6}
		ticket := s.Board.Sent(at, Position{Scenario: "load", Started: zero, HasStage: true, Due: at})
		s.Board.Done(r, record.Counts{PromptSource: record.NoSource, CompletionSource: record.NoSource}, ticket)
	}
	got := text(t, s, `{"state": {"testRunDurationMs": 3000}, "metrics": {"llm_ttft": {"values": {}}}}`)
	for _, want := range []string{
		"  images                   2      2 each\n", "  videos                   1      1 each\n",
		"  audios                   1      1 each\n", "  per audio ", "  per image ", "  per video ", "iterations",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got, want := s.Board.Take(after(3)).Line(narrow), "  1.0/s  "; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q, for what is asked are iterations", got, want)
	}
	if strings.Contains(got, "  request ") || strings.Contains(got, "asked") {
		t.Errorf("got %s, want no latency of all, and nothing asked", got)
	}
}

// Speech and transcriptions have the seconds of their sound, and how much faster than it plays they are.
func TestSummaryOfSound(t *testing.T) {
	t.Parallel()
	sound := []record.Media{{Kind: record.MediaAudio, Seconds: 2}}
	for _, tt := range []struct {
		request record.Request
		counts  record.Counts
		want    []string
	}{
		{
			record.Request{API: record.APISpeech, Output: sound, Chunks: []int64{120_000}, ChunkBytes: []int64{9}},
			record.Counts{PromptSource: record.NoSource, CompletionSource: record.NoSource},
			[]string{"  first audio          120.0   ≥ 120.0   ≥ 120.0     120.0     120.0\n"},
		},
		{
			record.Request{API: record.APITranscription, Media: sound},
			record.Counts{PromptSource: record.NoSource, CompletionSource: record.ServerUsage, Completion: 7},
			[]string{"  output tokens           21      7 each\n"},
		},
	} {
		s := Summary{Board: New(zero, twoStages(), 1), Failures: new(Failures)}
		for i := range 3 {
			r, at := tt.request, after(float64(i))
			r.Start, r.End = at.UnixNano(), at.UnixNano()+5e8
			ticket := s.Board.Sent(at, Position{Scenario: "load", Started: zero, HasStage: true, Due: at})
			s.Board.Done(&r, tt.counts, ticket)
		}
		got := text(t, s, `{"state": {"testRunDurationMs": 3000}, "metrics": {"llm_ttft": {"values": {}}}}`)
		for _, want := range append(tt.want,
			"  seconds of sound         6   2.00 each   real-time factor p50 0.250, p99 0.250\n") {
			if !strings.Contains(got, want) {
				t.Errorf("%s: got %s, want %s", tt.request.API, got, want)
			}
		}
		if strings.Contains(got, "nobody counted") || strings.Contains(got, "\n  sounds") {
			t.Errorf("%s: got %s", tt.request.API, got)
		}
	}
}

// Requests that generate no tokens have inputs in place of output tokens.
func TestSummaryCountsInputs(t *testing.T) {
	t.Parallel()
	s := Summary{Board: New(zero, twoStages(), 1), Failures: new(Failures)}
	for i := range 3 {
		at := after(float64(i))
		r := &record.Request{API: "embeddings", Start: at.UnixNano(), End: at.UnixNano() + 1e6, Inputs: new(int64(8))}
		ticket := s.Board.Sent(at, Position{Scenario: "load", Started: zero, HasStage: true, Due: at})
		s.Board.Done(r, record.Counts{Prompt: 100, PromptSource: record.ServerUsage,
			CompletionSource: record.NoSource}, ticket)
	}
	got := text(t, s, `{"state": {"testRunDurationMs": 3000}, "metrics": {"llm_ttft": {"values": {}}}}`)
	if !strings.Contains(got, "inputs                  24      8 each\n  prompt tokens          300    100 each\n") ||
		strings.Contains(got, "output") {
		t.Errorf("got %s", got)
	}
	const table = `
              per second            inputs
  stage  asked sent done  requests   per s
      0   1.00 1.00 1.00         3    12.0
`
	if !strings.Contains(got, table) {
		t.Errorf("got %s\nwant%s", got, table)
	}
	if got, want := s.Board.Take(after(3)).Line(narrow), "  8 inputs/s  0 failed"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want %q at its end", got, want)
	}
}

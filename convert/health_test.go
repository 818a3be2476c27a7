package convert

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// steadyLines returns a run of this program's executor: 100 requests at 10/s, each sent at its due instant.
func steadyLines(change func(lines []record.Line) []record.Line) []record.Line {
	start := 1_700_000_000 * second
	lines := []record.Line{&record.Run{Schema: record.Schema, ID: "run", Start: start, Scenarios: []record.Scenario{
		{Name: "s", Executor: "llm-arrival-rate",
			Stages: []record.Stage{{Index: 0, Rate: new(10.0), Duration: new(10.0)}}},
	}}}
	for k := range int64(100) {
		due := start + k*second/10
		lines = append(lines, &record.Request{Scenario: "s", Index: k, Due: new(due), Start: due, End: due + second,
			Streaming: true, Chunks: []int64{100_000, 200_000}})
	}
	end := &record.End{Time: start + 11*second, Health: record.Health{GoMaxProcs: 2, CPUShare: 0.1}}
	return change(append(lines, end))
}

func TestHealth(t *testing.T) {
	t.Parallel()
	requests := func(lines []record.Line, change func(i int, q *record.Request)) []record.Line {
		for i, line := range lines {
			if q, ok := line.(*record.Request); ok {
				change(i-1, q)
			}
		}
		return lines
	}
	health := func(lines []record.Line) *record.Health { return &lines[len(lines)-1].(*record.End).Health }
	for _, tt := range []struct {
		name    string
		change  func([]record.Line) []record.Line
		verdict string
		reason  string
	}{
		{"steady", func(l []record.Line) []record.Line { return l }, Valid, ""},
		{"late", func(l []record.Line) []record.Line {
			return requests(l, func(i int, q *record.Request) { q.Start += int64(i%2) * second / 50 })
		}, Suspect, "sent late: p99 20.0 ms"},
		{"the first late", func(l []record.Line) []record.Line {
			return requests(l, func(i int, q *record.Request) { q.Start += int64(max(0, 1-i)) * second / 5 })
		}, Valid, ""},
		{"two late", func(l []record.Line) []record.Line {
			return requests(l, func(i int, q *record.Request) { q.Start += int64(max(0, 2-i)) * second / 50 })
		}, Suspect, "sent late"},
		{"very late", func(l []record.Line) []record.Line {
			return requests(l, func(i int, q *record.Request) { q.Start += int64(i%2) * second / 2 })
		}, Invalid, "sent late: p99 500.0 ms"},
		{"turns wait by design", func(l []record.Line) []record.Line {
			return requests(l, func(i int, q *record.Request) {
				q.SessionID = "a"
				q.Start += int64(i%2) * second / 2
			})
		}, Valid, ""},
		{"one drop", func(l []record.Line) []record.Line {
			l[1] = &record.Dropped{Scenario: "s", Index: new(int64(0)), Count: 1}
			return l
		}, Suspect, "1 arrivals were dropped"},
		{"many drops", func(l []record.Line) []record.Line {
			return append(l, &record.Dropped{Scenario: "s", Index: new(int64(100)), Count: 10})
		}, Invalid, "10 arrivals were dropped"},
		{"busy", func(l []record.Line) []record.Line { health(l).CPUShare = 0.9; return l }, Suspect,
			"used 90 % of its 2 processors"},
		{"choked", func(l []record.Line) []record.Line { health(l).CPUShare = 0.99; return l }, Invalid, "used 99 %"},
		{"paused", func(l []record.Line) []record.Line { health(l).GCPause = second / 3; return l }, Suspect,
			"paused it for 3.0 % of the time"},
		{"stretched", func(l []record.Line) []record.Line {
			return requests(l, func(i int, q *record.Request) { q.Start += int64(i) * 5_000_000 })
		}, Invalid, "was sent within 10.39 s"},
		{"too few", func(l []record.Line) []record.Line { return append(l[:41], l[101]) }, Invalid,
			"100 requests were asked for, 40 came to be sent"},
		{"all failed", func(l []record.Line) []record.Line {
			return requests(l, func(_ int, q *record.Request) { q.ErrorType = record.ErrorReset })
		}, Invalid, "every request failed"},
		{"no end", func(l []record.Line) []record.Line { return l[:101] }, Suspect, "the run is partial"},
	} {
		lines := steadyLines(tt.change)
		var file []byte
		for _, line := range lines {
			file = append(append(file, text(t, line)...), '\n')
		}
		h := Summarize(mustRead(t, file), Options{}).Additions.Health
		if h.Verdict != tt.verdict || !strings.Contains(strings.Join(h.Reasons, "\n"), tt.reason) ||
			(tt.verdict == Valid) != (len(h.Reasons) == 0) {
			t.Errorf("%s: %s %q, want %s %q", tt.name, h.Verdict, h.Reasons, tt.verdict, tt.reason)
		}
	}
}

func TestWhatTheInputDoesNotTellIsNamed(t *testing.T) {
	t.Parallel()
	run := runOf(t, &record.Request{Start: 1, End: 2})
	if got := Summarize(run, Options{}).Additions.Health.Unchecked; !slices.Equal(got,
		[]string{"lateness", "heartbeats", "cpu", "rate"}) {
		t.Errorf("got %q", got)
	}
}

// A closed loop has neither due instants nor a rate, so that nothing of them is missing.
func TestClosedLoopHasNoLateness(t *testing.T) {
	t.Parallel()
	for closed, want := range map[bool][]string{true: {"heartbeats", "cpu"},
		false: {"lateness", "heartbeats", "cpu", "rate"}} {
		stage := record.Stage{Requests: new(int64(1))}
		if closed {
			stage.Concurrency = new(int64(2))
		}
		made, err := run.FromLines(run.Options{}, run.Instance{Name: "i", Lines: []record.Line{
			&record.Run{Scenarios: []record.Scenario{{Name: "load", Stages: []record.Stage{stage}}}},
			&record.Request{Scenario: "load", Start: 1, End: 2},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if got := Summarize(made, Options{}).Additions.Health.Unchecked; !slices.Equal(got, want) {
			t.Errorf("closed %t: got %q, want %q", closed, got, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	chunk := func(tokens int, counted bool) *record.Request {
		r := &record.Request{Start: second, End: 3 * second, Streaming: true, Chunks: []int64{1000, 2000},
			Usage: []byte(`{"prompt_tokens":9,"completion_tokens":` + fmt.Sprint(tokens) + `}`), MaxTokens: 10,
			FinishReason: "stop"}
		if counted {
			r.Completion, r.Prompt, r.ChunkTokens = new(10), new(9), []int{5, 5}
		}
		return r
	}
	for name, tt := range map[string]struct {
		request *record.Request
		want    string
	}{
		"chunks of several tokens": {chunk(10, false),
			"chunks hold 5.00 tokens on average: inter_token_latency is of chunks"},
		"chunks of several tokens, counted": {chunk(10, true), "tokens of one chunk share a time"},
		"server counts otherwise": {chunk(9, true),
			"other output tokens than the client in 1 of 1 answers (9 against 10 in all)"},
		"ignore_eos is not heeded": {chunk(4, false),
			"1 of 1 answers are shorter than asked although ignore_eos was sent"},
		"too long": {chunk(11, false), "1 of 1 answers are longer than asked"},
		"chunks for tokens": {&record.Request{Start: 1, End: 2, Streaming: true, Chunks: []int64{0}},
			"output tokens of 1 answers are their chunks"},
		"prompt lengths": {&record.Request{Start: 1, End: 2, Usage: []byte(`{"prompt_tokens":9}`),
			PromptAsked: 8}, "1 of 1 prompts do not have the tokens"},
	} {
		run := runOf(t, tt.request)
		run.Clients = []*record.Client{{Options: map[string]any{}}}
		if got := Summarize(run, Options{}).Additions.Warnings; !slices.ContainsFunc(got, func(w string) bool {
			return strings.Contains(w, tt.want)
		}) {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

// The token that ends an answer is in the server's usage and in no chunk, so short answers do not look bunched.
func TestEndTokensAreInNoChunk(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		tokens int
		finish string
		want   float64
	}{{3, "stop", 1}, {3, "END_TURN", 1}, {3, "length", 1.5}, {4, "stop", 2}, {2, "stop", 1}} {
		run := runOf(t, &record.Request{Start: second, End: 3 * second, Streaming: true, Chunks: []int64{1000, 2000},
			Usage: fmt.Appendf(nil, `{"completion_tokens":%d}`, tt.tokens), FinishReason: tt.finish})
		if got := Summarize(run, Options{}).Additions.Tokens.PerChunk; got == nil || got.Mean != tt.want {
			t.Errorf("%d tokens, %s: got %+v, want %v", tt.tokens, tt.finish, got, tt.want)
		}
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	if r := Summarize(runOf(t, &record.Request{Start: second, End: 2 * second}), Options{}).Retries; r != nil {
		t.Errorf("nothing was sent again: %+v", r)
	}
	r := Summarize(runOf(t,
		&record.Request{Start: second, End: 9 * second, Retries: 2, Attempt: 4 * second},
		&record.Request{Start: second, End: 2 * second, Retries: 1, Attempt: second, ErrorType: record.ErrorConnect},
		&record.Request{Start: second, End: 2 * second},
	), Options{}).Retries
	if r.Requests != 2 || r.Attempts != 3 || r.Recovered != 1 || r.Failed != 1 || r.WastedTotal != 4 ||
		r.Wasted.Max != 3 {
		t.Errorf("got %+v", r)
	}
}

// Tokens that came in one read, or in one chunk, have gaps of 0, which say nothing about the server.
func TestGapsThatAreArtefacts(t *testing.T) {
	t.Parallel()
	const second = 1_000_000_000
	a := Summarize(runOf(t,
		&record.Request{Start: second, End: 2 * second, Streaming: true, Chunks: []int64{100, 100, 100, 300}},
		&record.Request{Start: second, End: 2 * second, Streaming: true, Chunks: []int64{100, 200},
			ChunkTokens: []int{1, 3}},
	), Options{}).Additions
	if got, want := a.Tokens.Gaps, (Gaps{Chunk: 4, ChunkTogether: 2, Token: 6, TokenTogether: 4}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	want := "50.0 % of the chunks arrived together with the one before"
	if !slices.ContainsFunc(a.Warnings, func(w string) bool { return strings.HasPrefix(w, want) }) {
		t.Errorf("%q does not hold %q", a.Warnings, want)
	}
}

func TestCutsByStageAndAdapter(t *testing.T) {
	t.Parallel()
	r := mustRead(t, asRecords(t, richLines()))
	r.LeaveOut(run.Cut{Stages: []int{1}, Adapters: []string{"lora-b"}})
	if len(r.Requests) != 10 || r.Cut.Requests != 40 ||
		!slices.Contains(r.Remarks, "left out 40 of 50 requests: all stages but 1, all adapters but lora-b") {
		t.Errorf("%d requests, %q", len(r.Requests), r.Remarks)
	}
	for _, q := range r.Requests {
		if q.Stage != 1 || q.Adapter != "lora-b" {
			t.Errorf("stage %d, adapter %q", q.Stage, q.Adapter)
		}
	}
}

func TestSeries(t *testing.T) {
	t.Parallel()
	s := seriesOf(mustRead(t, asRecords(t, steadyLines(func(l []record.Line) []record.Line { return l[:len(l)-1] }))))
	n := len(s.Sent)
	if n != 11 || s.Sent[0] != 10 || s.Due[3] != 10 || s.Ended[0] != 0 || s.Ended[10] != 10 || s.InFlight[4] != 10 ||
		s.InFlight[10] != 0 {
		t.Errorf("%d intervals, sent %v, due %v, ended %v, in flight %v", n, s.Sent, s.Due, s.Ended, s.InFlight)
	}
	if *s.TTFT50[0] != 0.1 || s.TTFT50[10] != nil || *s.ChunkGap[2] != 0.1 || s.Chunks[0] != 17 {
		t.Errorf("ttft %v, gaps %v, chunks %v", s.TTFT50, s.ChunkGap, s.Chunks)
	}
	far := seriesOf(runOf(t, &record.Request{Start: 1, End: 2}, &record.Request{Start: 1 << 62, End: 1 << 62}))
	if len(far.Sent) > maxIntervals+1 || far.Interval <= 1 {
		t.Errorf("%d intervals of %v s", len(far.Sent), far.Interval)
	}
}

// One start in a hundred may be late, and one among few requests, unless it is late enough to bend the load.
func TestJudgeLateness(t *testing.T) {
	t.Parallel()
	const ms = int64(1_000_000)
	for _, tt := range []struct {
		requests, late int
		by             int64
		want           string
	}{
		{20, 1, 15 * ms, Valid}, {20, 2, 15 * ms, Suspect}, {20, 1, 300 * ms, Suspect}, {20, 2, 300 * ms, Invalid},
		{1, 1, 15 * ms, Valid}, {1, 1, 300 * ms, Suspect}, {99, 1, 300 * ms, Suspect}, {100, 1, 300 * ms, Valid},
		{150, 2, 15 * ms, Suspect}, {250, 2, 300 * ms, Valid}, {250, 3, 15 * ms, Suspect}, {250, 3, 300 * ms, Invalid},
		{250, 250, 9 * ms, Valid},
	} {
		var list []*record.Request
		for k := range tt.requests {
			q := &record.Request{Scenario: "s", Index: int64(k), Due: new(second + 100*ms*int64(k)),
				Start: second + 100*ms*int64(k)}
			if k < tt.late {
				q.Start += tt.by
			}
			q.End = q.Start + second
			list = append(list, q)
		}
		r := runOf(t, list...)
		j := new(assessment)
		j.Verdict = Valid
		j.judgeLateness(newSubset(r, r.Requests, Options{}, nil))
		if j.Verdict != tt.want || len(j.Unchecked) > 0 {
			t.Errorf("%d of %d by %d ms: got %s %q, want %s", tt.late, tt.requests, tt.by/ms, j.Verdict, j.Reasons,
				tt.want)
		}
	}
}

func seriesOf(r *run.Run) *Series {
	s := newSeriesMaker(r)
	newSubset(r, r.Requests, Options{}, s)
	return s.series()
}

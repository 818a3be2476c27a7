package convert

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// replayRun returns the run of runtest.Replay, whose sessions are a, b, c and d in order of start.
func replayRun(t *testing.T) *run.Run {
	t.Helper()
	return mustRead(t, asRecords(t, runtest.Replay()))
}

func TestSessionsAreJoinedWithTheirCalls(t *testing.T) {
	t.Parallel()
	for name, file := range map[string][]byte{"records": asRecords(t, runtest.Replay()),
		"k6's JSON": asK6JSON(t, runtest.Replay())} {
		var got []string
		r := mustRead(t, file)
		for _, s := range r.Sessions {
			text := s.ID
			for _, q := range s.Requests {
				text += " " + q.Call().ID
			}
			got = append(got, text)
		}
		if want := []string{"a a0 a1 a2 a3", "b b0 b1", "c c0", "d d1"}; !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
		if len(r.Primers) != 1 || r.Primers[0].ID() != "prime" {
			t.Errorf("%s: got primers %v", name, r.Primers)
		}
	}
}

// A packed call is the call of the record.
func TestCallsAreKept(t *testing.T) {
	t.Parallel()
	call := record.Call{Number: 4, ID: "c", After: []int{0, 3}, Ready: second + 5, Wait: 7, Pause: "think", Held: 8,
		PromptTokens: 9, OutputTokens: 10, UserFacing: true, BlockSize: 16, SharedWith: 3, Shared: 2,
		Blocks: []byte{1, 2, 3, 4, 5, 6, 7, 8}, Labels: map[string]string{"a": "b", "c": ""}}
	q := sampleRequest(rand.New(rand.NewPCG(1, 2)), second)
	q.Call, q.Error, q.ErrorType = &call, "text", record.ErrorHTTP
	got := runOf(t, q).Requests[0]
	if !reflect.DeepEqual(got.Call(), &call) {
		t.Errorf("got %+v, want %+v", got.Call(), call)
	}
	var rec record.Request
	if got.Unpack(&rec); !slices.Equal(rec.Chunks, q.Chunks) || string(rec.Usage) != string(q.Usage) {
		t.Errorf("got %v and %s, want %v and %s", rec.Chunks, rec.Usage, q.Chunks, q.Usage)
	}
}

// Each part of a critical path is named, and they add up to the session.
func TestCriticalPath(t *testing.T) {
	t.Parallel()
	r := replayRun(t)
	want := []string{
		"model 0-1 a0, think 1-2 a2, model 2-4 a2, pause 4-4.25 a3, waiting 4.25-4.26 a3, model 4.26-5 a3",
		"model 0-1 b0, tool 1-1.1 b1, model 1.1-1.5 b1",
		"model 0-1 c0, waiting 1-2",
		"tool 0-0.5 d1, model 0.5-0.9 d1",
	}
	for i, s := range r.Sessions {
		if got := pathText(r, s); got != want[i] {
			t.Errorf("session %s:\ngot  %s\nwant %s", s.ID, got, want[i])
		}
	}
}

func pathText(r *run.Run, s *run.Session) string {
	names := map[PathKind]string{PathModel: "model", PathTool: "tool", PathThink: "think", PathPause: "pause",
		PathWaiting: "waiting"}
	var list []string
	for _, p := range CriticalPath(s) {
		text := fmt.Sprintf("%s %v-%v", names[p.Kind], r.Seconds(p.From-s.Start), r.Seconds(p.To-s.Start))
		if p.Call != nil {
			text += " " + p.Call.Call().ID
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

// Whatever a file holds, the parts of a path follow each other from the session's start to its end.
func TestCriticalPathAlwaysAddsUp(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		lines := []record.Line{&record.Session{Scenario: "s", ID: "x", Start: second, End: second + random.Int64N(100)}}
		for n := range 1 + random.IntN(5) {
			start := second + random.Int64N(100)
			call := &record.Call{Number: n, ID: fmt.Sprint(n), Ready: second + random.Int64N(100)}
			for k := range n {
				if random.IntN(2) == 0 {
					call.After = append(call.After, k)
				}
			}
			lines = append(lines, &record.Request{ID: fmt.Sprint(n), Scenario: "s", Seq: n, Start: start,
				End: start + random.Int64N(50), Chunks: []int64{}, Call: call})
		}
		r, err := run.FromLines(run.Options{}, run.Instance{Name: "i", Lines: lines})
		if err != nil {
			t.Fatal(err)
		}
		s := r.Sessions[0]
		at := s.Start
		for _, p := range CriticalPath(s) {
			if p.From != at || p.To <= p.From {
				t.Fatalf("got %+v after %d of %+v", p, at, s.Session)
			}
			at = p.To
		}
		if at != s.End {
			t.Fatalf("the parts end at %d, the session at %d", at, s.End)
		}
	}
}

func TestSessionFigures(t *testing.T) {
	t.Parallel()
	p := NewReport(replayRun(t), Options{Percentiles: []float64{50}})
	l := p.Sessions
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"sessions", []int{l.Sessions, l.Succeeded, l.Failed}, []int{3, 2, 1}},
		{"calls", []int{l.Events, l.Completed, l.Cancelled}, []int{8, 6, 1}},
		{"failures", compact(t, l.Failures), `{"count":1,"by_label":{"request_failed":{"count":1,` +
			`"messages":[{"message":"call \"b1\": http 503: busy","session_ids":["b"]}]}}}`},
		{"substitutions", compact(t, l.Substituted),
			`{"count":1,"messages":[{"message":"substitutions=1 event_ids=['d1']","session_ids":["d"]}]}`},
		{"rate", float64(l.Rate), 3.0 / 7},
		{"duration", compact(t, l.Duration), `{"mean":2.466666666666667,"min":0.9,"max":5.0,"median":1.5}`},
		// prompts of 37 + 69 + 53 + 101 tokens, of 21, and of 101
		{"input", compact(t, l.Input), `{"mean":127.33333333333333,"min":21.0,"max":260.0,"median":101.0}`},
		{"output", compact(t, l.Output), `{"mean":6.0,"min":3.0,"max":12.0,"median":3.0}`},
		// 0 + 16 + 16 + 48, 0, 48
		{"cached", compact(t, l.Cached), `{"mean":42.666666666666664,"min":0.0,"max":80.0,"median":48.0}`},
		{"hit", float64(*l.Hit), 100 * 128.0 / 382},
		{"tfut", compact(t, l.TFUT), `{"mean":1.1,"min":0.1,"max":2.1,"median":1.1}`},
		{"without tfut", compact(t, l.TFUTNone), `{"no_user_facing":1}`},
		{"unfinished", l.Additions.Unfinished, UnfinishedSessions{1, 0, 3, 1, 1}},
		{"stage 0", compact(t, p.SessionStages[0].Stage), `{"stage_id":0,"status":"COMPLETED","timeout_configured":null,` +
			`"actual_duration":5.0,"teardown_duration":0.0,"dropped_requests":0,"concurrent_sessions":2,"session_rate":null}`},
		{"stage 1", compact(t, p.SessionStages[1].Stage), `{"stage_id":1,"status":"TIMED_OUT","timeout_configured":null,` +
			`"actual_duration":2.0,"teardown_duration":0.0,"dropped_requests":2,"concurrent_sessions":2,"session_rate":0.5}`},
	} {
		if !reflect.DeepEqual(tt.got, tt.want) {
			t.Errorf("%s:\ngot  %v\nwant %v", tt.name, tt.got, tt.want)
		}
	}
}

func compact(t *testing.T, value any) string {
	t.Helper()
	text, err := plainJSON(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Prompts by start: a0 has nothing to know, b0 neither, a1 and b1 know what they share, and so on.
func TestExpectedReuse(t *testing.T) {
	t.Parallel()
	r := replayRun(t)
	for _, tt := range []struct {
		limit int64
		want  map[string][2]int32 // of the cache that forgets nothing, and of the limited one
	}{
		{0, map[string][2]int32{"r-a0": {}, "r-a1": {32}, "r-a2": {32}, "r-a3": {64}, "r-b0": {}, "r-b1": {16},
			"r-c0": {32}, "prime": {64}, "r-d1": {96}}},
		// Five blocks: a3 keeps 1, 2, 3, 4 and 6.
		{80, map[string][2]int32{"r-a0": {}, "r-a1": {32, 32}, "r-a2": {32, 32}, "r-a3": {64, 32}, "r-b0": {},
			"r-b1": {16, 16}, "r-c0": {32, 32}, "prime": {64, 64}, "r-d1": {96, 80}}},
	} {
		got := map[string][2]int32{}
		for q, k := range expectedReuse(r, tt.limit) {
			got[q.ID()] = [2]int32{k.expected, k.limited}
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("limit %d:\ngot  %v\nwant %v", tt.limit, got, tt.want)
		}
	}
	u := NewReport(r, Options{CacheTokens: 80}).Sessions.Additions.Reuse
	// a: 37+69+53+101, b0: 21, c0: 37, d1: 101; b1 failed
	if u.Calls != 7 || u.Prompt != 419 || u.Expected != 32+32+64+32+96 || *u.Limited != 32+32+32+32+80 ||
		u.Cached != 128 || u.Reported != 7 || u.BlockSize != 16 {
		t.Errorf("got %s", compact(t, u))
	}
}

func TestFidelity(t *testing.T) {
	t.Parallel()
	lines := runtest.Replay()
	p := NewReport(mustRead(t, asRecords(t, lines)), Options{Percentiles: []float64{50}})
	f := p.Sessions.Additions.Fidelity
	const parts = `[{"name":"gaps","weight":0.35,"kept":8,"judged":8},` +
		`{"name":"order","weight":0.25,"kept":4,"judged":4},` +
		`{"name":"sent","weight":0.15,"kept":7,"judged":8},{"name":"output_tokens","weight":0.15,"kept":7,"judged":7},` +
		`{"name":"prompt_tokens","weight":0.1,"kept":7,"judged":7}]`
	if got := compact(t, f.Parts); got != parts {
		t.Errorf("got  %s\nwant %s", got, parts)
	}
	if want := 100 * (1 - 0.15/8); math.Abs(float64(f.Score)-want) > 1e-9 || f.Reason != "" || f.Violations != 0 {
		t.Errorf("got %v (%s), %d violations, want %v", f.Score, f.Reason, f.Violations, want)
	}
	if math.Abs(f.GapError.Max-0.010) > 1e-9 || f.GapError.Min != 0 || f.Output.Ratio != 1 || f.Output.Within != 7 {
		t.Errorf("got %s", compact(t, f))
	}
}

// A replay that went wrong has a low score, and the reason names the call that is off most.
func TestFidelityNamesTheWorst(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		start  int64 // of the second call, which is due 0.1 s after the first ended
		asked  int   // tokens of its answer, which has 3
		calls  int
		score  float64
		reason string
	}{
		{2_100_000_000, 3, 2, 100, ""},
		{1_900_000_000, 3, 2, 100 * (0.35/2 + 0.15 + 0.15) / 0.9, "none of 1 calls began after those that they " +
			"wait for had ended; the worst is call x1 of session x: 100 ms too early"},
		{2_500_000_000, 3, 2, 100 * (0.35/2 + 0.25 + 0.15 + 0.15) / 0.9, "only 1 of 2 calls keep the gap before " +
			"them within 10 ms or 5 %; the worst is call x1 of session x: a gap of 500 ms in place of 100 ms"},
		{2_100_000_000, 60, 2, 100 * (0.35 + 0.25 + 0.15 + 0.15/2) / 0.9, "only 1 of 2 answers have the recorded " +
			"length within 5 %; the worst is call x1 of session x: 3 tokens in place of 60"},
		{2_100_000_000, 3, 20, 100 * (0.35 + 0.25 + 0.15/10 + 0.15) / 0.9, "only 2 of 20 calls of the trace were " +
			"sent; the worst is session x, of whose 20 calls 2 were sent"},
	} {
		request := func(n int, start int64, c record.Call) *record.Request {
			c.Number, c.ID = n, fmt.Sprint("x", n)
			return &record.Request{ID: c.ID, Scenario: "s", Seq: n, Start: start, End: start + second, Streaming: true,
				Chunks: []int64{1, 2, 3}, Usage: []byte(`{"prompt_tokens":5,"completion_tokens":3}`), Call: &c}
		}
		r, err := run.FromLines(run.Options{}, run.Instance{Name: "i", Lines: []record.Line{
			request(0, second, record.Call{Ready: second, OutputTokens: 3}),
			request(1, tt.start,
				record.Call{Ready: 2_100_000_000, Wait: 100_000, After: []int{0}, OutputTokens: tt.asked}),
			&record.Session{Scenario: "s", ID: "x", Start: second, End: 4 * second, Calls: tt.calls, Sent: 2,
				Completed: 2},
		}})
		if err != nil {
			t.Fatal(err)
		}
		f := NewReport(r, Options{}).Sessions.Additions.Fidelity
		if math.Abs(float64(f.Score)-tt.score) > 1e-9 || f.Reason != tt.reason {
			t.Errorf("got  %v: %s\nwant %v: %s", f.Score, f.Reason, tt.score, tt.reason)
		}
	}
}

// The load generator is judged by how late the calls of a replay are against their graph, also in a closed loop.
func TestLateCallsAreSuspect(t *testing.T) {
	t.Parallel()
	for late, want := range map[int64]string{0: Valid, second / 20: Suspect, second / 2: Invalid} {
		var lines []record.Line
		for _, line := range runtest.Replay() {
			if r, ok := line.(*record.Request); ok {
				r.Start, r.End = r.Start+late, r.End+late
				r.Connected, r.FirstByte = r.Start, r.Start
			}
			lines = append(lines, line)
		}
		h := NewReport(mustRead(t, asRecords(t, lines)), Options{}).Summary.Additions.Health
		if h.Verdict != want || slices.Contains(h.Unchecked, "lateness") {
			t.Errorf("late by %d ns: got %s (%q), not checked %q, want %s", late, h.Verdict, h.Reasons, h.Unchecked,
				want)
		}
	}
}

// A report that is made of requests.parquet again is the same as that of the records.
func TestSessionsSurviveParquet(t *testing.T) {
	t.Parallel()
	lines := runtest.Replay()
	lines[2].(*record.Request).Call.Labels = map[string]string{"agent": "planner"}
	r := mustRead(t, asRecords(t, lines))
	var table bytes.Buffer
	if err := NewRequestTable(r).WriteParquet(&table); err != nil {
		t.Fatal(err)
	}
	again, err := run.ReadParquet(run.Options{}, "f", bytes.NewReader(table.Bytes()), int64(table.Len()))
	if err != nil {
		t.Fatal(err)
	}
	got, want := NewReport(again, Options{}), NewReport(r, Options{})
	if a, b := compact(t, got.Sessions), compact(t, want.Sessions); a != b {
		t.Errorf("got  %s\nwant %s", a, b)
	}
	if a, b := compact(t, got.SessionStages), compact(t, want.SessionStages); a != b {
		t.Errorf("got  %s\nwant %s", a, b)
	}
	if label := again.Requests[0].Call().Labels["agent"]; label != "planner" {
		t.Errorf("got label %q", label)
	}
}

func TestSessionTable(t *testing.T) {
	t.Parallel()
	var table bytes.Buffer
	if err := NewSessionTable(replayRun(t)).WriteCSV(&table); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&table).ReadAll()
	if err != nil || len(rows) != 5 {
		t.Fatalf("got %q, %v", rows, err)
	}
	var got []string
	for i, name := range rows[0] {
		if v := rows[1][i]; v != "" && !strings.HasSuffix(name, "_ns") {
			got = append(got, name+"="+v)
		}
	}
	const want = "run_id=replay instance=a scenario=sessions stage=0 index=0 session_id=a origin=a.json " +
		"duration_ms=5000 tfut_ms=2100 calls=4 calls_sent=4 calls_completed=4 calls_cancelled=0 user_facing=a2 a3 " +
		"prompt_tokens=260 " +
		"completion_tokens=12 cached_tokens=80 cacheable_tokens=260 expected_cached_tokens=128 path_model_ms=3740 " +
		"path_tool_ms=0 path_think_ms=1000 path_pause_ms=250 path_waiting_ms=10"
	if text := strings.Join(got, " "); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func TestSessionsInTheTerminal(t *testing.T) {
	t.Parallel()
	got := printed(t, NewReport(replayRun(t), Options{CacheTokens: 80}))
	path := filepath.Join("testdata", "replay.txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := string(content(t, path)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Waits that the replay was to shorten are told.
func TestShortenedWaits(t *testing.T) {
	t.Parallel()
	var lines []record.Line
	for _, line := range runtest.Replay() {
		if q, isRequest := line.(*record.Request); isRequest && q.Call != nil && q.Call.Wait == 1_000_000 {
			q.Call.Held = 6_900_000
		}
		lines = append(lines, line)
	}
	p := NewReport(mustMake(t, lines), Options{})
	const want = "waits shortened: 1 of 5, 6.90 s left out (max_wait_ms, maxWait)"
	if got := p.Sessions.Additions.Fidelity.Shortened.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !strings.Contains(printed(t, p), "\n"+want+"\n") {
		t.Error("the terminal does not tell it")
	}
}

// The sessions of two instances make the report of one that has all of them.
func TestSessionsOfInstances(t *testing.T) {
	t.Parallel()
	lines := runtest.Replay()
	parts := [2][]record.Line{}
	for i, segment := range []string{"0:1/2", "1/2:1"} {
		first := *lines[0].(*record.Run)
		first.Instance, first.Segment, first.SegmentSequence = segment, segment, "0,1/2,1"
		parts[i] = append(parts[i], &first)
	}
	for _, line := range lines[1:] {
		switch l := line.(type) {
		case *record.Request:
			parts[l.Index%2] = append(parts[l.Index%2], l)
		case *record.Session:
			parts[l.Index%2] = append(parts[l.Index%2], l)
		default:
			parts[0] = append(parts[0], l)
		}
	}
	source := func(i int) run.Source {
		return run.Source{Name: fmt.Sprint(i), Reader: bytes.NewReader(asRecords(t, parts[i]))}
	}
	r, err := run.Read(run.Options{}, source(1), source(0))
	if err != nil {
		t.Fatal(err)
	}
	got, want := NewReport(r, Options{}), NewReport(replayRun(t), Options{})
	if a, b := compact(t, got.Sessions), compact(t, want.Sessions); a != b {
		t.Errorf("got  %s\nwant %s", a, b)
	}
	parts[1] = append(parts[1], lines[6]) // the line of session a, which instance 0 has too
	if _, err := run.Read(run.Options{}, source(0), source(1)); err == nil ||
		!strings.Contains(err.Error(), `session 0 of scenario "sessions" is there twice (instances "0:1/2" and "1/2:1")`) {
		t.Errorf("a session in two files: got %v", err)
	}
}

// Without its line, as after a kill, a session is unfinished, and its calls count.
func TestSessionsOfAKilledRun(t *testing.T) {
	t.Parallel()
	lines := slices.DeleteFunc(runtest.Replay(), func(line record.Line) bool {
		s, is := line.(*record.Session)
		return is && s.ID == "a"
	})
	for _, line := range lines {
		if q, is := line.(*record.Request); is {
			q.Label = "agents"
		}
	}
	r := mustRead(t, asRecords(t, lines))
	s := r.Sessions[0]
	if s.ID != "a" || s.Label != "agents" || s.Recorded || !s.Unfinished() || s.Sent != 4 || s.Completed != 4 ||
		r.Seconds(s.End-s.Start) != 5 || !slices.Equal(s.UserFacing, []string{"a2", "a3"}) {
		t.Errorf("got %+v", s.Session)
	}
	if u := NewReport(r, Options{}).Sessions.Additions.Unfinished; u != (UnfinishedSessions{2, 0, 7, 5, 5}) {
		t.Errorf("got %+v", u)
	}
	if !slices.ContainsFunc(r.Remarks, func(text string) bool {
		return strings.HasPrefix(text, "1 session has calls and no line of its own")
	}) {
		t.Errorf("got remarks %q", r.Remarks)
	}
}

// Sessions whose users left are told apart from those that the end of the load cut.
func TestSessionsOfUsersWhoLeft(t *testing.T) {
	t.Parallel()
	for left, want := range map[string]string{
		"":  "1 more cut by the end of the load after 1 of their calls",
		"c": "1 more left by their users after 1 of their calls",
		"d": "2 more cut by the end of the load (1) or left by their users (1) after 2 of their calls",
	} {
		lines := runtest.Replay()
		for _, line := range lines {
			if s, is := line.(*record.Session); is && s.ID == left {
				s.ErrorType = record.ErrorAbandoned
			}
		}
		l := NewReport(mustRead(t, asRecords(t, lines)), Options{}).Sessions
		if got := sessionFactsInWords(l)[0]; !strings.HasSuffix(got, ", "+want) {
			t.Errorf("the user of %q left: got %q, want %q", left, got, want)
		}
		if got := l.Additions.Unfinished.Abandoned; got != count(left != "") {
			t.Errorf("the user of %q left: got %d whose users left", left, got)
		}
	}
}

// What a cut leaves out is in no figure, and still fills the cache.
func TestCutSessions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		cut      run.Cut
		sessions string
		primers  int
	}{
		{run.Cut{Stages: []int{1}}, "c d", 7}, {run.Cut{Warmup: 0.4}, "b c d", 2}, {run.Cut{Cooldown: 2}, "a b", 3},
		{run.Cut{StageWarmup: 0.05}, "b d", 3},
	} {
		r := replayRun(t)
		r.LeaveOut(tt.cut)
		var ids []string
		for _, s := range r.Sessions {
			ids = append(ids, s.ID)
		}
		if got := strings.Join(ids, " "); got != tt.sessions || len(r.Primers) != tt.primers {
			t.Errorf("%s: got %q, %d primers, want %q, %d", tt.cut, got, len(r.Primers), tt.sessions, tt.primers)
		}
	}
}

// A session whose instants are not those of the run is left out, and makes the report partial.
func TestSessionOutsideOfTheRun(t *testing.T) {
	t.Parallel()
	lines := runtest.Replay()
	lines[6].(*record.Session).Start -= 1000 * second
	r := mustRead(t, asRecords(t, lines))
	if !r.Partial || r.Sessions[0].ID != "a" || r.Sessions[0].Recorded {
		t.Errorf("got partial %t, %+v", r.Partial, r.Sessions[0].Session)
	}
}

package convert

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// stall is a time, in microseconds of the run, in which a load generator does not get to run.
type stall struct{ from, to int64 }

// stalled returns the records of a load generator that stalls: 40 requests at 10/s with 50 tokens each, the first token
// after 100 ms, then one every 20 ms. truth holds the same requests as the server saw them.
func stalled(stalls []stall) (lines, truth []record.Line) {
	const epoch = 1_700_000_000 * second
	run := &record.Run{Schema: record.Schema, ID: "run", Start: epoch, Scenarios: []record.Scenario{
		{Name: "s", Executor: "llm-arrival-rate",
			Stages: []record.Stage{{Index: 0, Rate: new(10.0), Duration: new(4.0)}}},
	}}
	lines, truth = []record.Line{run}, []record.Line{run}
	resumed := func(at int64) int64 {
		for _, s := range stalls {
			if s.from <= at && at < s.to {
				return s.to
			}
		}
		return at
	}
	for k := range int64(40) {
		due := k * 100_000
		start := resumed(due)
		written := resumed(start + 100)
		seen := record.Request{Scenario: "s", Index: k, Due: new(epoch + due*1000), Start: epoch + start*1000,
			Streaming: true}
		sent := seen
		sent.Start = epoch + written*1000
		for token := range int64(50) {
			at := written + 100_000 + 20_000*token
			seen.Chunks, sent.Chunks = append(seen.Chunks, resumed(at)-start), append(sent.Chunks, at-written)
			seen.End, sent.End = epoch+resumed(at)*1000, epoch+at*1000
		}
		lines, truth = append(lines, &seen), append(truth, &sent)
	}
	lines = append(append(lines, beatsOf(stalls, epoch)...),
		&record.End{Time: epoch + 6*second, Health: record.Health{GoMaxProcs: 2}})
	return lines, append(truth, lines[len(lines)-1])
}

// beatsOf returns the heartbeats of a load generator that stalls.
func beatsOf(stalls []stall, epoch int64) (lines []record.Line) {
	for k := range int64(6) {
		b := &record.Heartbeat{
			Start: epoch + k*second, End: epoch + (k+1)*second, Beats: 200,
			Pressure: record.Pressure{Waited: new(second / 10)},
		}
		for _, s := range stalls {
			from := (s.from + 4999) / 5000 * 5000
			if late := s.to - from; from/1_000_000 == k && late > 1000 {
				b.Late = append(b.Late, [2]int64{from - k*1_000_000, late})
				b.Max, b.P99 = max(b.Max, late*1000), max(b.P99, late*1000)
			}
		}
		if n := len(b.Late); n > 0 {
			b.End = max(b.End, b.Start+1000*(b.Late[n-1][0]+b.Late[n-1][1]))
		}
		lines = append(lines, b)
	}
	return lines
}

func summarized(t *testing.T, lines []record.Line, cut run.Cut) *Lifecycle {
	t.Helper()
	var file []byte
	for _, line := range lines {
		file = append(append(file, text(t, line)...), '\n')
	}
	run := mustRead(t, file)
	run.LeaveOut(cut)
	return Summarize(run, Options{})
}

// eachSecond returns a stall in each second.
func eachSecond(from, length int64) (stalls []stall) {
	for k := range int64(5) {
		stalls = append(stalls, stall{k*1_000_000 + from, k*1_000_000 + from + length})
	}
	return stalls
}

func TestVerdictOfALoadGeneratorThatDoesNotGetToRun(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		stalls  []stall
		verdict string
		reason  string
	}{
		{"never", nil, Valid, ""},
		{"once, for a moment", []stall{{1_234_000, 1_249_000}}, Valid, ""},
		{"while nothing was under way", []stall{{5_300_000, 5_900_000}}, Valid, ""},
		{"a little, often", eachSecond(550_000, 6_000), Valid, ""},
		{"a quarter of each second", eachSecond(520_000, 250_000), Invalid, "may be up to"},
		{"a twentieth of each second", eachSecond(520_000, 50_000), Suspect, "inter_token_latency p99"},
	} {
		lines, _ := stalled(tt.stalls)
		h := summarized(t, lines, run.Cut{}).Additions.Health
		reasons := strings.Join(h.Reasons, "\n")
		if h.Verdict != tt.verdict || !strings.Contains(reasons, tt.reason) ||
			(tt.verdict == Valid) != (reasons == "") {
			t.Errorf("%s: %s %q, want %s %q", tt.name, h.Verdict, h.Reasons, tt.verdict, tt.reason)
		}
	}
}

// Whenever the load generator stalls, the true figures, as the server knows them, lie within the reported bounds.
// Heartbeats do not see a stall between two beats, so the bounds hold to within one period.
func TestFigureErrorsHoldTheTruth(t *testing.T) {
	t.Parallel()
	const period = 0.005
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		var stalls []stall
		for at := random.Int64N(400_000); at < 4_500_000; at += random.Int64N(800_000) {
			length := 1 + random.Int64N(200_000)
			stalls = append(stalls, stall{at, at + length})
			at += length
		}
		lines, truth := stalled(stalls)
		got, want := summarized(t, lines, run.Cut{}), summarized(t, truth, run.Cut{})
		if len(got.Additions.Health.Errors) == 0 {
			t.Errorf("seed %d: no bounds", seed)
		}
		figures := map[string]*Distribution{
			"time_to_first_token": want.Successes.Latency.TTFT, "request_latency": want.Successes.Latency.Request,
			"time_per_output_token": want.Successes.Latency.TPOT, "inter_token_latency": want.Successes.Latency.ITL,
		}
		for _, e := range got.Additions.Health.Errors {
			for _, p := range latePercentiles {
				truth, _ := figures[e.Figure].At(p)
				if e.Percentile == percentileName(p) &&
					(truth < float64(e.Lowest)-period || truth > float64(e.Highest)+period) {
					t.Errorf("seed %d: %s %s is %v, not within %v and %v", seed, e.Figure, e.Percentile, truth,
						e.Lowest, e.Highest)
				}
			}
		}
	}
}

// The time that the load generator takes to write a request is not the server's, whether a heartbeat sees it or not.
func TestTimeToWriteCountsAgainstTTFT(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		ms, bytes int64
		verdict   string
	}{{1, 100, Valid}, {30, 100, Suspect}, {30, 1 << 20, Valid}} {
		lines, _ := stalled(nil)
		for _, line := range lines {
			if q, ok := line.(*record.Request); ok {
				q.Connected, q.Written, q.BytesSent = q.Start, q.Start+tt.ms*1_000_000, tt.bytes
			}
		}
		h := summarized(t, lines, run.Cut{}).Additions.Health
		if h.Verdict != tt.verdict || (tt.verdict == Suspect) != strings.Contains(strings.Join(h.Reasons, "\n"),
			"time_to_first_token p") {
			t.Errorf("%d bytes written within %d ms: %s %q, want %s", tt.bytes, tt.ms, h.Verdict, h.Reasons, tt.verdict)
		}
	}
}

func TestExcludeLate(t *testing.T) {
	t.Parallel()
	lines, _ := stalled([]stall{{520_000, 770_000}})
	all, cut := summarized(t, lines, run.Cut{}), summarized(t, lines, run.Cut{Late: true})
	before, _ := all.Successes.Latency.ITL.At(99.9)
	after, _ := cut.Successes.Latency.ITL.At(99.9)
	if before < 0.2 || after > 0.021 {
		t.Errorf("p99.9 of gaps: got %v before and %v after, want the stall before and the server's gap after", before,
			after)
	}
	if all.Successes.Count != cut.Successes.Count ||
		all.Successes.Throughput.Requests != cut.Successes.Throughput.Requests {
		t.Errorf("counts and rates: got %v, want %v", cut.Successes.Throughput, all.Successes.Throughput)
	}
	if w := cut.Additions.Window; w == nil || w.Late != 6 || w.Left != 0 {
		t.Errorf("got %+v, want the 6 requests that were under way", w)
	}
	h := cut.Additions.Health
	if want := "latencies are of 34 of 40 successes: the others were read late"; h.Verdict != Suspect ||
		!slices.Contains(h.Reasons, want) {
		t.Errorf("got %s %q, want SUSPECT %q", h.Verdict, h.Reasons, want)
	}
}

// If every success was read late, goodput is unknown.
func TestExcludeLateLeavesNoGoodput(t *testing.T) {
	t.Parallel()
	lines, _ := stalled(eachSecond(0, 500_000))
	for _, tt := range []struct {
		cut   run.Cut
		total int
	}{{run.Cut{}, 40}, {run.Cut{Late: true}, 0}} {
		run := mustRead(t, asRecords(t, lines))
		run.LeaveOut(tt.cut)
		l := Summarize(run, Options{SLO: record.Bounds{TTFT: 100}})
		if g := l.Successes.Goodput; (g == nil) != (tt.total == 0) || g != nil && g.Total != tt.total {
			t.Errorf("%v: got %+v, want of %d", tt.cut, g, tt.total)
		}
	}
}

// The warning of tokens read together blames this machine if it read late.
func TestWarningOfTokensReadTogether(t *testing.T) {
	t.Parallel()
	together, _ := stalled(nil)
	for _, line := range together {
		if q, ok := line.(*record.Request); ok {
			q.Chunks[7] = q.Chunks[6]
		}
	}
	late, _ := stalled(eachSecond(520_000, 250_000))
	for _, tt := range []struct {
		lines []record.Line
		want  string
	}{{together, "the server, a proxy or the network holds them"}, {late, "this load generator read late"}} {
		warnings := strings.Join(summarized(t, tt.lines, run.Cut{}).Additions.Warnings, "\n")
		if !strings.Contains(warnings, tt.want) || strings.Count(warnings, "together with the one before") != 1 {
			t.Errorf("got %q, want %q", warnings, tt.want)
		}
	}
}

// A late moment that was left out no longer counts.
func TestLatenessOfWhatIsLeft(t *testing.T) {
	t.Parallel()
	lines, _ := stalled([]stall{{520_000, 770_000}})
	for _, tt := range []struct {
		cut     run.Cut
		verdict string
		most    Float
	}{{run.Cut{}, Invalid, 0.25}, {run.Cut{Warmup: 1.8}, Valid, 0}, {run.Cut{Cooldown: 1}, Invalid, 0.25}} {
		h := summarized(t, lines, tt.cut).Additions.Health
		if h.Verdict != tt.verdict || h.Heartbeats.Max != tt.most || (len(h.Errors) == 0) != (tt.verdict == Valid) {
			t.Errorf("%v: got %s %+v %v, want %s and up to %v", tt.cut, h.Verdict, h.Heartbeats, h.Errors, tt.verdict,
				tt.most)
		}
	}
}

// A first token that was read 40 ms late makes TTFT too large, and TPOT and the gap after it too small.
func TestBoundsOfOneRequest(t *testing.T) {
	t.Parallel()
	const ms = int64(1_000_000)
	for _, tt := range []struct {
		name string
		late run.LateSpan
		want []FigureError // of p50
	}{
		{"the first token", run.LateSpan{From: 60 * ms, To: 100 * ms}, []FigureError{
			{"time_to_first_token", "p50", 0.1, 0.06, 0.1}, {"time_per_output_token", "p50", 0.02, 0.02, 0.04},
			{"inter_token_latency", "p50", 0.02, 0.02, 0.04},
		}},
		{"the last token", run.LateSpan{From: 130 * ms, To: 138 * ms}, []FigureError{
			{"request_latency", "p50", 0.14, 0.13, 0.14}, {"time_per_output_token", "p50", 0.02, 0.015, 0.02},
			{"inter_token_latency", "p50", 0.02, 0.015, 0.02},
		}},
		{"the sending", run.LateSpan{From: 0, To: 30 * ms}, []FigureError{
			{"time_to_first_token", "p50", 0.1, 0.07, 0.1}, {"request_latency", "p50", 0.14, 0.11, 0.14},
		}},
		{"nothing of it", run.LateSpan{From: 20 * ms, To: 60 * ms}, []FigureError{}},
	} {
		r := runOf(t, &record.Request{Streaming: true, Start: second, End: second + 140*ms,
			Chunks: []int64{100_000, 120_000, 140_000}})
		r.Late = map[string][]run.LateSpan{"i": {{From: second + tt.late.From, To: second + tt.late.To}}}
		g := newSubset(r, r.Requests, Options{}, nil)
		got := slices.DeleteFunc(figureErrors(lateFigures(g)), func(e FigureError) bool {
			return e.Percentile != "p50"
		})
		if !slices.EqualFunc(got, tt.want, sameBounds) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// sameBounds compares to the microsecond.
func sameBounds(a, b FigureError) bool {
	near := func(a, b Float) bool { return math.Abs(float64(a-b)) < 1e-6 }
	return a.Figure == b.Figure && near(a.Reported, b.Reported) && near(a.Lowest, b.Lowest) &&
		near(a.Highest, b.Highest)
}

// If several percentiles are off, one that makes the run invalid decides, whatever the shares of the others.
func TestJudgeFigure(t *testing.T) {
	t.Parallel()
	distribution := func(p50, p99 float64) *Distribution {
		return &Distribution{Percentiles: []Percentile{{P: 50, Value: p50}, {P: 90, Value: p50}, {P: 99, Value: p99}}}
	}
	for _, tt := range []struct {
		reported, lowest, highest *Distribution
		verdict, reason           string
	}{
		{distribution(0.022, 0.5), distribution(0.002, 0.2), distribution(0.022, 0.5), Invalid,
			"f p99 of 500.0 ms may be up to 300.0 ms too high, for the load generator read late"},
		{distribution(0.022, 0.5), distribution(0.002, 0.45), distribution(0.022, 0.5), Suspect,
			"f p50 of 22.0 ms may be up to 20.0 ms too high, for the load generator read late"},
		{distribution(0.022, 0.5), distribution(0.022, 0.5), distribution(0.022, 0.6), Suspect,
			"f p99 of 500.0 ms may be up to 100.0 ms too low, for the load generator read late"},
		{distribution(0.022, 0.5), distribution(0.015, 0.47), distribution(0.029, 0.53), Valid, ""},
	} {
		j := &assessment{ClientHealth: ClientHealth{Verdict: Valid}}
		j.judgeFigure(lateFigure{"f", tt.reported, tt.lowest, tt.highest})
		if got := strings.Join(j.Reasons, "\n"); j.Verdict != tt.verdict || got != tt.reason {
			t.Errorf("got %s %q, want %s %q", j.Verdict, got, tt.verdict, tt.reason)
		}
	}
}

// What put off the gaps between tokens alone says nothing about a bound on TTFT, and all about one on the gaps.
func TestClientIsJudgedByWhatObjectivesBound(t *testing.T) {
	t.Parallel()
	var stalls []stall
	for at := int64(1_000); at < 4_000_000; at += 100_000 { // requests and first tokens come at whole tenths
		stalls = append(stalls, stall{at + 20_000, at + 78_000})
	}
	for text, want := range map[string]string{
		"p99(ttft)<500ms": Valid, "failures<1%": Valid,
		"p99(itl)<500ms": Suspect, "p99(ttft)<500ms,p50(itl)<1s": Suspect,
	} {
		lines, _ := stalled(stalls)
		r, err := run.FromLines(run.Options{}, run.Instance{Lines: lines})
		if err != nil {
			t.Fatal(err)
		}
		objectives, err := slo.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := JudgeClient(r, objectives); got.Verdict != want {
			t.Errorf("%s: got %s %q, want %s", text, got.Verdict, got.Reasons, want)
		}
	}
}

// Lateness during a time without heartbeats is reported as not checked.
func TestHeartbeatsThatAreMissing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(n int, b *record.Heartbeat) (keep bool)
		whole  bool
	}{
		"none":             {func(int, *record.Heartbeat) bool { return true }, true},
		"the last":         {func(n int, _ *record.Heartbeat) bool { return n < 4 }, false},
		"one in the midst": {func(n int, _ *record.Heartbeat) bool { return n != 3 }, false},
		"a moment":         {func(_ int, b *record.Heartbeat) bool { b.End -= second / 20; return true }, true},
		"the beats of one": {func(n int, b *record.Heartbeat) bool { b.Beats *= int64(n % 2); return true }, false},
	} {
		lines, _ := stalled(nil)
		n := -1
		lines = slices.DeleteFunc(lines, func(line record.Line) bool {
			b, ok := line.(*record.Heartbeat)
			if !ok {
				return false
			}
			n++
			return !tt.change(n, b)
		})
		h := summarized(t, lines, run.Cut{}).Additions.Health
		if slices.Contains(h.Unchecked, "heartbeats") == tt.whole || h.Heartbeats == nil {
			t.Errorf("missing: %s: not checked: %q", name, h.Unchecked)
		}
	}
}

// A late beat before the first start belongs to second 0 of the run.
func TestSecondsBeginWithTheFirstStart(t *testing.T) {
	t.Parallel()
	lines, _ := stalled(eachSecond(520_000, 50_000))
	for _, line := range lines {
		if b, ok := line.(*record.Heartbeat); ok && b.Start == lines[0].(*record.Run).Start {
			b.Start -= 3 * second
			b.Late[0][0] += 3_000_000
		}
	}
	if seconds := summarized(t, lines, run.Cut{}).Additions.Health.Heartbeats.Seconds; seconds[0].Second != 0 {
		t.Errorf("got %+v, want second 0 first", seconds)
	}
}

// If the load generator did not get to run when a timer ran out, the answer may have arrived in time.
func TestTimeoutsOfALoadGeneratorThatDoesNotGetToRun(t *testing.T) {
	t.Parallel()
	const reason = "ran into a timeout while the load generator did not get to read"
	for _, tt := range []struct {
		name, errorType string
		end, chunk      int64 // µs after the start, which is 0.5 s into the run; it stalls from 1 to 1.25 s
		suspect         bool
	}{
		{"in a stall", record.ErrorTimeout, 751_000, 100_000, true},
		{"before it", record.ErrorTimeout, 490_000, 100_000, false},
		{"long after it", record.ErrorTimeout, 900_000, 100_000, false},
		{"of a long wait", record.ErrorTimeout, 8_751_000, 100_000, false},
		{"no chunk in a stall", record.ErrorStall, 751_000, 400_000, true},
		{"no chunk after a stall", record.ErrorStall, 1_600_000, 400_000, false},
		{"an answer in a stall", record.ErrorHTTP, 751_000, 100_000, false},
	} {
		stalls := []stall{{1_000_000, 1_250_000}}
		if tt.end > 5_000_000 {
			stalls = []stall{{9_000_000, 9_250_000}}
		}
		lines, _ := stalled(nil)
		r, end := lines[0].(*record.Run), lines[len(lines)-1].(*record.End)
		end.Time += 10 * second
		lines = slices.DeleteFunc(lines, func(line record.Line) bool {
			_, beat := line.(*record.Heartbeat)
			return beat || line == end
		})
		start := r.Start + second/2
		lines = append(append(lines, &record.Request{
			Scenario: "s", Index: 40, Start: start, End: start + tt.end*1000, Streaming: true,
			Chunks: []int64{tt.chunk}, ErrorType: tt.errorType,
		}), beatsOf(stalls, r.Start)...)
		for k := range int64(4) {
			b := &record.Heartbeat{Start: r.Start + (6+k)*second, End: r.Start + (7+k)*second, Beats: 200}
			if k == 3 && tt.end > 5_000_000 {
				b.Late = [][2]int64{{0, 250_000}}
			}
			lines = append(lines, b)
		}
		h := summarized(t, append(lines, end), run.Cut{}).Additions.Health
		if got := strings.Contains(strings.Join(h.Reasons, "\n"), reason); got != tt.suspect || got &&
			h.Verdict == Valid {
			t.Errorf("%s: %s %q, want suspect %t", tt.name, h.Verdict, h.Reasons, tt.suspect)
		}
	}
}

package convert

import (
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// A request that starts so late that the next stage has begun belongs to the stage in which it was due, as does the
// rest of its iteration.
func TestStagesAreThoseOfTheDueInstant(t *testing.T) {
	t.Parallel()
	scenario := record.Scenario{Name: "s", Executor: "ramping-arrival-rate", Stages: []record.Stage{
		{Index: 0, Rate: new(1.0), Duration: new(2.0)}, {Index: 1, From: new(1.0), Rate: new(2.0), Duration: new(2.0)},
	}}
	lines := []record.Line{&record.Run{Schema: record.Schema, ID: "r", Start: second,
		Scenarios: []record.Scenario{scenario}}}
	for k, start := range []float64{1, 2.4, 2.9} { // due at 1, 2, 2.83
		for seq := range 2 {
			lines = append(lines, &record.Request{Scenario: "s", Stage: 1, Index: int64(k), Seq: seq,
				Start: 100*second + int64(start*1e9) + int64(seq), End: 200 * second})
		}
	}
	run := mustRead(t, asRecords(t, lines))
	var got []int32
	for _, q := range run.Requests {
		got = append(got, q.Stage)
	}
	if !slices.Equal(got, []int32{0, 0, 0, 0, 1, 1}) {
		t.Errorf("stages %v", got)
	}
	g := newSubset(run, run.Requests, Options{}, nil)
	if d := scheduleDelay(g, run.Requests[2]); !(math.Abs(d-0.4) < 1e-9) {
		t.Errorf("delay %v, want 0.4", d)
	}
	if d := scheduleDelay(g, run.Requests[3]); !math.IsNaN(d) {
		t.Error("a second request of an iteration has a schedule delay")
	}
}

func TestScheduleIsUnknownAfterADrop(t *testing.T) {
	t.Parallel()
	r := mustRead(t, asRecords(t, append(sampleLines(), &record.Dropped{Scenario: "stage_1", Stage: 1, Count: 1})))
	if r.Schedule[0].Source != run.ScheduleFitted || r.Schedule[1].Source != run.ScheduleUnknown ||
		!strings.Contains(r.Schedule[1].Reason, "dropped") {
		t.Errorf("got %+v", r.Schedule)
	}
	if stages := NewReport(r, Options{}).Stages; stages[0].Load.ScheduleDelay == nil ||
		stages[1].Load.ScheduleDelay != nil || stages[1].Additions.Latency.FromDue != nil {
		t.Error("the delay must be known of stage 0 and not of stage 1")
	}
}

func TestRecordedDueInstantsAreExact(t *testing.T) {
	t.Parallel()
	lines := sampleLines()
	for _, line := range lines {
		if r, ok := line.(*record.Request); ok && r.Stage >= 0 {
			r.Due = new(r.Start - 7_000_000)
		}
	}
	read := mustRead(t, asRecords(t, append(lines, &record.Dropped{Scenario: "stage_1", Stage: 1, Count: 1})))
	if d := Summarize(read, Options{}).Load.ScheduleDelay; read.Schedule[1].Source != run.ScheduleExact ||
		d.Min != 0.007 ||
		d.Max != 0.007 {
		t.Errorf("got %+v, %+v", read.Schedule, d)
	}
}

// joined returns one file with the first lines of several instances.
func joined(t *testing.T, sources []run.Source, executor string) (file []byte) {
	t.Helper()
	for _, s := range sources {
		text, err := io.ReadAll(s)
		if err != nil {
			t.Fatal(err)
		}
		if seeker, ok := s.Reader.(io.Seeker); ok {
			_, _ = seeker.Seek(0, io.SeekStart) // a reader in memory
		}
		lines := bytes.SplitAfter(text, []byte("\n"))
		file = append(file, bytes.Join(append(lines[:6:6], lines[len(lines)-2:]...), nil)...)
	}
	return bytes.ReplaceAll(file, []byte("llm-arrival-rate"), []byte(executor))
}

// odd returns lines that faulty programs and interrupted machines may write.
func odd() []record.Line {
	start := 1_700_000_000 * second
	return []record.Line{
		&record.Heartbeat{Start: start, End: start + second, Beats: 200, P99: 1, Max: 2,
			Pressure: record.Pressure{Waited: new(int64(math.MaxInt64))}, Late: [][2]int64{{-5000, 6000}, {999_999, 2},
				{0, 0}, {-31_622_399_000_000, 31_622_400_000_000}}},
		&record.Dropped{Scenario: "stage_0", Count: 3, Due: new(start + 1)},
		&record.Dropped{Scenario: "stage_1", Stage: -1, Count: 1 << 40},
		&record.Stage{Index: 0, Rate: new(1e12), From: new(0.0), Duration: new(1e-9), Start: start + 5, End: start,
			Status: "interrupted"},
		&record.Server{Time: start + second, Source: "\x1b[2J\u202e",
			Values: map[string]float64{record.ServerRequests: 1e308, record.ServerRunning: -1e308,
				record.ServerProcessStart: 5}, Failed: 7},
		&record.Server{Time: start + 9*second, Source: "\x1b[2J\u202e",
			Values: map[string]float64{record.ServerRequests: 5}},
		&record.Request{
			ID: "../../x", Scenario: "stage_0", Adapter: "..\x00/con", Model: "</script>", Start: start,
			End: start + second, Chunks: []int64{0, 0, 1_001_000}, ChunkTokens: []int{0, 7000, 0},
			Usage: []byte(
				`{"completion_tokens":0,"prompt_tokens":2147483647,"total_tokens":-1,"completion_tokens_details":{"reasoning_tokens":1e300}}`), Due: new(start), Retries: math.MaxInt32,
			Connected: start, Written: start + second, FirstByte: start + 1, ServerDate: 7_258_118_400, Note: "=1",
			SLO: &record.Bounds{TTFT: 1e308, ITL: 5e-324},
		},
		&record.Request{Scenario: "none", Stage: math.MaxInt32, Index: 1 << 40, Start: start, End: start,
			Chunks: []int64{}, ErrorType: "\x1b]0;x\a", Error: "\r\u202e|`=", Status: 999},
	}
}

// short reports whether a run has few tokens and takes at most an hour, so that its report is made quickly.
func short(run *run.Run) bool {
	tokens := int64(0)
	for _, q := range run.Requests {
		tokens += int64(q.TokenTimes)
	}
	return len(run.Requests) > 0 && tokens <= 1<<16 && timeSpan(run, run.Requests) <= 3600
}

func FuzzRead(f *testing.F) {
	t := new(testing.T)
	lines := sampleLines()[:6]
	f.Add(asRecords(t, lines))
	f.Add(asK6JSON(t, lines))
	two := joint{executor: "llm-arrival-rate", stage: true, dates: true, ahead: []int64{0, 2 * second},
		late: []int64{0, 0}}.sources(t)
	for _, executor := range []string{"llm-arrival-rate", "constant-arrival-rate", "constant-vus"} {
		f.Add(joined(t, two, executor))
	}
	f.Add([]byte("{\"metric\":\"llm_requests\",\"type\":\"Point\",\"data\":{\"metadata\":{\"llm_record\":\"{}\"}}}\n"))
	f.Add([]byte(`{"metric":"dropped_iterations","type":"Point","data":{"value":-1e300,"tags":{"scenario":"s"}}}`))
	f.Add(slices.Concat(make([]byte, 5), asRecords(t, append(odd(), lines...))))
	f.Add(asRecords(t, slices.Concat(lines[:1], odd(), lines[1:])))
	f.Add(asRecords(t, []record.Line{&record.Request{Start: 1, End: 7_258_118_400 * second, Chunks: []int64{0}}}))
	f.Add([]byte(`[{"start_time": 1, "end_time": 2, "error": null, "info": {"response_metrics": {"output_tokens": ` +
		`3, "chunk_times": [1.5, 1e300]}}}, {"start_time": -1e300, "end_time": 1e300, "error": {"error_type": "E", ` +
		`"error_msg": "\u001b[2J\u202e=1"}}]`))
	f.Add([]byte(`{"model_id": "m", "backend": "vllm", "duration": 1e300, "completed": 9007199254740993, ` +
		`"request_rate": "inf", "input_lens": [1, 2], "output_lens": [2, 9e15], "ttfts": [0.1, 0], "itls": [[0.1, ` +
		`1e300], []], "errors": ["", "x"], "start_times": [1e18, 0]}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		run, err := run.Read(run.Options{Force: true}, run.Source{Name: "f", Reader: bytes.NewReader(file)})
		if err != nil {
			return
		}
		if !short(run) {
			return
		}
		if _, err := pythonJSON(Summarize(run, Options{}), ""); err != nil {
			t.Errorf("%q: %v", file, err)
		}
		if err := NewReport(run, Options{}).WriteTables(Screen{W: io.Discard}); err != nil {
			t.Errorf("%q: %v", file, err)
		}
	})
}

// The summary of a report may have a byte order mark, and numbers that Python writes although JSON lacks them.
func TestFiguresOfAFileWithAMark(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for text, want := range map[string]string{
		"\ufeff{\"load_summary\":{\"count\":10},\r\n\"failures\":{\"count\":1}," +
			"\"successes\":{\"latency\":{\"request_latency\":{\"mean\":NaN,\"median\":2}}}}": "",
		"\xff\xfe{\x00": "the file is UTF-16",
	} {
		if err := os.WriteFile(filepath.Join(dir, reportdir.Summary), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, found, err := ReadFigures(dir)
		_, mean := f.Values["mean(request_latency)"]
		if want == "" && (err != nil || !found || f.Requests != 10 || mean || f.Values["p50(request_latency)"] != 2) ||
			want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %+v, %v; want %q", text, f, err, want)
		}
	}
}

// Whatever the summary of a report holds, the figures to compare are numbers, and gates know their names.
func FuzzFigures(f *testing.F) {
	f.Add(`{"load_summary":{"count":10,"schedule_delay":{"p99.9":1}},"failures":{"count":1},"successes":{"latency":{"request_latency":{"mean":1,"median":2,"p99":3}},"throughput":{"requests_per_sec":5}}}`)
	f.Add(`{"load_summary":{"count":-1},"failures":{"count":1e308},"successes":{"latency":{"request_latency":{"mean":1e999,"p\u001b[2J\u202e":2,"p1e999":3,"p":4,"p-1":-1e999}},"throughput":{"requests_per_sec":-1e999}}}`)
	f.Add(`{"load_summary":{"count":1e-308},"failures":{"count":5},"successes":{"latency":` +
		strings.Repeat(`{"time_to_first_token":`, 100))
	f.Fuzz(func(t *testing.T, text string) {
		if !gjson.Valid(text) {
			return
		}
		values := map[string]float64{}
		figuresOf(gjson.Parse(text), values)
		for name, value := range values {
			if math.IsNaN(value) || math.IsInf(value, 0) || plain.Terminal(name) != name || name == "failures" &&
				(value < 0 || value > 1) {
				t.Errorf("%q: got %q of %v", text, name, value)
			}
		}
	})
}

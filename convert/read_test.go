package convert

import (
	"bytes"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	good := asRecords(t, sampleLines())
	other := sampleLines()
	other[0].(*record.Run).ID = "other"
	for _, tt := range []struct {
		name    string
		sources []Source
		force   bool
		want    string
	}{
		{"empty", []Source{{"f", strings.NewReader("")}}, false, "f: no records in it: expected lines written by"},
		{"nonsense", []Source{{"f", strings.NewReader("hello\n")}}, false,
			"f: not a format that llmconv reads: known are records of `k6 run --out llm=FILE`"},
		{"twice the same", []Source{{"f", bytes.NewReader(good)}, {"g", bytes.NewReader(good)}}, false,
			"is there twice"},
		{"two runs", []Source{{"f", bytes.NewReader(good)}, {"g", bytes.NewReader(asRecords(t, other))}}, false,
			`of different runs, "other" and "run"`},
		{"two runs, forced", []Source{{"f", bytes.NewReader(good)}, {"g", bytes.NewReader(asRecords(t, other))}}, true,
			""},
		{"UTF-16", []Source{{"f", strings.NewReader("\xff\xfe{\x00")}}, false, "f: the file is UTF-16"},
		{"numbers as pandas writes them", []Source{{"f", strings.NewReader("{\"type\":\"request\",\"stage\":0.0}\n")}},
			false, "lines written by `k6 run --out llm=FILE`"},
		{"their reason", []Source{{"f", strings.NewReader("{\"type\":\"request\",\"stage\":0.0}\n")}}, false,
			"the first line that could not be read: f:1: request line: field \"stage\": want a whole number, got " +
				"number 0.0"},
		{"no gzip", []Source{{"f", strings.NewReader("\x1f\x8b")}}, false, "f: unexpected EOF"},
	} {
		run, err := Read(ReadOptions{Force: tt.force}, tt.sources...)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
		if tt.force && run.ID() != "other+run" {
			t.Errorf("%s: id %q", tt.name, run.ID())
		}
	}
}

// A file is read with a byte order mark and the line ends of Windows, whatever its kind and packing.
func TestFilesWithAMark(t *testing.T) {
	t.Parallel()
	mark := func(text []byte) []byte {
		return append([]byte("\ufeff"), bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))...)
	}
	records := asRecords(t, sampleLines())
	vllm, err := os.ReadFile("internal/foreign/testdata/vllm/0.33.0.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"records": records, "k6": asK6JSON(t, sampleLines()), "vllm": vllm} {
		want := mustRead(t, text)
		for kind, marked := range map[string][]byte{"plain": mark(text), "gzip": zip(t, mark(text))} {
			run, err := Read(ReadOptions{}, Source{"f", bytes.NewReader(marked)})
			if err != nil {
				t.Errorf("%s, %s: %v", name, kind, err)
			} else if len(run.Requests) != len(want.Requests) || run.Partial != want.Partial {
				t.Errorf("%s, %s: %d requests, partial %t; want %d, %t", name, kind, len(run.Requests), run.Partial,
					len(want.Requests), want.Partial)
			}
		}
	}
}

func TestPartialRuns(t *testing.T) {
	t.Parallel()
	file := asRecords(t, sampleLines())
	whole := bytes.LastIndexByte(file[:len(file)-1], '\n') + 1 // without the end line
	for _, tt := range []struct {
		name     string
		file     []byte
		requests int
		remark   string
	}{
		{"no end line", file[:whole], 50, "it has no end line"},
		{"cut in a line", file[:whole-10], 49, "its last line is cut"},
		{"cut gzip", zip(t, file)[:2500], -1, "its last line is cut"},
		{"a bad line", slices.Concat(file[:whole], []byte("{\"type\":\"request\"}\n"), file[whole:]), 50,
			`f:54: request line: missing field "start_ns"`},
	} {
		run, err := Read(ReadOptions{}, Source{"f", bytes.NewReader(tt.file)})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if !run.Partial || tt.requests >= 0 && len(run.Requests) != tt.requests ||
			!strings.Contains(strings.Join(run.Remarks, "\n"), tt.remark) {
			t.Errorf("%s: partial %t, %d requests, remarks %q", tt.name, run.Partial, len(run.Requests), run.Remarks)
		}
	}
}

func TestDueFunc(t *testing.T) {
	t.Parallel()
	constant := record.Scenario{Executor: "constant-arrival-rate",
		Stages: []record.Stage{{Rate: new(4.0), Duration: new(1.0)}}}
	ramp := record.Scenario{Executor: "ramping-arrival-rate", Stages: []record.Stage{
		{Index: 3, Rate: new(2.0), Duration: new(5.0)}, {Index: 4, From: new(2.0), Rate: new(6.0), Duration: new(4.0)},
		{Index: 5, Rate: new(0.0), Duration: new(1.0)},
		{Index: 6, From: new(0.0), Rate: new(1e-9), Duration: new(1.0)},
	}}
	for _, tt := range []struct {
		name  string
		s     record.Scenario
		k     int64
		want  float64
		stage int
	}{
		{"constant, first at 0", constant, 0, 0, 0},
		{"constant", constant, 3, 0.75, 0},
		{"flat, first after a gap", ramp, 0, 0.5, 3},
		{"flat, last at the end", ramp, 9, 5, 3},
		{"ramp up: t²/2 + 2t = 1", ramp, 10, 5 + math.Sqrt(6) - 2, 4},
		{"ramp up, last at the end", ramp, 25, 9, 4},
		{"past the end", ramp, 100, 11, 6},
	} {
		due := dueFunc(tt.s)(tt.k)
		if math.Abs(due-tt.want) > 1e-9 {
			t.Errorf("%s: arrival %d at %v, want %v", tt.name, tt.k, due, tt.want)
		}
		if got := tt.s.StageAt(due); got != tt.stage {
			t.Errorf("%s: in stage %d, want %d", tt.name, got, tt.stage)
		}
	}
	for _, s := range []record.Scenario{{Executor: "shared-iterations", Stages: []record.Stage{{}}},
		{Executor: "constant-vus", Stages: []record.Stage{{Duration: new(1.0)}}}} {
		if dueFunc(s) != nil {
			t.Errorf("%s has a schedule", s.Executor)
		}
	}
}

// A request that starts late into the next stage belongs to the one in which it was due, with the rest of its
// iteration.
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
		got = append(got, q.StageAt)
	}
	if !slices.Equal(got, []int32{0, 0, 0, 0, 1, 1}) {
		t.Errorf("stages %v", got)
	}
	g := run.group(run.Requests, Options{})
	if d := scheduleDelay(g, run.Requests[2]); !(math.Abs(d-0.4) < 1e-9) {
		t.Errorf("delay %v, want 0.4", d)
	}
	if d := scheduleDelay(g, run.Requests[3]); !math.IsNaN(d) {
		t.Error("a second request of an iteration has a schedule delay")
	}
}

func TestScheduleIsUnknownAfterADrop(t *testing.T) {
	t.Parallel()
	run := mustRead(t, asRecords(t, append(sampleLines(), &record.Dropped{Scenario: "stage_1", Stage: 1, Count: 1})))
	if run.Schedule[0].Source != scheduleFitted || run.Schedule[1].Source != scheduleUnknown ||
		!strings.Contains(run.Schedule[1].Reason, "dropped") {
		t.Errorf("got %+v", run.Schedule)
	}
	if stages := run.Report(Options{}).Stages; stages[0].Load.ScheduleDelay == nil ||
		stages[1].Load.ScheduleDelay != nil || stages[1].Ours.Latency.FromDue != nil {
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
	run := mustRead(t, asRecords(t, append(lines, &record.Dropped{Scenario: "stage_1", Stage: 1, Count: 1})))
	if d := run.Summary(Options{}).Load.ScheduleDelay; run.Schedule[1].Source != scheduleExact || d.Min != 0.007 ||
		d.Max != 0.007 {
		t.Errorf("got %+v, %+v", run.Schedule, d)
	}
}

// joined is one file of several instances' first lines.
func joined(t *testing.T, sources []Source, executor string) (file []byte) {
	t.Helper()
	for _, s := range sources {
		text, err := io.ReadAll(s)
		if err != nil {
			t.Fatal(err)
		}
		if seeker, ok := s.Reader.(io.Seeker); ok {
			_, _ = seeker.Seek(0, io.SeekStart) // of memory
		}
		lines := bytes.SplitAfter(text, []byte("\n"))
		file = append(file, bytes.Join(append(lines[:6:6], lines[len(lines)-2:]...), nil)...)
	}
	return bytes.ReplaceAll(file, []byte("llm-arrival-rate"), []byte(executor))
}

// A point of k6's output is held to the bounds that a line of records is.
func TestPointsThatNobodyWrites(t *testing.T) {
	t.Parallel()
	const head = `{"metric":"http_reqs","type":"Point","data":{}}` + "\n"
	for point, want := range map[string]string{
		`{"metric":"dropped_iterations","type":"Point","data":{"value":-3}}`: "f:2: negative count -3",
		`{"metric":"dropped_iterations","type":"Point","data":{"value":1e18}}`: "f:2: count out of range at " +
			"1000000000000000000",
		`{"metric":"http_reqs","data":"` + strings.Repeat("a", bufferSize): "f:2: line longer than 0 MiB",
	} {
		k := newK6Reader(strings.NewReader(head+point), "f")
		k.most = bufferSize
		if _, err := k.next(); err == nil || err.Error() != want {
			t.Errorf("%.80s: got %v, want %s", point, err, want)
		}
	}
}

// odd are lines of what programs that err, and machines that were stopped, may write.
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

// short says whether a run's report is made at once: it has few tokens, and takes no longer than an hour.
func short(run *Run) bool {
	tokens := int64(0)
	for _, q := range run.Requests {
		tokens += int64(q.tokenTimes)
	}
	return len(run.Requests) > 0 && tokens <= 1<<16 && run.span(run.Requests) <= 3600
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
		run, err := Read(ReadOptions{Force: true}, Source{"f", bytes.NewReader(file)})
		if err != nil {
			return
		}
		if !short(run) {
			return
		}
		if _, err := pythonJSON(run.Summary(Options{}), ""); err != nil {
			t.Errorf("%q: %v", file, err)
		}
		if err := run.Report(Options{}).WriteTables(io.Discard); err != nil {
			t.Errorf("%q: %v", file, err)
		}
	})
}

// The summary of a report is read with a byte order mark, and with the numbers that Python writes and JSON has not.
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

// A file that was cut while a run wrote to it without appending begins with a hole.
func TestNULsArePassedOver(t *testing.T) {
	t.Parallel()
	hole, file := make([]byte, 3<<18), asRecords(t, sampleLines())
	at := bytes.IndexByte(file, '\n') + 1
	for name, holed := range map[string][]byte{"before": slices.Concat(hole, file),
		"between": slices.Concat(file[:at], hole, file[at:]), "after": slices.Concat(file, hole)} {
		run := mustRead(t, holed)
		if want := mustRead(t, file); len(run.Requests) != len(want.Requests) || run.Partial || len(run.Runs) != 1 {
			t.Errorf("%s: %d requests of %d, partial %t, %d runs", name, len(run.Requests), len(want.Requests),
				run.Partial, len(run.Runs))
		}
		if !slices.ContainsFunc(run.Remarks, func(r string) bool {
			return strings.HasPrefix(r, "f: 786432 NUL bytes are passed over")
		}) {
			t.Errorf("%s: remarks %q", name, run.Remarks)
		}
	}
}

// An end line that counts more requests than there are is that of a run whose records could not all be written.
func TestRequestsThatTheEndCountsAreMissing(t *testing.T) {
	t.Parallel()
	lines := sampleLines()
	here := int64(0)
	for _, line := range lines {
		if _, ok := line.(*record.Request); ok {
			here++
		}
	}
	for told, partial := range map[int64]bool{0: false, here: false, here + 3: true} {
		var file []byte
		for _, line := range append(slices.Clone(lines), &record.End{Status: "finished", Requests: told}) {
			file = append(append(file, text(t, line)...), '\n')
		}
		run := mustRead(t, file)
		told := slices.ContainsFunc(run.Remarks, func(r string) bool {
			return strings.Contains(r, "3 of the 54 requests that its end line counts are not in it")
		})
		if run.Partial != partial || told != partial {
			t.Errorf("%d here: partial %t, want %t; remarks %q", here, run.Partial, partial, run.Remarks)
		}
	}
}

// A device is refused before it is read: /dev/zero would never end.
func TestDevicesAreRefused(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/dev/zero", "/dev/null"} {
		if info, err := os.Stat(path); err != nil || info.Mode()&fs.ModeDevice == 0 {
			testenv.Skip(t, path, "run the tests on a Unix")
		}
		if _, err := ReadFiles(ReadOptions{}, path); err == nil ||
			!strings.Contains(err.Error(), path+" is a device: give a file of records, or a pipe") {
			t.Errorf("got %v", err)
		}
		if err := Recognize(path); err == nil || !strings.Contains(err.Error(), "is a device") {
			t.Errorf("recognized: %v", err)
		}
	}
}

// Whatever stands in the summary of a report, the figures to compare are numbers, and their names those that gates
// know.
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

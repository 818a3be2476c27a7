package convert

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/outfile"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestGoldenReport(t *testing.T) {
	t.Parallel()
	run := mustRead(t, asRecords(t, sampleLines()))
	files := reportFiles(t, run)
	var table bytes.Buffer
	report := NewReport(run, Options{})
	if err := errors.Join(report.WriteVerdict(Screen{W: &table}), report.WriteTables(Screen{W: &table})); err != nil {
		t.Fatal(err)
	}
	files["table.txt"] = table.String()
	if len(files) != 11 {
		t.Errorf("%d files", len(files))
	}
	for name, got := range files {
		if filepath.Ext(name) == ".parquet" {
			continue // they are read back in other tests
		}
		if name == reportdir.Summary {
			got = anyOrigin(t, got)
		}
		path := filepath.Join("testdata", "golden", name)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs from its golden file; -update rewrites it", name)
		}
	}
}

func TestAllInputsGiveTheSameReport(t *testing.T) {
	t.Parallel()
	lines := sampleLines()
	lines = append(lines, &record.Dropped{Scenario: "stage_1", Stage: -1, Count: 2})
	records, points := asRecords(t, lines), asK6JSON(t, lines)
	want := reportFiles(t, mustRead(t, records))
	for name, file := range map[string][]byte{"k6 JSON": points, "k6 JSON, gzip": zip(t, points),
		"gzip": zip(t, records), "zstd": zstandard(t, records)} {
		got := reportFiles(t, mustRead(t, file))
		for path := range want {
			// The end line is not in k6's JSON: the client's health is known from records only.
			if path == reportdir.Summary {
				got[path], want[path] = anyOrigin(t, got[path]), anyOrigin(t, want[path])
			}
			if filepath.Ext(path) != ".parquet" && withoutHealth(got[path]) != withoutHealth(want[path]) {
				t.Errorf("%s: %s differs from the report on the records", name, path)
			}
		}
	}
}

func withoutHealth(report string) string {
	before, after, ok := strings.Cut(report, `"client_health": {`)
	if !ok {
		return report
	}
	_, after, _ = strings.Cut(after, "\n    },")
	return before + after
}

func TestSummaryFigures(t *testing.T) {
	t.Parallel()
	r := mustRead(t, asRecords(t, sampleLines()))
	s := Summarize(r, Options{})
	if s.Load.Count != 50 || s.Successes.Count != 43 || s.Failures.Count != 7 || r.Outside != 1 {
		t.Errorf("%d requests, %d succeeded, %d failed, %d outside", s.Load.Count, s.Successes.Count, s.Failures.Count,
			r.Outside)
	}
	if d := s.Load.ScheduleDelay; d.Min != 0 || d.Max > 0.003 || len(r.Schedule) != 2 ||
		r.Schedule[0].Source != run.ScheduleFitted {
		t.Errorf("schedule %+v, delay %+v", r.Schedule, d)
	}
	if g := s.Successes.Goodput; g == nil || g.Total != 43 || g.TTFT == nil || g.TPOT != nil {
		t.Errorf("goodput %+v", s.Successes.Goodput)
	}
	if !s.Additions.Simulator || s.Additions.Tokens.Output[record.ServerUsage] != 43 ||
		s.Additions.Requests.Canceled == 0 ||
		s.Additions.Requests.OneToken == 0 {
		t.Errorf("additions %+v", s.Additions)
	}
	stages := NewReport(r, Options{}).Stages
	if got := sortedKeys(stages); !slices.Equal(got, []int{0, 1}) {
		t.Fatalf("stages %v", got)
	}
	if l := stages[1].Load; l.Count != 30 || *l.RequestedRate != 3 || math.Abs(float64(*l.AchievedRate)-3) > 0.2 {
		t.Errorf("stage 1: %+v", l)
	}
}

// The sent rate is comparable with the requested rate, however few the requests. The key of inference-perf keeps
// inference-perf's formula.
func TestSentRate(t *testing.T) {
	t.Parallel()
	at := func(seconds ...float64) (list []*record.Request) {
		for _, s := range seconds {
			list = append(list, &record.Request{Scenario: "s", Start: int64((1 + s) * 1e9), End: int64((2 + s) * 1e9)})
		}
		return list
	}
	steady, ramp := record.Stage{Rate: new(2.0), Duration: new(2.0)},
		record.Stage{From: new(0.0), Rate: new(4.0), Duration: new(2.0)}
	for name, tt := range map[string]struct {
		stage    record.Stage
		requests []*record.Request
		cut      run.Cut
		sent     string
		achieved Maybe
		row      string // the rates in the table
	}{
		"steady":          {steady, at(0, 0.5, 1, 1.5), run.Cut{}, "2", Maybe(4 / 1.5), "2.00 2.00"},
		"half of them":    {steady, at(0, 1), run.Cut{}, "1", 2, "2.00 1.00"},
		"ramp":            {ramp, at(1, 1.4142, 1.7321, 2), run.Cut{}, "2", 4, "2.00 2.00"},
		"ramp, a part":    {ramp, at(1, 1.5, 2), run.Cut{Warmup: 0.25}, "2", 4, "2.00 2.00"},
		"no rate":         {record.Stage{}, at(0, 1, 2), run.Cut{}, "1", 1.5, "- 1.00"},
		"one request":     {steady, at(0), run.Cut{}, "null", 0, "2.00 -"},
		"all at one time": {steady, at(0, 0), run.Cut{}, "null", 0, "2.00 -"},
		"flat with a from": {record.Stage{From: new(2.0), Rate: new(2.0), Duration: new(9.0)}, at(0, 0.5), run.Cut{},
			"2",
			4, "2.00 2.00"},
	} {
		run := runOf(t, tt.requests...)
		run.Runs = []*record.Run{{Scenarios: []record.Scenario{{Name: "s", Stages: []record.Stage{tt.stage}}}}}
		run.LeaveOut(tt.cut)
		report := NewReport(run, Options{})
		l := report.Stages[0]
		if got := strings.TrimSuffix(asJSON(t, l.Additions.Requests.SentRate), ".0"); got != tt.sent ||
			*l.Load.AchievedRate != tt.achieved {
			t.Errorf("%s: got %s and %v, want %s and %v", name, got, *l.Load.AchievedRate, tt.sent, tt.achieved)
		}
		var table bytes.Buffer
		if err := report.WriteTables(Screen{W: &table}); err != nil {
			t.Fatal(err)
		}
		asked, sent, _ := strings.Cut(tt.row, " ")
		want := strings.ReplaceAll("0 "+asked+" "+sent+" ", " - ", " ") // a column without a figure is left out
		if !strings.Contains(strings.Join(strings.Fields(table.String()), " "), want) {
			t.Errorf("%s: the table does not hold %q:\n%s", name, want, table.String())
		}
	}
}

func TestMissingValues(t *testing.T) {
	t.Parallel()
	run := runOf(t, &record.Request{Start: 1, End: 1 + second, Streaming: true, Chunks: []int64{500_000}})
	s := Summarize(run, Options{})
	if s.Successes.Latency.TTFT != nil || s.Successes.Latency.TPOT != nil || s.Successes.Latency.ITL != nil ||
		s.Additions.Latency.TTFT.Mean != 0.5 {
		t.Errorf("one token: %+v and %+v", s.Successes.Latency, s.Additions.Latency)
	}
	run = runOf(t, &record.Request{Start: 1, End: 1 + second, Streaming: true})
	s = Summarize(run, Options{})
	if s.Successes.Latency.NTPOT.Mean != 0 || s.Additions.Latency.NTPOT != nil || s.Load.ScheduleDelay != nil {
		t.Errorf("no token: %+v and %+v", s.Successes.Latency, s.Additions.Latency)
	}
	run = runOf(t, &record.Request{Start: 1, End: 1 + second, Streaming: true, ErrorType: record.ErrorReset})
	s = Summarize(run, Options{})
	if s.Successes.Latency.Request != nil || s.Successes.Image.Count != nil || s.Failures.Latency.Mean != 1 ||
		s.Successes.Throughput.Requests != 0 {
		t.Errorf("no success: %+v", s.Successes)
	}
}

func TestPercentiles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		values []float64
		p      float64
		want   float64
	}{
		{[]float64{7}, 99, 7}, {[]float64{3, 1, 2}, 50, 2}, {[]float64{1, 2, 3, 4}, 50, 2.5},
		{[]float64{1, 2, 3, 4}, 90, 3.7},
		{[]float64{1, 2}, 0, 1}, {[]float64{1, 2}, 100, 2}, {[]float64{0, 10}, 0.1, 0.01},
	} {
		got, _ := NewDistribution(slices.Clone(tt.values), []float64{tt.p}).At(tt.p)
		if math.Abs(got-tt.want) > 1e-15*math.Abs(tt.want) {
			t.Errorf("percentile %v of %v: got %v, want %v", tt.p, tt.values, got, tt.want)
		}
	}
	for p, want := range map[float64]string{50: "median", 0.1: "p0.1", 1: "p1", 99.9: "p99.9", 99.99: "p99.99",
		12.345678901: "p12.3457"} {
		if got := percentileKey(p); got != want {
			t.Errorf("key of %v: got %s, want %s", p, got, want)
		}
	}
}

func TestNumbersLookAsPythonWritesThem(t *testing.T) {
	t.Parallel()
	for value, want := range map[float64]string{
		184: "184.0", 0: "0.0", 0.1: "0.1", 1e-5: "1e-05", 0.0001: "0.0001", 1e16: "1e+16", 1e15: "1000000000000000.0",
		-2.5: "-2.5", math.Inf(1): "null",
	} {
		if got := pythonFloat(value); got != want {
			t.Errorf("%v: got %s, want %s", value, got, want)
		}
	}
	if got := pythonFloat(math.NaN()); got != "null" {
		t.Errorf("NaN: got %s", got)
	}
	if got, _ := pythonJSON(map[string]string{"a": "<é😀>"},
		""); string(got) != "{\n  \"a\": \"<\\u00e9\\ud83d\\ude00>\"\n}" {
		t.Errorf("got %s", got)
	}
}

func TestWindow(t *testing.T) {
	t.Parallel()
	r := mustRead(t, asRecords(t, sampleLines()))
	r.LeaveOut(run.Cut{Warmup: 5, Cooldown: 5})
	first, last := r.Requests[0].Due, r.Requests[len(r.Requests)-1].Due
	if w := Summarize(r, Options{}).Additions.Window; last-first > 11*second || w.Warmup != 5 ||
		w.Left != 50-len(r.Requests) || w.Left < 20 {
		t.Errorf("%d requests over %d s, window %+v", len(r.Requests), (last-first)/second, w)
	}
}

func TestParquet(t *testing.T) {
	t.Parallel()
	r := mustRead(t, asRecords(t, sampleLines()))
	dir := t.TempDir()
	requests, chunks := filepath.Join(dir, "r.parquet"), filepath.Join(dir, "c.parquet")
	if err := outfile.Write(requests, outfile.Options{}, NewRequestTable(r).WriteParquet); err != nil {
		t.Fatal(err)
	}
	if err := outfile.Write(chunks, outfile.Options{}, NewRequestTable(r).WriteChunks); err != nil {
		t.Fatal(err)
	}
	rows, err := parquet.ReadFile[run.Row](requests)
	if err != nil || len(rows) != 50 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	arrivals := 0
	for i, row := range rows {
		q := r.Requests[i]
		var rec record.Request
		q.Unpack(&rec)
		if row.RequestID != q.ID() || *row.TTFT != float64(rec.Chunks[0])/1000 ||
			!slices.Equal(row.Chunks, rec.Chunks) || row.Stage != q.Stage || *row.Due != q.Due {
			t.Errorf("row %d: %+v", i, row)
		}
		if row.ErrorType != q.ErrorType || (row.NTPOT == nil) != (len(rec.Chunks) == 0) {
			t.Errorf("row %d: NTPOT %v of %d chunks, error %q", i, row.NTPOT, len(rec.Chunks), row.ErrorType)
		}
		arrivals += len(rec.Chunks)
	}
	list, err := parquet.ReadFile[ChunkRow](chunks)
	if err != nil || len(list) != arrivals {
		t.Errorf("%d rows for %d chunks, %v", len(list), arrivals, err)
	}
	data, err := os.ReadFile(requests)
	if err != nil {
		t.Fatal(err)
	}
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if id, _ := file.Lookup("run_id"); id != "run" {
		t.Errorf("run_id %q in the file's metadata", id)
	}
}

func TestPerRequestFile(t *testing.T) {
	t.Parallel()
	stream := "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\ndata: " +
		"{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\r\n\ndata:{\"choices\":[{\"text\":\"b\"}]}\n\ndata: [DONE]\n\n"
	ok := &record.Request{
		Start: 5 * second, End: 7 * second, Streaming: true, Chunks: []int64{500_000, 1_000_000},
		Usage:       []byte(`{"prompt_tokens":3,"completion_tokens":2}`),
		RequestBody: "{}", ResponseBody: stream, FinishReason: "stop",
	}
	failed := &record.Request{Start: 6 * second, End: 6 * second, ErrorType: record.ErrorHTTP, Status: 500, Error: "no"}
	var buf, got bytes.Buffer
	if err := writePerRequest(runOf(t, ok, failed), &buf, DefaultFields, Options{}); err != nil {
		t.Fatal(err)
	}
	if err := json.Compact(&got, buf.Bytes()); err != nil {
		t.Fatal(err)
	}
	want := `[{"start_time":1.0,"end_time":1.0,"request":"","response":null,"info":{"request_metrics":{"text":{"input_tokens":0},"image":null,"video":null,"audio":null},` +
		`"response_metrics":null,"extra_info":{},"lora_adapter":null,"graph_event_id":null,"labels":{},"input_tokens":0},"error":{"error_type":"HTTP Error 500","error_msg":"no"}},` +
		`{"start_time":0.0,"end_time":2.0,"request":"{}","response":"STREAM","info":{"request_metrics":{"text":{"input_tokens":3},"image":null,"video":null,"audio":null},` +
		`"response_metrics":{"output_tokens":2,"server_usage":{"prompt_tokens":3,"completion_tokens":2},"response_chunks":["{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}","{\"choices\":[{\"text\":\"b\"}]}"],` +
		`"chunk_times":[0.5,1.0],"output_token_times":[0.5,1.0]},"extra_info":{},"lora_adapter":null,"graph_event_id":null,"labels":{},"input_tokens":3},"error":null}]`
	quoted, err := json.Marshal(stream)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != strings.Replace(want, `"STREAM"`, string(quoted), 1) {
		t.Errorf("got  %s\nwant %s", got.String(), want)
	}
}

package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

var allLines = []Line{
	&Run{Schema: Schema, ID: "r", Instance: "i", Segment: "0:1/2", SegmentSequence: "0,1/2,1", Start: 1, Versions: map[string]string{"k6": "v2"}, Seed: new(int64(1)),
		Scenarios: []Scenario{{Name: "s", Executor: "ramping-arrival-rate", StartAt: 1.5, Stages: []Stage{{Index: 0, From: new(0.0), Rate: new(2.5), Duration: new(10.0)}}}}},
	&Client{Number: 1, SLO: &Bounds{TTFT: 500}, Simulator: true, Options: map[string]any{"api": "chat"}},
	&Request{ID: "a-1", Scenario: "s", Stage: 2, Index: 7, Seq: 1, API: "chat", Model: "m", Streaming: true, Due: new(int64(5)), Start: 6, End: 9_000_000, Connected: 7, FirstByte: 8,
		Chunks: []int64{1, 2, 2}, ChunkTokens: []int{1, 0, 2}, Reasoning: []int64{1}, ToolCalls: []int64{2}, Prompt: new(0), Completion: new(3), MaxTokens: 4,
		Usage: json.RawMessage(`{"completion_tokens":3}`), FinishReason: "stop", Status: 200, BytesSent: 10, BytesReceived: 20, ErrorType: ErrorHTTP, Error: "e\n\"", Note: "n",
		SLO: &Bounds{TPOT: 50}, Good: new(false), RequestBody: "{}", ResponseBody: "é"},
	&Request{Start: 1, End: 2, Stage: -1, Chunks: []int64{}},
	&Dropped{Scenario: "s", Stage: 1, Index: new(int64(3)), Due: new(int64(4)), Count: 1},
	&Stage{Index: 1, Start: 2, End: 3, Status: "completed"},
	&Server{Time: 1, Values: map[string]float64{"running": 2}},
	&Heartbeat{Start: 1, End: 1_000_001, Beats: 200, P99: 3, Max: 4, CPU: 5, Pressure: Pressure{Waited: new(int64(6))}, Late: [][2]int64{{-7, 8}, {20, 980}}},
	&End{Status: "finished", Time: 1, Requests: 2, Failed: 1, Dropped: 3, Health: Health{CPUShare: 0.5, LatenessP50: new(int64(1))}},
}

func TestLinesReadBack(t *testing.T) {
	t.Parallel()
	var file []byte
	for _, line := range allLines {
		text, err := Append(nil, line)
		if err != nil {
			t.Fatal(err)
		}
		if prefix := fmt.Sprintf(`{"type":%q,`, line.lineType()); !strings.HasPrefix(string(text), prefix) || !json.Valid(text) {
			t.Errorf("%s does not begin with %s", text, prefix)
		}
		file = append(append(file, text...), '\n')
	}
	r := NewReader(bytes.NewReader(file), "run.jsonl")
	for _, want := range allLines {
		got, err := r.Next()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v\nwant %+v", got, err, want)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("after the last line: %v", err)
	}
}

func TestAppendRefusesWhatJSONCannotHold(t *testing.T) {
	t.Parallel()
	_, err := Append(nil, &Server{Values: map[string]float64{"x": math.NaN()}})
	if err == nil || !strings.HasPrefix(err.Error(), "encoding a server line: ") {
		t.Errorf("got %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`{"type":"requests"}`:            `unknown line type "requests"`,
		`{}`:                             `unknown line type ""`,
		`{"type":"run"`:                  "run line: unexpected end of JSON input",
		`nonsense`:                       "not a JSON object",
		`{"type":"run","schema":"x/9"}`:  `schema "x/9" is not "xk6-llm/1"`,
		`{"type":"request","stage":"x"}`: `field "stage": want a whole number, got string`,
		`{"type":"request"}`:             `missing field "start_ns"`,
		`{"type":"request","start_ns":5,"end_ns":null}`:                                            `missing field "end_ns"`,
		`{"type":"request","start_ns":5}`:                                                          `missing field "end_ns"`,
		`{"type":"request","start_ns":5,"end_ns":6,"max_tokens":5.0}`:                              `field "max_tokens": want a whole number, got number 5.0`,
		`{"type":"request","start_ns":5,"end_ns":6,"max_tokens": NaN}`:                             `field "max_tokens": "NaN" is no value in JSON`,
		`{"type":"request","slo":{"ttft":-Infinity}}`:                                              `field "ttft": "-Infinity" is no value in JSON`,
		`{"type":"request","chunks_us":[1,"x"]}`:                                                   `field "chunks_us": want a whole number, got string`,
		`{"type":"request","start_ns":5,"end_ns":4}`:                                               "end_ns lies before start_ns",
		`{"type":"request","start_ns":5,"end_ns":9,"chunks_us":[2,1]}`:                             "chunk times go backwards at 1",
		`{"type":"request","start_ns":5,"end_ns":9,"chunks_us":[-1]}`:                              "chunk times go backwards at -1",
		`{"type":"request","start_ns":5,"end_ns":9,"chunks_us":[1],"chunk_tokens":[1,2]}`:          "2 chunk_tokens for 1 chunks_us",
		`{"type":"request","start_ns":5,"end_ns":9,"chunks_us":[1],"chunk_tokens":[-2]}`:           "chunk_tokens out of range",
		`{"type":"request","start_ns":5,"end_ns":9,"chunks_us":[1,1],"chunk_tokens":[67108864,1]}`: "chunk_tokens out of range",
		`{"type":"dropped","count":-1}`:                                                            "negative count",
	} {
		if _, err := Parse([]byte(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", line, err, want)
		}
	}
}

func TestReaderNamesTheLineAndGoesOn(t *testing.T) {
	t.Parallel()
	const file = "{\"type\":\"stage\",\"index\":1}\n\n  \r\nbad\n{\"type\":\"stage\",\"index\":2}\n{\"type\":\"sta"
	r := NewReader(strings.NewReader(file), "run.jsonl")
	if line, err := r.Next(); err != nil || line.(*Stage).Index != 1 {
		t.Errorf("first: %v, %v", line, err)
	}
	var bad *SyntaxError
	if _, err := r.Next(); !errors.As(err, &bad) || bad.Cut || err.Error() != "run.jsonl:4: not a JSON object" {
		t.Errorf("second: %v", err)
	}
	if line, err := r.Next(); err != nil || line.(*Stage).Index != 2 {
		t.Errorf("third: %v, %v", line, err)
	}
	if _, err := r.Next(); !errors.As(err, &bad) || !bad.Cut || bad.Line != 6 {
		t.Errorf("a line cut by a kill: %v", err)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("end: %v", err)
	}
}

// A file is read with the byte order mark and the line ends of Windows, and without a last line break; UTF-16 is named.
func TestReaderTakesFilesAsTheyAre(t *testing.T) {
	t.Parallel()
	r := NewReader(strings.NewReader("\ufeff{\"type\":\"stage\",\"index\":1}\r\n\r\n{\"type\":\"stage\",\"index\":2}"), "run.jsonl")
	for want := 1; want <= 2; want++ {
		if line, err := r.Next(); err != nil || line.(*Stage).Index != want {
			t.Errorf("line %d: %v, %v", want, line, err)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("end: %v", err)
	}
	if _, err := NewReader(strings.NewReader("\xff\xfe{\x00"), "run.jsonl").Next(); !errors.Is(err, textfile.ErrUTF16) {
		t.Errorf("UTF-16: got %v", err)
	}
}

func FuzzReader(f *testing.F) {
	for _, line := range allLines {
		text, _ := Append(nil, line)
		f.Add(append(text, '\n'))
	}
	f.Add([]byte("{\"type\":\"request\",\"start_ns\":1,\"end_ns\":2,\"chunks_us\":[1],\"chunk_tokens\":[3]}"))
	f.Fuzz(func(t *testing.T, file []byte) {
		r := NewReader(bytes.NewReader(file), "f")
		for {
			line, err := r.Next()
			var bad *SyntaxError
			if errors.As(err, &bad) {
				continue
			}
			if err != nil {
				return
			}
			if req, ok := line.(*Request); ok {
				useAll(t, req)
			}
		}
	})
}

// useAll calls what a report calls, on a record from anywhere.
func useAll(t *testing.T, r *Request) {
	t.Helper()
	tokens := 0
	for _, n := range r.ChunkTokens {
		tokens += n
	}
	if tokens < 1<<16 {
		mean, known := r.MeanITL()
		gaps := r.AppendITL(nil)
		if known != (len(gaps) > 0) || known && mean < 0 {
			t.Errorf("mean ITL %v, %t of %d gaps", mean, known, len(gaps))
		}
	}
	if d, known := r.TPOT(r.Counts()); known && d < 0 {
		t.Errorf("TPOT %v", d)
	}
	r.TTFT()
	r.NTPOT(r.Counts())
	if _, err := Append(nil, r); err != nil {
		t.Errorf("does not write again: %v", err)
	}
}

func BenchmarkAppend(b *testing.B) {
	r := &Request{ID: "0123456789ab-1", Scenario: "stage_0", API: "chat", Model: "m", Start: 1795480974947035632, End: 1795480976947035632, Usage: json.RawMessage(`{"prompt_tokens":100,"completion_tokens":200}`), Status: 200}
	for i := range int64(200) {
		r.Chunks = append(r.Chunks, 50_000+i*10_000)
	}
	for b.Loop() {
		if _, err := Append(nil, r); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/200, "ns/token")
}

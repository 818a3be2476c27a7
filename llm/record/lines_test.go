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
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

var allLines = []Line{
	&Run{Schema: Schema, ID: "r", Instance: "i", Segment: "0:1/2", SegmentSequence: "0,1/2,1", Start: 1,
		Versions: map[string]string{"k6": "v2"}, Seed: new(int64(1)),
		Scenarios: []Scenario{{Name: "s", Executor: "ramping-arrival-rate", StartAt: 1.5,
			Stages: []Stage{{Index: 0, From: new(0.0), Rate: new(2.5), Duration: new(10.0)}}}}},
	&Client{Number: 1, SLO: &Bounds{TTFT: 500}, Simulator: true, Options: map[string]any{"api": "chat"}},
	&Request{ID: "a-1", Scenario: "s", Stage: 2, Index: 7, Seq: 1, API: "chat", Model: "m", Streaming: true,
		Due: new(int64(5)), Start: 6, End: 9_000_000, Connected: 7, Written: 7, FirstByte: 8,
		Chunks: []int64{1, 2, 2}, ChunkTokens: []int{1, 0, 2}, Reasoning: []int64{1}, ToolCalls: []int64{2},
		Prompt: new(0), Completion: new(3), MaxTokens: 4,
		Usage: json.RawMessage(`{"completion_tokens":3}`), FinishReason: "stop", Status: 200, BytesSent: 10,
		BytesReceived: 20, ErrorType: ErrorHTTP, Error: "e\n\"", Note: "n",
		SLO: &Bounds{TPOT: 50}, Good: new(false), RequestBody: "{}", ResponseBody: "é"},
	&Request{Start: 1, End: 2, Stage: -1, Chunks: []int64{}},
	&Request{Start: 1, End: 2, Chunks: []int64{}, Call: &Call{ID: "event_000_a", Ready: 1}},
	&Request{Start: 1, End: 2, Chunks: []int64{}, Call: fullCall()},
	&Request{Start: 1, End: 2, Chunks: []int64{}, Media: []Media{*fullMedia(), {Kind: MediaAudio}}, Sent: 3},
	&Request{Start: 1, End: 2, Chunks: []int64{1, 2}, ChunkBytes: []int64{480, 0}, Output: []Media{*fullMedia()},
		AskedSize: "auto", ServerSeconds: 2.25,
		Poll: fullPoll()},
	&Session{Scenario: "s", ID: "trace0_a", Start: 1, End: 2},
	fullSession(),
	&Dropped{Scenario: "s", Stage: 1, Index: new(int64(3)), Due: new(int64(4)), Count: 1},
	&Stage{Index: 1, Start: 2, End: 3, Status: "completed"},
	&Server{Time: 1, Values: map[string]float64{"running": 2}},
	&Heartbeat{Start: 1, End: 1_000_001, Beats: 200, P99: 3, Max: 4, CPU: 5, Pressure: Pressure{Waited: new(int64(6))},
		Late: [][2]int64{{-7, 8}, {20, 980}}},
	fullSearch(),
	&Search{Scenario: "s", Over: OverConcurrency, SearchAnswer: SearchAnswer{SLO: "failures<1%"},
		Tiers: []SearchTier{}, Probes: []SearchProbe{}},
	&End{Status: "finished", Time: 1, Requests: 2, Failed: 1, Unfinished: 1, Dropped: 3,
		Health: Health{CPUShare: 0.5, LatenessP50: new(int64(1))}},
}

// fullCall has everything that a call can have.
func fullCall() *Call {
	return &Call{Number: 4, ID: "event_004_b", After: []int{1, 3}, Ready: 5, Wait: 250_000, Pause: "tool", Held: 50_000,
		PromptTokens: 40, OutputTokens: 8, UserFacing: true, Primes: true, BlockSize: 16, SharedWith: 3, Shared: 1,
		Blocks: []byte{1, 2, 3, 4, 5, 6, 7, 255}, Labels: map[string]string{"agent": "planner"}}
}

// fullMedia has everything that a picture, a video or a sound can have.
func fullMedia() *Media {
	return &Media{Kind: MediaVideo, Format: "png_frames", Width: 640, Height: 480, Frames: 8, Seconds: 0.8,
		Bytes: 70_000, Tokens: 1024, ID: "3f0a", URL: true}
}

func fullPoll() *Poll { return &Poll{Count: 3, Created: 4, Bound: 50_000, Download: 5} }

// fullSession has everything that a session can have.
func fullSession() *Session {
	return &Session{Scenario: "s", Stage: 1, Warmup: true, Index: 3, Client: 1, ID: "trace3_a", Origin: "a.json",
		Due: new(int64(1)), Start: 2, End: 9, Calls: 5, Completed: 3, Sent: 4, ErrorType: SessionRequestFailed,
		Error: `call "event_003_a": http 500`, Substituted: []string{"event_001_a"}, UserFacing: []string{"event_002_a"},
		Structured: 1}
}

func TestLinesReadBack(t *testing.T) {
	t.Parallel()
	var file []byte
	for _, line := range allLines {
		text, err := Append(nil, line)
		if err != nil {
			t.Fatal(err)
		}
		if prefix := fmt.Sprintf(`{"type":%q,`, line.lineType()); !strings.HasPrefix(string(text), prefix) ||
			!json.Valid(text) {
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
		`{"type":"request","start_ns":5,"end_ns":null}`:                                                       `missing field "end_ns"`,
		`{"type":"request","start_ns":5}`:                                                                     `missing field "end_ns"`,
		`{"type":"request","start_ns":5,"end_ns":6,"max_tokens":5.0}`:                                         `field "max_tokens": want a whole number, got number 5.0`,
		`{"type":"request","start_ns":5,"end_ns":6,"max_tokens": NaN}`:                                        `field "max_tokens": "NaN" is no value in JSON`,
		`{"type":"request","slo":{"ttft":-Infinity}}`:                                                         `field "ttft": "-Infinity" is no value in JSON`,
		`{"type":"request","chunks_us":[1,"x"]}`:                                                              `field "chunks_us": want a whole number, got string`,
		`{"type":"request","start_ns":5,"end_ns":4}`:                                                          "end_ns lies before start_ns",
		`{"type":"request","start_ns":5,"end_ns":9,"chunks_us":[2,1]}`:                                        "chunk times go backwards at 1",
		`{"type":"request","start_ns":5,"end_ns":9,"chunks_us":[-1]}`:                                         "chunk times go backwards at -1",
		`{"type":"request","start_ns":5,"end_ns":9,"chunks_us":[1],"chunk_tokens":[1,2]}`:                     "2 chunk_tokens for 1 chunks_us",
		`{"type":"request","start_ns":5,"end_ns":9,"chunks_us":[1],"chunk_tokens":[-2]}`:                      "chunk_tokens out of range",
		`{"type":"request","start_ns":5,"end_ns":9,"chunks_us":[1,1],"chunk_tokens":[67108864,1]}`:            "chunk_tokens out of range",
		`{"type":"dropped","count":-1}`:                                                                       "negative count",
		`{"type":"dropped","count":1,"index":-1}`:                                                             "negative index -1",
		`{"type":"dropped","count":1,"due_ns":-1}`:                                                            "negative due_ns -1",
		`{"type":"dropped","count":1,"stage":-2}`:                                                             "negative stage -2",
		`{"type":"request","start_ns":5,"end_ns":9,"chunks_us":[1000000000000]}`:                              "a chunk at 1000000000000 us lies after the end",
		`{"type":"request","start_ns":5,"end_ns":9,"chunks_us":[],"reasoning_us":[2000]}`:                     "a chunk at 2000 us lies after the end",
		`{"type":"request","start_ns":5,"end_ns":9,"chunks_us":[],"tool_calls_us":[2000]}`:                    "a chunk at 2000 us lies after the end",
		`{"type":"request","start_ns":5,"end_ns":9000000000000000000}`:                                        "end_ns out of range at 9000000000000000000",
		`{"type":"request","start_ns":5,"end_ns":9,"due_ns":10}`:                                              "due_ns lies after end_ns",
		`{"type":"request","start_ns":5,"end_ns":9,"due_ns":0}`:                                               "due_ns out of range at 0",
		`{"type":"request","start_ns":5,"end_ns":9,"due_ns":-9223372036854775808}`:                            "due_ns out of range",
		`{"type":"request","start_ns":5,"end_ns":9,"connected_ns":4}`:                                         "connected_ns lies outside",
		`{"type":"request","start_ns":5,"end_ns":9,"first_byte_ns":-1}`:                                       "first_byte_ns lies outside",
		`{"type":"request","start_ns":5,"end_ns":9,"first_byte_ns":1000000010}`:                               "first_byte_ns lies outside",
		`{"type":"request","start_ns":5,"end_ns":9,"attempt_ns":9223372036854775807}`:                         "attempt_ns lies outside",
		`{"type":"request","start_ns":5,"end_ns":9,"server_date_s":-1}`:                                       "negative server_date_s -1",
		`{"type":"request","start_ns":5,"end_ns":9,"max_tokens":-1}`:                                          "negative max_tokens -1",
		`{"type":"request","start_ns":5,"end_ns":9,"prompt_tokens":-1}`:                                       "negative number of tokens -1",
		`{"type":"request","start_ns":5,"end_ns":9,"completion_tokens":2147483648}`:                           "number of tokens out of range at 2147483648",
		`{"type":"request","start_ns":5,"end_ns":9,"prompt_tokens_asked":-1}`:                                 "negative prompt_tokens_asked -1",
		`{"type":"request","start_ns":5,"end_ns":9,"bytes_received":-1}`:                                      "negative bytes_received -1",
		`{"type":"request","start_ns":5,"end_ns":9,"retries":-1}`:                                             "negative retries -1",
		`{"type":"request","start_ns":5,"end_ns":9,"status":1000}`:                                            "status out of range at 1000",
		`{"type":"request","start_ns":5,"end_ns":9,"stage":-2}`:                                               "negative stage -2",
		`{"type":"request","start_ns":5,"end_ns":9,"slo":{"ttft_ms":-1}}`:                                     "negative slo -1",
		`{"type":"client","number":-1}`:                                                                       "negative number -1",
		`{"type":"client","slo":{"tpot_ms":-1}}`:                                                              "negative slo -1",
		`{"type":"stage","index":-1}`:                                                                         "negative index -1",
		`{"type":"stage","start_ns":-1}`:                                                                      "negative start_ns -1",
		`{"type":"stage","end_ns":9223372036854775807}`:                                                       "end_ns out of range",
		`{"type":"stage","duration":1e11}`:                                                                    "duration 1e+11 is not positive, or out of range",
		`{"type":"server","time_ns":-1}`:                                                                      "negative time_ns -1",
		`{"type":"server","failed_scrapes":-1}`:                                                               "negative failed_scrapes -1",
		`{"type":"run","schema":"xk6-llm/1","start":-1}`:                                                      "negative start -1",
		`{"type":"run","schema":"xk6-llm/1","scenarios":[{"start_time":-1}]}`:                                 "negative start_time -1",
		`{"type":"run","schema":"xk6-llm/1","scenarios":[{"stages":[{"rate":-5}]}]}`:                          "stage 0: negative rate -5",
		`{"type":"run","schema":"xk6-llm/1","scenarios":[{"stages":[{"rate":1e300}]}]}`:                       "stage 0: rate out of range at 1e+300",
		`{"type":"run","schema":"xk6-llm/1","scenarios":[{"stages":[{"concurrency":-1}]}]}`:                   "stage 0: negative number of requests -1",
		`{"type":"heartbeat","end_ns":1}`:                                                                     `missing field "start_ns"`,
		`{"type":"heartbeat","start_ns":2,"end_ns":1}`:                                                        "end_ns lies before start_ns",
		`{"type":"heartbeat","start_ns":1,"end_ns":9000,"late_us":[[-9223372036854775808,9]]}`:                "late span [-9223372036854775808 9]",
		`{"type":"heartbeat","start_ns":1,"end_ns":9000,"late_us":[[9,9]]}`:                                   "late span [9 9]",
		`{"type":"end","end_ns":-1}`:                                                                          "negative end_ns -1",
		`{"type":"end","requests":-1}`:                                                                        "negative requests -1",
		`{"type":"end","client_health":{"cpu_share":-1}}`:                                                     "negative cpu_share -1",
		`{"type":"end","client_health":{"cpu_share":1e9}}`:                                                    "cpu_share out of range at 1e+09",
		`{"type":"end","client_health":{"steal_share":-9e18}}`:                                                "negative steal_share -9e+18",
		`{"type":"end","client_health":{"gomaxprocs":-1}}`:                                                    "negative gomaxprocs -1",
		`{"type":"end","client_health":{"gc_pause_total_ns":-1}}`:                                             "negative gc_pause_total_ns -1",
		`{"type":"end","client_health":{"lateness_p99_ns":-9223372036854775808}}`:                             "negative lateness",
		`{"type":"end","client_health":{"lateness_max_ns":9223372036854775807}}`:                              "lateness out of range",
		`{"type":"request","start_ns":5,"end_ns":9,"chunks_us":[1,1],"chunk_tokens":[1,9223372036854775807]}`: "chunk_tokens out of range",
		`{"type":"dropped","count":2000000000000}`:                                                            "count out of range",
		`{"type":"heartbeat","start_ns":5,"end_ns":9,"beats":2000000000000}`:                                  "beats out of range",
		`{"type":"heartbeat","start_ns":5,"end_ns":9,"cpu_ns":90071992547409930}`:                             "cpu_ns out of range",
		`{"type":"heartbeat","start_ns":5,"end_ns":9,"late_us":[[-9223372036854775808,1000]]}`:                "late span [-9223372036854775808 1000] does not lie in the line's time",
		`{"type":"heartbeat","start_ns":5,"end_ns":9,"late_us":[[-31622400000001,1]]}`:                        "does not lie in the line's time",
		`{"type":"heartbeat","start_ns":5,"end_ns":9,"late_us":[[0,9223372036854775807]]}`:                    "does not lie in the line's time",
		callLine(`"number":-1,"ready_ns":5`):                                                                  "call: negative number -1",
		callLine(`"ready_ns":0`):                                                                              "call: ready_ns out of range at 0",
		callLine(`"ready_ns":5,"wait_us":-1`):                                                                 "call: negative wait_us -1",
		callLine(`"ready_ns":5,"held_us":9223372036854775807`):                                                "call: held_us out of range",
		callLine(`"ready_ns":5,"prompt_tokens":2147483648`):                                                   "call: prompt_tokens out of range",
		callLine(`"number":2,"ready_ns":5,"after":[1,1]`):                                                     "call 2: after is not in order, or names a later call, at 1",
		callLine(`"number":2,"ready_ns":5,"after":[2]`):                                                       "call 2: after is not in order, or names a later call, at 2",
		callLine(`"ready_ns":5,"block_size":16,"blocks":"AAAA"`):                                              "call 0: blocks have 3 bytes, not a multiple of 8",
		callLine(`"ready_ns":5,"blocks":"AAAAAAAAAAA="`):                                                      "call 0: blocks without block_size",
		callLine(`"ready_ns":5,"block_size":16,"shared":1`):                                                   "call 0: shared_with names no earlier call, but 0",
		callLine(`"number":1,"ready_ns":5,"block_size":16,"shared":1,"shared_with":-1`):                       "call 1: shared_with names no earlier call, but -1",
		`{"type":"session","start_ns":5,"end_ns":9}`:                                                          `missing field "session_id"`,
		`{"type":"session","session_id":"s","end_ns":9}`:                                                      `missing field "start_ns"`,
		`{"type":"session","session_id":"s","start_ns":5}`:                                                    `missing field "end_ns"`,
		`{"type":"session","session_id":"s","start_ns":5,"end_ns":4}`:                                         "end_ns lies before start_ns",
		`{"type":"session","session_id":"s","start_ns":5,"end_ns":9,"due_ns":-1}`:                             "due_ns out of range at -1",
		`{"type":"session","session_id":"s","start_ns":5,"end_ns":9,"stage":-2}`:                              "negative stage -2",
		`{"type":"session","session_id":"s","start_ns":5,"end_ns":9,"calls":2,"completed":2,"sent":1}`:        "2 calls completed of 1 sent of 2",
		`{"type":"session","session_id":"s","start_ns":5,"end_ns":9,"completed":-1}`:                          "negative completed -1",
		`{"type":"session","session_id":"s","start_ns":5,"end_ns":9000000000000000000}`:                       "end_ns out of range",
	} {
		if _, err := Parse([]byte(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", line, err, want)
		}
	}
}

// callLine is a request line with the given members of its call.
func callLine(members string) string {
	return `{"type":"request","start_ns":5,"end_ns":9,"call":{` + members + `}}`
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

// Files with the byte-order mark and the line ends of Windows, and without a last line break, are read; the error for
// UTF-16 names it.
func TestReaderTakesFilesAsTheyAre(t *testing.T) {
	t.Parallel()
	r := NewReader(strings.NewReader("\ufeff{\"type\":\"stage\",\"index\":1}\r\n\r\n{\"type\":\"stage\",\"index\":2}"),
		"run.jsonl")
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
	for _, line := range []string{
		`{"type":"request","start_ns":1,"end_ns":2,"chunks_us":[1],"chunk_tokens":[3]}`,
		`{"type":"request","start_ns":1,"end_ns":2,"chunks_us":[1,1],"chunk_tokens":[1,9223372036854775807]}`,
		"\xef\xbb\xbf{\"type\":\"heartbeat\",\"start_ns\":5,\"end_ns\":1000000005,\"beats\":200," +
			"\"late_us\":[[-5000,6000],[-9223372036854775808,1],[1e9,1]]}\r\n{\"type\":\"hea",
		`{"type":"request","start_ns":1,"end_ns":2,"chunks_us":[0],"usage":` + strings.Repeat("[", 500) +
			strings.Repeat("]", 500) + `,"error":"\u0000\u001b[2J\u202e\ud800","written_ns":-1}`,
		`{"type":"request","start_ns":1e18,"end_ns":2,"chunks_us":null,"id":7,"slo":{"ttft_ms":1e308},"usage":{"prompt_tokens":1e308,"completion_tokens":-0}}`,
		`{"type":"request","start_ns":1,"end_ns":2,"chunks_us":[1000000000000],"due_ns":-9223372036854775808}`,
		`{"type":"request","start_ns":9223372036854775806,"end_ns":9223372036854775807,"max_tokens":-1,"server_date_s":9223372036854775807}`,
		`{"type":"end","client_health":{"cpu_share":-1,"steal_share":-9e18,"lateness_p99_ns":-9223372036854775808}}`,
		callLine(`"number":9,"ready_ns":1,"after":[0,8],"block_size":1,"shared":2147483647,"shared_with":8,"blocks":"AAAAAAAAAAA="`),
		`{"type":"session","session_id":"s","start_ns":5,"end_ns":9,"calls":3,"sent":2,"completed":1,"substituted":[null,"\u0000"]}`,
	} {
		f.Add([]byte(line))
	}
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

// useAll calls every method that a report calls, on a record from any source.
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
	if first, ok := r.TTFT(); ok && (first < 0 || first > r.Latency()+2*time.Millisecond) {
		t.Errorf("TTFT %v of a request of %v", first, r.Latency())
	}
	r.NTPOT(r.Counts())
	if _, err := Append(nil, r); err != nil {
		t.Errorf("the record cannot be written again: %v", err)
	}
}

// Lines that real clients write at the edges of the bounds are read: a chunk in the microsecond of the end, a byte that
// came as the request was given up, a request that failed before it was sent, a stage that was interrupted before it
// began.
func TestParseTakesWhatClientsWrite(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		`{"type":"request","start_ns":1795000000123456789,"end_ns":1795000000123457788,"chunks_us":[0,0]}`,
		`{"type":"request","start_ns":1795000000123456789,"end_ns":1795000001123456788,"chunks_us":[999999]}`,
		`{"type":"request","start_ns":5,"end_ns":5,"chunks_us":[],"connected_ns":7,"first_byte_ns":9,"error_type":"canceled"}`,
		`{"type":"request","start_ns":5,"end_ns":9,"due_ns":9,"stage":-1,"chunks_us":[]}`,
		`{"type":"stage","index":1,"start_ns":9,"end_ns":5,"status":"interrupted"}`,
		`{"type":"end","status":"finished","end_ns":0,"client_health":{"cpu_share":1.02,"steal_share":-0.0001,"gomaxprocs":0,"lateness_p50_ns":-900}}`,
		`{"type":"run","schema":"xk6-llm/1","start":0,"scenarios":[{"stages":[{"rate":4,"duration":7766279630.45}]}]}`,
	} {
		if _, err := Parse([]byte(line)); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

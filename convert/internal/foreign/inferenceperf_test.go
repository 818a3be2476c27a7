package foreign

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

const perRequest = "../../testdata/inference-perf/h_failures/per_request_lifecycle_metrics.json.gz"

// plainElement is an element as encoding/json decodes it.
type plainElement struct {
	Start    float64 `json:"start_time"`
	End      float64 `json:"end_time"`
	Request  string
	Response string
	Info     struct {
		Response *struct {
			Output int             `json:"output_tokens"`
			Usage  json.RawMessage `json:"server_usage"`
			Chunks []float64       `json:"chunk_times"`
			Tokens []float64       `json:"output_token_times"`
		} `json:"response_metrics"`
		Input int `json:"input_tokens"`
	}
	Error *struct {
		Type    string `json:"error_type"`
		Message string `json:"error_msg"`
	}
}

// Every value of a real file is equal, to the bit, to the value that encoding/json reads.
func TestInferencePerfIsExact(t *testing.T) {
	t.Parallel()
	data := file(t, perRequest)
	want := decode[[]plainElement](t, data)
	r := open(t, data)
	r.Bodies = true
	got := mustAll(t, r)
	if len(got) != len(want) || len(got) != 300 {
		t.Fatalf("got %d requests, want %d, and 300", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		same := g.Start == w.Start && g.End == w.End && g.RequestBody == w.Request && g.ResponseBody == w.Response &&
			*g.RequestSize == len(w.Request) && *g.InputTokens == w.Info.Input && g.Failed == (w.Error != nil) &&
			g.Streaming &&
			g.Model == "sim" && g.API == "completion"
		if m := w.Info.Response; m != nil {
			same = same && slices.Equal(g.Chunks, m.Chunks) && slices.Equal(g.TokenTimes, m.Tokens) &&
				*g.OutputTokens == m.Output && bytes.Equal(g.Usage, m.Usage)
		}
		if e := w.Error; e != nil {
			same = same && g.ErrorType == e.Type && g.ErrorMessage == e.Message &&
				(g.Status >= 400) == strings.HasPrefix(e.Type, "HTTP")
		}
		if !same {
			t.Errorf("request %d: got %+v, want %+v", i, g, w)
		}
	}
	if m := r.Meta(); m.Model != "sim" || m.Clock != Monotonic || len(m.Stages) != 1 {
		t.Errorf("meta: got %+v", m)
	}
}

// Bodies are kept only if they are asked for, and the result does not depend on how the bytes arrive.
func TestInferencePerfInPieces(t *testing.T) {
	t.Parallel()
	data := file(t, perRequest)[:200_000]
	data = append(data[:bytes.LastIndex(data, []byte("\n  },"))], "\n  }\n]"...)
	want := mustAll(t, open(t, data))
	for name, src := range map[string]io.Reader{
		"byte by byte":  iotest.OneByteReader(bytes.NewReader(data)),
		"halves":        iotest.HalfReader(bytes.NewReader(data)),
		"data with EOF": iotest.DataErrReader(bytes.NewReader(data)),
	} {
		r, err := Open(src, InferencePerf)
		if err != nil {
			t.Fatal(err)
		}
		if got := mustAll(t, r); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the requests differ", name)
		}
	}
	if want[0].RequestBody != "" || want[0].ResponseBody != "" {
		t.Error("bodies were returned without being asked for")
	}
}

func TestInferencePerfFields(t *testing.T) {
	t.Parallel()
	const body = `{"model": "a\u00e9/b", "messages": ["é😀\\"], "stream": true}`
	for _, tt := range []struct {
		name, element string
		want          Request
	}{
		{"the least", `{"start_time": 1.5, "end_time": 2, "error": null}`, Request{Start: 1.5, End: 2}},
		{"no info was kept",
			`{"start_time": 1, "end_time": 2, "request": "", "response": null, "info": null, "error": null}`,
			Request{Start: 1, End: 2, RequestSize: new(0)}},
		{
			"a retried request of an adapter in a session",
			`{"start_time": 1, "end_time": 2, "info": {"request_metrics": {"text": {"input_tokens": 7}, "image": null}, "response_metrics": {"output_tokens": 3, "server_usage": null},
			 "extra_info": {"user_session": "u1", "chat_round": 2, "stop_reason": "stop", "output_text": "x"}, "lora_adapter": "a", "graph_event_id": null, "labels": {"x": 1},
			 "retries_attempted": 2, "retries_recovered": true, "retry_wasted_sec": 0.25, "input_tokens": 7}, "error": null}`,
			Request{
				Start: 1, End: 2, InputTokens: new(7), OutputTokens: new(3), SessionID: "u1", Turn: new(2),
				FinishReason: "stop", Adapter: "a",
				RetriesAttempted: 2, RetriesRecovered: true, RetryWasted: 0.25,
			},
		},
		{
			"SLO values, and a body with escapes",
			`{"start_time": 1, "end_time": 2, "request": "{\"model\": \"a\\u00e9/b\", \"messages\": ` +
				`[\"\u00e9\ud83d\ude00\\\\\"], \"stream\": true}", "computed_metrics": {"request_latency": 1, ` +
				`"ttft_slo_sec": 0.5, "tpot_slo_sec": null}, "error": null}`,
			Request{Start: 1, End: 2, Model: "aé/b", API: "chat", Streaming: true, TTFTSLO: new(0.5),
				RequestSize: new(len(body))},
		},
		{
			"a failure",
			`{"start_time": 1, "end_time": 2, "info": {"response_metrics": null, "lora_adapter": null, ` +
				`"input_tokens": 0}, "error": {"error_type": "HTTP Error 503", "error_msg": "no \u00e9"}}`,
			Request{Start: 1, End: 2, InputTokens: new(0), Failed: true, ErrorType: "HTTP Error 503",
				ErrorMessage: "no é", Status: 503},
		},
	} {
		got := mustAll(t, open(t, []byte("["+tt.element+"]")))
		if len(got) != 1 {
			t.Errorf("%s: %d requests", tt.name, len(got))
			continue
		}
		if g, w := decodeBack(t, *got[0]), decodeBack(t, tt.want); g != w {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, g, w)
		}
	}
}

// decodeBack returns a text of a request with the values of its pointers.
func decodeBack(t *testing.T, q Request) string {
	t.Helper()
	text, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestInferencePerfFaults(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 400) + strings.Repeat("]", 400)
	for _, tt := range []struct{ element, want string }{
		{`{"end_time": 2}`, `inference-perf: [1]: it has no start time`},
		{`{"start_time": 2}`, `inference-perf: [1]: it has no end time`},
		{`{"start_time": 2, "end_time": 1}`, `inference-perf: [1]: it ends at 1, before its start at 2`},
		{`{"start_time": -2, "end_time": 1}`, `inference-perf: [1].start_time: -2 is negative`},
		{`{"start_time": NaN}`, `inference-perf: [1].start_time: want a number, got NaN`},
		{`{"start_time": -Infinity}`, `inference-perf: [1].start_time: want a number, got -Infinity`},
		{`{"start_time": Infinity}`, `inference-perf: [1].start_time: want a number, got Infinity`},
		{`{"start_time": 1e999}`, `inference-perf: [1].start_time: "1e999" is no number a float64 can hold`},
		{`{"start_time": "1"}`, `inference-perf: [1].start_time: want a number, got a string`},
		{`{"start_time": null}`, `inference-perf: [1].start_time: want a number, got null`},
		{`{"info": []}`, `inference-perf: [1].info: want an object, got an array`},
		{`{"info": {"response_metrics": {"chunk_times": [1, 2, {}]}}}`,
			`inference-perf: [1].info.response_metrics.chunk_times[2]: want a number, got an object`},
		{`{"info": {"response_metrics": {"chunk_times": [1 2]}}}`,
			`inference-perf: [1].info.response_metrics.chunk_times[1]: want a comma or the array's end`},
		{`{"info": {"response_metrics": {"output_tokens": 1.5}}}`,
			`inference-perf: [1].info.response_metrics.output_tokens: 1.5 is no count`},
		{`{"info": {"response_metrics": {"output_tokens": 1e300}}}`,
			`inference-perf: [1].info.response_metrics.output_tokens: 1e+300 is no count`},
		{`{"info": {"response_metrics": {"server_usage": {x}}}}`,
			`inference-perf: [1].info.response_metrics.server_usage: it is no JSON`},
		{`{"info": {"retries_recovered": 1}}`,
			`inference-perf: [1].info.retries_recovered: want true or false, got a number`},
		{"{\"error\": {\"error_msg\": \"\xff\"}}", `inference-perf: [1].error.error_msg: the string is not UTF-8`},
		{`{"error": {"error_msg": "\x"}}`,
			`inference-perf: [1].error.error_msg: the string has an escape or a control character that JSON does ` +
				`not know`},
		{`17`, `inference-perf: [1]: want an object, got a number`},
		{`{"start_time": 1]`, `inference-perf: [1]: want a comma or the object's end`},
		{`{"x": ` + deep + `}`, `inference-perf: after 1 requests: byte 50: more than 256 levels of nesting`},
	} {
		data := `[{"start_time": 1, "end_time": 2, "error": null}, ` + tt.element + `, {"start_time": 3, ` +
			`"end_time": 4}]`
		list, err := all(open(t, []byte(data)))
		if err == nil || err.Error() != tt.want || len(list) != 1 {
			t.Errorf("%.60s: got %d requests and %v, want 1 and %s", tt.element, len(list), err, tt.want)
		}
	}
}

// A request that cannot be read does not hide the requests after it.
func TestReadingGoesOnAfterABadElement(t *testing.T) {
	t.Parallel()
	r := open(t, []byte(`[{"start_time": 1, "end_time": 2}, {"start_time": true}, {"start_time": 3, "end_time": 4}]`))
	var bad *ElementError
	for i, want := range []float64{1, 0, 3} {
		q, err := r.Next()
		if i == 1 {
			if !errors.As(err, &bad) || bad.Element != 1 || bad.Path != "[1].start_time" {
				t.Errorf("got %v, %+v, want an error of element 1", err, bad)
			}
			continue
		}
		if err != nil || q.Start != want {
			t.Errorf("got %+v, %v, want a start at %v", q, err, want)
		}
	}
	for range 2 {
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("got %v, want the end", err)
		}
	}
}

// A file that is cut at any byte yields its whole elements and an error that says that it is cut.
func TestCutFiles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path string
		step int
	}{
		{perRequest, 30011},
		{"testdata/guidellm/0.8.1.json", 97},
		{"testdata/guidellm/0.3.1.json", 97},
		{"testdata/aiperf/0.13.0.jsonl", 97},
	} {
		data := bytes.TrimSpace(file(t, tt.path))
		whole := mustAll(t, open(t, data))
		format := Detect(data)
		for n := 1; n < len(data); n += tt.step {
			r, err := Open(bytes.NewReader(data[:n]), format)
			if err != nil {
				t.Fatal(err)
			}
			got, err := all(r)
			between := format == AIPerf && (data[n] == '\n' || data[n-1] == '\n')
			if !between &&
				(!errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "the file is cut after")) {
				t.Errorf("%s at %d: got %v, want an error that the file is cut", tt.path, n, err)
			}
			if len(got) > len(whole) || len(got) > 0 && !reflect.DeepEqual(got, whole[:len(got)]) {
				t.Errorf("%s at %d: what came before the cut differs", tt.path, n)
			}
		}
	}
}

func TestDamagedArrays(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ data, want string }{
		{`[{"start_time": 1, "end_time": 2} {}]`, `inference-perf: after 1 requests: byte 34: want ',', got '{'`},
		{`[{"start_time": 1, "end_time": 2},]`, `inference-perf: after 1 requests: byte 34: want a value, got ']'`},
		{`[{"start_time": 1, "end_time": 2}] x`, `inference-perf: after 1 requests: byte 35: 'x' after the end`},
		{`{"start_time": 1, "end_time": 2} ]`, `inference-perf: after 1 requests: byte 33: want a value, got ']'`},
	} {
		r, err := Open(strings.NewReader(tt.data), InferencePerf)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := all(r); err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.data, err, tt.want)
		}
	}
}

// The error of the source is returned.
func TestSourceFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	r, err := Open(io.MultiReader(strings.NewReader(`[{"start_time": 1, "end_time": 2},`), iotest.ErrReader(broken)),
		InferencePerf)
	if err != nil {
		t.Fatal(err)
	}
	if list, err := all(r); len(list) != 1 || !errors.Is(err, broken) {
		t.Errorf("got %d requests and %v, want 1 and %v", len(list), err, broken)
	}
}

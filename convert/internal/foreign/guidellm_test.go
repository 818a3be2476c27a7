package foreign

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// guideReport is a report of any version as encoding/json decodes it.
type guideReport struct {
	Benchmarks []struct {
		Requests map[string][]guideRequest
	}
}

type guideRequest struct {
	Flat    float64  `json:"start_time"`
	Start   float64  `json:"request_start_time"`
	FlatEnd float64  `json:"end_time"`
	End     float64  `json:"request_end_time"`
	Latency *float64 `json:"request_latency"`
	TTFT    *float64 `json:"time_to_first_token_ms"`
	ITL     *float64 `json:"inter_token_latency_ms"`
	Output  *int     `json:"output_tokens"`
	Input   *int     `json:"prompt_tokens"`
	Text    string   `json:"output"`
	Error   string
	Info    struct{ Error string }
}

// The tool's own figures of every version can be calculated from the requests.
func TestGuideLLMFiguresFollow(t *testing.T) {
	t.Parallel()
	for _, path := range files(t, "guidellm/*.json") {
		data := file(t, path)
		report := decode[guideReport](t, data)
		r := open(t, data)
		r.Bodies = true
		read := 0
		at := map[int]map[string]int{}
		for _, q := range mustAll(t, r) {
			list := "successful"
			if q.Canceled {
				list = "incomplete"
			} else if q.Failed {
				list = "errored"
			}
			if at[q.Stage] == nil {
				at[q.Stage] = map[string]int{}
			}
			checkGuide(t, path, q, report.Benchmarks[q.Stage].Requests[list][at[q.Stage][list]])
			at[q.Stage][list]++
			read++
		}
		want := 0
		for i, b := range report.Benchmarks {
			total := 0
			for _, list := range b.Requests {
				total += len(list)
			}
			// Canceled requests without an answer are listed but not counted.
			n := r.Meta().Stages[i].Requests
			if n == nil || *n > total || *n < total-len(b.Requests["incomplete"]) {
				t.Errorf("%s: benchmark %d: got %v, want %d requests", path, i, n, total)
			}
			want += total
		}
		if read != want || read == 0 {
			t.Errorf("%s: got %d requests, want %d", path, read, want)
		}
	}
}

func checkGuide(t *testing.T, path string, q *Request, w guideRequest) {
	t.Helper()
	streamed := !strings.Contains(path, "unary")
	ok := q.Start == w.Flat+w.Start && q.End == w.FlatEnd+w.End && *q.InputTokens == *w.Input &&
		q.ResponseBody == w.Text && q.Due != nil && *q.Due <= q.Start &&
		q.Model == "tiny" && (q.Streaming == streamed || q.Failed)
	if q.Failed {
		ok = ok && q.ErrorMessage == w.Error+w.Info.Error && q.ErrorMessage != "" &&
			(q.OutputTokens == nil || w.Flat == 0) && (q.Status == 500) == !q.Canceled
	} else {
		ok = ok && *q.OutputTokens == *w.Output && near(q.End-q.Start, *w.Latency) &&
			(w.TTFT == nil) == (q.First == nil)
		if q.First != nil {
			ok = ok && near(1000*(*q.First-q.Start), *w.TTFT) &&
				near(1000*(*q.Last-*q.First)/float64(*q.OutputTokens-1), *w.ITL)
		}
	}
	if !ok {
		t.Errorf("%s: got %+v, want %+v", path, q, w)
	}
}

// durations returns the durations that the benchmarks of a file state.
func durations(t *testing.T, name string) (list []float64) {
	t.Helper()
	var doc struct {
		Benchmarks []struct {
			Duration float64 `json:"duration"`
		} `json:"benchmarks"`
	}
	if err := json.Unmarshal(file(t, "testdata/guidellm/"+name+".json"), &doc); err != nil {
		t.Fatal(err)
	}
	for _, b := range doc.Benchmarks {
		list = append(list, b.Duration)
	}
	return list
}

func TestGuideLLMMeta(t *testing.T) {
	t.Parallel()
	two := []Stage{{Kind: "concurrent", Concurrency: new(1), Requests: new(6)},
		{Kind: "concurrent", Concurrency: new(2), Requests: new(6)}}
	for _, tt := range []struct {
		path, version, api string
		stages             []Stage
	}{
		{"0.2.1", "", "completion", []Stage{{Kind: "constant", Rate: new(5.0), Requests: new(19)}}},
		{"0.3.1", "", "completion", two},
		{"0.4.0", "", "chat", two},
		{"0.5.4", "0.5.4", "chat", []Stage{{Kind: "constant", Rate: new(5.0), Requests: new(10)}}},
		{"0.6.0", "0.6.0", "", two},
		{"0.7.3", "0.7.3", "chat", two},
		{"0.8.1", "0.8.1", "chat", two},
		{"0.8.1-unary", "0.8.1", "completion", []Stage{{Kind: "synchronous", Concurrency: new(1), Requests: new(4)}}},
	} {
		r := open(t, file(t, "testdata/guidellm/"+tt.path+".json"))
		list := mustAll(t, r)
		want := Meta{Format: GuideLLM, Version: tt.version, Model: "tiny", Clock: Unix, Stages: slices.Clone(tt.stages)}
		for i, stated := range durations(t, tt.path) {
			want.Stages[i].Duration = &stated
		}
		if got := r.Meta(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", tt.path, got, want)
		}
		if got := list[0].API; got != tt.api {
			t.Errorf("%s: got API %q, want %q", tt.path, got, tt.api)
		}
	}
}

func TestGuideLLMFaults(t *testing.T) {
	t.Parallel()
	const request = `{"request_start_time": 1, "request_end_time": 2}`
	for _, tt := range []struct{ data, want string }{
		{`{"args": {}}`, "guidellm: it has no benchmarks"},
		{`{"benchmarks": [{"metrics": {"request_totals": {"total": 5}}, "requests": {"successful": [], "errored": ` +
			`null}}]}`,
			"guidellm: its requests were left out; run guidellm without --output-sampling, --sample-requests or " +
				"sample_size"},
		{`{"benchmarks": [{}], "benchmarks": []}`, "guidellm: benchmarks is there twice"},
		{`{"benchmarks": [{"config": {"strategy": {"rate": "x"}}}]}`,
			"guidellm: benchmarks[0].config.strategy.rate: want a number, got a string"},
		{`{"benchmarks": [{"requests": {"successful": [` + request + `, {"request_end_time": 1}]}}]}`,
			"guidellm: benchmarks[0].requests.successful[1]: it has no start time"},
		{`{"benchmarks": [{"requests": {"successful": [` + request + `]}}, {"requests": {"errored": [{"info": ` +
			`{"timings": {"targeted_start": -1}}}]}}]}`,
			"guidellm: benchmarks[1].requests.errored[0].info.timings.targeted_start: -1 is negative"},
		{`{"benchmarks": [{"requests": {"successful": [` + request + `]}}, {"requests": {"errored": [[]]}}]}`,
			"guidellm: benchmarks[1].requests.errored[0]: want an object, got an array"},
		{`{"benchmarks": {}}`, "guidellm: byte 15: want '[', got '{'"},
	} {
		r, err := Open(strings.NewReader(tt.data), GuideLLM)
		if err != nil {
			t.Fatal(err)
		}
		_, err = all(r)
		if got := errorText(err); got != tt.want {
			t.Errorf("%.80s: got %q, want %q", tt.data, got, tt.want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// null means unknown, for an end and for a count. A request that was canceled before it was sent is not returned.
func TestGuideLLMNulls(t *testing.T) {
	t.Parallel()
	r, err := Open(strings.NewReader(`{"benchmarks": [{"requests": {
		"successful": [{"request_start_time": 1, "request_end_time": 3, "output_tokens": null, "info": {"timings": {"first_token_iteration": 1.5, "last_token_iteration": 2.5, "token_iterations": 5}}}],
		"errored": [{"request_start_time": 1, "request_end_time": null, "output_tokens": 0}], "incomplete": [{"request_start_time": null, "request_end_time": null}]}}]}`), GuideLLM)
	if err != nil {
		t.Fatal(err)
	}
	list := mustAll(t, r)
	if len(list) != 2 || r.Meta().Unsent != 1 {
		t.Fatalf("got %d requests, %+v", len(list), r.Meta())
	}
	if first, last := list[0].Ends(); list[0].OutputTokens != nil || *first != 0.5 || *last != 1.5 ||
		len(list[0].AppendOffsets(nil)) != 0 {
		t.Errorf("got %+v, chunks from %v to %v", list[0], first, last)
	}
	if q := list[1]; !q.Failed || !q.EndUnknown || q.End != 1 || *q.OutputTokens != 0 {
		t.Errorf("got %+v", q)
	}
}

package foreign

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// plainRecord is a line as encoding/json decodes it.
type plainRecord struct {
	Metadata struct {
		Start int64 `json:"request_start_ns"`
		End   int64 `json:"request_end_ns"`
		Due   int64 `json:"credit_issued_ns"`
	}
	Metrics map[string]struct{ Value json.RawMessage }
	Error   *struct {
		Type, Message string
		Code          int
	}
}

func (p plainRecord) metric(t *testing.T, name string) float64 {
	t.Helper()
	m, ok := p.Metrics[name]
	if !ok {
		return math.NaN()
	}
	return decode[float64](t, m.Value)
}

// The tool's own figures of every version can be calculated from the requests.
func TestAIPerfFiguresFollow(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"0.3.0", "0.13.0", "0.13.0-unary"} {
		data := file(t, "testdata/aiperf/"+name+".jsonl")
		lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
		r := open(t, data)
		got := mustAll(t, r)
		origin := decode[plainRecord](t, lines[0]).Metadata.Start
		if m := r.Meta(); len(got) != len(lines) || m.Origin != origin || m.Clock != Origin || len(m.Stages) != 1 {
			t.Errorf("%s: got %d requests, meta %+v, want %d, origin %d", name, len(got), m, len(lines), origin)
		}
		for i, q := range got {
			checkAIPerf(t, name, q, decode[plainRecord](t, lines[i]), origin)
		}
	}
}

func checkAIPerf(t *testing.T, name string, q *Request, w plainRecord, origin int64) {
	t.Helper()
	ns := func(v float64) int64 { return origin + int64(math.Round(v*1e9)) }
	ok := ns(q.Start) == w.Metadata.Start && ns(q.End) == w.Metadata.End && q.Failed == (w.Error != nil) &&
		q.SessionID != "" && *q.Turn == 0 &&
		(q.Due == nil) == (w.Metadata.Due == 0)
	if q.Failed {
		ok = ok && q.ErrorType == w.Error.Type && q.ErrorMessage == w.Error.Message && q.Status == w.Error.Code &&
			float64(*q.InputTokens) == w.metric(t, "error_isl")
	} else {
		latency := w.metric(t, "request_latency")
		ok = ok && float64(*q.OutputTokens) == w.metric(t, "output_sequence_length") &&
			float64(*q.InputTokens) == w.metric(t, "input_sequence_length") &&
			near(1e3**q.Latency, latency) && *q.Latency < q.End-q.Start+1e-4 &&
			q.Streaming != strings.Contains(name, "unary")
		if q.Streaming {
			itl := (latency - 1e3**q.TTFT) / float64(*q.OutputTokens-1)
			ok = ok && near(itl, w.metric(t, "inter_token_latency")) && len(q.AppendOffsets(nil)) == 5 &&
				near(1e3*q.Gaps[0], w.metric(t, "time_to_second_token"))
		}
		if v := w.metric(t, "usage_completion_tokens"); !math.IsNaN(v) {
			ok = ok && decode[map[string]float64](t, q.Usage)["completion_tokens"] == v
		}
	}
	if !ok {
		t.Errorf("%s: got %+v, want %+v", name, q, w)
	}
}

func TestAIPerfRecords(t *testing.T) {
	t.Parallel()
	const times = `"request_start_ns": 1795530271000000000, "request_end_ns": 1795530271500000001`
	for _, tt := range []struct {
		line  string
		check func(q *Request) bool
	}{
		{`{"metadata": {` + times + `, "benchmark_phase": "warmup", "profiling_index": null}, "metrics": {}}`,
			func(q *Request) bool { return q.Stage == -1 && !q.Failed }},
		{`{"metadata": {` + times + `, "benchmark_phase": "profiling", "profiling_index": 2}, "metrics": {}}`,
			func(q *Request) bool { return q.Stage == 2 }},
		{`{"metadata": {` + times + `, "was_cancelled": true}, "error": {"code": 499, "type": ` +
			`"RequestCancellationError", "message": "x"}}`, func(q *Request) bool {
			return q.Canceled && q.Failed && q.Status == 0
		}},
		{`{"metadata": {` + times + `}, "metrics": {"time_to_first_token": {"unit": "us", "value": 500}}}`,
			func(q *Request) bool { return *q.TTFT == 0.0005 && q.End == 0.500000001 }},
		{
			`{"metadata": {` + times + `}, "metrics": {"usage_prompt_tokens": {"value": 9, "unit": "tokens"}, ` +
				`"usage_prompt_cache_read_tokens": {"value": 4}, "usage_reasoning_tokens": {"value": 3}}}`,
			func(q *Request) bool {
				return string(
					q.Usage) == `{"completion_tokens_details":{"reasoning_tokens":3},"prompt_tokens":9,"prompt_tokens_details":{"cached_tokens":4}}`
			},
		},
		// Without the gaps between chunks the first and the last chunk are still known. null means unknown, and 0 means
		// 0.
		{`{"metadata": {` + times + `, "was_cancelled": null}, "metrics": {"time_to_first_token": {"unit": "ms", ` +
			`"value": 100}, "request_latency": {"unit": "ms", "value": 400}}}`, func(q *Request) bool {
			first, last := q.Ends()
			return *first == 0.1 && near(*last, 0.4) && len(q.AppendOffsets(nil)) == 0
		}},
		{`{"metadata": {` + times + `}, "metrics": {"time_to_first_token": {"unit": "ms", "value": 400}, ` +
			`"request_latency": {"unit": "ms", "value": 400}}}`, func(q *Request) bool {
			return len(q.AppendOffsets(nil)) == 1
		}},
		{`{"metadata": {` + times + `}, "metrics": {"time_to_first_token": null, "output_sequence_length": null, ` +
			`"input_sequence_length": {"value": null}}}`, func(q *Request) bool {
			return q.TTFT == nil && q.OutputTokens == nil && q.InputTokens == nil && !q.Failed
		}},
		{`{"metadata": {` + times + `}, "metrics": {"time_to_first_token": {"unit": "ms", "value": 0}, ` +
			`"output_sequence_length": {"value": 0}}}`, func(q *Request) bool {
			return *q.TTFT == 0 && *q.OutputTokens == 0
		}},
	} {
		list := mustAll(t, open(t, []byte(tt.line)))
		if len(list) != 1 || !tt.check(list[0]) {
			t.Errorf("%s: got %+v", tt.line, list[0])
		}
	}
}

// Records may be in another order than the starts: the zero of the clock is the start of the first record in the file.
func TestAIPerfOrigin(t *testing.T) {
	t.Parallel()
	r := open(t, []byte(`{"metadata": {"request_start_ns": 1795530271000000001, "request_end_ns": 1795530272000000001}}
{"metadata": {"request_start_ns": 1795530270000000000, "request_end_ns": 1795530271000000000}}`))
	list := mustAll(t, r)
	if len(list) != 2 || list[0].Start != 0 || list[0].End != 1 || list[1].Start != -1.000000001 {
		t.Errorf("got %+v", list)
	}
}

func TestAIPerfFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ data, want string }{
		{`{"metadata": {"request_end_ns": 1}}`, "aiperf: record 0: it has no metadata.request_start_ns"},
		{`{"metadata": {"request_start_ns": 2, "request_end_ns": 1}}`,
			"aiperf: record 0: it ends at 1, before its start at 2"},
		{`{"metadata": {"request_start_ns": 1.5}}`,
			`aiperf: record 0.metadata.request_start_ns: "1.5" is no number of nanoseconds`},
		{`{"metadata": {"request_start_ns": 99999999999999999999}}`,
			`aiperf: record 0.metadata.request_start_ns: "99999999999999999999" is no number of nanoseconds`},
		{`{"metadata": {"profiling_index": 99999999}}`,
			"aiperf: record 0.metadata.profiling_index: 99999999 is no number of a phase"},
		{`{"metadata": null}`, "aiperf: record 0.metadata: want an object, got null"},
		{`{"metrics": {"time_to_first_token": {"value": 1, "unit": "fortnights"}}}`,
			`aiperf: record 0.metrics.time_to_first_token: "fortnights" is no unit of time known here`},
		{`{"metrics": {"inter_chunk_latency": {"value": [1, "x"], "unit": "ms"}}}`,
			"aiperf: record 0.metrics.inter_chunk_latency.value[1]: want a number, got a string"},
		{`{"metrics": {"input_sequence_length": 3}}`,
			"aiperf: record 0.metrics.input_sequence_length: want an object, got a number"},
		{`}`, "aiperf: byte 0: want a value, got '}'"},
	} {
		r, err := Open(strings.NewReader(tt.data), AIPerf)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := all(r); errorText(err) != tt.want {
			t.Errorf("%s: got %v, want %s", tt.data, err, tt.want)
		}
	}
}

// Without an end the latency determines it; without both it is unknown, and the request is kept.
func TestAIPerfWithoutAnEnd(t *testing.T) {
	t.Parallel()
	const latency = `"metrics": {"request_latency": {"value": 1500, "unit": "ms"}}`
	for text, want := range map[string]struct {
		end     float64
		unknown bool
	}{
		`{"metadata": {"request_start_ns": 7, "request_end_ns": null}, ` + latency + `}`: {1.5, false},
		`{"metadata": {"request_start_ns": 7}, ` + latency + `}`:                         {1.5, false},
		`{"metadata": {"request_start_ns": 7, "request_end_ns": null}}`:                  {0, true},
	} {
		q := mustAll(t, open(t, []byte(text)))[0]
		if q.End != want.end || q.EndUnknown != want.unknown {
			t.Errorf("%s: ends at %v, unknown %t; want %+v", text, q.End, q.EndUnknown, want)
		}
	}
}

package foreign

import (
	"strings"
	"testing"
)

// sglangResult holds what the tool writes about a run besides the arrays.
type sglangResult struct {
	Rate      any `json:"request_rate"`
	Duration  float64
	Completed int
	Input     int     `json:"total_input_tokens"`
	Output    int     `json:"total_output_tokens"`
	Latency   float64 `json:"mean_e2e_latency_ms"`
	TTFT      float64 `json:"mean_ttft_ms"`
	ITL       float64 `json:"mean_itl_ms"`
	Errors    []string
}

// The tool's own figures can be calculated from the requests. Its latency goes on to [DONE].
func TestSGLangFiguresFollow(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"testdata/sglang/0.5.3.jsonl", "testdata/sglang/0.5.23.jsonl"} {
		data := file(t, path)
		want := decode[sglangResult](t, data)
		r := open(t, data)
		got := mustAll(t, r)
		checkSGLang(t, path, got, want)
		s := r.Meta().Stages[0]
		if m := r.Meta(); m.Format != SGLang || !m.Unordered || len(m.Stages) != 1 || *s.Rate != 20 ||
			*s.Concurrency != 2 || *s.Duration != want.Duration ||
			*s.Completed != want.Completed || *s.InputTotal != want.Input || *s.OutputTotal != want.Output {
			t.Errorf("%s: got %+v, %+v", path, m, s)
		}
	}
}

func checkSGLang(t *testing.T, path string, got []*Request, want sglangResult) {
	t.Helper()
	var ttfts, gaps, latencies []float64
	input, output := 0, 0
	for i, q := range got {
		if q.Failed != (want.Errors[i] != "") || q.ErrorMessage != want.Errors[i] || !q.StartUnknown || q.Start != 0 ||
			q.API != "chat" {
			t.Errorf("%s: request %d: got %+v", path, i, q)
		}
		if q.Failed {
			if !q.EndUnknown || q.TTFT != nil || q.OutputTokens != nil {
				t.Errorf("%s: failed request %d: got %+v, want nothing of its answer", path, i, q)
			}
			continue
		}
		ttfts, gaps, latencies = append(ttfts, *q.TTFT), append(gaps, q.Gaps...), append(latencies, q.End-q.Start)
		input, output = input+*q.InputTokens, output+*q.OutputTokens
	}
	mean := func(list []float64) float64 { return sum(list) / float64(len(list)) * 1e3 }
	if len(ttfts) != want.Completed || input != want.Input || output != want.Output || !near(mean(ttfts), want.TTFT) ||
		!near(mean(gaps), want.ITL) ||
		mean(latencies) > want.Latency || mean(latencies) < want.Latency-2 {
		t.Errorf("%s: got %d, %d, %d, %v, %v, %v, want %+v", path, len(ttfts), input, output, mean(ttfts), mean(gaps),
			mean(latencies), want)
	}
}

// Each line is a run. A rate of Infinity means that there is no rate.
func TestSGLangAppended(t *testing.T) {
	t.Parallel()
	r := open(t, file(t, "testdata/sglang/0.5.23-append.jsonl"))
	list := mustAll(t, r)
	m := r.Meta()
	if len(list) != 16 || list[7].Stage != 0 || list[8].Stage != 1 || list[0].API != "chat" ||
		list[8].API != "completion" {
		t.Errorf("got %d requests: %+v, %+v", len(list), list[0], list[8])
	}
	if len(m.Stages) != 2 || m.Stages[0].Rate != nil || *m.Stages[1].Rate != 20 ||
		m.Stages[0].Duration == m.Stages[1].Duration {
		t.Errorf("got %+v", m.Stages)
	}
}

// An answer that was not streamed has a latency and no TTFT.
func TestSGLangUnary(t *testing.T) {
	t.Parallel()
	data := file(t, "testdata/sglang/0.5.23-unary.jsonl")
	want := decode[sglangResult](t, data)
	var latencies []float64
	for i, q := range mustAll(t, open(t, data)) {
		if q.TTFT != nil || q.Streaming || q.Failed != q.EndUnknown || q.Failed != (want.Errors[i] != "") {
			t.Errorf("request %d: got %+v", i, q)
		}
		if !q.Failed {
			latencies = append(latencies, *q.Latency)
		}
	}
	if got := sum(latencies) / float64(len(latencies)) * 1e3; len(latencies) != want.Completed ||
		!near(got, want.Latency) {
		t.Errorf("got %d of %v ms, want %d of %v ms", len(latencies), got, want.Completed, want.Latency)
	}
}

func TestSGLangShapes(t *testing.T) {
	t.Parallel()
	const head = `{"backend": "sglang", "dataset_name": "random", "random_output_len": 5, `
	for _, tt := range []struct {
		name, data string
		check      func(q *Request, m Meta) bool
	}{
		{"what the server says of itself",
			`"server_info": {"model_path": "org/m", "version": "0.5.3", "x": {"model_path": 1}}, "ttfts": [0.5], ` +
				`"itls": [[]], "output_lens": [1], "errors": [""]}`, func(q *Request, m Meta) bool {
				return m.Model == "org/m" && m.Version == "0.5.3" && q.API == "sglang"
			}},
		{"a server that says nothing",
			`"server_info": null, "ttfts": [0.5], "itls": [[]], "output_lens": [1], "errors": [""]}`,
			func(q *Request, m Meta) bool { return m.Model == "" }},
		{"a replayed trace",
			`"request_rate": "trace", "duration": NaN, "completed": null, "ttfts": [0.5], "itls": [[0.25]], ` +
				`"output_lens": [2], "errors": [""]}`, func(q *Request, m Meta) bool {
				s := m.Stages[0]
				return s.Rate == nil && s.Duration == nil && s.Completed == nil && q.End == 0.75
			}},
	} {
		r := open(t, []byte(head+tt.data))
		if list := mustAll(t, r); len(list) != 1 || !tt.check(list[0], r.Meta()) {
			t.Errorf("%s: got %+v, %+v", tt.name, list[0], r.Meta())
		}
	}
	embedding := strings.Replace(head, `"sglang"`, `"sglang-embedding"`, 1) + `"ttfts": [0.0], "itls": [[]], ` +
		`"output_lens": [0], "errors": [""]}`
	if q := mustAll(t, open(t, []byte(embedding)))[0]; q.Failed || !q.EndUnknown || *q.OutputTokens != 0 {
		t.Errorf("an embedding: got %+v", q)
	}
}

func TestSGLangFaults(t *testing.T) {
	t.Parallel()
	summary := string(file(t, "testdata/sglang/0.5.23-summary.jsonl"))
	details := string(file(t, "testdata/sglang/0.5.23.jsonl"))
	const advice = "it has no values per request; run SGLang's bench_serving with --output-details"
	for _, tt := range []struct{ data, want string }{
		{summary, "SGLang's bench_serving: " + advice},
		{details + summary, "SGLang's bench_serving: after 8 requests: run 2 of the file: " + advice},
		{details[:len(details)/2], "SGLang's bench_serving: the file is cut after 0 whole requests: unexpected EOF"},
		{`{"ttfts": [1], "errors": ["", ""]}`,
			"SGLang's bench_serving: ttfts has 1 entries, errors has 2: an entry is to be a request"},
		{`{"ttfts": [1]}`,
			"SGLang's bench_serving: it has ttfts but no errors, so that nobody can tell which requests failed"},
	} {
		r, err := Open(strings.NewReader(tt.data), SGLang)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := all(r); errorText(err) != tt.want {
			t.Errorf("%.60s: got %v, want %s", tt.data, err, tt.want)
		}
	}
}

package foreign

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// vllmResult holds what the tool writes about a run besides the arrays.
type vllmResult struct {
	Completed int
	Input     int       `json:"total_input_tokens"`
	Output    int       `json:"total_output_tokens"`
	TTFT      float64   `json:"mean_ttft_ms"`
	TPOT      float64   `json:"mean_tpot_ms"`
	ITL       float64   `json:"mean_itl_ms"`
	Starts    []float64 `json:"start_times"`
	Latencies []float64
	Texts     []string `json:"generated_texts"`
	Errors    []string
}

// The tool's own figures of every version can be calculated from the requests. The mean latency can be only if
// latencies are stored, because the latency of older versions includes the chunk with the usage.
func TestVLLMFiguresFollow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path      string
		unordered bool
	}{
		{"testdata/vllm/0.10.0.json", true},
		{"testdata/vllm/0.14.0.json", true},
		{"testdata/vllm/0.19.0.json", false},
		{"testdata/vllm/0.33.0.json", false},
	} {
		data := file(t, tt.path)
		want := decode[vllmResult](t, data)
		r := open(t, data)
		r.Bodies = true
		got := mustAll(t, r)
		m := r.Meta()
		if m.Unordered != tt.unordered || m.Model != "tiny" || len(m.Stages) != 1 || *m.Stages[0].Rate != 20 ||
			*m.Stages[0].Concurrency != 2 || *m.Stages[0].Requests != 8 {
			t.Errorf("%s: meta: got %+v", tt.path, m)
		}
		checkVLLM(t, tt.path, got, want)
	}
}

func checkVLLM(t *testing.T, path string, got []*Request, want vllmResult) {
	t.Helper()
	var ttfts, tpots, gaps []float64
	var input, output int
	for i, q := range got {
		if q.Failed != (want.Errors[i] != "") || q.ErrorMessage != want.Errors[i] || q.ResponseBody != want.Texts[i] ||
			q.API != "chat" || q.Model != "tiny" {
			t.Errorf("%s: request %d: got %+v", path, i, q)
		}
		if want.Starts != nil && q.Start != want.Starts[i] {
			t.Errorf("%s: request %d starts at %v, want %v", path, i, q.Start, want.Starts[i])
		}
		if q.Failed {
			if !q.EndUnknown || q.TTFT != nil || q.OutputTokens != nil {
				t.Errorf("%s: failed request %d: got %+v, want nothing of its answer", path, i, q)
			}
			continue
		}
		if want.Latencies != nil && !near(q.End-q.Start, want.Latencies[i]) {
			t.Errorf("%s: request %d took %v, want %v", path, i, q.End-q.Start, want.Latencies[i])
		}
		ttfts, gaps = append(ttfts, *q.TTFT), append(gaps, q.Gaps...)
		input, output = input+*q.InputTokens, output+*q.OutputTokens
		if n := *q.OutputTokens; n > 1 {
			tpots = append(tpots, (q.End-q.Start-*q.TTFT)/float64(n-1))
		}
		if offsets := q.AppendOffsets(nil); len(offsets) != len(q.Gaps)+1 ||
			!near(offsets[len(q.Gaps)], q.End-q.Start) {
			t.Errorf("%s: request %d has chunks at %v, and ends at %v", path, i, offsets, q.End-q.Start)
		}
	}
	mean := func(list []float64) float64 { return sum(list) / float64(len(list)) * 1e3 }
	if len(ttfts) != want.Completed || input != want.Input || output != want.Output || !near(mean(ttfts), want.TTFT) ||
		!near(mean(tpots), want.TPOT) && (want.Latencies != nil || mean(tpots) > want.TPOT) ||
		!near(mean(gaps), want.ITL) {
		t.Errorf("%s: got %d, %d, %d, %v, %v, %v, want %+v", path, len(ttfts), input, output, mean(ttfts), mean(tpots),
			mean(gaps), want)
	}
}

// Files to which --append-result added runs have a stage for each run.
func TestVLLMAppended(t *testing.T) {
	t.Parallel()
	r := open(t, file(t, "testdata/vllm/0.33.0-append.json"))
	var stages []int
	for _, q := range mustAll(t, r) {
		stages = append(stages, q.Stage)
	}
	if want := append(slices.Repeat([]int{0}, 8), slices.Repeat([]int{1}, 8)...); !slices.Equal(stages, want) ||
		len(r.Meta().Stages) != 2 {
		t.Errorf("got %v and %+v, want %v", stages, r.Meta(), want)
	}
}

func TestVLLMShapes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, data, want string }{
		{
			"an endless rate, and a traceback",
			`{"model_id": "m", "backend": "openai", "request_rate": "inf", "max_concurrency": null, "ttfts": [0.0], "itls": [[]], "output_lens": [0],
			 "errors": ["Traceback (most recent call last):\n  File \"x.py\", line 1, in f\n    raise E(\naiohttp.client_exceptions.ClientPayloadError: Response: gone\n"]}`,
			`ClientPayloadError completion end unknown`,
		},
		{"a failure without a word",
			`{"model_id": "m", "backend": "vllm", "ttfts": [0.0], "itls": [[]], "output_lens": [0], "errors": [""]}`,
			` completion end unknown`},
		{"embeddings",
			`{"model_id": "m", "backend": "openai-embeddings", "output_lens": 0, "input_lens": [3], "latencies": ` +
				`[0.5], "errors": [""]}`, ` openai-embeddings end 0.5`},
		{"a late failure",
			`{"model_id": "m", "endpoint_type": "openai-chat", "ttfts": [0.25], "itls": [[0.5]], "output_lens": ` +
				`[0], "errors": ["Bad Gateway"]}`, ` chat end unknown`},
	} {
		r, err := Open(strings.NewReader(tt.data), VLLM)
		if err != nil {
			t.Fatal(err)
		}
		list := mustAll(t, r)
		if len(list) != 1 {
			t.Fatalf("%s: got %d requests", tt.name, len(list))
		}
		q := list[0]
		got := q.ErrorType + " " + q.API + " end 0.5"
		if q.EndUnknown {
			got = q.ErrorType + " " + q.API + " end unknown"
		}
		if got != tt.want || q.EndUnknown != q.Failed || !q.EndUnknown && q.End != 0.5 ||
			r.Meta().Stages[0].Rate != nil {
			t.Errorf("%s: got %s, %+v, want %s", tt.name, got, q, tt.want)
		}
	}
}

// null or a missing value means unknown, and 0 means 0, except for a start and for the first chunk of a request without
// chunks.
func TestVLLMNulls(t *testing.T) {
	t.Parallel()
	const head = `{"model_id": "m", "num_prompts": 1, "backend": "openai", `
	for _, tt := range []struct {
		name, data string
		check      func(q *Request) bool
	}{
		{"no start", `"ttfts": [0.5], "itls": [[0.25]], "output_lens": [2], "errors": [""]}`, func(q *Request) bool {
			return q.StartUnknown && q.Start == 0 && q.End == 0.75 && !q.EndUnknown
		}},
		{"a start of null", `"start_times": [null], "ttfts": [0.5], "itls": [[]], "errors": [""]}`,
			func(q *Request) bool { return q.StartUnknown }},
		{"a start of 0", `"start_times": [0], "ttfts": [0.5], "itls": [[]], "errors": [""]}`, func(q *Request) bool {
			return q.StartUnknown
		}},
		{"no ttft", `"ttfts": [null], "itls": [null], "output_lens": [2], "errors": [null]}`, func(q *Request) bool {
			return !q.Failed && q.TTFT == nil && q.EndUnknown && *q.OutputTokens == 2
		}},
		{"no ttfts", `"output_lens": [2], "errors": [""]}`, func(q *Request) bool {
			return !q.Failed && q.TTFT == nil && q.EndUnknown
		}},
		{"no gaps", `"ttfts": [0.5], "output_lens": [5], "errors": [""]}`, func(q *Request) bool {
			return *q.TTFT == 0.5 && q.Gaps == nil && q.Last == nil && q.EndUnknown && len(q.AppendOffsets(nil)) == 0
		}},
		{"no gaps but a latency",
			`"ttfts": [0.5], "latencies": [1.5], "start_times": [8], "output_lens": [5], "errors": [""]}`,
			func(q *Request) bool {
				return *q.TTFT == 0.5 && *q.Last == 9.5 && q.End == 9.5 && len(q.AppendOffsets(nil)) == 0
			}},
		{"a ttft of 0 before other chunks", `"ttfts": [0.0], "itls": [[0.25]], "output_lens": [2], "errors": [""]}`,
			func(q *Request) bool { return !q.Failed && *q.TTFT == 0 && q.End == 0.25 }},
		{"a ttft of 0 and tokens", `"ttfts": [0.0], "itls": [[]], "output_lens": [2], "errors": [""]}`,
			func(q *Request) bool { return !q.Failed && q.TTFT == nil && q.EndUnknown }},
		{"no count", `"ttfts": [0.5], "itls": [[]], "output_lens": [null], "input_lens": [null], "errors": [""]}`,
			func(q *Request) bool { return q.OutputTokens == nil && q.InputTokens == nil }},
		{"a count as a float", `"ttfts": [0.5], "itls": [[]], "output_lens": [2.0], "errors": [""]}`,
			func(q *Request) bool { return *q.OutputTokens == 2 }},
	} {
		if list := mustAll(t, open(t, []byte(head+tt.data))); len(list) != 1 || !tt.check(list[0]) {
			t.Errorf("%s: got %+v", tt.name, list[0])
		}
	}
}

func TestVLLMFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ data, want string }{
		{string(file(t, "testdata/vllm/0.33.0-summary.json")),
			"vllm bench serve: it has no values per request; run vllm bench serve with --save-result --save-detailed"},
		{`{"errors": [""], "ttfts": [1, 2]}`,
			"vllm bench serve: ttfts has 2 entries, errors has 1: an entry is to be a request"},
		{`{"errors": [""], "itls": [[1, -2]]}`, "vllm bench serve: itls[0][1]: -2 is negative"},
		{`{"ttfts": [1], "output_lens": [2]}`,
			"vllm bench serve: it has ttfts but no errors, so that nobody can tell which requests failed"},
		{`{"errors": [""], "ttfts": [nan]}`, "vllm bench serve: ttfts[0]: want a number, got nan"},
		{`{"errors": [""], "output_lens": [5.5]}`, "vllm bench serve: output_lens[0]: 5.5 is no count"},
		{`{"errors": [""], "itls": [3]}`, "vllm bench serve: itls[0]: want an array, got a number"},
		{`{"errors": ["", 7]}`, "vllm bench serve: errors[1]: want a string, got a number"},
		{`{"errors": [""], "errors": [""]}`, "vllm bench serve: errors is there twice"},
		{`{"max_concurrency": "x"}`, "vllm bench serve: max_concurrency: want a number, got a string"},
		{`{"start_times": [1e400]}`, `vllm bench serve: start_times[0]: "1e400" is no number a float64 can hold`},
		{`{"errors": [""`, "vllm bench serve: the file is cut after 0 whole requests: unexpected EOF"},
		{``, "vllm bench serve: the file is cut after 0 whole requests: unexpected EOF"},
	} {
		r, err := Open(strings.NewReader(tt.data), VLLM)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := all(r); err == nil || err.Error() != tt.want {
			t.Errorf("%.60s: got %v, want %s", tt.data, err, tt.want)
		}
		if _, err := r.Next(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%.60s: got %v after the error, want the same error again", tt.data, err)
		}
	}
}

// A failed request without a start gets the start of the request that was sent before it. If a successful request has
// no start, the times of the run are unknown.
func TestVLLMStarts(t *testing.T) {
	t.Parallel()
	const head = `{"model_id": "m", "num_prompts": 3, "backend": "openai", "ttfts": [0.5, 0.0, 0.5], "itls": [[], ` +
		`[], []], "errors": ["", "gone", ""], "start_times": `
	for _, tt := range []struct {
		starts    string
		want      []float64
		placed    int
		unordered bool
	}{
		{`[5, 6, 7]}`, []float64{5, 6, 7}, 0, false},
		{`[5, 0.0, 7]}`, []float64{5, 5, 7}, 1, false},
		{`[5, null, 7]}`, []float64{5, 5, 7}, 1, false},
		{`[0.0, 6, 7]}`, []float64{0, 6, 7}, 0, true},
		{`[0.0, 0.0, 0.0]}`, []float64{0, 0, 0}, 0, true},
	} {
		r := open(t, []byte(head+tt.starts))
		var got []float64
		for _, q := range mustAll(t, r) {
			got = append(got, q.Start)
		}
		if m := r.Meta(); !slices.Equal(got, tt.want) || m.Placed != tt.placed || m.Unordered != tt.unordered {
			t.Errorf("%s: got %v, %d placed, unordered %t; want %+v", tt.starts, got, m.Placed, m.Unordered, tt)
		}
	}
}

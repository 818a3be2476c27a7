package foreign

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

func FuzzInferencePerf(f *testing.F) {
	f.Add(file(f, perRequest)[:2000])
	f.Add([]byte(`[{"start_time": 1, "end_time": 2, "request": "{\"model\": \"m\", \"prompt\": \"\ud83d\ude00\", ` +
		`\"stream\": true}", "info": {"response_metrics": {"output_tokens": 3, "server_usage": {"a": 1}, ` +
		`"chunk_times": [1.5]}}, "error": null}]`))
	f.Add([]byte("\ufeff[\r\n" + `{"start_time": 1, "end_time": 2, "info": {"input_tokens": NaN}}]`))
	f.Add([]byte(`[{"start_time": 1, "end_time": 2, "request": "\\", "error": {"error_type": "HTTP Error 500"}}, {]`))
	f.Add([]byte(`[{"start_time": 1e999, "end_time": -1, "request": ` + strings.Repeat("[", 300) +
		`}, {"start_time": 0, "end_time": 1e308, "error": {"error_type": "\u202e\u001b[2J", "error_msg": "=1"}}]`))
	fuzz(f, InferencePerf)
}

func FuzzVLLM(f *testing.F) {
	for _, path := range files(f, "vllm/*.json") {
		f.Add(file(f, path))
	}
	f.Add([]byte(`{"model_id": "\u202e\u001b[2J", "backend": "vllm", "input_lens": [-1, 1e308], "output_lens": ` +
		`[9007199254740993], "ttfts": [1e308, -0], "itls": [[1e308, 1e308], null], "errors": ["\u0000", ""], ` +
		`"start_times": [1e18, 0], "completed": -1}`))
	fuzz(f, VLLM)
}

func FuzzSGLang(f *testing.F) {
	for _, path := range files(f, "sglang/*.jsonl") {
		f.Add(file(f, path))
	}
	f.Add([]byte(`{"server_info": {"model_path": "m"}, "request_rate": Infinity, "mean_ttft_ms": 1, ` +
		`"mean_e2e_latency_ms": 1, "ttfts": [1, null], "itls": [[], null], "errors": ["", null]}`))
	fuzz(f, SGLang)
}

func FuzzGuideLLM(f *testing.F) {
	for _, path := range files(f, "guidellm/*.json") {
		data := file(f, path)
		f.Add(data[:min(len(data), 6000)])
	}
	f.Add([]byte(`{"metadata": {"guidellm_version": "0.8.1"}, "config": null, "benchmarks": [{"config": {"strategy": {"type_": "constant", "rate": 5.0}, "backend": {"model": "m"}},
		"metrics": {"request_totals": {"total": 2}}, "requests": {"errored": [{"request_start_time": 1.5, "request_end_time": 2, "info": {"error": "E(\"a error '500 x'\")", "timings": {"token_iterations": 2}}}], "total": null}}]}`))
	f.Add([]byte(`{"benchmarks": [{"requests": {"successful": [{"start_time": 1, "end_time": 2}], "incomplete": ` +
		`null}}], "metadata": {"guidellm_version": "1"}}`))
	fuzz(f, GuideLLM)
}

func FuzzAIPerf(f *testing.F) {
	for _, path := range files(f, "aiperf/*.jsonl") {
		line, _, _ := bytes.Cut(file(f, path), []byte("\n"))
		f.Add(line)
		f.Add(append(append(line, '\n'), line...))
	}
	f.Add([]byte(`{"metadata": {"request_start_ns": 9223372036854775807, "request_end_ns": -1, "benchmark_phase": ` +
		`"profiling", "x_request_id": "\u202e"}, "metrics": {"request_latency": {"value": 1e308, "unit": "ms"}, ` +
		`"output_token_count": {"value": -1}}, "error": {"type": "\u001b[2J", "code": 1e9}}` + "\n" +
		strings.Repeat(`{"metadata":`, 300)))
	fuzz(f, AIPerf)
}

// fuzz reads any input twice, the second time in pieces, and expects the same result. All returned numbers must be
// finite.
func fuzz(f *testing.F, format Format) {
	f.Fuzz(func(t *testing.T, data []byte) {
		Detect(data)
		whole, first := readAll(t, bytes.NewReader(data), format, len(data)+1)
		pieces, second := readAll(t, iotest.OneByteReader(bytes.NewReader(data)), format, 1)
		if len(whole) != len(pieces) || first != second {
			t.Errorf("whole: %d requests, %s\nin pieces: %d requests, %s", len(whole), first, len(pieces), second)
		}
		for _, q := range whole {
			offsets := q.AppendOffsets(nil)
			if first, last := q.Ends(); first != nil {
				offsets = append(offsets, *first)
				if last != nil {
					offsets = append(offsets, *last)
				}
			}
			for _, v := range append(offsets, q.Start, q.End) {
				if math.IsNaN(v) {
					t.Errorf("not a number in %+v", q)
				}
			}
			if q.End < q.Start {
				t.Errorf("the request ends before it starts: %+v", q)
			}
		}
	})
}

// readAll reads with a window of the given initial size.
func readAll(t *testing.T, src io.Reader, format Format, size int) (list []*Request, last string) {
	t.Helper()
	r, err := Open(src, format)
	if errors.Is(err, textfile.ErrUTF16) {
		return nil, err.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	r.Bodies, r.s.buf = true, make([]byte, size)
	for {
		q, err := r.Next()
		var bad *ElementError
		switch {
		case err == nil:
			list = append(list, q)
		case !errors.As(err, &bad):
			return list, err.Error()
		}
	}
}

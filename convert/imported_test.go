package convert

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/outfile"
)

// result returns a file of vllm bench serve with two requests, without start times unless more has them.
func result(more string) string {
	return `{"date": "x", "model_id": "m", "num_prompts": 2, "backend": "openai", "request_rate": "inf", ` + more + `}`
}

const (
	arrays = `"input_lens": [7, 7], "output_lens": [5, 5], "ttfts": [0.1, 0.2], "itls": [[0.01, 0.01, 0.01, ` +
		`0.01], [0.01, 0.01, 0.01, 0.01]], "errors": ["", ""]`
	noGaps    = `"input_lens": [7, 7], "output_lens": [5, 5], "ttfts": [0.1, 0.2], "errors": ["", ""]`
	oneFailed = `"input_lens": [7, 7], "output_lens": [5, 0], "ttfts": [0.0625, 0.0], "itls": [[0.0625], []], ` +
		`"errors": ["", "gone"]`
	firstFailed = `"input_lens": [7, 7], "output_lens": [0, 5], "ttfts": [0.0, 0.125], "itls": [[], [0.125]], ` +
		`"errors": ["gone", ""]`

	guideLLMEndless = `{"benchmarks": [{"type_": "generative_benchmark", "requests": {"successful": [{"start_time": ` +
		`5, "end_time": null, "prompt_tokens": 7, "output_tokens": 5}]}, "duration": 4}]}`

	totals = `"duration": 10, "completed": 2, "total_input_tokens": 14, "total_output_tokens": 10, `
)

func mustImport(t *testing.T, text string) *run.Run {
	t.Helper()
	run, err := run.Read(run.Options{}, run.Source{Name: "f", Reader: strings.NewReader(text)})
	if err != nil {
		t.Fatalf("%.200s: %v", text, err)
	}
	return run
}

// summaryOf returns the summary of a report as written to its file.
func summaryOf(t *testing.T, run *run.Run, o Options) gjson.Result {
	t.Helper()
	text, err := json.Marshal(Summarize(run, o))
	if err != nil {
		t.Fatal(err)
	}
	return gjson.ParseBytes(text)
}

// Without start times throughput follows from the duration that the file states, else it is null. It is not computed as
// if all requests began at 0.
func TestRatesOfARunWithoutStarts(t *testing.T) {
	t.Parallel()
	const noCounts = `"input_lens": [7, 7], "output_lens": [null, 5], "ttfts": [0.1, 0.2], "itls": [[], []], ` +
		`"errors": ["", ""]`
	for _, tt := range []struct{ name, text, time, requests, output, total, remark string }{
		{"all is stated", result(totals + arrays), "10.0", "0.2", "1.0", "2.4",
			"throughput is by the duration that it states"},
		{"no duration", result(arrays), "null", "null", "null", "null",
			"it has no start times, and states no duration"},
		{"a duration of null", result(`"duration": null, ` + arrays), "null", "null", "null", "null",
			"states no duration"},
		{"a duration of 0", result(`"duration": 0, ` + arrays), "null", "null", "null", "null", "states no duration"},
		{"a start of null", result(totals + `"start_times": [null, 5], ` + arrays), "10.0", "0.2", "1.0", "2.4",
			"it has no start times"},
		{"starts of 0 alone", result(totals + `"start_times": [0.0, 0.0], ` + arrays), "10.0", "0.2", "1.0", "2.4",
			"it has no start times"},
		{"a failure that has no start", result(totals + `"start_times": [5, 0.0], ` + oneFailed), "0.125", "8.0",
			"40.0", "96.0", "1 failed requests have no start time"},
		{"a failure at first that has none", result(totals + `"start_times": [null, 5], ` + firstFailed), "0.25", "4.0",
			"20.0", "48.0", "1 failed requests have no start time"},
		{"no ends", result(totals + `"start_times": [5, 9.76], "itls": null, ` + noGaps), "10.0", "0.2", "1.0", "2.4",
			"2 successes have no end: benchmark time and throughput are by the duration that it states"},
		{"no ends, and no duration", result(`"start_times": [5, 9.76], ` + noGaps), "null", "null", "null", "null",
			"2 successes have no end, and it states no duration"},
		{"inference-perf without an end",
			`[{"start_time": 1, "end_time": 3, "error": null}, {"start_time": 2, "end_time": null, "error": null}]`,
			"null", "null", "null", "null", "1 successes have no end, and it states no duration"},
		{"guidellm without ends", guideLLMEndless, "4.0", "0.25", "1.25", "3.0",
			"1 successes have no end: benchmark time"},
		{"start times", result(totals + `"start_times": [5, 9.76], ` + arrays), "5.0", "0.4", "2.0", "4.8", ""},
		{"two runs", result(totals+arrays) + result(strings.Replace(totals, "10", "30", 1)+arrays), "40.0", "0.1",
			"0.5", "1.2", "it has no start times"},
		{"a count of null, but a total", result(totals + noCounts), "10.0", "0.2", "1.0", "2.4",
			"1 of 2 successes have no count of output tokens"},
		{"a count of null, and no total", result(`"duration": 10, ` + noCounts), "10.0", "0.2", "null", "null",
			"1 of 2 successes have no count of output tokens"},
		{"another count of successes", result(strings.Replace(totals, "2", "1", 1) + arrays), "10.0", "0.2", "1.0",
			"2.4", "it says that 1 requests of stage 0 succeeded, but 2 have no error"},
	} {
		run := mustImport(t, tt.text)
		s := summaryOf(t, run, Options{})
		rates := s.Get("successes.throughput")
		got := [...]string{s.Get("benchmark_time_seconds").Raw, rates.Get("requests_per_sec").Raw,
			rates.Get("output_tokens_per_sec").Raw, rates.Get("total_tokens_per_sec").Raw}
		if got != [...]string{tt.time, tt.requests, tt.output, tt.total} {
			t.Errorf("%s: got %q, want %s s and %s, %s, %s per second", tt.name, got, tt.time, tt.requests, tt.output,
				tt.total)
		}
		if remarks := strings.Join(run.Remarks, "\n"); !strings.Contains(remarks, tt.remark) || tt.remark == "" &&
			remarks != "" {
			t.Errorf("%s: got the remarks %q, want %q", tt.name, remarks, tt.remark)
		}
		if s.Get("xk6_llm.time_series").Exists() == run.Untimed {
			t.Errorf("%s: the time series is there: %t", tt.name, !run.Untimed)
		}
	}
}

// A part of a stage, and goodput, have rates only if the time is known.
func TestPartsOfARunWithoutStarts(t *testing.T) {
	t.Parallel()
	r := mustImport(t, result(totals+arrays)+result(strings.Replace(totals, "10", "30", 1)+arrays))
	report := NewReport(r, objectives("ttft=150ms"))
	first, second := report.Stages[0], report.Stages[1]
	if first.BenchmarkTime != 10 || second.BenchmarkTime != 30 || first.Successes.Goodput.RequestRate != 0.1 ||
		!math.IsNaN(float64(*first.Load.AchievedRate)) || !math.IsNaN(float64(*first.Load.SendDuration)) {
		t.Errorf("got %v s and %v s, %+v, %v", first.BenchmarkTime, second.BenchmarkTime, first.Successes.Goodput,
			*first.Load.AchievedRate)
	}
	if part := benchmarkTime(r, r.Requests[:1]); !math.IsNaN(part) {
		t.Errorf("one request of two took %v s, want unknown", part)
	}
	r.LeaveOut(run.Cut{Stages: []int{1}, Warmup: 1})
	if l := Summarize(r, Options{}); l.BenchmarkTime != 30 {
		t.Errorf("stage 1 alone took %v s, want 30", l.BenchmarkTime)
	}
	if got := strings.Join(r.Remarks, "\n"); !strings.Contains(got, "nothing was left out of the run's beginning") ||
		!strings.Contains(got, "left out 2 of 4 requests: all stages but 1") {
		t.Errorf("got the remarks %s", got)
	}
}

// What a tool did not record about a request is unknown in all files, not 0.
func TestUnknownIsNotZero(t *testing.T) {
	t.Parallel()
	const text = `"start_times": [5, 6, 7], "input_lens": [7, 7, null], "output_lens": [0, 5, null], "ttfts": [0.0, ` +
		`0.2, null], "itls": [[], null, null], "errors": ["gone", "", ""]`
	r := mustImport(t, result(text))
	dir := writeReport(t, r, Options{})
	s := summaryOf(t, r, Options{})
	for path, want := range map[string]string{
		"failures.request_latency": "null", "successes.latency.request_latency": "null",
		"successes.latency.normalized_time_per_output_token": "null",
		"successes.output_tokens.total":                      "null", "successes.prompt_tokens.total": "null",
		"successes.output_len.min": "5.0", "successes.request_size_bytes": "null",
		"xk6_llm.latency.ttft.mean": "0.2", "xk6_llm.latency.tpot": "null",
		"xk6_llm.time_series.content_chunks": "null", "xk6_llm.tokens.output_source.unknown": "1",
	} {
		if got := s.Get(path).Raw; got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	requests := gjson.ParseBytes(content(t, filepath.Join(dir, reportdir.PerRequest)))
	for path, want := range map[string]string{
		"0.end_time": "null", "1.computed_metrics.request_latency": "null",
		"1.computed_metrics.time_to_first_token": "0.2", "2.info.input_tokens": "null",
		"2.info.response_metrics.output_tokens": "null",
	} {
		if got := requests.Get(path).Raw; got != want {
			t.Errorf("%s: got %s, want %s, in\n%s", path, got, want, requests.Raw)
		}
	}
	reread, err := run.ReadFiles(run.Options{}, filepath.Join(dir, reportdir.PerRequest))
	if err != nil || len(reread.Requests) != 3 || reread.Partial {
		t.Fatalf("read again: got %v, %v", reread, err)
	}
	if got := summaryOf(t, reread, Options{}).Get("successes.latency.request_latency").Raw; got != "null" {
		t.Errorf("read again: got latencies %s, want null", got)
	}
}

// The first, the last and the number of chunks give TTFT, TPOT and the mean ITL, and no gap is made up.
func TestFirstAndLastChunk(t *testing.T) {
	t.Parallel()
	guide := func(timings string, tokens int) string {
		return fmt.Sprintf(`{"metadata": {"guidellm_version": "0.8.1"}, "benchmarks": [{"requests": {"successful": `+
			`[{"request_start_time": 100, "request_end_time": 102, "info": {"timings": {%s}}, "output_tokens": `+
			`%d}]}}]}`, timings, tokens)
	}
	for _, tt := range []struct {
		name, text                 string
		ttft, tpot, itl, classical string // the last is inference-perf's TTFT
	}{
		{"five chunks", guide(`"first_token_iteration": 100.5, "last_token_iteration": 101.5, "token_iterations": 5`,
			9), "0.5", "0.125", "0.25", "0.5"},
		{"an unknown number of chunks", guide(`"first_token_iteration": 100.5, "last_token_iteration": 101.5`, 9),
			"0.5", "0.125", "0.125", "0.5"},
		{"an unknown last chunk", guide(`"first_token_iteration": 100.5, "token_iterations": 5`, 9), "0.5", "null",
			"null", "0.5"},
		{"no first chunk", guide(`"first_token_iteration": null, "last_token_iteration": 101.5, "token_iterations": 5`,
			9), "null", "null", "null", "null"},
		{"a first chunk at once",
			guide(`"first_token_iteration": 100, "last_token_iteration": 101, "token_iterations": 5`, 9), "0.0",
			"0.125", "0.25", "0.0"},
		{"aiperf", `{"metadata": {"request_start_ns": 1000, "request_end_ns": 2000001000}, "metrics": ` +
			`{"time_to_first_token": {"value": 500, "unit": "ms"}, "request_latency": {"value": 1500, "unit": ` +
			`"ms"}, "output_sequence_length": {"value": 9}}}`, "0.5", "0.125", "0.125", "0.5"},
	} {
		read := mustImport(t, tt.text)
		dir := writeReport(t, read, Options{})
		path := filepath.Join(t.TempDir(), "requests.parquet")
		if err := outfile.Write(path, outfile.Options{}, NewRequestTable(read).WriteParquet); err != nil {
			t.Fatal(err)
		}
		reread, err := run.ReadFiles(run.Options{}, path)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		for _, r := range []*run.Run{read, reread} {
			s := summaryOf(t, r, Options{})
			l := s.Get("xk6_llm.latency")
			mean := func(r gjson.Result) string {
				if !r.IsObject() {
					return "null"
				}
				return r.Get("mean").Raw
			}
			got := [...]string{mean(l.Get("ttft")), mean(l.Get("tpot")), mean(l.Get("itl_mean")),
				mean(s.Get("successes.latency.time_to_first_token"))}
			if got != [...]string{tt.ttft, tt.tpot, tt.itl, tt.classical} {
				t.Errorf("%s: got TTFT, TPOT, mean ITL %q, want %s, %s, %s, %s", tt.name, got, tt.ttft, tt.tpot, tt.itl,
					tt.classical)
			}
			if gaps := s.Get("successes.latency.inter_token_latency").Raw; gaps != "null" {
				t.Errorf("%s: got the gaps %s, want null", tt.name, gaps)
			}
		}
		if fault := gjson.ParseBytes(content(t, filepath.Join(dir, "validation.json"))).Get(
			"reports.@values.#.errors.@flatten"); strings.Contains(fault.Raw, "message") {
			t.Errorf("%s: got the faults %s", tt.name, fault.Raw)
		}
	}
}

// A Parquet file keeps what is known about an imported run and what is unknown.
func TestImportedRunsInParquet(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"vllm/0.14.0.json", "vllm/0.33.0-append.json", "sglang/0.5.23-append.jsonl",
		"sglang/0.5.23-unary.jsonl", "guidellm/0.8.1.json", "aiperf/0.13.0.jsonl"} {
		r, err := run.ReadFiles(run.Options{}, filepath.Join("internal", "foreign", "testdata",
			filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "requests.parquet")
		if err := outfile.Write(path, outfile.Options{}, NewRequestTable(r).WriteParquet); err != nil {
			t.Fatal(err)
		}
		reread, err := run.ReadFiles(run.Options{}, path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if reread.Origin != r.Origin || reread.Untimed != r.Untimed || reread.Partial != r.Partial {
			t.Errorf("%s: got %q, untimed %t, partial %t", name, reread.Origin, reread.Untimed, reread.Partial)
		}
		sameFigures(t, name, summaryOf(t, r, Options{}), summaryOf(t, reread, Options{}))
		if _, err := run.ReadFiles(run.Options{}, path, filepath.Join("internal", "foreign", "testdata",
			filepath.FromSlash(name))); err == nil || !strings.Contains(err.Error(), "cannot be merged") {
			t.Errorf("%s: merged with itself: got %v", name, err)
		}
	}
}

// sameFigures checks that two values are the same, numbers to a microsecond.
func sameFigures(t *testing.T, path string, a, b gjson.Result) {
	t.Helper()
	switch {
	case a.Type == gjson.Number && b.Type == gjson.Number:
		if math.Abs(a.Num-b.Num) > 1e-6*max(1, math.Abs(a.Num)) {
			t.Errorf("%s: got %v, want %v", path, b.Num, a.Num)
		}
	case a.IsObject() || a.IsArray():
		a.ForEach(func(key, value gjson.Result) bool {
			at := gjson.Escape(key.String())
			if a.IsArray() {
				at = fmt.Sprint(key.Int())
			}
			if strings.Contains(at, "goodput") {
				return true
			}
			sameFigures(t, path+"."+at, value, b.Get(at))
			return true
		})
	case a.Raw != b.Raw:
		t.Errorf("%s: got %s, want %s", path, b.Raw, a.Raw)
	}
}

// Tables leave unknown instants empty, and keep the durations.
func TestTablesOfARunWithoutStarts(t *testing.T) {
	t.Parallel()
	run := mustImport(t, result(totals+arrays))
	path := filepath.Join(t.TempDir(), "requests.csv")
	if err := outfile.Write(path, outfile.Options{}, NewRequestTable(run).WriteCSV); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	head, row := strings.Split(lines[0], ","), strings.Split(lines[1], ",")
	for i, name := range head {
		want, checked := map[string]string{"start_ns": "", "end_ns": "", "due_ns": "", "attempt_ns": "",
			"ttft_ms": "100", "request_latency_ms": "140"}[name]
		if checked && row[i] != want {
			t.Errorf("%s: got %q, want %q", name, row[i], want)
		}
	}
	side := RunSide(run, "f", Options{})
	if !side.Untimed || side.Seconds != 10 || side.Requests[1].Start != 1 ||
		side.Requests[1].Latency != latencySeconds(run, run.Requests[1]) {
		t.Errorf("got %+v", side)
	}
}

// A request with an impossible time is named and is in no figure. The other requests are.
func TestSenselessTimesOfImportedRuns(t *testing.T) {
	t.Parallel()
	const (
		times = `"duration": 10, "completed": 3, "start_times": [100, 101, 102], "input_lens": [7, 7, 7], ` +
			`"output_lens": [2, 2, 2], "errors": ["", "", ""], `
		guide = `{"benchmarks": [{"type_": "generative_benchmark", "requests": {"successful": [` +
			`{"start_time": 5, "end_time": 6, "prompt_tokens": 7, "output_tokens": 5, "time_to_first_token_ms": ` +
			`100, "inter_token_latency_ms": 10}, ` +
			`{"start_time": 6, "end_time": %s, "prompt_tokens": 7, "output_tokens": 5, "time_to_first_token_ms": ` +
			`100, "inter_token_latency_ms": 10}, ` +
			`{"start_time": 7, "end_time": 8, "prompt_tokens": 7, "output_tokens": 5, "time_to_first_token_ms": ` +
			`100, "inter_token_latency_ms": 10}` +
			`]}, "duration": 4}]}`
	)
	for name, text := range map[string]string{
		"a gap of days":     result(times + `"ttfts": [0.1, 0.1, 0.1], "itls": [[0.1], [300000], [0.1]]`),
		"a gap of years":    result(times + `"ttfts": [0.1, 0.1, 0.1], "itls": [[0.1], [1e12], [0.1]]`),
		"an answer of days": result(times + `"ttfts": [0.1, 400000, 0.1], "itls": [[0.1], [0.1], [0.1]]`),
		"an end before":     fmt.Sprintf(guide, "5"),
		"an end days later": fmt.Sprintf(guide, "400000"),
	} {
		run, err := run.Read(run.Options{}, run.Source{Name: "f", Reader: strings.NewReader(text)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s := summaryOf(t, run, Options{})
		if !run.Partial || len(run.Requests) != 2 || !(s.Get("benchmark_time_seconds").Num < 10) ||
			!(s.Get("successes.latency.request_latency.max").Num < 10) {
			t.Errorf("%s: partial %t, %d requests, %v; remarks %q", name, run.Partial, len(run.Requests),
				s.Get("benchmark_time_seconds"), run.Remarks)
		}
	}
}

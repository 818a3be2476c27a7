package validation

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
)

// someRequests returns a file of sound requests of 1 s with three tokens each.
func someRequests(n int, change func(i int, one string) string) string {
	var list []string
	for i := range n {
		one := fmt.Sprintf(`{"start_time": %d.0, "end_time": %d.0, "request": "{\"a\": \"]}\\\"\"}", "response": `+
			`null, "info": {"response_metrics": `+
			`{"output_tokens": 3, "server_usage": {"completion_tokens": 4}, "chunk_times": [%d.25, %d.5], `+
			`"output_token_times": [%d.25, %d.25, %d.5]}}, "error": null}`,
			i, i+1, i, i, i, i, i)
		if change != nil {
			one = change(i, one)
		}
		list = append(list, one)
	}
	return "[\n" + strings.Join(list, ",\n") + "\n]"
}

func TestBrokenRequests(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, old, new string
		want           []string
	}{
		{"sound", "", "", nil},
		{"no start", `"start_time": 1.0`, `"start_time": null`,
			[]string{"error per_request.structure: 1 record(s) without start_time, end_time or error (record " +
				"indices: 1)"}},
		{"no error", `, "error": null`, "",
			[]string{"error per_request.structure: 1 record(s) without start_time, end_time or error (record " +
				"indices: 1)"}},
		{"ends before it starts", `"end_time": 2.0`, `"end_time": 0.5`, []string{
			"error per_request.times: 1 record(s) with end_time before start_time (record indices: 1)",
			"error per_request.token_times: 1 record(s) have token times outside of start_time and end_time (record " +
				"indices: 1)",
		}},
		{"tokens before chunks", `[1.25, 1.25, 1.5]`, `[1.5, 1.25, 1.5]`,
			[]string{"error per_request.token_times: 1 record(s) have token times that do not ascend (record " +
				"indices: 1)"}},
		{"a time that is none", `[1.25, 1.25, 1.5]`, `[1.25, null, 1.5]`,
			[]string{"error per_request.token_times: 1 record(s) have token times that do not ascend (record " +
				"indices: 1)"}},
		{"chunks disordered", `"chunk_times": [1.25, 1.5]`, `"chunk_times": [1.5, 1.25]`,
			[]string{"error per_request.token_times: 1 record(s) have token times that do not ascend (record " +
				"indices: 1)"}},
		{"token after the end", `1.5]}}`, `2.1]}}`,
			[]string{"error per_request.token_times: 1 record(s) have token times outside of start_time and " +
				"end_time (record indices: 1)"}},
		{"token before the start", `[1.25, 1.5]`, `[0.25, 1.5]`,
			[]string{"error per_request.token_times: 1 record(s) have token times outside of start_time and " +
				"end_time (record indices: 1)"}},
		{"a microsecond after the end", `1.5]}}`, `2.000001]}}`, nil},
		{"nothing of the response", `{"output_tokens"`, `null, "old": {"output_tokens"`,
			[]string{"warning per_request.response_presence: 1 successful record(s) have no response_metrics " +
				"(record indices: 1)"}},
		{"info not asked for", `"info"`, `"old"`, nil},
		{"counts a quarter apart", `"completion_tokens": 4`, `"completion_tokens": 4.0`, nil},
		{"counts further apart", `"completion_tokens": 4`, `"completion_tokens": 5`,
			[]string{"warning per_request.token_agreement: 1 record(s) have client output_tokens diverging from " +
				"server completion_tokens by more than 25% (reasoning-channel tokens can account for some " +
				"divergence) (record indices: 1)"}},
		{"no tokens at all", `"output_tokens": 3, "server_usage": {"completion_tokens": 4}`,
			`"output_tokens": 0, "server_usage": {"completion_tokens": 0}`, nil},
		{"server says nothing", `{"completion_tokens": 4}`, `null`, nil},
	} {
		file := someRequests(3, func(i int, one string) string {
			if i == 1 && tt.old != "" {
				if strings.Count(one, tt.old) != 1 {
					t.Fatalf("%s: %q must stand in %s once", tt.name, tt.old, one)
				}
				return strings.Replace(one, tt.old, tt.new, 1)
			}
			return one
		})
		if got := findings(sample{reportdir.PerRequest: file}.check(t, Config{})); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// The response of a failed request is not checked.
func TestFailedRequest(t *testing.T) {
	t.Parallel()
	const file = `[{"start_time": 1, "end_time": 2, "info": {"response_metrics": null}, "error": {"error_type": ` +
		`"TimeoutError", "error_msg": ""}}]`
	if got := findings(sample{reportdir.PerRequest: file}.check(t, Config{})); len(got) > 0 {
		t.Errorf("got %q", got)
	}
}

// Many records with the same fault make one finding.
func TestManyRequests(t *testing.T) {
	t.Parallel()
	file := someRequests(9, func(i int, one string) string {
		if i < 2 {
			return one
		}
		return strings.Replace(one, `"error": null`, `"old": null`, 1)
	})
	got := findings(sample{reportdir.PerRequest: file}.check(t, Config{}))
	want := []string{"error per_request.structure: 7 record(s) without start_time, end_time or error (record " +
		"indices: 2, 3, 4, 5, 6, ...)"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBrokenCrossReport(t *testing.T) {
	t.Parallel()
	base := readOriginal(t, "failures")
	delete(base, part0)
	delete(base, "inference-perf.partial.stage_1.yaml")
	runBreakages(t, base, Config{Stages: 2}, []breakage{
		{reportdir.Summary, "load_summary/count", "301", []string{
			"error cross_report.stage_totals: load_summary.count: the stages' sum is 300, the summary has 301",
			"error cross_report.per_request_count: the file of requests has 300, the summary 301",
			"error summary.counts: 201 successes and 99 failures are not the 301 requests of load_summary",
		}},
		{reportdir.Summary, "successes/output_tokens/total", "1", []string{
			"error cross_report.stage_totals: successes.output_tokens.total: the stages' sum is 3894, the summary " +
				"has 1",
			"error summary.tokens: successes.output_tokens: total 1 is not the mean 19.37313432835821 of 201 requests",
		}},
		{stage1, "load_summary/requested_rate", "5",
			[]string{"warning cross_report.stage_rates: requested_rate falls from 10 in stage 0 to 5 in stage 1"}},
	})
	for name, concurrent := range map[string]sample{
		"of a fixed concurrency": base.with(stage1, set(t, set(t, base[stage1], "load_summary/requested_rate", "5"),
			"load_summary/concurrency", "4")),
		"as achieved": base.with(stage1, set(t, set(t, base[stage1], "load_summary/requested_rate", "5.0"),
			"load_summary/achieved_rate", "5.0")),
	} {
		if got := added(findings(base.check(t, Config{})), findings(concurrent.check(t, Config{}))); len(got) > 0 {
			t.Errorf("rate %s: got %q", name, got)
		}
	}
}

// The numbers of stage files are checked against the configuration.
func TestStageNumbers(t *testing.T) {
	t.Parallel()
	base := readOriginal(t, "failures")
	for _, tt := range []struct {
		name       string
		configured int
		files      []string
		want       []string
	}{
		{"as configured", 2, []string{stage0, stage1}, nil},
		{"not known, as of a sweep that failed", 0, []string{stage0, stage1}, nil},
		{"no stage reports asked for", 2, nil, nil},
		{"too many", 1, []string{stage0, stage1},
			[]string{"error cross_report.configured_stages: 2 stages have reports, 1 are configured"}},
		{"too few", 4, []string{stage0, stage1},
			[]string{"warning cross_report.configured_stages: configured stages have no report: 2, 3"}},
		{"a gap", 0, []string{stage0, "stage_3_lifecycle_metrics.json"},
			[]string{"warning cross_report.stage_indices: no stage between 0 and 3 has a report"}},
	} {
		s := sample{}
		for i, name := range tt.files {
			s[name] = base[[]string{stage0, stage1}[i]]
		}
		var got []string
		for _, f := range s.check(t, Config{tt.configured}).Global.Errors {
			got = append(got, fmt.Sprintf("error %s: %s", f.Check, f.Message))
		}
		for _, f := range s.check(t, Config{tt.configured}).Global.Warnings {
			got = append(got, fmt.Sprintf("warning %s: %s", f.Check, f.Message))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestBrokenPartial(t *testing.T) {
	t.Parallel()
	base := readOriginal(t, "failures")
	base = sample{stage0: base[stage0], part0: base[part0]}
	sound := findings(base.check(t, Config{}))
	for _, tt := range []struct {
		old, new string
		want     []string
	}{
		{"version: 0.2.1", "version: 0.2", []string{`error br_partial.version: "0.2" is not 0.2.1`}},
		{"    duration: PT12.017S", "    duration: PT12.016S",
			[]string{"error br_partial.run_time: 12.016s is not the 12.01711s between start and end"}},
		{"end: '2026-11-23T21:32:36", "end: '2026-11-23T21:32:16",
			[]string{"error br_partial.run_time: the end is 7.98289s before the start"}},
		{"duration: PT12.017S", "duration: 12",
			[]string{`error br_partial.schema: yaml: construct errors: line 6: duration: "12" is no duration such ` +
				`as PT12.017S`}},
		{"failures: 32", "failures: 101", []string{
			"error br_partial.schema: requests: 101 failures of 100",
			"error br_partial.lifecycle_agreement: requests.failures is 101, in the stage's report 32",
		}},
		{"total: 100", "total: 99",
			[]string{"error br_partial.lifecycle_agreement: requests.total is 99, in the stage's report 100"}},
		{"total: 100", "total: many",
			[]string{
				"error br_partial.schema: results.request_performance.aggregate.requests.total is no whole number"}},
		{"stddev: 0.0007292853834842776", "stddev: null",
			[]string{"error br_partial.nulls: null in place of nothing: " +
				"results.request_performance.aggregate.latency.time_to_first_token.stddev"}},
		{"stddev: 0.0007292853834842776", "stddev: -1",
			[]string{"error br_partial.distributions: latency.time_to_first_token: -1 is negative or not finite"}},
		{"p95: 0.0527801938001403", "p95: .nan",
			[]string{"error br_partial.distributions: latency.time_to_first_token: NaN is negative or not finite"}},
		{"p95: 0.0527801938001403", "p95: 0.05",
			[]string{"error br_partial.distributions: latency.time_to_first_token: percentile 95 0.05 is below " +
				"percentile 90 0.05254473689992665"}},
		{"mean: 35.55882352941177", "mean: 3.5",
			[]string{"error br_partial.distributions: requests.input_length: minimum 10 is above the mean 3.5"}},
		{"mean: 0.0518362018823783", "mean: 0.0519",
			[]string{"error br_partial.lifecycle_agreement: latency.time_to_first_token.mean is 0.0519, in the " +
				"stage's report 0.0518362018823783"}},
		{"min: 0.05085239800018826", "min: 0.0508",
			[]string{"error br_partial.lifecycle_agreement: latency.time_to_first_token.min is 0.0508, in the " +
				"stage's report 0.05085239800018826"}},
		{"max: 0.055660273999819765", "max: 0.0557",
			[]string{"error br_partial.lifecycle_agreement: latency.time_to_first_token.max is 0.0557, in the " +
				"stage's report 0.055660273999819765"}},
		{"        time_to_first_token:", "        time_to_last_token:",
			[]string{"error br_partial.lifecycle_agreement: latency.time_to_first_token is missing"}},
		{"mean: 6.887046233403798", "mean: 7.0",
			[]string{"error br_partial.lifecycle_agreement: throughput.request_rate.mean is 7, in the stage's " +
				"report 6.887046233403798"}},
		{"        request_rate:", "        requests:",
			[]string{"error br_partial.lifecycle_agreement: throughput.request_rate is missing"}},
	} {
		if strings.Count(base[part0], tt.old) != 1 {
			t.Fatalf("%q must stand in the file once", tt.old)
		}
		broken := base.with(part0, strings.Replace(base[part0], tt.old, tt.new, 1))
		got := added(sound, findings(broken.check(t, Config{})))
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.new, got, tt.want)
		}
	}
}

// A latency that only one of the reports has is a contradiction.
func TestPartialWithoutStageFigure(t *testing.T) {
	t.Parallel()
	base := readOriginal(t, "failures")
	base = sample{stage0: base[stage0], part0: base[part0]}
	runBreakages(t, base, Config{}, []breakage{
		{stage0, "successes/latency/time_per_output_token", "null",
			[]string{
				"error br_partial.lifecycle_agreement: latency.time_per_output_token is not in the stage's report"}},
	})
}

// Successes without a token count as 0 s per token in the stage's report, and are left out of the partial report.
func TestZeroTokenSuccess(t *testing.T) {
	t.Parallel()
	base := readOriginal(t, "failures")
	const path = "successes/latency/normalized_time_per_output_token"
	stage := set(t, base[stage0], path, `{"mean": 0.0074, "min": 0.0, "max": 0.011251940375018421}`)
	base = sample{stage0: stage, part0: base[part0]}
	if got := findings(base.check(t, Config{})); len(got) != 1 { // that of the real run
		t.Errorf("got %q", got)
	}
	runBreakages(t, base, Config{}, []breakage{
		{stage0, path, `{"mean": 0.0077, "min": 0.0, "max": 0.011251940375018421}`, []string{
			"error br_partial.lifecycle_agreement: latency.normalized_time_per_output_token.mean is " +
				"0.007581157115401282, below the stage's report's 0.0077",
		}},
		{stage0, path, `{"mean": 0.0074, "min": 0.0, "max": 0.0113}`, []string{
			"error br_partial.lifecycle_agreement: latency.normalized_time_per_output_token.max is " +
				"0.011251940375018421, in the stage's report 0.0113",
		}},
	})
	i, j := strings.Index(base[part0], "        normalized_time"),
		strings.Index(base[part0], "        time_per_output_token")
	base[part0] = base[part0][:i] + base[part0][j:]
	want := "error br_partial.lifecycle_agreement: latency.normalized_time_per_output_token is missing"
	if got := findings(base.check(t, Config{})); !slices.Contains(got, want) {
		t.Errorf("left out: got %q, want %q", got, want)
	}
	base[stage0] = set(t, stage, path, `{"mean": 0.0, "min": 0.0, "max": 0.0}`)
	if got := findings(base.check(t, Config{})); slices.Contains(got, want) {
		t.Errorf("no success has a token: got %q", got)
	}
}

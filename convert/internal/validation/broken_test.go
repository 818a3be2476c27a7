package validation

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
)

const stage0, stage1, part0 = "stage_0_lifecycle_metrics.json", "stage_1_lifecycle_metrics.json",
	"inference-perf.partial.stage_0.yaml"

// set puts a value at a path of a JSON file; "" deletes the member.
func set(t *testing.T, file, path, value string) string {
	t.Helper()
	var doc any
	if err := json.Unmarshal([]byte(file), &doc); err != nil {
		t.Fatal(err)
	}
	steps := strings.Split(path, "/")
	at := doc
	for _, step := range steps[:len(steps)-1] {
		switch v := at.(type) {
		case map[string]any:
			at = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil {
				t.Fatal(err)
			}
			at = v[i]
		}
	}
	object, ok := at.(map[string]any)
	last := steps[len(steps)-1]
	if !ok {
		t.Fatalf("nothing to set at %s", path)
	}
	if value == "" {
		delete(object, last)
	} else {
		object[last] = json.RawMessage(value)
	}
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// added returns the findings about a broken report that the sound report does not have.
func added(sound, broken []string) (lines []string) {
	for _, line := range broken {
		if !slices.Contains(sound, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// breakage is one changed field of a sound report, and all findings that the change adds.
type breakage struct {
	file, path, value string
	want              []string
}

func runBreakages(t *testing.T, base sample, c Config, list []breakage) {
	t.Helper()
	sound := findings(base.check(t, c))
	for _, tt := range list {
		broken := base.with(tt.file, set(t, base[tt.file], tt.path, tt.value))
		if got := added(sound, findings(broken.check(t, c))); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %s = %s: got\n%s\nwant\n%s", tt.file, tt.path, tt.value, strings.Join(got, "\n"),
				strings.Join(tt.want, "\n"))
		}
	}
}

func TestBrokenLifecycle(t *testing.T) {
	t.Parallel()
	base := sample{stage0: readOriginal(t, "failures")[stage0]}
	runBreakages(t, base, Config{}, []breakage{
		{stage0, "successes", "", []string{
			"error per_stage.structure: section successes is missing",
			"error per_stage.structure: section successes.latency is missing",
			"error per_stage.structure: section successes.throughput is missing",
		}},
		{stage0, "failures/count", "1.5", []string{"error per_stage.structure: failures.count is not a count"}},
		{stage0, "failures/prompt_tokens", "",
			[]string{"error per_stage.structure: section failures.prompt_tokens is missing"}},
		{stage0, "failures/count", "31",
			[]string{"error per_stage.counts: 68 successes and 31 failures are not the 100 requests of load_summary"}},
		{stage0, "benchmark_time_seconds", "-1",
			[]string{"error per_stage.time: benchmark_time_seconds is negative: -1"}},
		{stage0, "benchmark_time_seconds", "0",
			[]string{"warning per_stage.time: benchmark_time_seconds is 0 although there are 100 requests"}},
		{stage0, "benchmark_time_seconds", `"9"`,
			[]string{"error per_stage.structure: benchmark_time_seconds is not a number"}},
		{stage0, "load_summary/send_duration", "-1",
			[]string{"error per_stage.load: load_summary.send_duration is negative: -1"}},
		{stage0, "load_summary/requested_rate", "-1",
			[]string{"error per_stage.load: load_summary.requested_rate is negative: -1"}},
		{stage0, "load_summary/achieved_rate", "-1",
			[]string{"error per_stage.load: load_summary.achieved_rate is negative: -1"}},
		{stage0, "load_summary/concurrency", "-1",
			[]string{"error per_stage.load: load_summary.concurrency is negative: -1"}},
		{stage0, "load_summary/schedule_delay/min", "-0.0051",
			[]string{"warning per_stage.distributions: load_summary.schedule_delay: negative minimum -0.0051"}},
		{stage0, "load_summary/schedule_delay/min", "-0.0049", nil},
		{stage0, "load_summary/schedule_delay", "7",
			[]string{"error per_stage.distributions: load_summary.schedule_delay: neither an object nor null"}},
		{stage0, "successes/latency/request_latency/min", "-0.01",
			[]string{"error per_stage.distributions: successes.latency.request_latency: negative minimum -0.01"}},
		{stage0, "successes/latency/request_latency/min", "",
			[]string{"error per_stage.distributions: successes.latency.request_latency: mean, min and max must be " +
				"there, each once"}},
		{stage0, "successes/latency/request_latency/mean", "null",
			[]string{`error per_stage.distributions: successes.latency.request_latency: "mean" is not a number`}},
		{stage0, "successes/latency/time_to_first_token/mean", "0.05",
			[]string{"error per_stage.distributions: successes.latency.time_to_first_token: minimum " +
				"0.05085239800018826 is above the mean 0.05"}},
		{stage0, "successes/latency/time_to_first_token/mean", "0.06",
			[]string{"error per_stage.distributions: successes.latency.time_to_first_token: mean 0.06 is above the " +
				"maximum 0.055660273999819765"}},
		{stage0, "successes/latency/time_to_first_token/p99.9", "0.06",
			[]string{"error per_stage.distributions: successes.latency.time_to_first_token: p99.9 0.06 is above the " +
				"maximum 0.055660273999819765"}},
		{stage0, "successes/latency/time_to_first_token/median", "0.0513",
			[]string{"error per_stage.distributions: successes.latency.time_to_first_token: median 0.0513 is below " +
				"p25 0.051451689000032275"}},
		{stage0, "successes/latency/time_to_first_token/p0.1", "0.05",
			[]string{"error per_stage.distributions: successes.latency.time_to_first_token: p0.1 0.05 is below the " +
				"minimum 0.05085239800018826"}},
		{stage0, "successes/latency/inter_token_latency", "null", nil},
		{stage0, "successes/prompt_tokens/cached", "3000", []string{
			"error per_stage.tokens: successes.prompt_tokens: 3000 cached of 2418",
			"error per_stage.tokens: successes.prompt_tokens: 2418 uncached is not 2418 less 3000 cached",
		}},
		{stage0, "successes/prompt_tokens/uncached", "2417",
			[]string{"error per_stage.tokens: successes.prompt_tokens: 2417 uncached is not 2418 less 0 cached"}},
		{stage0, "successes/output_tokens/total", "1257",
			[]string{
				"error per_stage.tokens: successes.output_tokens: total 1257 is not the mean 18.5 of 68 requests"}},
		{stage0, "failures/prompt_tokens/total", "1", []string{
			"error per_stage.tokens: failures.prompt_tokens: 0 uncached is not 1 less 0 cached",
			"error per_stage.tokens: failures.prompt_tokens: total 1 is not the mean 0 of 32 requests",
		}},
		{stage0, "successes/throughput/total_tokens_per_sec", "400",
			[]string{"error per_stage.throughput: total_tokens_per_sec 400 is not input 244.89526165250567 and " +
				"output 138.5511654014176"}},
		{stage0, "successes/throughput/requests_per_sec", "7",
			[]string{
				"error per_stage.throughput: requests_per_sec 7 is not successes.count 68 in 9.873608757000056 s"}},
		{stage0, "successes/throughput/requests_per_sec", `"7"`,
			[]string{"error per_stage.structure: successes.throughput.requests_per_sec is not a number"}},
		{stage0, "successes/throughput/images_per_sec", "-1",
			[]string{"error per_stage.throughput: successes.throughput.images_per_sec is negative: -1"}},
		{stage0, "successes/token_count_mismatches", "-1",
			[]string{"error per_stage.token_mismatches: successes.token_count_mismatches is negative: -1"}},
		{stage0, "successes/token_count_mismatches", "2",
			[]string{"warning per_stage.token_mismatches: 2 request(s) where the client-side token count disagrees " +
				"with the server-reported completion_tokens"}},
		// What others add is theirs.
		{stage0, "xk6_llm", `{"latency":{"ttft":{"mean":-1,"min":5,"max":-7}}}`, nil},
		{stage0, "successes/prompt_len", `{"mean":1,"min":1,"max":1}`, nil},
	})
}

// Reports of older versions have prompt_len instead of prompt_tokens, no time, and their maxima last.
func TestLegacy(t *testing.T) {
	t.Parallel()
	const file = `{"load_summary": {"count": 2, "schedule_delay": {"mean": 0.1, "min": 0.0, "p50": 0.1, "max": 0.2}},
		"successes": {"count": 2, "latency": {"request_latency": {"mean": 1.0, "min": 1.0, "median": 1.0, "max": 1.0}},
			"throughput": {"input_tokens_per_sec": 4.0, "output_tokens_per_sec": 2.0, "total_tokens_per_sec": 6.0, "requests_per_sec": 0.2},
			"prompt_len": {"mean": 20.0, "min": 20.0, "p99": 20.0, "max": 20.0}, "output_len": null},
		"failures": {"count": 0, "request_latency": null, "prompt_len": null}}`
	base := sample{reportdir.Summary: file}
	if got := findings(base.check(t, Config{})); len(got) > 0 {
		t.Errorf("sound: got %q", got)
	}
	runBreakages(t, base, Config{}, []breakage{
		{reportdir.Summary, "successes/prompt_len/p99", "21",
			[]string{"error summary.distributions: successes.prompt_len: p99 21 is above the maximum 20"}},
		{reportdir.Summary, "successes/prompt_len", "",
			[]string{"error summary.structure: section successes.prompt_tokens is missing"}},
	})
}

// The totals of a report without a success are zeros, and it has no rates.
func TestNoSuccess(t *testing.T) {
	t.Parallel()
	const file = `{"benchmark_time_seconds": 1.5, "load_summary": {"count": 2, "schedule_delay": null},
		"successes": {"count": 0, "latency": {"request_latency": null},
			"throughput": {"input_tokens_per_sec": 0.0, "output_tokens_per_sec": 0.0, "total_tokens_per_sec": 0.0, "requests_per_sec": 0.0},
			"prompt_tokens": {"total": 0.0, "cached": 0.0, "uncached": 0.0}, "output_len": null, "output_tokens": {"total": 0.0}},
		"failures": {"count": 2, "prompt_tokens": {"total": 0.0, "cached": 0.0, "uncached": 0.0, "mean": 0.0, "min": 0.0, "max": 0.0}}}`
	base := sample{reportdir.Summary: file}
	if got := findings(base.check(t, Config{})); len(got) > 0 {
		t.Errorf("sound: got %q", got)
	}
	runBreakages(t, base, Config{}, []breakage{
		{reportdir.Summary, "successes/output_tokens/total", "3",
			[]string{"error summary.tokens: successes.output_tokens: a total of 3 without a request"}},
	})
}

func TestBrokenGoodput(t *testing.T) {
	t.Parallel()
	base := readOriginal(t, "chat")
	base = sample{reportdir.Summary: set(t, base[reportdir.Summary], "successes/goodput_metrics",
		`{"goodput_percentage":75.0,"request_goodput":5.0,"token_goodput":9.0,"good_requests":60,"total_requests":80,"ttft_attainment_percentage":90.0,"older":{}}`)}
	if got := findings(base.check(t, Config{})); len(got) > 0 {
		t.Errorf("sound: got %q", got)
	}
	const path = "successes/goodput_metrics/"
	runBreakages(t, base, Config{}, []breakage{
		{reportdir.Summary, path + "goodput_percentage", "74",
			[]string{"error summary.goodput: goodput_percentage 74 is not 60 of 80 requests"}},
		{reportdir.Summary, path + "ttft_attainment_percentage", "101",
			[]string{"error summary.goodput: ttft_attainment_percentage is above 100: 101"}},
		{reportdir.Summary, path + "ttft_attainment_percentage", "-1",
			[]string{"error summary.goodput: successes.goodput_metrics.ttft_attainment_percentage is negative: -1"}},
		{reportdir.Summary, path + "request_goodput", "-1",
			[]string{"error summary.goodput: successes.goodput_metrics.request_goodput is negative: -1"}},
		{reportdir.Summary, path + "total_requests", "81", []string{
			"error summary.goodput: total_requests 81 is not the 80 successes",
			"error summary.goodput: goodput_percentage 75 is not 60 of 81 requests",
		}},
		{reportdir.Summary, path + "good_requests", "81", []string{
			"error summary.goodput: good_requests 81 is above total_requests 80",
			"error summary.goodput: goodput_percentage 75 is not 81 of 80 requests",
		}},
	})
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	const record = `{"start_time": 0, "end_time": 0, "error": null}`
	deep := strings.Repeat("[", 2000)
	for _, tt := range []struct{ file, text, want string }{
		{reportdir.Summary, "", "summary.structure: not JSON: unexpected end of JSON input"},
		{reportdir.Summary, "[]", "summary.structure: not an object"},
		{reportdir.Summary, `{"a": NaN}`,
			"summary.structure: not JSON: invalid character 'N' looking for beginning of value"},
		{reportdir.Summary, "é", "summary.structure: not JSON: invalid character '?' looking for beginning of value"},
		{stage0, strings.Repeat("[", 1<<20), "per_stage.structure: not JSON: "},
		{reportdir.PerRequest, "", "per_request.structure: not a list of records: the list has no end"},
		{reportdir.PerRequest, " [ ", "per_request.structure: not a list of records: the list has no end"},
		{reportdir.PerRequest, "{}",
			"per_request.structure: not a list of records: '{' in place of record 0 or the end of the list"},
		{reportdir.PerRequest, "[1]",
			"per_request.structure: not a list of records: '1' in place of record 0 or the end of the list"},
		{reportdir.PerRequest, "[] 1",
			"per_request.structure: not a list of records: '1' in place of record 0 or the end of the list"},
		{reportdir.PerRequest, `[` + record + `,`, "per_request.structure: not a list of records: the list has no end"},
		{reportdir.PerRequest, `[{"a": "]}"`,
			"per_request.structure: not a list of records: the file ends within record 0"},
		{reportdir.PerRequest, `[` + record + `,]`,
			"per_request.structure: not a list of records: ']' in place of record 1 or the end of the list"},
		{reportdir.PerRequest, `[` + record + " " + record + `]`,
			"per_request.structure: not a list of records: '{' in place of record 1 or the end of the list"},
		{reportdir.PerRequest, `[{"a": "\"`,
			"per_request.structure: not a list of records: the file ends within record 0"},
		{reportdir.PerRequest, `[{"a" 1}]`, "per_request.structure: not a list of records: record 0 is not valid JSON"},
		{reportdir.PerRequest, `[{"a":` + deep,
			"per_request.structure: not a list of records: record 0 is nested deeper than 1000"},
		{part0, "a: [", "br_partial.structure: not YAML: "},
		{part0, "", "br_partial.schema: the file is empty"},
		{part0, "version: 0.2.1", "br_partial.schema: run.uid is missing"},
	} {
		got := findings(sample{tt.file: tt.text}.check(t, Config{}))
		if len(got) != 1 || !strings.HasPrefix(got[0], "error "+tt.want) {
			t.Errorf("%s: %.40q: got %q, want %q", tt.file, tt.text, got, tt.want)
		}
	}
}

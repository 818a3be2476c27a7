package page

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert"
)

func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "report")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A report that is read back from its directory makes the same page.
func TestFromDirAgreesWithFromReport(t *testing.T) {
	t.Parallel()
	report := reportOf(t, load{rates: []float64{2, 4, 8}, each: 9, adapters: []string{"a", "b"}, failing: 4})
	dir := filepath.Join(t.TempDir(), "r")
	if _, err := report.Write(dir, convert.Files{Summary: true, Stages: true, Adapters: true,
		Parquet: true}); err != nil {
		t.Fatal(err)
	}
	direct, err := FromReport("r", report)
	if err != nil {
		t.Fatal(err)
	}
	read, err := FromDir(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := written(t, read), written(t, direct); got != want {
		t.Errorf("the page read back differs, at %q", after(got, want))
	}
}

// after returns the part of got around the first difference from want.
func after(got, want string) string {
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	return got[max(0, i-60):min(len(got), i+60)]
}

// The page of a report of inference-perf, with a prefix and without requests, shows what its files contain.
func TestFromDirWithoutRequests(t *testing.T) {
	t.Parallel()
	const stage = `{"load_summary":{"count":10,"achieved_rate":%,"requested_rate":%},"successes":{"count":10,"latency":{"request_latency":{"mean":1,"median":0.9,"p99":2},"time_to_first_token":{"mean":0.1,"median":0.1,"p99":0.2}},"throughput":{"output_tokens_per_sec":50}},"failures":{"count":0}}`
	dir := writeFiles(t, map[string]string{
		"x-summary_lifecycle_metrics.json": "\ufeff" + strings.ReplaceAll(stage, "%", "3"),
		"x-stage_10_lifecycle_metrics.json": strings.ReplaceAll(strings.Replace(stage, "%", "NaN", 1), "%",
			"4"),
		"x-stage_2_lifecycle_metrics.json":           strings.ReplaceAll(stage, "%", "2"),
		"x-adapter_a_stage_0_lifecycle_metrics.json": stage, "other.json": "no JSON",
	})
	r, err := FromDir(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.stages) != 2 || r.stages[0].index != 2 || r.stages[1].index != 10 || len(r.adapters) != 0 ||
		r.Name != "report" {
		t.Errorf("got stages %v, adapters %v, name %q", r.stages, r.adapters, r.Name)
	}
	page := written(t, r)
	for _, want := range []string{"NOT JUDGED", "holds no requests (requests.parquet)", `id="chart-rate-ttft"`,
		"TTFT p50 100 ms, p99 200 ms"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, `id="chart-ecdf-ttft"`) {
		t.Error("a distribution without requests")
	}
}

func TestFromDirRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		files map[string]string
		want  string
	}{
		{nil, "it holds no report"},
		{map[string]string{"summary_lifecycle_metrics.json": "\xff\xfe{\x00"},
			"summary_lifecycle_metrics.json: the file is UTF-16"},
		{map[string]string{"summary_lifecycle_metrics.json": "[1]"},
			"summary_lifecycle_metrics.json: it is no JSON object"},
		{map[string]string{"stage_0_lifecycle_metrics.json": "{"},
			"stage_0_lifecycle_metrics.json: it is no JSON object"},
		{map[string]string{"stage_99999999999999999999_lifecycle_metrics.json": "{}"}, "value out of range"},
		{map[string]string{"requests.parquet": "PAR1 and no more"}, "requests.parquet"},
	} {
		if _, err := FromDir(writeFiles(t, tt.files), nil); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: got error %v, want one with %q", tt.files, err, tt.want)
		}
	}
}

// FuzzSummary checks that any content of a report's files leads to a page or to an error.
func FuzzSummary(f *testing.F) {
	f.Add(`{"load_summary":{"count":"x"},"successes":{"latency":{"request_latency":{"median":1e999}}},"failures":{"by_label":{"a":{"count":-1,"messages":[1]}}},"xk6_llm":{"time_series":{"interval_seconds":-1,"sent":[null,"</script>"]}}}`)
	f.Add(`{"xk6_llm":{"time_series":{"interval_seconds":1,"sent":[1,2],"due":[],"ttft_p50":[0.1,null]}}}`)
	f.Add(`{"load_summary":{"count":-1,"achieved_rate":1e308},"failures":{"by_label":{"\u202e\u001b[2J<script>":{"count":1e308,"messages":["</style>","\u0000"]}}},"successes":{"count":-5}}`)
	f.Add(`{"xk6_llm":{"time_series":{"interval_seconds":1e-308,"sent":[1e308,-1],"due":"x","ttft_p50":[-1,1e308]},"client_health":{"verdict":"<b>","reasons":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		if !gjson.Valid(text) {
			return
		}
		doc := gjson.Parse(text)
		page := written(t, Run{Name: "r", summary: doc, stages: []part{{index: 0, name: "stage 0", doc: doc},
			{index: 1, name: "stage 1", doc: doc}},
			adapters: []part{{name: "a", doc: doc}}})
		if n := strings.Count(page, "<script"); n != 3 {
			t.Errorf("got %d script elements, want 3", n)
		}
	})
}

func TestNumbersForPeople(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		v    float64
		want string
	}{{0, "0"}, {math.NaN(), "–"}, {0.0001, "<0.001"}, {0.1234, "0.123"}, {1.234, "1.23"}, {12.34, "12.3"},
		{9.996, "10.0"}, {0.9996, "1.00"}, {99.96, "100"},
		{123.4, "123"}, {1234567, "1\u202f234\u202f567"}, {-1234, "-1\u202f234"}} {
		if got := digits(tt.v); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.v, got, tt.want)
		}
	}
	for _, tt := range []struct {
		v    float64
		want string
	}{{0, "0 %"}, {100, "100 %"}, {0.01, "<0.1 %"}, {99.96, ">99.9 %"}, {12.34, "12.3 %"}, {math.NaN(), "–"}} {
		if got := percent(tt.v); got != tt.want {
			t.Errorf("%v %%: got %q, want %q", tt.v, got, tt.want)
		}
	}
}

package e2e

import (
	"math"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// figures matches five figures in a row, each of which may have the sign of too few requests.
var figures = strings.Repeat(` +([≥~] \S+|[^\s≥~]+)`, 5) + ` +`

// The summary of a run shows the figures of the report: for each stage and for all, within the error of its histogram
// and the digits that it shows.
func TestSummaryAgreesWithTheReport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	records, report := filepath.Join(dir, "run.jsonl"), filepath.Join(dir, "report")
	r := mustSucceed(t, k6(t, "run", "--quiet", "--out", "llm="+records, "-e", "STAGES=10@2s,20@2s", "-e",
		"MAX_TOKENS=30", "-e", "BASE_URL=sim:?ttft=40ms&itl=7ms", "scripts/mock.js"))
	mustSucceed(t, run(t, 0, nil, "llmconv", "report", records, "-o", report))
	for _, tt := range []struct{ row, file string }{
		{`(?m)^ +0 +10\.0 .* 20` + figures + `\S+$`, "stage_0"},
		{`(?m)^ +1 +20\.0 .* 40` + figures + `\S+$`, "stage_1"},
	} {
		found := regexp.MustCompile(tt.row).FindStringSubmatch(r.stdout)
		if found == nil {
			t.Fatalf("no row like %s in\n%s", tt.row, r.stdout)
		}
		latency := latencies(t, filepath.Join(report, tt.file+"_lifecycle_metrics.json"))
		for i, key := range []string{"time_to_first_token.median", "time_to_first_token.p90", "time_to_first_token.p99",
			"inter_token_latency.median", "inter_token_latency.p99"} {
			sameFigure(t, tt.file+" "+key, found[1+i], latency.Get(key).Float()*1000)
		}
	}
	all := latencies(t, filepath.Join(report, "summary_lifecycle_metrics.json"))
	for name, key := range map[string]string{"TTFT": "time_to_first_token", "ITL": "inter_token_latency",
		"TPOT": "time_per_output_token", "NTPOT": "normalized_time_per_output_token", "request": "request_latency"} {
		found := regexp.MustCompile(`(?m)^  ` + name + strings.TrimSuffix(figures, " +") + `$`).FindStringSubmatch(r.stdout)
		if found == nil {
			t.Fatalf("no row %s in\n%s", name, r.stdout)
		}
		for i, statistic := range []string{"median", "p90", "p99", "mean", "max"} {
			sameFigure(t, name+" "+statistic, found[1+i], all.Get(key).Get(statistic).Float()*1000)
		}
	}
}

// latencies returns the latencies of a report.
func latencies(t *testing.T, path string) gjson.Result {
	t.Helper()
	return gjson.Get(testenv.ReadFile(t, path), "successes.latency")
}

// sameFigure compares a figure as it was printed with its value.
func sameFigure(t *testing.T, name, printed string, want float64) {
	t.Helper()
	atLeast := strings.HasPrefix(printed, "≥ ")
	printed = strings.TrimLeft(printed, "≥~ ")
	got, err := strconv.ParseFloat(strings.ReplaceAll(printed, ",", ""), 64)
	_, decimals, _ := strings.Cut(printed, ".")
	digit := math.Pow(10, -float64(len(decimals)))
	// the error of the histogram, microseconds that are rounded down, half of the last digit
	bound := want/8192 + 0.001 + digit*0.51
	if err != nil || got-want > bound || want-got > bound && !(atLeast && got > 0) {
		t.Errorf("%s: the summary has %s, the report %v", name, printed, want)
	}
}

// A run that sends nothing, and one in which every request fails, end with an exit code.
func TestNothingMeasuredIsAnError(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text, says string
		code             int
		args             []string
	}{
		{"nothing sent", `const client = new Client({baseURL: 'sim:'}); export default function () {}`,
			"FAILED: no request was sent", 110, nil},
		{"nothing to send here", `const client = new Client({baseURL: 'sim:'}); export default function () {}`, "",
			0, []string{"--execution-segment", "0:1/2"}},
		{"all failed", `const client = new Client({baseURL: 'sim:?failure-rate=1'});
			export default function () { client.chat('hi') }`, "FAILED on the simulator: 1 request sent, 1 failed", 110, nil},
		{"answered", `const client = new Client({baseURL: 'sim:'});
			export default function () { client.chat('hi', {maxTokens: 1}) }`, "OK on the simulator: 1 request sent", 0, nil},
	} {
		path := write(t, "script.js", "import { Client, summary } from 'k6/x/llm';\n"+tt.text+
			"\nexport function handleSummary(data) { return summary(data) }\n")
		r := k6(t, append(append([]string{"run", "--quiet"}, tt.args...), path)...)
		if r.code != tt.code || !strings.Contains(r.stdout, tt.says) {
			t.Errorf("%s: exit code %d, want %d\n%s\n%s", tt.name, r.code, tt.code, r.stdout, r.stderr)
		}
	}
}

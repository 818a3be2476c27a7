package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// outputsScript makes some requests fail and drops some, so that every metric has values.
const outputsScript = `
import { Client, scenarios } from 'k6/x/llm';
export const options = { scenarios: scenarios({
  stages: [{ rate: 20, duration: '2s' }, { rate: 20, duration: '2s' }], executor: 'llm-arrival-rate', preAllocatedVUs: 2, maxVUs: 2,
}) };
const client = new Client({ baseURL: 'sim:?ttft=50ms&itl=5ms&failure-rate=0.3&seed=1', slo: { ttft: '1s' } });
export default function () { client.chat('Why is the sky blue?', { maxTokens: 20 }); }
`

// runOutputs runs the script once with every output.
func runOutputs(t *testing.T, url, dir string) {
	t.Helper()
	if err := testenv.Build(); err != nil {
		t.Fatal(err)
	}
	stats, script := "p(50),p(90),p(99),sum,count", filepath.Join(dir, "script.js")
	if err := os.WriteFile(script, []byte(outputsScript), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bin/k6", "run", "--quiet", "--tag", "testid=t1", "--out",
		"experimental-prometheus-rw", "--out", "opentelemetry",
		"--out", "influxdb="+url+"/k6", "--out", "csv="+filepath.Join(dir, "run.csv"), "--out",
		"json="+filepath.Join(dir, "run.json"), script)
	cmd.Env = append(os.Environ(), "K6_NO_USAGE_REPORT=true", "K6_AUTO_EXTENSION_RESOLUTION=false",
		"K6_PROMETHEUS_RW_SERVER_URL="+url+"/api/v1/write", "K6_PROMETHEUS_RW_PUSH_INTERVAL=500ms",
		"K6_PROMETHEUS_RW_TREND_STATS="+stats,
		"K6_OTEL_EXPORTER_PROTOCOL=http/protobuf", "K6_OTEL_HTTP_EXPORTER_INSECURE=true",
		"K6_OTEL_HTTP_EXPORTER_ENDPOINT="+strings.TrimPrefix(url, "http://"),
		"K6_CSV_TIME_FORMAT=unix_milli", "K6_WEB_DASHBOARD=true", "K6_WEB_DASHBOARD_PORT=-1",
		"K6_WEB_DASHBOARD_PERIOD=1s",
		"K6_WEB_DASHBOARD_EXPORT="+filepath.Join(dir, "report.html"),
		"XK6_DASHBOARD_CONFIG=examples/web-dashboard.json")
	text, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(text), "level=error") {
		t.Fatalf("%v\n%s", err, text)
	}
}

// wanted is a point that must have arrived, with exactly these tags and a value within the bounds.
type wanted struct {
	name, unit  string
	tags        map[string]string
	least, most float64
}

func (w wanted) is(p point) bool {
	return p.name == w.name && p.unit == w.unit && maps.Equal(p.tags, w.tags) && p.value >= w.least && p.value <= w.most
}

// check looks for each of the wanted points.
func check(t *testing.T, output string, got []point, want []wanted) {
	t.Helper()
	for _, w := range want {
		if slices.ContainsFunc(got, w.is) {
			continue
		}
		near := slices.DeleteFunc(slices.Clone(got), func(p point) bool { return !strings.Contains(p.name, w.name) })
		t.Errorf("%s: of %d points none is %+v; the first of that name are %+v", output, len(got), w,
			near[:min(5, len(near))])
	}
}

// tagged returns a copy of tags with further ones.
func tagged(tags map[string]string, further ...string) map[string]string {
	m := maps.Clone(tags)
	for i := 0; i < len(further); i += 2 {
		m[further[i]] = further[i+1]
	}
	return m
}

// each returns the points that must have arrived at an output that passes on every value, in milliseconds and with
// unchanged tags.
func each(succeeded, failed, scenario map[string]string) []wanted {
	return []wanted{
		{"llm_ttft", "", succeeded, 50, 90},
		{"llm_itl", "", succeeded, 4.5, 9},
		{"llm_request_duration", "", succeeded, 140, 250},
		{"llm_schedule_delay", "", succeeded, 0, 100},
		{"llm_schedule_delay", "", failed, 0, 100},
		{"llm_completion_tokens", "", succeeded, 20, 20},
		{"llm_tokens_out", "", succeeded, 20, 20},
		{"llm_requests", "", failed, 1, 1},
		{"llm_request_failed", "", failed, 1, 1},
		{"llm_request_failed", "", succeeded, 0, 0},
		{"llm_good", "", succeeded, 1, 1},
		{"llm_good", "", failed, 0, 0},
		{"dropped_iterations", "", scenario, 1, 1},
	}
}

// Each of k6's own outputs passes the metrics on as docs/outputs.md says, and the dashboards ask for no others.
func TestOutputs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := &received{prometheusURL: startPrometheus(t)}
	server := httptest.NewServer(r)
	defer server.Close()
	runOutputs(t, server.URL, dir)
	for _, fault := range r.faults {
		t.Error(fault)
	}
	scenario := map[string]string{"scenario": "load", "testid": "t1"}
	succeeded := tagged(scenario, "api", "chat", "model", "sim", "stage", "1")
	failed := tagged(succeeded, "error_type", "http")
	want := each(succeeded, failed, scenario)
	check(t, "InfluxDB", r.influx, want)
	check(t, "CSV", readCSV(t, filepath.Join(dir, "run.csv")), want)
	points := readJSONPoints(t, filepath.Join(dir, "run.json"))
	for i, w := range want {
		if strings.HasSuffix(w.name, "_ttft") || strings.HasSuffix(w.name, "_itl") ||
			strings.HasSuffix(w.name, "_duration") || strings.HasSuffix(w.name, "_delay") {
			want[i].unit = "time"
		} else {
			want[i].unit = "default"
		}
	}
	check(t, "JSON", points, want)
	check(t, "OpenTelemetry", r.openTelemetry, []wanted{
		{"llm_ttft", "ms", succeeded, 50, 90},
		{"llm_requests", "", failed, 1, 100},
		{"llm_request_failed.total", "", tagged(failed, "condition", "nonzero"), 1, 100},
		{"llm_good.total", "", tagged(succeeded, "condition", "nonzero"), 1, 100},
		{"llm_good.total", "", tagged(failed, "condition", "zero"), 1, 100},
	})
	check(t, "Prometheus", r.prometheus, []wanted{ // in seconds; counts are in thousands
		{"k6_llm_ttft_p99", "", succeeded, 0.05, 0.5},
		{"k6_llm_ttft_sum", "", succeeded, 0.1, 10},
		{"k6_llm_ttft_count", "", succeeded, 0.002, 0.1},
		{"k6_llm_completion_tokens_count", "", succeeded, 2, 100},
		{"k6_llm_request_duration_p50", "", succeeded, 0.14, 0.25},
		{"k6_llm_requests_total", "", failed, 1, 100},
		{"k6_llm_request_failed_rate", "", failed, 1, 1},
		{"k6_llm_request_failed_rate", "", succeeded, 0, 0},
		{"k6_dropped_iterations_total", "", scenario, 1, 100},
	})
	checkWebDashboard(t, filepath.Join(dir, "report.html"), points)
	grafana := readDashboard(t)
	checkDashboard(t, grafana, labelsOf(r.prometheus))
	t.Run("answers of a real Prometheus", func(t *testing.T) {
		if r.prometheusURL == "" {
			testenv.Program(t, "prometheus")
		}
		checkAnswers(t, grafana, r.prometheusURL)
	})
}

var embedded = regexp.MustCompile(`(?s)<script id="data"[^>]*>(.*?)</script>`)

// checkWebDashboard reads the data in the exported page, and compares the queries of examples/web-dashboard.json with
// the metrics.
func checkWebDashboard(t *testing.T, path string, points []point) {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	match := embedded.FindSubmatch(page)
	if match == nil {
		t.Fatal("the exported page carries no data")
	}
	unzipped, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(bytes.TrimSpace(match[1]))))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(unzipped)
	if err != nil || !bytes.Contains(data, []byte(`"llm_ttft"`)) ||
		!bytes.Contains(data, []byte("Time to first token")) {
		t.Errorf("the exported page has neither llm_ttft nor our panels, %v: %.300s", err, data)
	}
	config, err := os.ReadFile("examples/web-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range regexp.MustCompile(`"query": "(\w+)\[`).FindAllSubmatch(config, -1) {
		if !slices.ContainsFunc(points, func(p point) bool { return p.name == string(q[1]) }) {
			t.Errorf("examples/web-dashboard.json asks for %s, which k6 does not have", q[1])
		}
	}
}

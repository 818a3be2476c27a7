package cli

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/convert/internal/prometheus"
	"github.com/seed-307b789f/xk6-llm/llm/config"
)

// records is a run of two requests, the second of which failed.
const records = `{"type":"run","schema":"xk6-llm/1","run_id":"r","instance":"i","segment":"0:1","start":1000,"scenarios":[{"name":"s","executor":"constant-arrival-rate","stages":[{"index":0,"rate":1,"duration":2}]}]}
{"type":"request","request_id":"a","scenario":"s","stage":0,"index":0,"api":"chat","model":"m","streaming":true,"due_ns":null,"start_ns":1000000000,"end_ns":1200000000,"chunks_us":[100000,200000],"status":200}
{"type":"request","request_id":"b","scenario":"s","stage":0,"index":1,"api":"chat","model":"m","streaming":true,"due_ns":null,"start_ns":2000000000,"end_ns":2100000000,"chunks_us":[],"status":503,"error_type":"http","error":"busy"}
{"type":"end","status":"finished"}
`

// reported runs the command on the records and returns its exit code, the report's directory and standard error.
func reported(t *testing.T, args ...string) (code int, dir, remarks string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "report")
	path := filepath.Join(t.TempDir(), "run.jsonl")
	if err := os.WriteFile(path, []byte(records), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd := newReport()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	cmd.SetArgs(append([]string{path, "-o", dir, "--format", "json"}, args...))
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		var exit *ExitError
		if !errors.As(err, &exit) {
			t.Fatalf("report %q: %v, which has no exit code", args, err)
		}
		code = exit.Code
		stderr.WriteString(err.Error())
	}
	return code, dir, stderr.String()
}

// promServer answers every query with the same value if the token and the header are right.
func promServer(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Scope-Orgid") != "team" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"%d"]}]}}`,
			time.Now().Unix())
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestReportWithServerMetrics(t *testing.T) {
	t.Parallel()
	url := promServer(t)
	code, dir, remarks := reported(t, "--prometheus", url, "--prometheus-header", "X-Scope-OrgID=team",
		"--prometheus-filter", "namespace=prod", "--prometheus-stages", "--prometheus-scrape-interval", "5s")
	if code != 0 || !strings.Contains(remarks,
		"metrics of the server: "+filepath.Join(dir, "summary_prometheus_metrics.json")+" and 1 of stages") {
		t.Errorf("exit code %d, stderr %q", code, remarks)
	}
	text, err := os.ReadFile(filepath.Join(dir, "stage_0_prometheus_metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	if want := `"matchers": "model_name='m',namespace='prod'"`; !bytes.Contains(text, []byte(want)) {
		t.Errorf("%s is not in the document of %d bytes", want, len(text))
	}
	again, dir, remarks := reported(t, "--prometheus", url)
	if want := "remark: no metrics of the server: " + url +
		": access refused (401 Unauthorized); set PROMETHEUS_TOKEN"; again != 0 || !strings.Contains(remarks, want) {
		t.Errorf("without the header: exit code %d, stderr %q, want %q", again, remarks, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "summary_lifecycle_metrics.json")); err != nil {
		t.Errorf("without the header there is no report: %v", err)
	}
}

func TestPrometheusMisuse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--prometheus", "http://p", "--prometheus-google"}, "two places to ask"},
		{[]string{"--prometheus", "http://p", "--prometheus-engine", "triton"},
			`--prometheus-engine: unknown engine "triton", known are vllm, sglang, tgi`},
		{[]string{"--prometheus", "http://p", "--prometheus-filter", "prod"},
			`--prometheus-filter: "prod" is no label and value, want such as namespace=prod`},
		{[]string{"--prometheus", "http://p", "--prometheus-scrape-interval", "0s"},
			"--prometheus-scrape-interval: must be positive, got 0s"},
		{[]string{"--prometheus", "http://p", "--prometheus-header", "secret-word"},
			"--prometheus-header: number 1 is no NAME=VALUE"},
	} {
		code, dir, remarks := reported(t, tt.args...)
		if code != Misuse || !strings.Contains(remarks, tt.want) || strings.Contains(remarks, "secret-word") {
			t.Errorf("%q: exit code %d, stderr %q, want %q", tt.args, code, remarks, tt.want)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%q: there is a report", tt.args)
		}
	}
}

func TestMatchers(t *testing.T) {
	t.Parallel()
	got, err := matchers([]string{"a='b'"}, "f", []string{"n=it's", `m=~"x|y"`, "o!=", "p=a=b"})
	if want := []string{"a='b'", `n='it\'s'`, `m=~"x|y"`, "o!=''", "p='a=b'"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestConfiguredMetrics(t *testing.T) {
	t.Parallel()
	const base = "load: {stages: [{rate: 1, duration: 1}]}\nserver: {type: sglang, base_url: 'http://s', " +
		"model_name: m}\n"
	for yaml, want := range map[string]struct {
		wanted, summary, stages bool
		interval                time.Duration
	}{
		"":                           {false, true, false, 15 * time.Second},
		"metrics: {type: default}\n": {false, true, false, 15 * time.Second},
		"metrics: {type: prometheus, prometheus: {url: 'http://p', scrape_interval: 3}}\nreport: {prometheus: " +
			"{per_stage: true}}\n": {true, true, true, 3 * time.Second},
		"metrics: {type: prometheus, prometheus: {google_managed: true}}\nreport: {prometheus: {summary: false}}\n": {
			false, false, false, 15 * time.Second},
		"metrics: {type: prometheus, prometheus: {google_managed: true}}\nreport: {prometheus: null}\n": {
			false, false, false, 15 * time.Second},
	} {
		c, err := config.Parse([]byte(base + yaml))
		if err != nil {
			t.Fatal(err)
		}
		m := ConfiguredMetrics(c)
		if m.wanted() != want.wanted || m.Summary != want.summary || m.Stages != want.stages ||
			m.ScrapeInterval != want.interval || m.Engine != prometheus.SGLang || m.Model != "m" {
			t.Errorf("%s: got %+v, want %+v", yaml, m, want)
		}
	}
}

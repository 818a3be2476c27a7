package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.k6.io/k6/v2/cmd/state"

	"github.com/seed-307b789f/xk6-llm/llm/internal/study"
)

// experimentTool returns the load tester as experiments have it.
func experimentTool() study.Tool {
	return (&loadTool{gs: &state.GlobalState{CmdArgs: []string{"k6", "x", "llm", "experiment"}}}).tool()
}

// The flags of cells are those of bench and run, and a mistake is named where its flag stands.
func TestExperimentFlags(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	text := []byte("load: {stages: [{rate: 2, duration: 30}]}\nserver: {type: vllm}\n")
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	const servers = "deployments: [{name: d, url: 'http://127.0.0.1:9'}]\n"
	for _, tt := range []struct{ text, want string }{
		{"workloads: [{name: w, input: 12x8}]\nloads: [{rate: 2}]", "e.yml:2:30: --input: cannot read \"12x8\""},
		{"workloads: [{name: w}]\nloads: [{rate: fast}]", "e.yml:3:16: --rate: \"fast\" is no rate above 0"},
		{"workloads: [{name: w}]\nloads: [{rate: 2, duration: 1.5s}]", "e.yml:3:29: --duration: a stage lasts"},
		{"workloads: [{name: w}]\nloads: [{slo: 'p99(ttft)<5'}]", "e.yml:3:15: --slo: "},
		{"workloads: [{name: w}]\nloads: [{search: rate}]", "e.yml:3:18: --search: within which SLO?"},
		{"workloads: [{name: w, api-key-env: NO_SUCH_VARIABLE}]\nloads: [{rate: 2}]", "NO_SUCH_VARIABLE"},
		{"workloads: [{name: w, config: no.yml}]\nloads: [{rate: 2}]", "configuration: open no.yml"},
		{"workloads: [{name: w, dta.path: x}]\nloads: [{rate: 2}]", "\"dta.path\": did you mean data.path?"},
		{"workloads: [{name: w, server.api_key: sk-x}]\nloads: [{rate: 2}]", "server.api_key is a secret"},
		{"workloads: [{name: w, load.stages: [{rate: 1}]}]\nloads: [{name: l}]", "load.stages"},
	} {
		_, err := study.Read("e.yml", []byte(servers+tt.text), experimentTool())
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s\ngot  %v\nwant %s", tt.text, err, tt.want)
		}
	}
	for _, tt := range []struct {
		text string
		want study.Estimate
	}{
		{"workloads: [{name: w}]\nloads: [{rate: [2, 4], duration: 30s}]", study.Estimate{Duration: 61 * time.Second}},
		{"workloads: [{name: w}]\nloads: [{concurrency: 4, duration: 5s}]", study.Estimate{Duration: 5 * time.Second}},
		{"workloads: [{name: w}]\nloads: [{concurrency: 4, requests: 100}]", study.Estimate{Open: true}},
		{"workloads: [{name: w}]\nloads: [{rate: 4, requests: 100}]", study.Estimate{Duration: 25 * time.Second}},
		{"workloads: [{name: w}]\nloads: [{search: rate, slo: 'p99(ttft)<1s'}]", study.Estimate{Open: true}},
		{"workloads: [{config: " + config + "}]\nloads: [{name: l}]", study.Estimate{Duration: 30 * time.Second}},
		{"workloads: [{config: " + config + "}]\nloads: [{rate: 3, duration: 7s}]",
			study.Estimate{Duration: 7 * time.Second}},
	} {
		e, err := study.Read("e.yml", []byte(servers+tt.text), experimentTool())
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if got, err := experimentTool().Check(e.Cells()[0].Test); err != nil || got != tt.want {
			t.Errorf("%s: got %+v, %v, want %+v", tt.text, got, err, tt.want)
		}
	}
}

// The line of a cell has its figures and its verdict; a test without an answer is a failure.
func TestFindReport(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want, fault string }{
		{`{"successes": {"count": 9, "throughput": {"output_tokens_per_sec": 123.4, "requests_per_sec": 2},
			"latency": {"time_to_first_token": {"p99": 0.25}}}, "failures": {"count": 1},
			"xk6_llm": {"slo_answers": [{"text": "SLO kept"}], "gates": [{"objective": "failures<1%", "status": "FAIL"}]}}`,
			"123 tokens/s, 1 of 10 failed, SLO kept, gate failures<1% FAIL", ""},
		{`{"successes": {"count": 9, "throughput": {"requests_per_sec": 2}}}`, "2.00 requests/s", ""},
		{`{"successes": {"count": 9, "throughput": {"output_tokens_per_sec": 1234.4}, "latency":
			{"time_to_first_token": {"p99": 0.25}}}, "xk6_llm": {"client_health": {"verdict": "SUSPECT"}}}`,
			"1,234 tokens/s, p99 TTFT 250 ms, SUSPECT", ""},
		{`{"successes": {"count": 9, "throughput": {"requests_per_sec": 2}},
			"xk6_llm": {"search": {}, "slo_answers": [{"text": "holds at 2/s"}]}}`, "holds at 2/s", ""},
		{`{"failures": {"count": 3}}`, "", "all 3 requests failed"},
		{`{}`, "", "no request was sent"},
	} {
		dir := t.TempDir()
		if _, err := findReport(dir); err == nil {
			t.Error("an empty folder has a report")
		}
		if err := os.WriteFile(filepath.Join(dir, "p-"+summaryFile), []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := findReport(dir); err != nil || got.Text != tt.want || got.Fault != tt.fault {
			t.Errorf("%s\ngot  %+v, %v\nwant %q, %q", tt.text, got, err, tt.want, tt.fault)
		}
	}
}

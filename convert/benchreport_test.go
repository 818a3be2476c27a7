package convert

import (
	"bytes"
	"math"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// withServer returns the lines of a run of two stages whose server has a page, an address with a password that a
// client hides, and an arrival that was never sent.
func withServer() []record.Line {
	lines := richLines()
	start := int64(0)
	for _, line := range lines {
		switch l := line.(type) {
		case *record.Run:
			start = l.Start
		case *record.Client:
			l.Options["baseURL"] = []any{"http://b:8000/v1", "http://a:8000/v1"}
			l.Simulator = false
			l.Generated = []record.Generated{{Type: "synthetic", Seed: 1}}
		}
	}
	for i := range 25 {
		lines = append(lines, &record.Server{Time: start + int64(i)*runtest.Second, Engine: "vllm",
			Source: "http://a/metrics",
			Values: map[string]float64{record.ServerRunning: float64(i % 5), record.ServerWaiting: 1,
				record.ServerKVCacheUsage: 0.25, record.ServerPreemptions: float64(i),
				record.ServerGPUs: 1, record.ServerGPUPower: 300}})
	}
	return append(lines, &record.Dropped{Scenario: "stage_1", Stage: 1, Index: new(int64(99)), Count: 1})
}

// The package that llm-d publishes loads the benchmark reports, which have the figures of the stages' reports.
func TestPublishedPackageLoadsBenchmarkReports(t *testing.T) {
	t.Parallel()
	python := testenv.Python(t, "llmd_benchmark_report")
	for name, lines := range map[string][]record.Line{"requests": withServer(), "sessions": runtest.Replay()} {
		dir := t.TempDir()
		report := NewReport(mustRead(t, asRecords(t, lines)), Options{})
		if _, err := report.Write(dir, Files{BenchmarkReports: true}); err != nil {
			t.Fatal(err)
		}
		args := []string{"testdata/benchmark_report.py"}
		for stage := range 2 {
			args = append(args, filepath.Join(dir, reportdir.BenchmarkReport(stage)))
		}
		cmd := exec.Command(python, args...)
		cmd.Stderr = t.Output()
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		done := 0.0 // an interval of the series may lie in both stages
		for stage, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
			done += gjson.Get(line, "done").Num
			sameAsStage(t, name, report, stage, gjson.Parse(line))
		}
		if want := report.Summary.Successes.Count; math.Abs(done-float64(want)) > 1e-9 {
			t.Errorf("%s: %v requests succeeded over time, want %d", name, done, want)
		}
	}
}

// sameAsStage compares what the package read with the report on the stage.
func sameAsStage(t *testing.T, name string, report *Report, stage int, got gjson.Result) {
	t.Helper()
	l := report.Stages[stage]
	p99, _ := l.Successes.Latency.TTFT.At(99)
	for what, pair := range map[string][2]float64{
		"stage": {got.Get("load.stage").Num, float64(stage)}, "total": {got.Get("total").Num, float64(l.Load.Count)},
		"failures": {got.Get("failures").Num, float64(l.Failures.Count)}, "p99": {got.Get("ttft_p99").Num, p99},
	} {
		if math.Abs(pair[0]-pair[1]) > 1e-9 {
			t.Errorf("%s, stage %d: %s is %v, want %v", name, stage, what, pair[0], pair[1])
		}
	}
	if name == "sessions" {
		if n := got.Get("sessions.total").Int(); n != int64(report.SessionStages[stage].Sessions) {
			t.Errorf("stage %d: %d sessions, want %d", stage, n, report.SessionStages[stage].Sessions)
		}
		return
	}
	for path, want := range map[string]string{
		"version": "0.2.1", "model": "m", "load.source": "random", "load.rate_qps": []string{"2", "3"}[stage],
		"load.output_seq_len.distribution": "fixed", "load.output_seq_len.value": "12",
		"observability.components.0.aggregate.waiting_requests.mean":   "1",
		"observability.components.0.aggregate.power_consumption.units": "Watts",
		"config.load.stages.1.rate":                                    "3",
	} {
		if text := got.Get(path).String(); text != want {
			t.Errorf("stage %d: %s is %q, want %q", stage, path, text, want)
		}
	}
	if stage == 1 && !(got.Get("observability.drop_rate.mean").Num > 0) {
		t.Errorf("stage 1: no drop rate for a dropped arrival")
	}
}

// A run in which every request failed has a benchmark report without latencies, and the same records give the same
// text.
func TestBenchmarkReportOfFailures(t *testing.T) {
	t.Parallel()
	lines := sampleLines()
	for _, line := range lines {
		if q, is := line.(*record.Request); is {
			q.ErrorType, q.Usage, q.Chunks = record.ErrorConnect, nil, nil
		}
	}
	var texts [2][]byte
	for i := range texts {
		d := new(collector)
		d.benchmarkReports(NewReport(mustRead(t, asRecords(t, lines)), Options{}))
		if d.err != nil || len(d.list) != 2 {
			t.Fatalf("%d reports, error %v", len(d.list), d.err)
		}
		texts[i] = d.list[0].Text
	}
	if !bytes.Equal(texts[0], texts[1]) {
		t.Error("two reports of the same records differ")
	}
	_, results, _ := bytes.Cut(texts[0], []byte("results:"))
	for _, absent := range []string{"null", "time_to_first_token", ".nan"} {
		if bytes.Contains(results, []byte(absent)) {
			t.Errorf("%s is in the report of a run without successes:\n%s", absent, texts[0])
		}
	}
	if !bytes.Contains(texts[0], []byte("failures: 20")) {
		t.Errorf("no 20 failures in it:\n%s", texts[0])
	}
}

package e2e

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/llm/record"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// The report on a server that goes away for two seconds tells when that was, within a second of the simulator's truth,
// that another process came, and how long it was until the SLO was kept again.
func TestDrill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	truth, records := filepath.Join(dir, "truth.jsonl"), filepath.Join(dir, "run.jsonl")
	out, script := filepath.Join(dir, "report"), filepath.Join(dir, "script.js")
	const text = `import { Client, scenarios } from 'k6/x/llm';
export const options = { scenarios: scenarios({ stages: [{ rate: 20, duration: '12s' }] }) };
const client = new Client({
  baseURL: 'sim:?ttft=20ms&itl=1ms&events=3.5s gone 2s&truth=' + __ENV.TRUTH, slo: { ttft: '1s' },
  serverMetrics: true, serverMetricsInterval: '250ms',
});
export default function () { client.complete('one two three', { maxTokens: 5 }); }
`
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	mustSucceed(t, k6(t, "run", "--quiet", "-e", "TRUTH="+truth, "--out", "llm="+records, script))
	mustSucceed(t, run(t, 0, nil, "llmconv", "report", records, "-o", out, "--mark", "+3.5s replica killed"))
	file, err := os.ReadFile(filepath.Join(out, "summary_lifecycle_metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Extension struct {
			Violations convert.Violations
			Marks      []convert.MarkReport
		} `json:"xk6_llm"`
	}
	if err := json.Unmarshal(file, &report); err != nil {
		t.Fatal(err)
	}
	first := int64(math.MaxInt64)
	for _, r := range only[*record.Request](lines(t, records)) {
		first = min(first, r.Start)
	}
	gone := happening(t, truth)
	from, to := float64(gone.At-first)/1e9, float64(gone.Until-first)/1e9
	near := func(what string, got, want float64) {
		if math.Abs(got-want) > 1 {
			t.Errorf("%s: %v s, want %v s to within a second", what, got, want)
		}
	}
	v := report.Extension.Violations
	if len(v.Spans) != 1 {
		t.Fatalf("violated in %+v, want one span", v.Spans)
	}
	near("violation from", float64(v.Spans[0].From), from)
	near("violation to", float64(v.Spans[0].To), to)
	seen := map[string]bool{}
	for _, m := range report.Extension.Marks {
		switch {
		case m.Text == "replica killed":
			if m.Recovered == nil {
				t.Fatalf("not recovered: %+v", m)
			}
			near("recovered", float64(m.At+*m.Recovered), to)
		case strings.HasSuffix(m.Text, "does not answer"):
			near(m.Text, float64(m.At), from)
		case strings.Contains(m.Text, "answers again, with a new process"):
			near(m.Text, float64(m.At), to)
		default:
			t.Errorf("a mark of nothing: %+v", m)
		}
		seen[m.Source+m.Text[max(0, len(m.Text)-7):]] = true
	}
	if len(seen) != 3 {
		t.Errorf("marks %+v, want three", report.Extension.Marks)
	}
}

// happening returns the only event of a truth file.
func happening(t *testing.T, path string) (h sim.Happening) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasPrefix(s.Text(), `{"event"`) {
			if err := json.Unmarshal(s.Bytes(), &h); err != nil {
				t.Fatal(err)
			}
		}
	}
	if h.At == 0 {
		t.Fatal("the truth has no event")
	}
	return h
}

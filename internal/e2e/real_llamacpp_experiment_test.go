package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/experiment"
	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// llama.cpp's own server is started with one slot and with four, and each is sent the same requests, four at a time.
// With one slot three of four wait for those before them, which the comparison of the two cells says, too.
func TestLlamaCPPExperiment(t *testing.T) {
	home := testenv.LlamaCPP(t)
	file, dir := experimentFile(t, strings.NewReplacer("PYTHON", filepath.Join(home, "bin", "python"), "SERVER",
		"internal/e2e/testdata/servers/llamacpp/server.py", "MODEL", filepath.Join(home, "slow", "model.gguf")).Replace(`
directory: DIR/results
deployments:
  - name: llama
    # the server of the tests ends with its standard input
    command: [sh, -c, 'tail -f /dev/null | PYTHON SERVER MODEL ${port} --slots ${slots}']
    matrix: {slots: [1, 4]}
    warmup: {concurrency: 1, requests: 2, output: 4}
workloads: [{name: chat, input: 32, output: 24}]
loads: [{name: four, concurrency: 4, requests: 36}]
`))
	allowUncounted(t, k6(t, "x", "llm", "experiment", "-f", file))
	var ttft []float64
	var dirs []string
	for _, c := range readResults(t, dir).Cells {
		if c.Status != experiment.Done {
			t.Fatalf("%s is %s: %s", c.Name, c.Status, c.Error)
		}
		dirs = append(dirs, filepath.Join(dir, c.Directory))
		report := readReport(t, filepath.Join(dir, c.Directory, "summary_lifecycle_metrics.json"))
		if report.Successes.Count != 36 || report.Failures.Count != 0 {
			t.Errorf("%s: %d succeeded, %d failed", c.Name, report.Successes.Count, report.Failures.Count)
		}
		ttft = append(ttft, report.Successes.Latency.TTFT.Median)
	}
	if ttft[0] < 1.5*ttft[1] {
		t.Errorf("median TTFT is %.3f s with one slot and %.3f s with four", ttft[0], ttft[1])
	}
	compared := run(t, 0, nil, "llmconv", append([]string{"compare"}, dirs...)...)
	if compared.code != 0 && compared.code != 4 || !strings.Contains(compared.stdout, "ttft") {
		t.Errorf("compare: exit code %d\n%s\n%s", compared.code, compared.stdout, compared.stderr)
	}
	t.Logf("median TTFT: one slot %.3f s, four %.3f s\n%s", ttft[0], ttft[1], compared.stdout)
}

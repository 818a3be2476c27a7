package cells

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/experiment"
)

// A failed cell keeps the log that its experiment names if it is there and in the experiment's directory.
func TestLogs(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "runs")
	for _, path := range []string{"logs/server 4.log", "../secret.log"} {
		path = filepath.Join(root, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("no memory\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for log, want := range map[string]string{
		"logs/server 4.log": "logs/server 4.log", "logs/none.log": "", "logs": "", "": "", "../secret.log": "",
		filepath.Join(root, "logs", "server 4.log"): "",
	} {
		results := &experiment.Results{Cells: []experiment.Cell{{Name: "c", Status: experiment.Failed, Log: log}}}
		got := Read(root, results, func() {})
		if len(got) != 1 || got[0].Log != want {
			t.Errorf("%q: got %+v, want the log %q", log, got, want)
		}
	}
}

package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// executed runs a command and returns its exit code and outputs.
func executed(cmd *cobra.Command, args ...string) (code int, out, remarks string) {
	var stdout, stderr bytes.Buffer
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(args)
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	err := cmd.Execute()
	var exit *ExitError
	switch {
	case errors.As(err, &exit):
		code = exit.Code
	case err != nil:
		code = 1
	}
	return code, stdout.String(), stderr.String()
}

// searchFile writes the records of a search whose server has scale times the usual capacity.
func searchFile(t *testing.T, scale float64, change func(*record.Search)) string {
	t.Helper()
	lines := runtest.SearchLines(scale)
	change(lines[len(lines)-1].(*record.Search))
	path := filepath.Join(t.TempDir(), "run.jsonl")
	if err := os.WriteFile(path, runtest.Records(t, lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Two searches are compared by their capacities, of records, of reports with requests, and of reports without.
func TestCompareSearches(t *testing.T) {
	t.Parallel()
	same := func(*record.Search) {}
	slow, fast := searchFile(t, 1, same), searchFile(t, 2, same)
	inputs := [][2]string{{slow, fast}}
	for _, formats := range []string{"json,parquet", "json"} {
		var dirs [2]string
		for i, records := range inputs[0] {
			dirs[i] = filepath.Join(t.TempDir(), "report")
			if code, _, remarks := executed(newReport(), records, "-o", dirs[i], "--format", formats); code != 0 {
				t.Fatalf("report: %d, %s", code, remarks)
			}
		}
		inputs = append(inputs, dirs)
	}
	want := "capacity(strict): 16.7/s → 33.4/s (+100 %, between +48 % and +171 % at 90 %): better"
	for _, pair := range inputs {
		code, out, remarks := executed(newCompare(), pair[0], pair[1])
		if code != 0 || !strings.Contains(out, "verdict: better") || !strings.Contains(out, want) {
			t.Errorf("%s: %d, %s%s", pair, code, remarks, out)
		}
		code, out, _ = executed(newCompare(), pair[1], pair[0], "--fail-on", "capacity<-5%")
		if code != Failed || !strings.Contains(out, "FAIL: 1 of 1 gates") {
			t.Errorf("%s with a gate: %d, %s", pair, code, out)
		}
	}
}

// A search that did not end is partial, in the report and in the comparison.
func TestSearchWithoutEnd(t *testing.T) {
	t.Parallel()
	cut := searchFile(t, 1, func(s *record.Search) { s.StopReason, s.Reason = "", "" })
	code, out, remarks := executed(newReport(), cut, "-o", filepath.Join(t.TempDir(), "report"))
	if code != Partial || !strings.Contains(out, "the search did not end; so far: holds at 16.7/s") ||
		!strings.Contains(remarks, `the search of scenario "load" did not end`) {
		t.Errorf("got %d, %s\n%s", code, remarks, out)
	}
	if code, out, _ := executed(newCompare(), cut, cut); code != Partial {
		t.Errorf("compared: %d, %s", code, out)
	}
}

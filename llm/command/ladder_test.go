package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The stages of a search say what they do not take over from it, and which command takes everything.
func TestLadderRemarks(t *testing.T) {
	t.Parallel()
	const (
		lengths = "remark: --stages: the loads are those of the search, and the prompts and their lengths are those " +
			"of this command"
		tiers = "remark: --stages: the stages are judged by the first SLO of the search, fast (ttft=1s), and not by " +
			"slow (ttft=9s), bulk (ttft=99s): choose another by --slo\n"
		oneSLO  = `{"over": "rate", "slo": "ttft=1s", "probes": [{"value": 1, "seconds": 2, "outcome": "pass"}]`
		several = oneSLO + `, "tiers": [{"name": "fast", "slo": "ttft=1s"}, {"name": "slow", "slo": "ttft=9s"}, ` +
			`{"name": "bulk", "slo": "ttft=99s"}]}`
	)
	for _, tt := range []struct {
		answer, config, args string
		file                 string // below the directory that --stages names
		want                 string // DIR is the directory
	}{
		{oneSLO + "}", "a: 1\n", "", "",
			lengths + "; those of the search: k6 x llm run -c DIR/config.yaml --stages DIR/search.json\n"},
		{oneSLO + "}", "a: 1\n", "", "search.json",
			lengths + "; those of the search: k6 x llm run -c DIR/config.yaml --stages DIR/search.json\n"},
		{oneSLO + "}", "", "", "", lengths + "\n"},
		{oneSLO + "}", "a: 1\n", "--input 100", "", ""},
		{oneSLO + "}", "a: 1\n", "--data.type mock", "", ""},
		{several, "", "--dataset mock", "", tiers},
		{several, "", "--dataset mock --slo ttft=9s", "", ""},
	} {
		dir := t.TempDir()
		writeText(t, filepath.Join(dir, "search.json"), tt.answer)
		if tt.config != "" {
			writeText(t, filepath.Join(dir, "config.yaml"), tt.config)
		}
		args := strings.Fields("h:1 --print config --no-probe " + tt.args)
		args = append(args, "--stages", filepath.Join(dir, tt.file))
		cmd, _ := newTestBench(args...)
		told := new(bytes.Buffer)
		cmd.SetErr(told)
		if err := cmd.Execute(); err != nil {
			t.Errorf("%s: %v", args, err)
		}
		if got := strings.ReplaceAll(told.String(), dir, "DIR"); got != tt.want {
			t.Errorf("bench %s: got %q, want %q", args, got, tt.want)
		}
	}
}

func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

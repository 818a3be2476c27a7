package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// unseen matches characters that must not reach a terminal, and a line that only a file's name can make.
var unseen = regexp.MustCompile(`[\x00-\x08\x0b-\x1f\x7f-\x9f\x{202a}-\x{202e}]|(?m:^remark: forged)`)

// Names of files are shown and cannot steer the terminal.
func TestNamesOfFilesAreInert(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const name = "a\x1b[31m\u202e\u009b\nremark: forged.jsonl"
	good, broken := filepath.Join(dir, name), filepath.Join(dir, "broken"+name)
	text := `{"type":"run","schema":"xk6-llm/1","run_id":"r"}
{"type":"request","request_id":"a","scenario":"s","stage":0,"start_ns":1000000000,"end_ns":1200000000,"chunks_us":[100000],"error_type":"x\u001b[1m\u202e","error":"y\u009b\nremark: forged"}
`
	for path, text := range map[string]string{good: text, broken: text + "{\x1b\u202e\n", dir + "/empty" + name: ""} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"report", good, "-o", good + "-report", "--markers", "never"},
		{"report", broken, "-o", good + "-report", "--force"}, {"report", dir + "/empty" + name},
		{"report", good, "--config", broken}, {"report", good, "-o", good + "-report", "--slo", name},
		{"report", dir + "/missing" + name},
		{"parquet", broken, "-o", good + "/x"}, {"compare", good, broken}, {"compare", good, good, "--fail-on", name},
		{"compare", good, good, "--format", "json"},
		{"analyze", good + "-report", dir + "/missing" + name}, {"analyze", good},
	} {
		root := &cobra.Command{Use: "llmconv", SilenceErrors: true, SilenceUsage: true}
		root.AddCommand(Commands()...)
		root.SetArgs(args)
		var out, said bytes.Buffer
		root.SetOut(&out)
		root.SetErr(&said)
		all := ""
		if err := root.Execute(); err != nil {
			all = plain.Message(err) + "\n"
		}
		all = out.String() + said.String() + all
		if bad := unseen.FindString(all); bad != "" || !strings.Contains(all, `[31m`) {
			t.Errorf("%q: %q is printed, or the name is not:\n%q", args, bad, all)
		}
	}
}

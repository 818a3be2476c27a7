package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"go.k6.io/k6/v2/errext"
	"go.k6.io/k6/v2/errext/exitcodes"
)

// An audit exits with 0, 2 or 4, as its verdict says.
func TestAuditExitCodes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args string
		code exitcodes.ExitCode
		want string
	}{
		{"cancel sim:?max-num-seqs=2&ttft=5ms", 0, "FREED within"},
		{"cancel sim:?max-num-seqs=2&ttft=5ms --format json", 0, `"verdict": "FREED"`},
		{"cancel sim:?max-num-seqs=2&ttft=5ms --api completion --places 2", 0, "places      2, all taken"},
		{"cancel sim:?failure-rate=1", 4, "\nthe audit says UNDECIDED"},
		{"cancel sim: --format xml", 2, `--format: must be text or json, got "xml"`},
		{"cancel sim: --places 0", 2, "--places: must be from 1 to 4096, got 0"},
		{"cancel sim: --places 9999", 2, "places must be from 1 to 4096, got 9999"},
		{"cancel sim: --wait 1h", 2, "wait must be from 1s to 15s, got 1h0m0s"},
		{"cancel sim: --wait x", 2, "--wait: "},
		{"cancel sim: --api embeddings", 2, "a probe measures tokens"},
		{"cancel", 2, "which server?"},
		{"", 2, "which audit? There is one: cancel"},
		{"cancl", 2, `unknown audit "cancl": there is one, cancel`},
		{"cancel sim: --waits 1s", 2, "--wait"},
	} {
		cmd := New(newGlobalState(t))
		var out bytes.Buffer
		cmd.SetOut(&out)
		cmd.SetErr(&bytes.Buffer{})
		cmd.SetArgs(append([]string{"audit"}, strings.Fields(tt.args)...))
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		err := cmd.ExecuteContext(t.Context())
		code := exitcodes.ExitCode(0)
		if exit := errext.HasExitCode(nil); errors.As(err, &exit) {
			code = exit.ExitCode()
		}
		text := out.String()
		if err != nil {
			text += err.Error()
		}
		if code != tt.code || !strings.Contains(text, tt.want) {
			t.Errorf("audit %s: exit code %d and %q, want %d and %q", tt.args, code, text, tt.code, tt.want)
		}
		if strings.Contains(tt.args, "json") && !json.Valid(out.Bytes()) {
			t.Errorf("audit %s: %s is not JSON", tt.args, out.String())
		}
	}
}

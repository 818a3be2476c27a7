package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"go.k6.io/k6/v2/errext"
	"go.k6.io/k6/v2/errext/exitcodes"

	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// probed runs the command, and returns its exit code, its output and its error.
func probed(t *testing.T, args ...string) (code exitcodes.ExitCode, out string, err error) {
	t.Helper()
	cmd := newProbe()
	var text bytes.Buffer
	cmd.SetOut(&text)
	cmd.SetErr(io.Discard)
	cmd.SetArgs(args)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err = cmd.ExecuteContext(t.Context())
	var exit errext.HasExitCode
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	return code, text.String(), err
}

// A probe exits with 1 if the server cannot be used, and with 2 for misuse. No message shows what may be a secret.
func TestProbeExitCodes(t *testing.T) {
	t.Setenv("PROBE_TEST_KEY", "sk-the-secret")
	t.Setenv("PROBE_TEST_EMPTY", "")
	o := sim.DefaultOptions()
	o.APIKey, o.TTFT, o.ITL = "sk-the-secret", 0, 0
	server, err := sim.Listen("127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	for _, tt := range []struct {
		args []string
		code exitcodes.ExitCode
		want string
	}{
		{[]string{server.URL(), "--api-key-env", "PROBE_TEST_KEY"}, 0, ""},
		{[]string{server.URL(), "-H", "Authorization: Bearer sk-the-secret"}, 0, ""},
		{[]string{server.URL()}, 1, "give the key's variable by --api-key-env NAME"},
		{[]string{l.Addr().String()}, 1, "connection refused"},
		{[]string{server.URL(), "--api-key-env", "PROBE_TEST_EMPTY"}, 2, `no variable "PROBE_TEST_EMPTY"`},
		{[]string{server.URL(), "--api", "chats"}, 2, "--api: unknown api"},
		{[]string{server.URL(), "--timeout", "soon"}, 2, "--timeout: "},
		{[]string{server.URL(), "--body", `{"api_key": "sk-the-secret"`}, 2, "--body: needs a JSON object"},
		{[]string{server.URL(), "-H", "sk-the-secret"}, 2, "write 'NAME: VALUE'"},
		{[]string{"ftp://host"}, 2, "only http and https will do"},
	} {
		code, out, err := probed(t, tt.args...)
		if code != tt.code || (err != nil) != (tt.code != 0) || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: exit code %d, %v; want %d, %s", tt.args, code, err, tt.code, tt.want)
		}
		if strings.Contains(out, "the-secret") || err != nil && strings.Contains(err.Error(), "the-secret") {
			t.Errorf("%q: a secret in %q or %v", tt.args, out, err)
		}
	}
}

func TestProbeJSON(t *testing.T) {
	t.Parallel()
	_, out, err := probed(t, "sim:?itl=0s", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Usable   bool
		Endpoint string
		Models   []string
		Settings struct{ Model string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if !got.Usable || got.Settings.Model != "sim" || len(got.Models) != 1 ||
		!strings.HasSuffix(got.Endpoint, "/v1/chat/completions") {
		t.Errorf("got %+v of %s", got, out)
	}
}

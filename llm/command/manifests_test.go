package command

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.k6.io/k6/v2/errext"

	"github.com/seed-307b789f/xk6-llm/llm/internal/manifests"
)

// manifestsOf runs the command, and returns what it wrote.
func manifestsOf(t *testing.T, args ...string) (out, remarks string, err error) {
	t.Helper()
	cmd, stdout, stderr := New(newGlobalState(t)), new(bytes.Buffer), new(bytes.Buffer)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(append([]string{"manifests"}, args...))
	err = cmd.Execute()
	return stdout.String(), stderr.String(), err
}

func TestManifests(t *testing.T) {
	t.Parallel()
	out, _, err := manifestsOf(t, "vllm", "--model", "org/model", "--replicas", "2", "--arg", "--seed", "--arg", "1")
	if err != nil || strings.Count(out, "---\n") != 1 || !strings.Contains(out, "replicas: 2\n") ||
		!strings.Contains(out, "            - --seed\n            - \"1\"\n") {
		t.Errorf("%v\n%s", err, out)
	}
	dir := filepath.Join(t.TempDir(), "deploy")
	args := []string{"sim", "-o", dir}
	out, remarks, err := manifestsOf(t, args...)
	if err != nil || out != "" || !strings.Contains(remarks, "kubectl apply -k "+dir) {
		t.Errorf("%v, %q, %q", err, out, remarks)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("%v, %v", entries, err)
	}
	_, _, err = manifestsOf(t, args...)
	if err == nil || !strings.Contains(err.Error(), "exists; --force replaces it") {
		t.Errorf("again: %v", err)
	}
	if _, _, err := manifestsOf(t, append(args, "--force")...); err != nil {
		t.Error(err)
	}
	out, _, err = manifestsOf(t, "--list")
	if err != nil || strings.Count(out, "\n") != len(manifests.Servers()) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestManifestsMisuse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "which server? One of vllm, sglang, tgi, llama.cpp, sim"},
		{[]string{"vllm"}, "--model is missing"},
		{[]string{"vllm", "--model", "m", "extra"}, `"extra" is one argument too many`},
		{[]string{"sim", "--startup", "soon"}, "--startup: "},
		{[]string{"ollama", "--model", "m"}, `unknown server "ollama"`},
	} {
		_, _, err := manifestsOf(t, tt.args...)
		var exit errext.HasExitCode
		if !errors.As(err, &exit) || exit.ExitCode() != misuse || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %s and code 2", tt.args, err, tt.want)
		}
	}
}

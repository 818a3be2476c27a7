//go:build linux

package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// guarded runs the command of its arguments, and ends its whole process group when standard input ends: vLLM's engine
// outlives its server, and no test of a killed process cleans up.
const guarded = `exec 3<&0; (cat <&3 >/dev/null; kill -9 0) & exec "$@" 3<&- </dev/null`

// startReal starts a server in a process group of its own, and waits until an address answers with status 200. The
// group ends with the test, even if that is killed.
func startReal(t *testing.T, cmd *exec.Cmd, health string) (group int) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "server.log")
	output, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = output, output
	cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", guarded, "sh"}, cmd.Args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(gone)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-gone
		_ = output.Close()
	})
	awaitHealth(t, health, gone, log)
	return cmd.Process.Pid
}

// awaitHealth waits until the server is ready. vLLM takes a minute or two, and many on a busy machine.
func awaitHealth(t *testing.T, health string, gone <-chan struct{}, log string) {
	t.Helper()
	deadline := time.After(15 * time.Minute)
	for {
		resp, err := http.Get(health)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-gone:
			t.Fatalf("the server ends before it is ready:\n%s", testenv.ReadFile(t, log))
		case <-deadline:
			t.Fatalf("the server does not become ready:\n%s", testenv.ReadFile(t, log))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

//go:build linux

package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// load runs k6 against a server of its own, and returns the processor time of both.
func (c *truthCase) load(t *testing.T, records, truths string) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	url, stopServer := startServer(t, ctx, truths, cmp.Or(c.itl, 20*time.Millisecond))
	args := append(c.prefix(t), truthProgram(t, "k6"), "run", "--quiet", "--out", "llm="+records,
		"-e", "BASE_URL="+url+"/v1")
	if c.script != "" { // the script has settings of its own
		args = append(args, c.script)
	} else {
		args = append(args, "-e", "STAGE="+c.stage, "-e", "EXECUTOR="+c.executor, "-e", fmt.Sprint("TOKENS=", c.tokens),
			"-e", fmt.Sprint("BURN=", c.burn), "internal/e2e/testdata/truth.js")
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "K6_NO_USAGE_REPORT=true", "K6_AUTO_EXTENSION_RESOLUTION=false")
	if c.procs > 0 {
		cmd.Env = append(cmd.Env, fmt.Sprint("GOMAXPROCS=", c.procs))
	}
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	defer startHogs(t, c.hogs)()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	if c.stop {
		go stopAndGo(cmd.Process, url, ended)
	}
	err := cmd.Wait()
	close(ended)
	if err != nil {
		t.Fatalf("k6 run: %v\n%s", err, output.String())
	}
	return stopServer() + cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// prefix returns the command that starts k6 and is replaced by it.
func (c *truthCase) prefix(t *testing.T) (args []string) {
	t.Helper()
	if c.quota > 0 {
		args = append(args, "sh", "-c", `echo $$ >"$0/cgroup.procs" && exec "$@"`, quotaGroup(t, c.quota))
	}
	if c.first {
		args = append(args, "chrt", "-r", "1")
	}
	if c.nice != 0 {
		args = append(args, "nice", "-n", fmt.Sprint(c.nice))
	}
	return args
}

// quotaGroup makes a control group that may use a part of one processor, and removes it when the test ends.
func quotaGroup(t *testing.T, processors float64) string {
	t.Helper()
	const period = 100_000 // µs
	quota := int(processors * period)
	set := func(dir string, values map[string]string) error {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		t.Cleanup(func() { _ = os.Remove(dir) })
		for name, value := range values {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o600); err != nil {
				return err
			}
		}
		return nil
	}
	name := fmt.Sprint("llm-test-", os.Getpid(), "-", quota)
	first := filepath.Join("/sys/fs/cgroup/cpu", name)
	err := set(first, map[string]string{"cpu.cfs_period_us": fmt.Sprint(period), "cpu.cfs_quota_us": fmt.Sprint(quota)})
	if err == nil {
		return first
	}
	second := filepath.Join("/sys/fs/cgroup", name)
	if err2 := set(second, map[string]string{"cpu.max": fmt.Sprint(quota, period)}); err2 != nil {
		testenv.Skip(t, "a control group with a quota", "run the tests as root",
			"version 1: ", err, "\nversion 2: ", err2)
	}
	return second
}

// startHogs starts processes that use as much of the processors as they get. Each ends after two minutes of processor
// time in any case.
func startHogs(t *testing.T, n int) (stop func()) {
	t.Helper()
	var hogs []*exec.Cmd
	for range n {
		hog := exec.Command("sh", "-c", "ulimit -t 120; while :; do :; done")
		if err := hog.Start(); err != nil {
			t.Fatal(err)
		}
		hogs = append(hogs, hog)
	}
	return func() {
		for _, hog := range hogs {
			_ = hog.Process.Kill()
			_ = hog.Wait()
		}
	}
}

// stopAndGo stops a process for 250 ms of each second, between the arrivals of one request per second.
func stopAndGo(p *os.Process, url string, ended <-chan struct{}) {
	wait := func(d time.Duration) bool {
		select {
		case <-ended:
			return false
		case <-time.After(d):
			return true
		}
	}
	for !serverIsBusy(url) {
		if !wait(5 * time.Millisecond) {
			return
		}
	}
	for wait(400 * time.Millisecond) {
		_ = p.Signal(syscall.SIGSTOP)
		going := wait(250 * time.Millisecond)
		_ = p.Signal(syscall.SIGCONT)
		if !going || !wait(350*time.Millisecond) {
			return
		}
	}
}

var running = regexp.MustCompile(`(?m)^vllm:num_requests_running\{.*\} [1-9]`)

func serverIsBusy(url string) bool {
	r, err := http.Get(url + "/metrics")
	if err != nil {
		return false
	}
	defer func() { _ = r.Body.Close() }()
	var page bytes.Buffer
	_, _ = page.ReadFrom(r.Body)
	return running.Match(page.Bytes())
}

// goesFirst reports whether a process may run with priority over all others.
var goesFirst = sync.OnceValue(func() bool { return exec.Command("chrt", "-r", "1", "true").Run() == nil })

// serverTTFT is the server's time to the first token.
const serverTTFT = 100 * time.Millisecond

// firstInLine runs its arguments with priority over all other processes on the last processor, as far as the machine
// allows. Niceness would count only among the processes of one session.
const firstInLine = `pin="$0"; taskset -c $pin true && set -- taskset -c $pin "$@"
if chrt -r 2 true; then exec chrt -r 2 "$@"; else exec nice -n -20 "$@"; fi`

// startServer starts the simulator as a process of its own. The returned function ends the server and returns its
// processor time.
func startServer(
	t *testing.T, ctx context.Context, truths string, itl time.Duration,
) (url string, stop func() time.Duration) {
	t.Helper()
	server := exec.CommandContext(ctx, "sh", "-c", firstInLine, fmt.Sprint(runtime.NumCPU()-1),
		truthProgram(t, "k6"), "x", "llm", "sim", "--port", "0", "--truth", truths, "--max-num-seqs", "1000000",
		"--ttft", serverTTFT.String(), "--itl", itl.String())
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() time.Duration {
		if server.ProcessState == nil {
			_ = server.Process.Kill() // the truth file has each finished request already
			_ = server.Wait()
		}
		return server.ProcessState.UserTime() + server.ProcessState.SystemTime()
	}
	t.Cleanup(func() { stop() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if text := strings.TrimSpace(lines.Text()); strings.HasPrefix(text, "http://") {
			return strings.TrimSuffix(text, "/v1"), stop
		}
	}
	t.Fatal("the simulator did not start")
	return "", nil
}

func truthProgram(t *testing.T, name string) string {
	t.Helper()
	if truthBin != "" {
		return filepath.Join(truthBin, name)
	}
	if err := testenv.Build(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join("bin", name)
}

// processorTime returns how long all processors were busy since the machine started, including the time that its host
// stole from them.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	var user, nice, system, idle, wait, irq, soft, steal int64
	_, err = fmt.Sscan(strings.TrimPrefix(string(text), "cpu"), &user, &nice, &system, &idle, &wait, &irq, &soft,
		&steal)
	if err != nil {
		t.Fatalf("%v of /proc/stat:\n%s", err, text)
	}
	const tick = 10 * time.Millisecond
	return time.Duration(user+nice+system+irq+soft+steal) * tick
}

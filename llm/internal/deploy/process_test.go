package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// TestMain makes the test's binary a server if its first argument says which.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "server" {
		if err := serve(os.Args[2], os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, "RuntimeError:", err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serve is a server with a fault, on the port that the first argument names.
func serve(fault string, args []string) error {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, syscall.SIGTERM)
	switch fault {
	case "forwards":
		return serveUntil(args[0])
	case "detaches", "dies-with-it":
		return startHere(fault, args)
	case "dies":
		time.Sleep(100 * time.Millisecond)
		fmt.Println("the key is", os.Getenv("TEST_API_KEY"))
		return errors.New("no memory on the device")
	case "never":
		for i := 0; ; i++ {
			fmt.Println("loading", i)
			time.Sleep(50 * time.Millisecond)
		}
	case "reads":
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
		interrupted = nil
	case "forks", "leaves":
		child := exec.Command(os.Args[0], "server", "deaf", "0")
		if fault == "leaves" {
			child.SysProcAttr = attributes(true, 0)
		}
		if err := child.Start(); err != nil {
			return err
		}
		if err := os.WriteFile(os.Getenv("TEST_CHILD"), []byte(strconv.Itoa(child.Process.Pid)), 0o600); err != nil {
			return err
		}
	case "floods":
		line := strings.Repeat("x", 1<<16)
		for range 1000 {
			fmt.Println(line)
		}
	}
	fmt.Println("starting", fault, strings.Join(args, " "))
	o := sim.DefaultOptions()
	if fault == "slow" {
		time.Sleep(500 * time.Millisecond)
	}
	server, err := sim.Listen("127.0.0.1:"+args[0], o)
	if err != nil {
		return err
	}
	<-interrupted
	fmt.Println("stopped by a signal")
	return server.Close()
}

// test is a deployment of a test.
type test struct {
	Spec
	Options
	mu    sync.Mutex
	lines []string
}

// newTest returns the deployment of a server with a fault, and of its arguments.
func newTest(t *testing.T, fault string) *test {
	t.Helper()
	dir := t.TempDir()
	tt := &test{
		Spec: Spec{Name: "server", Command: []string{os.Args[0], "server", fault, "${port}"},
			Ready: Ready{Timeout: 20 * time.Second}, Stop: Stop{Grace: 10 * time.Second}},
		Options: Options{Log: filepath.Join(dir, "log"), State: filepath.Join(dir, "state.json")},
	}
	tt.Progress = func(line string) {
		tt.mu.Lock()
		defer tt.mu.Unlock()
		tt.lines = append(tt.lines, line)
		t.Log(line)
	}
	return tt
}

// start starts it, and stops it at the end of the test.
func (tt *test) start(t *testing.T) *Deployment {
	t.Helper()
	d, err := Start(t.Context(), tt.Spec, tt.Options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return d
}

// up starts it and waits for it.
func (tt *test) up(t *testing.T) *Deployment {
	t.Helper()
	d := tt.start(t)
	if err := d.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

// runs reports whether a process runs.
func runs(pid int) bool {
	g := &group{PID: pid, Start: started(pid)}
	return g.Start != "" && g.alive()
}

func pidOf(d *Deployment) int { return d.server.(*process).PID }

func readLog(t *testing.T, tt *test) string {
	t.Helper()
	return testenv.ReadFile(t, tt.Log)
}

func TestCommandServesAndStops(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"none", "slow", "floods"} {
		tt := newTest(t, fault)
		tt.Ready.Model = "sim"
		d := tt.up(t)
		pid := pidOf(d)
		if !runs(pid) || d.URL() != "http://127.0.0.1:"+d.Values()["port"] {
			t.Errorf("%s: process %d, URL %s", fault, pid, d.URL())
		}
		if err := d.Stop(t.Context()); err != nil {
			t.Errorf("%s: %v", fault, err)
		}
		select {
		case <-d.Exited():
		default:
			t.Errorf("%s: it has not exited", fault)
		}
		if _, err := os.Stat(tt.State); runs(pid) || !missing(err) {
			t.Errorf("%s: after its end: runs %v, state %v", fault, runs(pid), err)
		}
		if log := readLog(t, tt); !strings.Contains(log[max(0, len(log)-100):], "stopped by a signal") {
			t.Errorf("%s: the end of the log is %q", fault, log[max(0, len(log)-100):])
		}
	}
}

// A server that ends with its standard input serves, whether or not the process that started it waits.
func TestInputOfCommandsDoesNotEnd(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		testenv.Skip(t, "more files for a command", "run it on Linux")
	}
	for _, detached := range []bool{false, true} {
		tt := newTest(t, "reads")
		tt.Detached = detached
		tt.up(t)
	}
}

func TestCommandEndsBeforeItIsReady(t *testing.T) {
	t.Parallel()
	tt := newTest(t, "dies")
	tt.Environment = []string{"TEST_API_KEY=hunter2secret"}
	begin := time.Now()
	d := tt.start(t)
	err := d.Wait(t.Context())
	var failure *Failure
	if !errors.As(err, &failure) || time.Since(begin) > 10*time.Second {
		t.Fatalf("after %v: %v", time.Since(begin), err)
	}
	want := `deployment "server": the command ended before it was ready: exit code 3; its output says ` +
		`"RuntimeError: no memory on the device" (see ` + tt.Log + ")"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	lines := strings.Join(failure.Lines, "\n")
	if !strings.Contains(lines, "the key is") || strings.Contains(lines, "hunter2secret") {
		t.Errorf("lines: %s", lines)
	}
	if err := d.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if log := readLog(t, tt); !strings.Contains(log, "the key is ***") || strings.Contains(log, "hunter2secret") {
		t.Errorf("the log after the end: %s", log)
	}
}

func TestCommandThatIsNeverReady(t *testing.T) {
	t.Parallel()
	tt := newTest(t, "never")
	tt.Ready.Timeout, tt.Stop.Grace = time.Second, 200*time.Millisecond
	d := tt.start(t)
	err := d.Wait(t.Context())
	if err == nil || !strings.Contains(err.Error(), "it is not ready after 1s: /health: ") ||
		!strings.Contains(err.Error(), "connection refused") || !strings.Contains(err.Error(), "loading ") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if err := d.Stop(ctx); err != nil || runs(pidOf(d)) {
		t.Errorf("stopped by a context that has ended: %v, runs %v", err, runs(pidOf(d)))
	}
}

func TestStopKillsWhatIgnoresTheSignal(t *testing.T) {
	t.Parallel()
	tt := newTest(t, "deaf")
	tt.Stop.Grace = tellEvery + 300*time.Millisecond
	d := tt.up(t)
	begin := time.Now()
	if err := d.Stop(t.Context()); err != nil || runs(pidOf(d)) {
		t.Errorf("%v, runs %v", err, runs(pidOf(d)))
	}
	told := strings.Join(tt.lines, "\n")
	if took := time.Since(begin); took < tt.Stop.Grace || took > 2*tt.Stop.Grace ||
		!strings.Contains(told, "server: being stopped, for 5 s now") {
		t.Errorf("took %v, told %s", took, told)
	}
	// a context that ends shortens the grace
	tt = newTest(t, "deaf")
	d = tt.up(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begin = time.Now()
	if err := d.Stop(ctx); err != nil || runs(pidOf(d)) || time.Since(begin) > 5*time.Second {
		t.Errorf("%v after %v, runs %v", err, time.Since(begin), runs(pidOf(d)))
	}
}

// childOf returns the process that a server has forked.
func childOf(t *testing.T, path string) int {
	t.Helper()
	pid, err := strconv.Atoi(testenv.ReadFile(t, path))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestStopEndsChildren(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"forks", "leaves"} {
		if fault == "leaves" && runtime.GOOS != "linux" {
			continue
		}
		tt := newTest(t, fault)
		tt.Stop.Grace = 300 * time.Millisecond
		file := filepath.Join(t.TempDir(), "child")
		tt.Environment = []string{"TEST_CHILD=" + file}
		d := tt.up(t)
		child := childOf(t, file)
		if !runs(child) {
			t.Errorf("%s: the child does not run", fault)
		}
		if err := d.Stop(t.Context()); err != nil || runs(child) || runs(pidOf(d)) {
			t.Errorf("%s: %v, child runs %v, server runs %v", fault, err, runs(child), runs(pidOf(d)))
		}
	}
}

func TestPortsThatAreTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	tt := newTest(t, "none")
	tt.Command[3], tt.URL = port, "http://127.0.0.1:"+port
	_, err = Start(t.Context(), tt.Spec, tt.Options)
	who := "another program"
	if runtime.GOOS == "linux" {
		who = fmt.Sprintf("process %d (deploy.test)", os.Getpid())
	}
	if err == nil || !strings.Contains(err.Error(), `deployment "server": port `+port+" is taken: "+who) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(tt.State); !missing(err) {
		t.Errorf("state: %v", err)
	}
}

func TestStopCommand(t *testing.T) {
	t.Parallel()
	tt := newTest(t, "none")
	file := filepath.Join(t.TempDir(), "stopped")
	tt.Stop.Command = []string{"sh", "-c", `echo "stop ${name} at ${port}" >` + file + `; kill $(cat ` + tt.State +
		` | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')`}
	d := tt.up(t)
	if err := d.Stop(t.Context()); err != nil || runs(pidOf(d)) {
		t.Errorf("%v, runs %v", err, runs(pidOf(d)))
	}
	if got, want := testenv.ReadFile(t, file), "stop server at "+d.Values()["port"]+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	// one that fails leaves nothing running
	tt = newTest(t, "none")
	tt.Stop.Command = []string{"sh", "-c", "echo cannot; exit 4"}
	d = tt.up(t)
	err := d.Stop(t.Context())
	want := `deployment "server" is stopped, but its stop.command was of no use: sh -c: exit code 4: cannot`
	if err == nil || err.Error() != want || runs(pidOf(d)) {
		t.Errorf("got %v, want %s; runs %v", err, want, runs(pidOf(d)))
	}
}

func TestProgramsThatDoNotStart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		command []string
		want    string
	}{
		{[]string{"no-such-server", "${port}"}, `there is no program "no-such-server" in PATH: install it, or write its path`},
		{[]string{"/", "${port}"}, `starting "/": `},
		{[]string{"server", "${prot}"}, `command: unknown ${prot}: did you mean ${port}? (known are name, namespace, port)`},
		{[]string{"server", "--port", "1"}, "command: it has no ${port}: write it where the server takes its port"},
	} {
		s := newTest(t, "none")
		s.Command = tt.command
		_, err := Start(t.Context(), s.Spec, s.Options)
		if err == nil || !strings.HasPrefix(err.Error(), `deployment "server": `+tt.want) {
			t.Errorf("%q: got %v, want %s", tt.command, err, tt.want)
		}
	}
}

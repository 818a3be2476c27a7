package deploy

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// startIn starts a deployment from another process, which then ends by itself, or is killed.
func startIn(t *testing.T, tt *test, how string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "server", how, tt.Command[2], tt.Log, tt.State)
	cmd.Env = append(os.Environ(), tt.Environment...)
	if out, err := cmd.CombinedOutput(); how == "detaches" && err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// startHere is what startIn runs.
func startHere(how string, args []string) error {
	d, err := Start(context.Background(), Spec{Name: "server",
		Command: []string{os.Args[0], "server", args[0], "${port}"}, Ready: Ready{Timeout: 20 * time.Second},
		Stop: Stop{Grace: 300 * time.Millisecond}},
		Options{Log: args[1], State: args[2], Detached: how == "detaches"})
	if err != nil {
		return err
	}
	if how == "detaches" {
		return nil
	}
	if err := d.Wait(context.Background()); err != nil {
		return err
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	return errors.Join(self.Kill(), d.Wait(context.Background()))
}

func TestOneProcessStartsAndOthersWaitAndStop(t *testing.T) {
	t.Parallel()
	tt := newTest(t, "slow")
	startIn(t, tt, "detaches")
	running, err := Running(t.Context(), tt.State)
	if err != nil || !running {
		t.Fatalf("running: %v, %v", running, err)
	}
	d, err := Open(tt.Spec, tt.Options)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d.Exited() != nil || !strings.HasPrefix(d.URL(), "http://127.0.0.1:") {
		t.Errorf("exited %v, URL %s", d.Exited(), d.URL())
	}
	pid := pidOf(d)
	for _, want := range []bool{true, false} {
		if down, err := Down(t.Context(), tt.Options); err != nil || down != want || runs(pid) {
			t.Errorf("down: %v, %v, want %v; runs %v", down, err, want, runs(pid))
		}
	}
	if _, err := Open(tt.Spec, tt.Options); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opened after its end: %v", err)
	}
	if err := d.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "the command is gone") {
		t.Errorf("waited after its end: %v", err)
	}
}

// A program that is killed takes its server along where the system helps, and what ignores that is stopped by the next
// program.
func TestWhatAKilledProgramLeavesIsStopped(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"none", "deaf", "forks"} {
		tt := newTest(t, fault)
		file := filepath.Join(t.TempDir(), "child")
		tt.Environment = []string{"TEST_CHILD=" + file}
		startIn(t, tt, "dies-with-it")
		s, err := ReadState(tt.State)
		if err != nil || s.Process == nil {
			t.Fatalf("%s: %+v, %v", fault, s, err)
		}
		left := s.Process.PID
		if fault == "forks" { // the child outlives the command, which the system has told to end
			left = childOf(t, file)
		}
		if fault == "none" && runtime.GOOS == "linux" {
			for begin := time.Now(); runs(left) && time.Since(begin) < 10*time.Second; {
				<-time.After(lookEvery)
			}
			if runs(left) {
				t.Errorf("%s: the system has not ended it", fault)
			}
		} else if !runs(left) {
			t.Errorf("%s: nothing is left", fault)
		}
		tt.Command[2] = "none"
		d := tt.up(t)
		if runs(left) || pidOf(d) == left {
			t.Errorf("%s: process %d is still there", fault, left)
		}
	}
}

// No process is ended that has the number of one that is gone.
func TestOtherProcessesAreLeftAlone(t *testing.T) {
	t.Parallel()
	other := exec.Command("sleep", "60")
	other.SysProcAttr = attributes(true, 0)
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	}()
	tt := newTest(t, "none")
	s := &State{Schema: stateSchema, Deployment: "server", Kind: Command, Mark: "none", StopSignal: "TERM",
		StopGrace: time.Second, Process: &group{PID: other.Process.Pid, Start: "another"}}
	if err := s.write(tt.State); err != nil {
		t.Fatal(err)
	}
	if running, err := Running(t.Context(), tt.State); running || err != nil {
		t.Errorf("running: %v, %v", running, err)
	}
	if down, err := Down(t.Context(), tt.Options); !down || err != nil || !runs(other.Process.Pid) {
		t.Errorf("down: %v, %v; the other process runs: %v", down, err, runs(other.Process.Pid))
	}
}

// What has neither the mark nor a command that is known is named, and left to the user.
func TestProcessesOfUnknownOriginAreNamed(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		testenv.Skip(t, "/proc", "run it on Linux")
	}
	file := filepath.Join(t.TempDir(), "child")
	parent := exec.Command("sh", "-c", `sleep 60 & echo $! >`+file)
	parent.SysProcAttr = attributes(true, 0)
	if err := parent.Run(); err != nil {
		t.Fatal(err)
	}
	text := strings.TrimSpace(testenv.ReadFile(t, file))
	left := &group{PID: parent.Process.Pid, own: true}
	defer left.kill()
	tt := newTest(t, "none")
	s := &State{Schema: stateSchema, Deployment: "server", Kind: Command, Mark: "none", StopSignal: "TERM",
		StopGrace: time.Second, Process: &group{PID: parent.Process.Pid, Start: "then"}}
	if err := s.write(tt.State); err != nil {
		t.Fatal(err)
	}
	_, err := Down(t.Context(), tt.Options)
	want := `stopping deployment "server": processes [` + text + "] may be left of the command"
	if err == nil || !strings.Contains(err.Error(), want) || left.gone(closed()) {
		t.Errorf("got %v, want %q; gone %v", err, want, left.gone(closed()))
	}
	if _, err := os.Stat(tt.State); err != nil {
		t.Errorf("the state: %v", err)
	}
}

// closed returns a context that has ended.
func closed() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestStatesThatAreNone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{":               " is no state of a deployment: ",
		`{"schema": "2"}`: ` has the form "2", not "xk6-llm/deployment/1": `,
	} {
		tt := newTest(t, "none")
		if err := os.WriteFile(tt.State, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Start(t.Context(), tt.Spec, tt.Options)
		if err == nil || !strings.Contains(err.Error(), tt.State+want) {
			t.Errorf("%s: got %v, want %q in it", text, err, want)
		}
		if got := testenv.ReadFile(t, tt.State); got != text {
			t.Errorf("%s: the file is now %s", text, got)
		}
	}
}

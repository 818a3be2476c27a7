package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/image"
	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"go.yaml.in/yaml/v4"
)

// rootFS is the root file system of the image, made by the instructions of the Dockerfile's last stage but without a
// container engine. The layers, topmost first, are directories.
type rootFS struct {
	layers []string
	stage  image.Stage
}

// command runs a command to its end.
func command(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %q: %w\n%s", name, args, err, out)
	}
	return nil
}

// lastStage returns the stage of the Dockerfile that becomes the image.
func lastStage(t *testing.T) image.Stage {
	t.Helper()
	stage, err := image.LastStage(testenv.Root())
	if err != nil {
		t.Fatal(err)
	}
	return stage
}

// TestImageBase checks what the RUN lines must have done. `make deps` sets LLM_TEST_DEPS and so has it make the folder,
// which takes a network; the other tests of the image find it there.
func TestImageBase(t *testing.T) {
	base := lastStage(t).Base(testenv.Root())
	if os.Getenv("LLM_TEST_DEPS") != "" {
		if err := base.Make(); err != nil {
			t.Fatal(err)
		}
	}
	skipWithoutImageBase(t, base.Dir)
	if _, err := os.Stat(filepath.Join(base.Dir, "usr", "bin", "curl")); err != nil {
		t.Error(err)
	}
	if shell, err := os.Readlink(filepath.Join(base.Dir, "bin", "sh")); err != nil || shell != "bash" {
		t.Errorf("/bin/sh is %q, %v, want bash", shell, err)
	}
}

func skipWithoutImageBase(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(dir); err != nil {
		testenv.Skip(t, "Debian with the image's packages", "make deps", err)
	}
}

// newRootFS makes the image's file system, or skips the test where that cannot be.
func newRootFS(t *testing.T) rootFS {
	t.Helper()
	if os.Getuid() != 0 {
		testenv.Skip(t, "root", "run the tests as root")
	}
	if err := command("unshare", "--mount", "--pid", "--net", "--fork", "true"); err != nil {
		testenv.Skip(t, "namespaces", "run the tests in a container that may make them", err)
	}
	stage := lastStage(t)
	base := stage.Base(testenv.Root())
	skipWithoutImageBase(t, base.Dir)
	if err := testenv.Build(); err != nil {
		t.Fatal(err)
	}
	fs := rootFS{layers: []string{t.TempDir(), base.Dir}, stage: stage}
	if err := stage.CopyFiles(testenv.Root(), fs.layers[0]); err != nil {
		t.Fatal(err)
	}
	return fs
}

// container is a container in the manifest of a pod.
type container struct {
	Command, Args []string
	Env           []struct{ Name, Value string }
}

// job holds the fields of a Job that the tests read.
type job struct {
	Spec struct {
		Template struct {
			Spec struct{ Containers []container }
		}
	}
}

func (j job) container() container { return j.Spec.Template.Spec.Containers[0] }

// operatorsJobs returns the jobs that the operator makes of a manifest: the initializer, the runners and the starter.
func operatorsJobs(t *testing.T, manifest string) (list []job) {
	t.Helper()
	testenv.KubernetesTypes(t)
	cmd := exec.Command("go", "run", ".", manifest)
	cmd.Dir, cmd.Stderr = "examples/kubernetes", os.Stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as make deps compiled it, whatever this test is compiled with
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &list); err != nil || len(list) < 3 {
		t.Fatalf("%d jobs, %v", len(list), err)
	}
	return list
}

// manifestContainer returns the container of a Job's manifest.
func manifestContainer(t *testing.T, name string) container {
	t.Helper()
	var j job
	if err := yaml.Unmarshal([]byte(testenv.ReadFile(t, filepath.Join("examples/kubernetes", name))), &j); err != nil {
		t.Fatal(err)
	}
	return j.container()
}

// process is a started container.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
}

// enter is the shell script that starts a container in namespaces of its own. It mounts the layers as a root file
// system, read-only except for /tmp and the mounts, and runs the command as the image's user. Its arguments are the
// layers, the mounts (from:to …), the user and the command.
const enter = `set -e
ip link set lo up
root=$1 layers=$2 mounts=$3 user=$4; shift 4
mount -t tmpfs tmpfs $root
mkdir $root/up $root/work $root/fs
mount -t overlay -o lowerdir=$layers,upperdir=$root/up,workdir=$root/work overlay $root/fs
root=$root/fs
mount -t proc proc $root/proc
mount -t tmpfs -o mode=1777 tmpfs $root/tmp
for m in $mounts; do mkdir -p $root${m#*:}; mount --bind ${m%:*} $root${m#*:}; done
mount -o remount,ro $root
exec chroot --userspec=$user --groups=${user#*:} $root env -i --chdir=/tmp "$@"`

// start starts a container. Its environment consists of the image's variables, the container's own and those in env.
// The container has a network of its own, or shares that of the process beside.
func (fs rootFS) start(t *testing.T, c container, mounts []string, beside *process, env ...string) *process {
	t.Helper()
	variables := append([]string{"PATH=/usr/bin:/bin", "K6_NO_USAGE_REPORT=true"}, fs.stage.Env()...)
	for _, v := range c.Env {
		variables = append(variables, v.Name+"="+v.Value)
	}
	args := []string{"unshare", "--mount", "--pid", "--fork", "--kill-child"}
	if beside == nil {
		args = append(args, "--net")
	} else {
		args = slices.Concat([]string{"nsenter", "--net=/proc/" + strconv.Itoa(beside.cmd.Process.Pid) + "/ns/net"},
			args)
	}
	args = slices.Concat(args, []string{"sh", "-c", enter, "enter", t.TempDir(), strings.Join(fs.layers, ":"),
		strings.Join(mounts, " "), fs.stage.Last("USER")},
		variables, env, c.Command, c.Args)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	p := &process{cmd: exec.CommandContext(ctx, args[0], args[1:]...)}
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if beside == nil {
		p.ownNetwork(t)
	}
	return p
}

// ownNetwork waits until the process has left the network of the test, so that a container which joins it later does
// not join the network of the test.
func (p *process) ownNetwork(t *testing.T) {
	t.Helper()
	ours, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	for range 3000 {
		theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", p.cmd.Process.Pid))
		if err != nil || theirs != ours { // the process has left, or has ended already
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatal("the container did not leave the network of the test")
}

// wait waits for the end of the process.
func (p *process) wait(t *testing.T) result {
	t.Helper()
	var exit *exec.ExitError
	if err := p.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{p.stdout.String(), p.stderr.String(), p.cmd.ProcessState.ExitCode()}
}

// terminate sends the signal that Kubernetes sends to a container's first process when its pod is deleted.
func (p *process) terminate(t *testing.T) {
	t.Helper()
	id := strconv.Itoa(p.cmd.Process.Pid)
	first, err := strconv.Atoi(
		strings.TrimSpace(testenv.ReadFile(t, filepath.Join("/proc", id, "task", id, "children"))))
	if err != nil {
		t.Fatal(err)
	}
	found, err := os.FindProcess(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := found.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
)

// nodeCount is how many nodes the cluster has.
const nodeCount = 5

// Cluster is a running cluster. Tests share one, and use a namespace of their own each, or the names of the manifests
// in the namespace default.
type Cluster struct {
	Kubeconfig string // path of the file that KUBECONFIG names
	Client     kubernetes.Interface

	dir     string
	control *control
	nodes   *nodes
	cancel  context.CancelFunc
}

// shared starts the cluster that all tests of this process use.
var shared = sync.OnceValues(func() (*Cluster, error) {
	began := time.Now()
	c, err := start(os.Getenv(insideVariable))
	if err == nil {
		fmt.Printf("the cluster is ready after %s\n", time.Since(began).Round(100*time.Millisecond))
	}
	return c, err
})

var sharedStarted bool

// Shared returns the cluster that all tests of this process use. The first call starts it.
func Shared(t testing.TB) *Cluster {
	t.Helper()
	sharedStarted = true
	c, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func stopShared() error {
	if !sharedStarted {
		return nil
	}
	if c, _ := shared(); c != nil {
		c.stop()
	}
	return nil
}

// start starts a cluster in the namespaces of this process.
func start(dir string) (*Cluster, error) {
	if dir == "" {
		return nil, errors.New("TestMain must call cluster.Main")
	}
	text, err := os.ReadFile(filepath.Join(dir, "images.json"))
	if err != nil {
		return nil, err
	}
	var images map[string]Image
	if err := json.Unmarshal(text, &images); err != nil {
		return nil, err
	}
	if err := makeBridge(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Cluster{dir: dir, cancel: cancel}
	c.control, err = startControl(ctx, filepath.Join(dir, "control"))
	if err != nil {
		c.stop()
		return nil, err
	}
	c.Kubeconfig, c.Client = c.control.kubeconfig, c.control.client
	c.nodes, err = startNodes(ctx, c.Client, filepath.Join(dir, "nodes"), images, nodeCount)
	if err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) stop() {
	if c.nodes != nil {
		c.nodes.stop()
	}
	c.cancel()
	c.control.stop()
}

// AddImage gives an image of the nodes another name, or replaces it.
func (c *Cluster) AddImage(name string, image Image) {
	c.nodes.mu.Lock()
	defer c.nodes.mu.Unlock()
	c.nodes.images[name] = image
}

// ProjectImage returns the image of this project, to be added under another name.
func (c *Cluster) ProjectImage() Image {
	image, _ := c.nodes.image(ProjectImage)
	return image
}

// Environment returns the variables with which a program finds the cluster, kubectl, and the project's programs.
func (c *Cluster) Environment() []string {
	path := strings.Join([]string{filepath.Join(root(), ".deps", "cluster"), filepath.Join(root(), "bin"),
		os.Getenv("PATH")}, string(os.PathListSeparator))
	return append(os.Environ(), "KUBECONFIG="+c.Kubeconfig, "PATH="+path, "K6_NO_USAGE_REPORT=true",
		"K6_AUTO_EXTENSION_RESOLUTION=false")
}

// Result is how a command ended.
type Result struct {
	Stdout, Stderr string
	Code           int
}

// Shell runs a command line in a folder to its end, as a user of the cluster would, and with more variables.
func (c *Cluster) Shell(t testing.TB, dir, line string, env ...string) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 6*time.Minute) // cleanups use it, too
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", line)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = dir, &stdout, &stderr, 5*time.Second
	cmd.Env = append(c.Environment(), env...)
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v\n%s", line, err, stderr.String())
	}
	return Result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// Must runs a command line as Shell does. It fails the test if the command fails, and else returns what it printed.
func (c *Cluster) Must(t testing.TB, dir, line string, env ...string) string {
	t.Helper()
	r := c.Shell(t, dir, line, env...)
	if r.Code != 0 {
		t.Fatalf("%s\nexit code %d\n%s%s", line, r.Code, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

// Kill sends a signal to the first process of a container of each pod that the labels select, and returns their names.
func (c *Cluster) Kill(t testing.TB, namespace, selector, container string, signal syscall.Signal) []string {
	t.Helper()
	names, err := c.nodes.kill(namespace, selector, container, signal)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

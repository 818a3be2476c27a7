package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// insideVariable is set in the process that runs in namespaces of its own. Its value is the folder of its files.
const insideVariable = "LLM_CLUSTER_INSIDE"

// root returns the path of the repository, above the folder in which the tests run.
var root = sync.OnceValue(func() string {
	dir, err := os.Getwd()
	for err == nil && dir != "/" {
		if _, err := os.Stat(filepath.Join(dir, "register.go")); err == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	panic(fmt.Sprintf("no repository above the working directory: %v", err))
})

// program returns the path of a program that `.ci/deps cluster` has built.
func program(name string) string { return filepath.Join(root(), ".deps", "cluster", name) }

// Main runs the tests of a package in namespaces of their own: no process outlives them, all networks are private to
// them, and nothing stays mounted. Call it from TestMain.
func Main(m *testing.M) int {
	if os.Getenv(insideVariable) == "" {
		return reenter()
	}
	code := m.Run()
	if err := stopShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	return code
}

// reenter runs this test binary again in new namespaces, and returns its exit code.
func reenter() int {
	code, err := enter()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
	}
	return code
}

func enter() (code int, err error) {
	if os.Getuid() != 0 {
		return 1, errors.New("the nodes make namespaces and mounts: run the tests as root")
	}
	dir, err := os.MkdirTemp("", "cluster-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o755); err != nil {
		return 1, err
	}
	if err := prepareImages(dir); err != nil {
		return 1, err
	}
	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	args := []string{"--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", self}
	cmd := exec.Command("unshare", append(args, os.Args[1:]...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), insideVariable+"="+dir)
	var exit *exec.ExitError
	if err := cmd.Run(); errors.As(err, &exit) {
		return exit.ExitCode(), nil
	} else if err != nil {
		return 1, fmt.Errorf("enter namespaces: %w", err)
	}
	return 0, nil
}

// Image is the root file system of a container and what the image says about its process.
type Image struct {
	Layers     []string // folders, topmost first
	Env        []string
	Entrypoint []string
	User       string // UID:GID
	Directory  string // in which the process starts
}

const (
	// ProjectImage is the name of the project's image in the manifests of the examples.
	ProjectImage = "xk6-llm:dev"
	// operatorImage is the name of the operator's image in its own manifests.
	operatorImage = "ghcr.io/grafana/k6-operator:controller-v1.5.0"
)

// prepareImages makes the layers of the images below dir, and writes images.json there.
func prepareImages(dir string) error {
	cmd := exec.Command("go", "run", "-tags", "minimal", "./internal/image/unpack", filepath.Join(dir, "image"))
	cmd.Dir, cmd.Stderr = root(), os.Stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("make the image: %w", err)
	}
	var project Image
	if err := json.Unmarshal(out, &project); err != nil {
		return fmt.Errorf("read the image's description: %w", err)
	}
	manager := filepath.Join(dir, "operator", "manager")
	if err := os.MkdirAll(filepath.Dir(manager), 0o755); err != nil {
		return err
	}
	if err := run("cp", program("k6-operator"), manager); err != nil {
		return err
	}
	operator := project
	operator.Layers = append([]string{filepath.Dir(manager)}, project.Layers[1:]...)
	operator.Env, operator.Entrypoint, operator.Directory = nil, []string{"/manager"}, "/"
	text, err := json.Marshal(map[string]Image{ProjectImage: project, operatorImage: operator})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "images.json"), text, 0o600)
}

// run runs a command to its end.
func run(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %q: %w\n%s", name, args, err, out)
	}
	return nil
}

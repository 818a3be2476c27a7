// Package testenv finds what tests need on this machine: the project's own binaries, and the programs that `make deps`
// installs. A test that lacks a program is skipped with a message of one form, which `make test` collects.
package testenv

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Main runs the tests of a package in the root of the repository, because the tests name binaries, scripts and pages
// relative to it. Call it from TestMain.
func Main(m *testing.M) {
	if err := os.Chdir(Root()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// Root returns the path of the repository.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Build builds bin/k6 and bin/llmconv as a user does, once per process. make does nothing if they exist and are newer
// than their sources.
var Build = sync.OnceValue(func() error {
	out, err := exec.Command("make", "--silent", "-C", Root(), "build").CombinedOutput()
	if err != nil {
		return fmt.Errorf("make build: %w\n%s", err, out)
	}
	return nil
})

// ReadFile returns the text of a file, and fails the test if the file cannot be read.
func ReadFile(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Skip skips a test because this machine lacks something. remedy is the command that installs it, or else what the user
// can do. Details, such as an error, follow on the next line.
func Skip(t testing.TB, need, remedy string, details ...any) {
	t.Helper()
	message := "needs " + need + ": " + remedy
	if len(details) > 0 {
		message += "\n" + strings.TrimSpace(fmt.Sprint(details...))
	}
	t.Skip(message)
}

// Program returns the path of the first of the named programs that is in PATH, and skips the test if there is none. The
// first name must also be the name of the Debian package that installs the programs.
func Program(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	Skip(t, names[0], "apt-get install "+names[0])
	return ""
}

// Browser opens a page, a file of that name, in a window such as 1400,4000 of a headless browser, and returns it after
// its scripts have run. What a script logs fails the test.
func Browser(t testing.TB, name, page, window string) string {
	t.Helper()
	program := Program(t, "chromium", "chromium-browser", "google-chrome")
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "--headless=new", "--no-sandbox", "--disable-gpu",
		"--window-size="+window, "--user-data-dir="+t.TempDir(), "--virtual-time-budget=20000",
		"--enable-logging=stderr", "--dump-dom", "file://"+path)
	var said strings.Builder
	cmd.Stderr = &said
	dom, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, said.String())
	}
	for line := range strings.Lines(said.String()) {
		if strings.Contains(line, "CONSOLE") {
			t.Errorf("the browser logged: %s", line)
		}
	}
	return string(dom)
}

// PythonPath returns the path of the Python interpreter whose packages the tests compare with: LLM_TEST_PYTHON, or the
// interpreter of `make deps`, or else the system's.
func PythonPath() string {
	if path := os.Getenv("LLM_TEST_PYTHON"); path != "" {
		return path
	}
	if path := deps("python", "bin", "python"); exists(path) {
		return path
	}
	return "python3"
}

// Python returns PythonPath, and skips the test if that interpreter cannot import all of the modules.
func Python(t testing.TB, modules ...string) string {
	t.Helper()
	python := PythonPath()
	if out, err := exec.Command(python, "-c", "import "+strings.Join(modules, ", ")).CombinedOutput(); err != nil {
		Skip(t, "Python's "+strings.Join(modules, ", "), "make deps", err, "\n", string(out))
	}
	return python
}

// InferencePerf returns the path of a Python interpreter that has inference-perf: LLM_TEST_INFERENCE_PERF, or that of
// `make deps`. It skips the test if there is neither.
func InferencePerf(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("LLM_TEST_INFERENCE_PERF"); path != "" {
		return path
	}
	if !exists(deps("inference-perf.done")) {
		Skip(t, "inference-perf, which runs on Python 3.12 or later", "make deps")
	}
	return deps("inference-perf", "bin", "python")
}

// LlamaCPP returns the folder of llama.cpp's server and its models: LLM_TEST_LLAMACPP, or the folder of `make deps`. It
// skips the test if there is neither.
func LlamaCPP(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("LLM_TEST_LLAMACPP"); dir != "" {
		return dir
	}
	dir := deps("llamacpp")
	if !exists(deps("llamacpp.done")) {
		Skip(t, "llama.cpp's server", "make deps")
	}
	return dir
}

// Server returns the folder in which `make test-servers` has installed a server, such as "vllm": .deps/NAME. It skips
// the test unless `make test-servers` runs it (LLM_TEST_SERVERS is set), and if the server could not be installed. A
// test that calls it has a name that begins with TestReal.
func Server(t testing.TB, name string) string {
	t.Helper()
	if os.Getenv("LLM_TEST_SERVERS") == "" {
		Skip(t, "servers that take minutes", "make test-servers")
	}
	if !exists(deps(name + ".done")) {
		Skip(t, name, "make test-servers, which says what it could not install")
	}
	return deps(name)
}

// StorageServer returns the path of a server of object storage that `make deps` built, and skips the test if the server
// is missing.
func StorageServer(t testing.TB, name string) string {
	t.Helper()
	path := deps("servers", name)
	if !exists(path) {
		Skip(t, name, "make deps")
	}
	return path
}

// KubernetesTypes skips the test if `make deps` has not compiled the types that the Kubernetes examples are checked
// with.
func KubernetesTypes(t testing.TB) {
	t.Helper()
	if !exists(deps("kubernetes.done")) {
		Skip(t, "the Kubernetes types", "make deps")
	}
}

// deps returns a path below the folder that `make deps` fills.
func deps(names ...string) string {
	return filepath.Join(append([]string{Root(), ".deps"}, names...)...)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

package storage

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The credentials of these tests. No error may hold the secret one.
const (
	accessKey = "AKIDTEST"
	secretKey = "sesame-open"
)

// isolate keeps the machine's own credentials and settings out of a test, and gives it those of the tests. It comes after the
// start of a server: without a home, Go would build that anew.
func isolate(t *testing.T) {
	t.Helper()
	for _, name := range os.Environ() {
		name, _, _ := strings.Cut(name, "=")
		if strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "GOOGLE_") || name == "STORAGE_EMULATOR_HOST" {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	nowhere := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_ACCESS_KEY": secretKey, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere, "HOME": nowhere, "APPDATA": nowhere,
	} {
		t.Setenv(name, value)
	}
}

// tool is the program of a server, built from the module of these tests' servers. The first time that takes minutes.
func tool(t *testing.T, name string) string {
	t.Helper()
	ctx := t.Context()
	if deadline, limited := t.Deadline(); limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-10*time.Second)) // a build must not outlive the test
		defer cancel()
	}
	var problem bytes.Buffer
	command := exec.CommandContext(ctx, "go", "tool", "-n", name)
	command.Dir, command.Stderr = filepath.Join("testdata", "servers"), &problem
	out, err := command.Output()
	if err != nil {
		t.Skipf("SKIPPED, so nothing is stored in a real server: go tool %s: %v: %s", name, err, line(problem.String()))
	}
	return strings.TrimSpace(string(out))
}

// serve starts a server, which is told its port by the arguments, and waits until it accepts connections.
func serve(t *testing.T, name string, arguments func(port int) []string) (address string) {
	t.Helper()
	program := tool(t, name)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = listener.Addr().String()
	listener.Close()
	var output bytes.Buffer
	command := exec.CommandContext(t.Context(), program, arguments(listener.Addr().(*net.TCPAddr).Port)...)
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() { gone <- command.Wait() }()
	t.Cleanup(func() { _ = command.Process.Kill(); <-gone })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return address
		}
		select {
		case err := <-gone:
			gone <- err
			t.Fatalf("%s: %v\n%s", name, err, output.String())
		case <-ctx.Done():
			t.Fatalf("%s does not listen", name)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// s3Server has the bucket "reports" and checks signatures.
func s3Server(t *testing.T) (endpoint string) {
	t.Helper()
	root, side, users := t.TempDir(), t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "reports"), 0o700); err != nil {
		t.Fatal(err)
	}
	return "http://" + serve(t, "versitygw", func(port int) []string {
		return []string{
			"--access", accessKey, "--secret", secretKey, "--quiet", "--iam-dir", users,
			"--port", fmt.Sprint("127.0.0.1:", port), "posix", "--sidecar", side, root,
		}
	})
}

// gcsServer has the bucket "reports" and takes anybody.
func gcsServer(t *testing.T) (host string) {
	t.Helper()
	data := t.TempDir()
	if err := os.Mkdir(filepath.Join(data, "reports"), 0o700); err != nil {
		t.Fatal(err)
	}
	return serve(t, "fake-gcs-server", func(port int) []string {
		return []string{
			"-scheme", "http", "-host", "127.0.0.1", "-port", fmt.Sprint(port), "-data", data, "-backend", "memory",
			"-external-url", fmt.Sprint("http://127.0.0.1:", port), "-public-host", fmt.Sprint("127.0.0.1:", port), "-log-level", "error",
		}
	})
}

// report writes files, by name, to a directory.
func report(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// refused demands an error of exactly this text. So it is on one line, and holds no secret.
func refused(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

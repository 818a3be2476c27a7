// Package storagetest starts real servers of object storage for tests. `make deps` builds their programs from a module
// of their own, which takes minutes the first time; a test that does not find them is skipped.
package storagetest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// What S3 asks for.
const (
	AccessKey = "AKIDTEST"
	SecretKey = "sesame-open"
)

// serve starts a server, which is told its port by the arguments, and waits until it accepts connections.
func serve(t *testing.T, name string, arguments func(port int) []string) (address string) {
	t.Helper()
	program := testenv.StorageServer(t, name)
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

// S3 starts a server of S3's API, which ends with the test; it has the bucket "reports" and checks signatures.
func S3(t *testing.T) (endpoint string) {
	t.Helper()
	root, side, users := t.TempDir(), t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "reports"), 0o700); err != nil {
		t.Fatal(err)
	}
	return "http://" + serve(t, "versitygw", func(port int) []string {
		return []string{
			"--access", AccessKey, "--secret", SecretKey, "--quiet", "--iam-dir", users,
			"--port", fmt.Sprint("127.0.0.1:", port), "posix", "--sidecar", side, root,
		}
	})
}

// GCS starts a server of Google Cloud Storage's API, which ends with the test; it has the bucket "reports" and takes
// anybody.
func GCS(t *testing.T) (host string) {
	t.Helper()
	data := t.TempDir()
	if err := os.Mkdir(filepath.Join(data, "reports"), 0o700); err != nil {
		t.Fatal(err)
	}
	return serve(t, "fake-gcs-server", func(port int) []string {
		return []string{
			"-scheme", "http", "-host", "127.0.0.1", "-port", fmt.Sprint(port), "-data", data, "-backend", "memory",
			"-external-url", fmt.Sprint("http://127.0.0.1:", port), "-public-host", fmt.Sprint("127.0.0.1:", port),
			"-log-level", "error",
		}
	})
}

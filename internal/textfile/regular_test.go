//go:build unix

package textfile

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// special makes files in a folder that are neither regular files nor folders: fifo, socket, zero.
func special(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "s") // short, for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	for name, target := range map[string]string{"zero": "/dev/zero", "folder": dir, "fifo-link": "fifo"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestRegular(t *testing.T) {
	t.Parallel()
	dir := special(t)
	for name, want := range map[string]string{
		"file": "", "folder": "", "fifo": "is a pipe, which", "fifo-link": "is a pipe, which", "socket": "is a socket",
		"zero": "is a device",
	} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := Regular(info); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}

// ReadFile neither waits for a writer nor reads a file without an end.
func TestReadFileOfNoFile(t *testing.T) {
	t.Parallel()
	dir := special(t)
	for name, want := range map[string]string{
		"fifo": "is a pipe that nothing is written to", "fifo-link": "is a pipe that nothing",
		"socket": "is a socket, not a file", "zero": "is a device, not a file",
		"folder": "is a directory", "none": "no such file",
	} {
		if text, err := ReadFile(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q, %v, want %q", name, text, err, want)
		}
	}
	if text, err := ReadFile(filepath.Join(dir, "file")); err != nil || string(text) != "text" {
		t.Errorf("file: got %q, %v", text, err)
	}
}

// A pipe with a writer is read to its end: a pipe whose writer waits for its reader, and the <(…) of a shell, which is
// /dev/fd/N.
func TestReadFileOfPipe(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(special(t), "fifo")
	both, err := os.OpenFile(fifo, os.O_RDWR, 0) // so that the other end is open before the pipe is read
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	large := strings.Repeat("x", 1<<20) // more than the buffer of a pipe
	go func() {
		_, err := both.WriteString(large)
		written <- err
		_ = both.Close()
	}()
	if text, err := ReadFile(fifo); err != nil || string(text) != large {
		t.Errorf("got %d bytes, %v", len(text), err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}

//go:build unix

package outfile

import (
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

func TestWriteThroughPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	got := make(chan string)
	go func() {
		text, _ := os.ReadFile(path)
		got <- string(text)
	}()
	if err := WriteBytes(path, Options{}, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if text := <-got; text != "new" {
		t.Errorf("read %q", text)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		t.Errorf("the pipe became %v (%v)", info.Mode(), err)
	}
}

func TestWriteThroughDescriptor(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Dup(int(w.Fd())) // Write closes it
	if err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	if err := WriteBytes("/dev/fd/"+strconv.Itoa(fd), Options{}, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); string(text) != "new" {
		t.Errorf("read %q (%v)", text, err)
	}
}

// The links stand for devices, which a test that runs as root must not risk.
func TestWriteThroughDevice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, want := range map[string]string{"null": "", "full": "no space left"} {
		device, path := "/dev/"+name, filepath.Join(dir, name)
		if info, err := os.Stat(device); err != nil || info.Mode()&fs.ModeCharDevice == 0 {
			testenv.Skip(t, device, "run the tests on Linux")
		}
		if err := os.Symlink(device, path); err != nil {
			t.Fatal(err)
		}
		err := WriteBytes(path, Options{Replace: true}, []byte("new"))
		if (err == nil) != (want == "") || err != nil &&
			(!strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), path+": ")) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
		if to, err := os.Readlink(path); to != device {
			t.Errorf("the link leads to %q (%v)", to, err)
		}
		if info, err := os.Lstat(device); err != nil || info.Mode()&fs.ModeCharDevice == 0 {
			t.Fatalf("%s became %v (%v)", device, info.Mode(), err)
		}
	}
}

func TestWritePermissions(t *testing.T) {
	umask := syscall.Umask(0o027)
	defer syscall.Umask(umask)
	for name, tt := range map[string]struct {
		old     fs.FileMode // 0 means no file
		private bool
		want    fs.FileMode
	}{
		"umask":               {0, false, 0o640},
		"private":             {0, true, 0o600},
		"kept":                {0o664, false, 0o664},
		"kept closed":         {0o600, false, 0o600},
		"closed for the text": {0o664, true, 0o600},
	} {
		path := filepath.Join(t.TempDir(), "out")
		if tt.old != 0 {
			put(t, path, "old", 0o600)
			if err := os.Chmod(path, tt.old); err != nil {
				t.Fatal(err)
			}
		}
		if err := WriteBytes(path, Options{Replace: true, Private: tt.private}, []byte("new")); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != tt.want {
			t.Errorf("%s: %v, want %v (%v)", name, info.Mode().Perm(), tt.want, err)
		}
	}
}

func TestWriteRefusesSockets(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "s") // short, for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "socket")
	socket, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	if err := WriteBytes(path, Options{Replace: true}, nil); err == nil ||
		err.Error() != path+" is a socket, not a file" {
		t.Errorf("got %v", err)
	}
}

//go:build unix

package command

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The command reads a configuration from a pipe once, and passes it to the load as a file. It refuses a pipe without a
// writer.
func TestConfigurationOfPipe(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "c.yml")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	r := &runner{config: fifo}
	if err := r.load(); err == nil || !strings.Contains(err.Error(), "is a pipe that nothing is written to") {
		t.Errorf("got %v", err)
	}
	writer, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	// More than the buffer of a pipe, so that its end is written only once the configuration is being read.
	text := "server: {base_url: x}\nload: {stages: [{rate: 1, duration: 7}]}\n#" + strings.Repeat("x", 1<<20) + "\n"
	written := make(chan error, 1)
	go func() {
		_, err := writer.WriteString(text)
		written <- errors.Join(err, writer.Close())
	}()
	r = &runner{config: fifo}
	for range 2 { // as a sweep does
		if err := r.load(); err != nil {
			t.Fatal(err)
		}
		if r.path != "" || !strings.Contains(string(r.text), "duration: 7") ||
			r.c.Load.Stages.Standard[0].Duration != 7 {
			t.Errorf("path %q, text of %d bytes", r.path, len(r.text))
		}
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}

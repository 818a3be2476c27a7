package output

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// OverwriteEnv names the environment variable that, when "true", lets a record file that exists be replaced.
const OverwriteEnv = "K6_LLM_OVERWRITE"

// maxPending bounds the memory that lines take which cannot be written.
const maxPending = 256 << 20

// file appends lines, whole ones even over failed writes: what a write left over goes first in the next.
type file struct {
	path string
	f    *os.File
	buf  []byte
	lost int
}

// instanceFile is the file of one instance in a directory of several.
func instanceFile(dir, instance string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '_'
	}, instance)
	return filepath.Join(dir, "records-"+name+".jsonl")
}

func refuseExisting(path string, overwrite bool) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || overwrite {
		return nil
	}
	return fmt.Errorf("record file %s exists: give another path, or set %s=true to replace it", path, OverwriteEnv)
}

func create(path string) (*file, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("directory of the record file: %w", err)
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("record file: %w", err)
	}
	return &file{path: path, f: f}, nil
}

// add takes one line, or counts it as lost when too much waits already.
func (f *file) add(line []byte) {
	if len(f.buf)+len(line) > maxPending {
		f.lost++
		return
	}
	f.buf = append(append(f.buf, line...), '\n')
}

// flush writes what waits.
func (f *file) flush() error {
	n, err := f.f.Write(f.buf)
	f.buf = append(f.buf[:0], f.buf[n:]...)
	return err
}

func (f *file) close() error {
	err := f.f.Close()
	if f.lost > 0 || len(f.buf) > 0 {
		return errors.Join(err, fmt.Errorf("record file %s is incomplete: %d lines and %d bytes could not be written", f.path, f.lost, len(f.buf)))
	}
	return err
}

package output

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-307b789f/xk6-llm/convert/storage"
)

// OverwriteEnv names the environment variable that, when "true", lets a record file that exists be replaced.
const OverwriteEnv = "K6_LLM_OVERWRITE"

// maxPending bounds the memory that lines take which cannot be written.
const maxPending = 256 << 20

// file appends lines, whole ones even over failed writes: what a write left over goes first in the next.
type file struct {
	path string
	f    *os.File
	pack packer // nil for a plain file
	raw  []byte // lines to be packed with the next flush
	buf  []byte // bytes to be written with it
	lost int
}

// packer compresses into the file's buffer. What was flushed can be read even if nothing follows.
type packer interface {
	io.WriteCloser
	Flush() error
}

// Write takes compressed bytes.
func (f *file) Write(p []byte) (int, error) {
	f.buf = append(f.buf, p...)
	return len(p), nil
}

// instanceFile is the file of one instance in a directory of several, or its object in the folder of a bucket.
func instanceFile(dir, instance string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '_'
	}, instance)
	name = "records-" + name + ".jsonl"
	if storage.IsURL(dir) {
		return strings.TrimRight(dir, "/") + "/" + name
	}
	return filepath.Join(dir, name)
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
	out := &file{path: path, f: f}
	switch filepath.Ext(path) {
	case ".gz":
		out.pack = gzip.NewWriter(out)
	case ".zst":
		out.pack, err = zstd.NewWriter(out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(packWindow))
	}
	return out, err
}

// packWindow bounds the memory of the compressor, and of whoever reads.
const packWindow = 1 << 20

// add takes one line, or counts it as lost when too much waits already.
func (f *file) add(line []byte) {
	if len(f.raw)+len(f.buf)+len(line) > maxPending {
		f.lost++
		return
	}
	f.raw = append(append(f.raw, line...), '\n')
}

// flush writes what waits.
func (f *file) flush() error {
	switch {
	case len(f.raw) == 0:
	case f.pack == nil:
		f.buf = append(f.buf, f.raw...)
	default:
		_, err := f.pack.Write(f.raw)
		if err = errors.Join(err, f.pack.Flush()); err != nil {
			return err // of memory alone: cannot happen
		}
	}
	f.raw = f.raw[:0]
	return f.drain()
}

// drain writes the bytes that wait.
func (f *file) drain() error {
	n, err := f.f.Write(f.buf)
	f.buf = append(f.buf[:0], f.buf[n:]...)
	return err
}

func (f *file) close() error {
	var err error
	if f.pack != nil {
		err = errors.Join(f.pack.Close(), f.drain())
	}
	err = errors.Join(err, f.f.Close())
	if f.lost > 0 || len(f.buf) > 0 {
		return errors.Join(err, fmt.Errorf("record file %s is incomplete: %d lines and %d bytes could not be written", f.path, f.lost, len(f.buf)))
	}
	return err
}

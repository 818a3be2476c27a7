package output

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/seed-307b789f/xk6-llm/internal/outfile"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/storage"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// file appends lines. They stay whole even if a write fails: the next write begins with what the failed one left over.
type file struct {
	path    string
	f       *os.File
	out     io.Writer // f, or what a test puts in its place
	through bool      // a pipe or a device, whose content cannot be read again
	pack    packer    // nil for a plain file
	buf     []byte    // bytes that are not written yet
	size    int64     // bytes written
	lost    int       // lines that are not in the file for other reasons than these
	cutOff  int64     // bytes that another process cut off the file
	made    bool      // created by the run, which may choose its permissions
	private bool      // the permissions were narrowed
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

// instanceFile returns the path of one instance's file in a directory of several, or of its object in the folder of a
// bucket. An instance may have any name.
func instanceFile(dir, instance string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '_'
	}, plain.FileName(instance, nil))
	name = "records-" + name + ".jsonl"
	if storage.IsURL(dir) {
		return strings.TrimRight(dir, "/") + "/" + name
	}
	return filepath.Join(dir, name)
}

func refuseExisting(path string, overwrite bool) error {
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && !overwrite {
		return fmt.Errorf("record file %s exists: give another path, or set %s=true to replace it", path,
			record.OverwriteEnv)
	}
	if err := outfile.Check(path, outfile.Options{Replace: true}); err != nil {
		return fmt.Errorf("record file: %w", err)
	}
	return nil
}

func create(path string, overwrite bool) (*file, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("directory of the record file: %w", err)
	}
	out := &file{path: path}
	info, err := os.Stat(path)
	out.through, out.made = err == nil && !info.Mode().IsRegular(), err != nil
	// Appending leaves no hole where another process cuts the file; reading is for restore.
	flags := os.O_RDWR | os.O_APPEND | os.O_CREATE
	switch {
	case out.through:
		flags = os.O_WRONLY
	case overwrite:
		flags |= os.O_TRUNC
	default:
		flags |= os.O_EXCL
	}
	if out.f, err = os.OpenFile(path, flags, 0o666); err != nil {
		return nil, fmt.Errorf("record file: %w", err)
	}
	out.out = out.f
	out.pack, err = newPacker(out)
	return out, err
}

// newPacker returns the compressor that the extension of the file's name asks for, or nil for a plain file. The fastest
// levels take less than half the time of the usual ones, and make the file at most a tenth larger.
func newPacker(f *file) (packer, error) {
	switch filepath.Ext(f.path) {
	case ".gz":
		return gzip.NewWriterLevel(f, gzip.BestSpeed)
	case ".zst":
		return zstd.NewWriter(f, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithWindowSize(packWindow))
	}
	return nil, nil
}

// packWindow bounds the memory, in bytes, of the compressor and of every reader.
const packWindow = 1 << 20

// write appends the lines of a block to what an earlier write left over, and writes all of it. A compressor may hold
// the lines of a full block back until the next block.
func (f *file) write(b block) error {
	switch {
	case f.pack == nil:
		f.buf = append(f.buf, b.text...)
	default:
		_, err := f.pack.Write(b.text)
		if !b.full {
			err = errors.Join(err, f.pack.Flush())
		}
		if err != nil {
			return err // writing to memory cannot fail
		}
	}
	return f.drain()
}

// drain writes the bytes that are waiting.
func (f *file) drain() error {
	n, err := f.out.Write(f.buf)
	f.buf = append(f.buf[:0], f.buf[n:]...)
	f.size += int64(n)
	return err
}

// keepPrivate makes the file readable by its owner alone, before texts of requests and answers come into it. A file
// that existed before keeps the permissions that its owner chose.
func (f *file) keepPrivate() error {
	if f.private || !f.made {
		return nil
	}
	f.private = true
	return f.f.Chmod(0o600)
}

func (f *file) close() error {
	var err error
	if f.pack != nil {
		err = errors.Join(f.pack.Close(), f.drain())
	}
	gone := f.deleted()
	err = errors.Join(err, f.f.Close())
	switch {
	case gone:
		return errors.Join(err, fmt.Errorf("record file %s was deleted during the run, and its records are lost",
			f.path))
	case f.lost > 0 || len(f.buf) > 0 || f.cutOff > 0:
		return errors.Join(err,
			fmt.Errorf("record file %s is incomplete: %d lines and %d bytes could not be written, and %d bytes were "+
				"cut off it",
				f.path, f.lost, len(f.buf), f.cutOff))
	}
	return err
}

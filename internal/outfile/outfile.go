// Package outfile writes the output files of commands. A regular file is written whole or not at all, and one that
// has content is replaced only if the caller asks for it; pipes and devices are written through, never replaced.
package outfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// Options says how a path may be treated.
type Options struct {
	Replace bool // replace a regular file that exists and has content
	Private bool // only the owner may read a new file; otherwise the umask decides
}

// ExistsError reports that a regular file exists, has content, and must not be replaced.
type ExistsError struct{ Path string }

// Error names the file and the flag that replaces it.
func (e *ExistsError) Error() string { return e.Path + " exists; --force replaces it" }

// Unwrap returns fs.ErrExist.
func (e *ExistsError) Unwrap() error { return fs.ErrExist }

// Check returns the error with which Write would refuse a path: a file that must not be replaced, a directory, a link
// to nothing, a socket, or a block device.
func Check(path string, o Options) error {
	_, err := find(path, o)
	return err
}

// Write writes the file at a path. A regular file, also behind symbolic links, is written under another name in the
// same folder and renamed, so that no reader sees half a file and a failure leaves the old one; it keeps its
// permissions. A pipe, a character device and an open file of the process (- or /dev/stdout, /dev/fd/3) are written
// through. Errors name the path.
func Write(path string, o Options, write func(io.Writer) error) error {
	p, err := find(path, o)
	switch {
	case err != nil:
		return err
	case p.through:
		err = p.writeThrough(write)
	default:
		err = p.replace(o, write)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// WriteBytes writes text as Write does.
func WriteBytes(path string, o Options, text []byte) error {
	return Write(path, o, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// target is what the content of a path is written to.
type target struct {
	path    string      // without symbolic links if the file exists
	old     fs.FileInfo // the regular file that exists; nil means none
	through bool        // a pipe, a device or an open file, which is not replaced
}

func find(path string, o Options) (target, error) {
	if _, open := descriptor(path); open {
		return target{path: path, through: true}, nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(path); err == nil {
			return target{}, fmt.Errorf("%s is a link to nothing: remove it, or make the file it leads to", path)
		}
		return target{path: path}, nil
	case err != nil:
		return target{}, err
	case info.IsDir():
		return target{}, fmt.Errorf("%s is a directory: give a file", path)
	case info.Mode().IsRegular():
		if !o.Replace && info.Size() > 0 { // an empty file, as mktemp makes it, has nothing to lose
			return target{}, &ExistsError{path}
		}
		path, err = filepath.EvalSymlinks(path)
		return target{path: path, old: info}, err
	case info.Mode()&(fs.ModeNamedPipe|fs.ModeCharDevice) != 0:
		return target{path: path, through: true}, nil
	}
	return target{}, fmt.Errorf("%s %w", path, textfile.Regular(info)) // such as a socket
}

// descriptor returns the number of the open file of this process that a path names. Opening such a path anew would
// start at the file's beginning, and fails for sockets.
func descriptor(path string) (fd uintptr, ok bool) {
	if path == "-" { // by convention; a file of this name is ./-
		return 1, true
	}
	switch path = filepath.ToSlash(filepath.Clean(path)); path {
	case "/dev/stdout":
		return 1, true
	case "/dev/stderr":
		return 2, true
	}
	for _, dir := range []string{"/dev/fd/", "/proc/self/fd/"} {
		if number, found := strings.CutPrefix(path, dir); found {
			n, err := strconv.ParseUint(number, 10, 16)
			return uintptr(n), err == nil
		}
	}
	return 0, false
}

// writeThrough writes to an open file, a pipe or a device.
func (p target) writeThrough(write func(io.Writer) error) error {
	switch fd, open := descriptor(p.path); {
	case open && fd == 1:
		return write(bareWriter{os.Stdout})
	case open && fd == 2:
		return write(bareWriter{os.Stderr})
	case open:
		return writeAndClose(os.NewFile(fd, p.path), write)
	}
	f, err := os.OpenFile(p.path, os.O_WRONLY, 0) // blocks until a pipe has a reader
	if err != nil {
		return bare(err)
	}
	return writeAndClose(f, write)
}

// writeAndClose writes a file and closes it.
func writeAndClose(f *os.File, write func(io.Writer) error) error {
	err := write(bareWriter{f})
	return errors.Join(err, bare(f.Close()))
}

// replace writes a file beside the path and renames it.
func (p target) replace(o Options, write func(io.Writer) error) (err error) {
	perm := fs.FileMode(0o666)
	if o.Private {
		perm = 0o600
	}
	name := filepath.Join(filepath.Dir(p.path), ".llmconv-"+rand.Text())
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return bare(err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(name)
		}
	}()
	if p.old != nil {
		err = bare(f.Chmod(p.old.Mode().Perm() & perm))
	}
	if err = errors.Join(err, writeAndClose(f, write)); err != nil {
		return err
	}
	return bare(os.Rename(name, p.path))
}

// bareWriter is a file whose errors do not name it: the caller adds the path.
type bareWriter struct{ f *os.File }

// Write writes to the file.
func (t bareWriter) Write(data []byte) (int, error) {
	n, err := t.f.Write(data)
	return n, bare(err)
}

// bare returns an error without the name of its file, which may be a temporary one.
func bare(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

// Package outfile writes the files that commands make. A regular file is written whole or not at all, and one that
// holds something is replaced only where that was asked for; pipes and devices are written through, never replaced.
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

// Options say what may become of a path.
type Options struct {
	Replace bool // a regular file that is there
	Private bool // for its owner's eyes only; without it the umask decides
}

// ExistsError says that a regular file is there, holds something, and must not be replaced.
type ExistsError struct{ Path string }

// Error names the file and the way out.
func (e *ExistsError) Error() string { return e.Path + " exists; --force replaces it" }

// Unwrap gives fs.ErrExist.
func (e *ExistsError) Unwrap() error { return fs.ErrExist }

// Check says what would keep Write from beginning: a file that is not to be replaced, a directory, a link to nothing, a
// socket, a block device.
func Check(path string, o Options) error {
	_, err := find(path, o)
	return err
}

// Write makes the file of a path. A regular one, also behind symbolic links, is written beside its place and renamed,
// so that nobody reads half a file, and a failure leaves what was there; it keeps the permissions that it had. A pipe,
// a character device and an open file of the process (- or /dev/stdout, /dev/fd/3) are written through. Errors name the
// path.
func Write(path string, o Options, write func(io.Writer) error) error {
	p, err := find(path, o)
	switch {
	case err != nil:
		return err
	case p.through:
		err = p.pour(write)
	default:
		err = p.replace(o, write)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// WriteBytes is Write of a text.
func WriteBytes(path string, o Options, text []byte) error {
	return Write(path, o, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// place is where the content of a path goes.
type place struct {
	path    string      // without symbolic links, if the file is there
	old     fs.FileInfo // of the regular file that is there; nil for none
	through bool        // nothing to replace
}

func find(path string, o Options) (place, error) {
	if _, open := descriptor(path); open {
		return place{path: path, through: true}, nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(path); err == nil {
			return place{}, fmt.Errorf("%s is a link to nothing: remove it, or make the file it leads to", path)
		}
		return place{path: path}, nil
	case err != nil:
		return place{}, err
	case info.IsDir():
		return place{}, fmt.Errorf("%s is a directory: give a file", path)
	case info.Mode().IsRegular():
		if !o.Replace && info.Size() > 0 { // an empty one, as mktemp makes it, has nothing to lose
			return place{}, &ExistsError{path}
		}
		path, err = filepath.EvalSymlinks(path)
		return place{path: path, old: info}, err
	case info.Mode()&(fs.ModeNamedPipe|fs.ModeCharDevice) != 0:
		return place{path: path, through: true}, nil
	}
	return place{}, fmt.Errorf("%s %w", path, textfile.Regular(info)) // such as a socket
}

// descriptor is the number of an open file of the process that a path names. To open it by its path would begin anew at
// its beginning, and fails for sockets.
func descriptor(path string) (fd uintptr, ok bool) {
	if path == "-" { // by custom; a file of this name is ./-
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

// pour writes into what is there.
func (p place) pour(write func(io.Writer) error) error {
	switch fd, open := descriptor(p.path); {
	case open && fd == 1:
		return write(target{os.Stdout})
	case open && fd == 2:
		return write(target{os.Stderr})
	case open:
		return fill(os.NewFile(fd, p.path), write)
	}
	f, err := os.OpenFile(p.path, os.O_WRONLY, 0) // waits for the reader of a pipe
	if err != nil {
		return bare(err)
	}
	return fill(f, write)
}

// fill writes a file and closes it.
func fill(f *os.File, write func(io.Writer) error) error {
	err := write(target{f})
	return errors.Join(err, bare(f.Close()))
}

// replace writes beside the path and renames.
func (p place) replace(o Options, write func(io.Writer) error) (err error) {
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
	if err = errors.Join(err, fill(f, write)); err != nil {
		return err
	}
	return bare(os.Rename(name, p.path))
}

// target is a file whose errors leave its name to the caller.
type target struct{ f *os.File }

// Write writes to the file.
func (t target) Write(data []byte) (int, error) {
	n, err := t.f.Write(data)
	return n, bare(err)
}

// bare is an error without the name of a file, which may be a passing one.
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

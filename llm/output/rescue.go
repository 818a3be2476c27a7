package output

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// rescue undoes what other processes did to the file since the last call, and remarks on it: it writes a deleted file,
// which a process that has it open can still read, again under its name, and counts what was cut off. The error tells
// what cannot be undone now.
func (f *file) rescue() (remark string, err error) {
	if f.through {
		return "", nil
	}
	info, err := f.f.Stat()
	if err != nil {
		return "", err
	}
	if short := f.size - info.Size(); short > 0 {
		f.cutOff += short
		f.size = info.Size()
		remark = fmt.Sprintf("somebody cut %d bytes off the record file %s", short, f.path)
		if f.pack, err = newPacker(f); err != nil { // the compressed stream lost its beginning
			return remark, err
		}
	}
	if unlinked(info) {
		if err := f.restore(info.Mode().Perm()); err != nil {
			return remark, fmt.Errorf("the record file was deleted, and cannot be written again: %w", err)
		}
		remark = fmt.Sprintf("the record file was deleted during the run; its records are whole again in %s", f.path)
	}
	return remark, nil
}

// deleted reports whether the file has no name any more.
func (f *file) deleted() bool {
	info, err := f.f.Stat()
	return err == nil && !f.through && unlinked(info)
}

// restore copies the open file to its name, or to a similar name if another file has that name now, and continues with
// the copy.
func (f *file) restore(perm fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
		return err
	}
	path := f.path
	fresh, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_EXCL, perm)
	if errors.Is(err, fs.ErrExist) {
		path = restoredName(f.path)
		fresh, err = os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_EXCL, perm)
	}
	if err != nil {
		return err
	}
	if _, err := io.Copy(fresh, io.NewSectionReader(f.f, 0, f.size)); err != nil {
		return errors.Join(err, fresh.Close(), os.Remove(path))
	}
	_ = f.f.Close() // no other process can see it
	f.f, f.out, f.path = fresh, fresh, path
	return nil
}

// restoredName returns the name with -restored before its extension, as in run-restored.jsonl.gz.
func restoredName(path string) string {
	for _, end := range recordEnds {
		if base, ok := strings.CutSuffix(path, end); ok {
			return base + "-restored" + end
		}
	}
	return path + "-restored"
}

// tail is the length, in bytes, of the file's end that is searched for lines to replace by the last line.
const tail = 64 << 10

// endFull writes the last line of a plain file for which there is no room: it replaces as many lines before it as it
// needs. The counts of end stay as they are, and so show a reader that lines are missing.
func (f *file) endFull(end *record.End) error {
	if f.through || f.pack != nil || len(f.buf) == 0 {
		return nil
	}
	last := *end
	last.Status = fmt.Sprintf("incomplete: no room for the last records (%s)", end.Status)
	text, err := record.Append(nil, &last)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	from := max(f.size-tail, 0)
	lines := make([]byte, f.size-from)
	if _, err := f.f.ReadAt(lines, from); err != nil {
		return err
	}
	keep := bytes.LastIndexByte(lines[:max(len(lines)-len(text), 0)], '\n') + 1
	if keep == 0 {
		return errors.New("the file has no room for its last line")
	}
	if err := f.f.Truncate(from + int64(keep)); err != nil {
		return err
	}
	_, err = f.f.Write(text)
	return err
}

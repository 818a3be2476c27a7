package trace

import (
	"fmt"
	"os"
)

// spool is a temporary file that has copies of the records that cannot be read again where they are: those of packed
// files. The zero value is ready.
type spool struct {
	file *os.File
	size int64
	buf  []byte
	err  error // nothing can be written any more
}

// add writes a record and returns its offset.
func (s *spool) add(record []byte) (int64, error) {
	at := s.size
	_, err := s.Write(record)
	return at, err
}

// Write appends to the file.
func (s *spool) Write(text []byte) (int, error) {
	if s.file == nil {
		file, err := os.CreateTemp("", "trace-*")
		if err != nil {
			return 0, s.fail(err)
		}
		_ = os.Remove(file.Name()) // where open files can be removed; elsewhere the system's cleaning does it
		s.file = file
	}
	s.size += int64(len(text))
	s.buf = append(s.buf, text...)
	if len(s.buf) < 1<<20 {
		return len(text), nil
	}
	return len(text), s.flush()
}

// flush writes what add has kept back.
func (s *spool) flush() error {
	if len(s.buf) == 0 {
		return nil
	}
	_, err := s.file.Write(s.buf)
	s.buf = s.buf[:0]
	return s.fail(err)
}

// fail keeps an error, if it is one.
func (s *spool) fail(err error) error {
	if err != nil {
		s.err = fmt.Errorf("a copy of the trace's records, which TMPDIR can place elsewhere: %w", err)
	}
	return s.err
}

package trace

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"
)

// File is a file of records.
type File struct {
	Name string
	// Open opens the file to read at the places of its records: it returns an io.ReaderAt if Records has places.
	Open func() (io.ReadCloser, error)
	// Records reads the file from the front. The function that it returns closes it.
	Records func() (Records, func(), error)
}

// Records reads the records of a file as JSON objects.
type Records interface {
	// Next returns the next record; io.EOF after the last. With any other error, only the line is valid.
	Next() (Row, error)
	// Resume goes on behind the line of a fault. It reports false if the file cannot be understood after one.
	Resume() bool
}

// Row is a record of a file.
type Row struct {
	Data   []byte // valid until the next record is read
	Line   int    // or its number in files without lines
	Offset int64  // where the record is in the file
	Length int    // of the record in the file; 0 if it cannot be read there
}

// place is where a record is read again, and when it went: 24 bytes, for each record of a trace.
type place struct {
	at     uint64        // the offset, the number of the file, and whether it is in the spool
	start  time.Duration // on the trace's clock; never if the record has no instant
	length uint32
	line   uint32
}

// never is the start of a record without an instant.
const never = math.MinInt64

// offsetBits is enough for files of 16 TiB, and leaves room for half a million files.
const (
	offsetBits = 44
	fileBits   = 19
)

// file returns the number of the file of a record.
func (p place) file() int { return int(p.at >> offsetBits & (1<<fileBits - 1)) }

// spooled reports whether a record is read again from the spool.
func (p place) spooled() bool { return p.at>>(offsetBits+fileBits) != 0 }

// offset returns where the record is, in the file or in the spool.
func (p place) offset() int64 { return int64(p.at & (1<<offsetBits - 1)) }

// spool is a temporary file that has copies of the records that cannot be read again where they are: those of packed
// files and tables. The zero value is ready.
type spool struct {
	file *os.File
	size int64
	buf  []byte
}

// add writes a record and returns its offset.
func (s *spool) add(record []byte) (int64, error) {
	if s.file == nil {
		file, err := os.CreateTemp("", "trace-*.jsonl")
		if err != nil {
			return 0, fmt.Errorf("a copy of the trace's records, which TMPDIR can place elsewhere: %w", err)
		}
		_ = os.Remove(file.Name()) // where open files can be removed; elsewhere the system's cleaning does it
		s.file = file
	}
	at := s.size
	s.size += int64(len(record)) + 1
	s.buf = append(append(s.buf, record...), '\n')
	if len(s.buf) < 1<<20 {
		return at, nil
	}
	return at, s.flush()
}

// flush writes what add has kept back.
func (s *spool) flush() error {
	if len(s.buf) == 0 {
		return nil
	}
	_, err := s.file.Write(s.buf)
	s.buf = s.buf[:0]
	if err != nil {
		return fmt.Errorf("a copy of the trace's records, which TMPDIR can place elsewhere: %w", err)
	}
	return nil
}

// ranges reads the records of a session. It opens each file once.
type ranges struct {
	trace  *Trace
	number int // of the file that is open
	file   io.Closer
	at     io.ReaderAt
}

// read returns the record at a place.
func (r *ranges) read(p place) ([]byte, error) {
	at := io.ReaderAt(r.trace.spool.file)
	if !p.spooled() {
		if err := r.open(p.file()); err != nil {
			return nil, err
		}
		at = r.at
	}
	data := make([]byte, p.length)
	n, err := at.ReadAt(data, p.offset())
	switch {
	case n < len(data) && err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case n < len(data) || data[0] != '{' || data[n-1] != '}':
		return nil, errors.New("the file has changed since it was opened")
	}
	return data, nil
}

// open opens a file unless it is open.
func (r *ranges) open(number int) error {
	if r.at != nil && number == r.number {
		return nil
	}
	r.close()
	file, err := r.trace.files[number].Open()
	if err != nil {
		return err
	}
	at, ok := file.(io.ReaderAt)
	if !ok {
		_ = file.Close()
		return fmt.Errorf("%s cannot be read at an offset", r.trace.files[number].Name)
	}
	r.number, r.at, r.file = number, at, file
	return nil
}

func (r *ranges) close() {
	if r.file != nil {
		_ = r.file.Close()
	}
	r.at, r.file = nil, nil
}

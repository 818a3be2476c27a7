package trace

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// File is a file of records.
type File struct {
	Name string
	// Open opens the file to read at the places of its records: it returns an io.ReaderAt if Records has places.
	Open func() (io.ReadCloser, error)
	// Records reads the file from the front. The function that it returns closes it. Of a file that cannot be read at
	// places it may write a copy, in which its records are found.
	Records func(copied io.Writer) (Records, func(), error)
}

// Records reads the records of a file as JSON objects.
type Records interface {
	// Next returns the next record; io.EOF after the last. With any other error, the line is valid, and the data are
	// what could be read of the record, or nil.
	Next() (Row, error)
	// Resume goes on behind the line of a fault. It reports false if the file cannot be understood after one.
	Resume() bool
}

// Table is a Records of rows, of which objects are made when they are read.
type Table interface {
	Records
	// Narrow leaves out the fields that are not needed, of all records to come.
	Narrow(needed func(name string) bool)
	// Decoder returns a function that makes the record of what is at its place.
	Decoder() Decoder
}

// Decoder makes a record of a row of a table. It may be used concurrently.
type Decoder func(row []byte) ([]byte, error)

// Row is a record of a file.
type Row struct {
	Data   []byte // valid until the next record is read
	Line   int    // or its number in files without lines
	Offset int64  // where the record is in the file
	Length int    // of the record in the file; 0 if it cannot be read there
	Copied bool   // the place is in the copy of the file
}

// ErrChanged reports a file in which a record is not where it was.
var ErrChanged = errors.New("the file has changed since it was opened")

// mostOpen is how many files stay open for the sessions to come.
const mostOpen = 64

// handles are the files that stay open. The zero value is ready.
type handles struct {
	mu   sync.Mutex
	open map[int]*os.File // by number; they close when nothing refers to the trace any more
}

// get opens a file, or returns it if it is open. What has to be closed after use is not nil.
func (h *handles) get(number int, f File) (io.ReaderAt, io.Closer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if file := h.open[number]; file != nil {
		return file, nil, nil
	}
	file, err := f.Open()
	if err != nil {
		return nil, nil, err
	}
	// of files in memory, not all can be read by many at once
	if shared, ok := file.(*os.File); ok && len(h.open) < mostOpen {
		if h.open == nil {
			h.open = map[int]*os.File{}
		}
		h.open[number] = shared
		return shared, nil, nil
	}
	if at, ok := file.(io.ReaderAt); ok {
		return at, file, nil
	}
	_ = file.Close()
	return nil, nil, fmt.Errorf("%s cannot be read at an offset", f.Name)
}

// ranges reads the records of a session. It opens each file once.
type ranges struct {
	trace  *Trace
	number int // of the file that is open
	at     io.ReaderAt
	close  io.Closer // of that file; nil if it stays open
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
	decode := r.trace.decoders[p.file()]
	switch {
	case n < len(data) && err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case n == len(data) && decode != nil:
		return decode(data)
	case n < len(data) || data[0] != '{' || data[n-1] != '}':
		return nil, ErrChanged
	}
	return data, nil
}

// open opens a file unless it is open.
func (r *ranges) open(number int) (err error) {
	if r.at != nil && number == r.number {
		return nil
	}
	r.end()
	r.number = number
	r.at, r.close, err = r.trace.handles.get(number, r.trace.files[number])
	return err
}

// end closes the file that is open.
func (r *ranges) end() {
	if r.close != nil {
		_ = r.close.Close()
	}
	r.at, r.close = nil, nil
}

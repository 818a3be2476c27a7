// Package sse reads text/event-stream, the format in which model servers stream their answers, by the rules of the HTML
// standard (https://html.spec.whatwg.org/multipage/server-sent-events.html): lines end in LF, CRLF or CR; an event ends at
// a blank line. Bytes may arrive cut anywhere. Reading allocates nothing per event once the buffer has its size.
package sse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
)

// DefaultLimit is the largest event read when no limit is set, in bytes.
const DefaultLimit = 16 << 20

// ErrTooLarge is wrapped by the error of an event above the limit.
var ErrTooLarge = errors.New("event too large")

// firstBuffer holds many events of a token each, and spares a thousand idle streams the memory of more.
const firstBuffer = 4 << 10

// Event is one event of the stream. Its slices belong to the reader and live until the next call of Next.
type Event struct {
	Name []byte    // of the event field, empty if there was none
	Data []byte    // the data lines, joined by LF
	At   time.Time // when the read returned that brought the event's end
}

// Reader reads events from a source. It is for one goroutine. Use NewReader or Reset.
type Reader struct {
	src   io.Reader
	limit int

	buf   []byte // buf[start:end] is read and not yet consumed; an event being read begins at start
	start int
	line  int // start of the line to be read next
	seen  int // bytes before this are searched for a line end
	stop  int // end of the line read last
	end   int
	at    time.Time // of the last read
	err   error     // of the source, held back until the buffer is used up
	total int64

	fresh  bool // nothing consumed yet: a byte-order mark may come
	skipLF bool // the last line ended in CR: a LF right after it belongs to it

	name    []byte
	joined  []byte // data of an event with several data lines
	dataAt  int    // single data line: its place, relative to start
	dataLen int
	lines   int // data lines of the event so far
}

// NewReader reads events from src, each of at most limit bytes; a limit of 0 means DefaultLimit.
func NewReader(src io.Reader, limit int) *Reader {
	r := new(Reader)
	r.Reset(src, limit)
	return r
}

// Reset makes the reader read from src as if new; it keeps its buffers, unless a huge event made them large.
func (r *Reader) Reset(src io.Reader, limit int) {
	if limit == 0 {
		limit = DefaultLimit
	}
	buf, joined, name := r.buf, r.joined[:0], r.name[:0]
	if len(buf) == 0 || len(buf) > 64*firstBuffer {
		buf = make([]byte, firstBuffer)
	}
	if cap(joined) > 64*firstBuffer {
		joined = nil
	}
	*r = Reader{src: src, limit: limit, buf: buf, joined: joined, name: name, fresh: true}
}

// Received is the number of bytes read from the source so far.
func (r *Reader) Received() int64 { return r.total }

// Next returns the next event that has data; events without data are passed over, as the standard says. At the end of the
// source it returns io.EOF, or io.ErrUnexpectedEOF if an event was begun and not ended; other errors are the source's own,
// or wrap ErrTooLarge.
func (r *Reader) Next() (Event, error) {
	r.start, r.lines, r.dataLen = r.line, 0, 0
	r.name, r.joined = r.name[:0], r.joined[:0]
	for {
		line, err := r.readLine()
		if err != nil {
			return Event{}, r.endOf(err)
		}
		if len(line) > 0 {
			r.field(line)
			if r.lines == 0 {
				r.start = r.line // no data yet: nothing of this must stay, however many comments come
			}
			if r.dataLen+len(r.joined) > r.limit {
				return Event{}, r.tooLarge()
			}
			continue
		}
		if r.lines > 0 {
			return Event{Name: r.name, Data: r.data(), At: r.at}, nil
		}
		r.start, r.name = r.line, r.name[:0]
	}
}

// endOf turns the clean end of the source into an unclean one if it cuts an event.
func (r *Reader) endOf(err error) error {
	if err == io.EOF && (r.lines > 0 || r.line < r.end) { //nolint:errorlint // sources return it bare
		return io.ErrUnexpectedEOF
	}
	return err
}

// field takes one line into the event: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
func (r *Reader) field(line []byte) {
	colon := bytes.IndexByte(line, ':')
	if colon == 0 {
		return // a comment, as proxies are kept awake with
	}
	name, value := line, line[len(line):]
	if colon > 0 {
		name, value = line[:colon], line[colon+1:]
		if len(value) > 0 && value[0] == ' ' {
			value = value[1:]
		}
	}
	switch string(name) {
	case "data":
		r.addData(value)
	case "event":
		r.name = append(r.name[:0], value...)
	} // id and retry are for reconnecting, which no request does
}

// addData remembers where a first data line is, and copies only when a second one comes.
func (r *Reader) addData(value []byte) {
	r.lines++
	if r.lines == 1 {
		r.dataAt, r.dataLen = r.stop-len(value)-r.start, len(value) // a value ends where its line ends
		return
	}
	if r.lines == 2 {
		r.joined = append(r.joined, r.buf[r.start+r.dataAt:][:r.dataLen]...)
		r.dataLen = 0
	}
	r.joined = append(r.joined, '\n')
	r.joined = append(r.joined, value...)
	r.start = r.line // all of the event that counts is copied
}

func (r *Reader) data() []byte {
	if r.lines > 1 {
		return r.joined
	}
	return r.buf[r.start+r.dataAt:][:r.dataLen]
}

// readLine returns the next line without its end. A CR ends a line at once: whether a LF follows may be known only with
// the next read, which can be a token later.
func (r *Reader) readLine() ([]byte, error) {
	for {
		if r.skipLF && r.line < r.end {
			if r.buf[r.line] == '\n' {
				r.line++
				r.seen = max(r.seen, r.line)
			}
			r.skipLF = false
		}
		if i := lineEnd(r.buf[r.seen:r.end]); i >= 0 {
			at := r.seen + i
			line := r.buf[r.line:at]
			r.skipLF = r.buf[at] == '\r'
			r.stop, r.line, r.seen = at, at+1, at+1
			return r.withoutBOM(line), nil
		}
		r.seen = r.end
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// lineEnd is the index of the first CR or LF, or -1.
func lineEnd(b []byte) int {
	lf := bytes.IndexByte(b, '\n')
	if lf >= 0 {
		b = b[:lf]
	}
	if cr := bytes.IndexByte(b, '\r'); cr >= 0 {
		return cr
	}
	return lf
}

// withoutBOM takes the one byte-order mark off that a stream may begin with.
func (r *Reader) withoutBOM(line []byte) []byte {
	if r.fresh {
		r.fresh = false
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	return line
}

// fill reads once more from the source and takes the time of it.
func (r *Reader) fill() error {
	if r.err != nil {
		return r.err
	}
	if len(r.joined)+r.end-r.start > r.limit {
		return r.tooLarge()
	}
	r.makeRoom()
	for range 100 {
		n, err := r.src.Read(r.buf[r.end:])
		r.at = time.Now()
		r.end += n
		r.total += int64(n)
		r.err = err
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	r.err = io.ErrNoProgress
	return r.err
}

func (r *Reader) tooLarge() error {
	return fmt.Errorf("%w: over the limit of %d bytes", ErrTooLarge, r.limit)
}

// makeRoom moves the unconsumed bytes to the front of the buffer, or doubles it if they fill half of it.
func (r *Reader) makeRoom() {
	if r.start < r.end && len(r.buf)-r.end >= len(r.buf)/4 {
		return
	}
	old := r.buf
	if r.end-r.start > len(r.buf)/2 {
		r.buf = make([]byte, 2*len(old))
	}
	copy(r.buf, old[r.start:r.end])
	r.line, r.seen, r.end, r.start = r.line-r.start, r.seen-r.start, r.end-r.start, 0
}

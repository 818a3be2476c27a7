// Package sse reads text/event-stream, the format in which model servers stream their answers, by the rules of the
// HTML standard (https://html.spec.whatwg.org/multipage/server-sent-events.html): lines end in LF, CRLF or CR; an
// event ends at a blank line. Bytes may arrive cut at any point. Reading allocates nothing per event once the buffer
// has reached its size, and a reader that waits for bytes holds only a small buffer.
//
// Servers break three of those rules, and the reader follows them:
//   - The last event may lack its blank line, and its line break too. It is returned, marked as unended.
//   - Events may be separated by one line break instead of a blank line. A data line that begins a JSON object, or is
//     [DONE], starts an event of its own if the data line before it is an object by itself.
//   - A field named error, which llama.cpp wrote in 2025, is an event named error with the field's value as its data.
//     An event named error needs no data; its comments, where Dynamo puts the message, are its data.
package sse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// DefaultLimit is the largest event, in bytes, that is read when no limit is set.
const DefaultLimit = 16 << 20

// ErrTooLarge is wrapped by the error for an event above the limit.
var ErrTooLarge = errors.New("event too large")

// Sizes of buffers. The small one is part of each reader: it holds an event of one token, and fifty thousand streams
// that wait have one each. A page is borrowed while more bytes are there than fit.
const (
	smallBuffer = 512
	pageBuffer  = 4 << 10
)

var pages = sync.Pool{New: func() any { return new([pageBuffer]byte) }}

// Event is one event of the stream. It and its slices belong to the reader and are valid until the next call of Next.
type Event struct {
	Name    []byte    // value of the event field, empty if there was none
	Data    []byte    // the data lines, joined by LF
	At      time.Time // when the read returned that brought the end of the event
	Unended bool      // the source ended before the event did: the data may be cut off
}

// Reader reads events from a source. It must not be used concurrently. Use NewReader or Reset.
type Reader struct {
	state
	page   *[pageBuffer]byte // what buf is a part of, if it is borrowed
	name   []byte
	joined []byte // data of an event with several data lines
	stray  []byte // the beginning of the first line that is not a field
	small  [smallBuffer]byte
}

// state is what Reset clears.
type state struct {
	src   io.Reader
	limit int

	buf   []byte // buf[start:end] is read and not yet consumed; an event being read begins at start
	start int
	line  int // start of the line to be read next
	seen  int // bytes before this are searched for a line end
	stop  int // end of the line read last
	end   int
	at    time.Time // time of the last read
	err   error     // error of the source, held back until the buffer is used up
	full  bool      // the last read filled the buffer: more bytes may be there

	fresh  bool // nothing consumed yet: a byte-order mark may come
	skipLF bool // the last line ended in CR: a LF right after it belongs to that line end
	single bool // one line break separates the events

	dataAt  int // offset of a single data line, relative to start
	dataLen int
	lines   int       // data lines of the event so far
	firstAt time.Time // time of the read that brought the end of the first data line

	event Event // the one that Next returned
}

// NewReader returns a Reader of the events in src, each of at most limit bytes; a limit of 0 means DefaultLimit.
func NewReader(src io.Reader, limit int) *Reader {
	r := new(Reader)
	r.Reset(src, limit)
	return r
}

// Reset makes the reader read from src as if it were new. It keeps its small buffers.
func (r *Reader) Reset(src io.Reader, limit int) {
	if limit == 0 {
		limit = DefaultLimit
	}
	r.giveBack()
	if cap(r.joined)+cap(r.name) > 64*pageBuffer {
		r.joined, r.name = nil, nil
	}
	r.joined, r.name, r.stray = r.joined[:0], r.name[:0], r.stray[:0]
	r.state = state{src: src, limit: limit, buf: r.small[:], fresh: true}
}

// giveBack gives back a borrowed page. Whoever calls it sets buf anew.
func (r *Reader) giveBack() {
	if r.page != nil {
		pages.Put(r.page)
		r.page = nil
	}
}

// maxStray bounds, in bytes, what is kept of a line that is not a field.
const maxStray = 400

// Stray returns the beginning of the first line that was not a field of the format, such as a line of an HTML page; it
// is empty if there was none. The slice is valid until the next Reset.
func (r *Reader) Stray() []byte { return r.stray }

// Peek returns the first byte that is not white space and not part of a byte-order mark or a comment, reading as far as
// it must. It consumes nothing but comments and what stands before them; neither is part of an event. Call it before
// Next. The error is the source's.
func (r *Reader) Peek() (byte, error) {
	for {
		c, err := r.peek()
		if err != nil || c != ':' {
			return c, err
		}
		for line := []byte(nil); len(line) == 0; r.start = r.line {
			if line, err = r.readLine(); err != nil {
				return 0, err
			}
			if len(line) > 0 && line[0] != ':' {
				r.unread(line)
				return ':', nil // after a blank, so it does not begin a comment
			}
		}
	}
}

func (r *Reader) peek() (byte, error) {
	for i := 0; ; i++ {
		for r.start+i == r.end {
			if err := r.fill(); err != nil {
				return 0, err
			}
		}
		switch c := r.buf[r.start+i]; c {
		case ' ', '\t', '\r', '\n', 0xef, 0xbb, 0xbf:
		default:
			return c, nil
		}
	}
}

// Rest returns a source of all bytes that were not consumed. The reader must not be used again before Reset, and Reset
// must wait until that source is used up.
func (r *Reader) Rest() io.Reader {
	held := bytes.NewReader(r.buf[r.start:r.end])
	if r.err != nil {
		return io.MultiReader(held, failed{r.err})
	}
	return io.MultiReader(held, r.src)
}

// Drain reads and forgets what the source still has, up to its end or error, or until more than the given number of
// bytes came. The reader must not be used again before Reset.
func (r *Reader) Drain(most int) {
	for came := 0; r.err == nil && came <= most; {
		var n int
		n, r.err = r.src.Read(r.buf)
		came += max(n, 1)
	}
}

// failed is a source that has ended.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

// Next returns the next event that has data; it skips events without data, as the standard says. At the end of the
// source it returns io.EOF; other errors are the source's own, or wrap ErrTooLarge. An event that the end of the source
// cuts off is returned before the error.
func (r *Reader) Next() (*Event, error) {
	err := r.next()
	return &r.event, err
}

func (r *Reader) next() error {
	r.event = Event{}
	r.start, r.lines, r.dataLen = r.line, 0, 0
	r.name, r.joined = r.name[:0], r.joined[:0]
	for {
		line, err := r.readLine()
		if err != nil {
			return r.last(err)
		}
		if r.lines == 1 && startsEvent(line) && isObject(r.data()) {
			r.single = true
			r.unread(line)
			r.set(r.firstAt)
			return nil
		}
		if len(line) > 0 {
			r.field(line)
			if r.lines == 0 {
				r.start = r.line // no data yet: keep nothing of the event, however many comments come
			}
			if r.dataLen+len(r.joined) > r.limit {
				return r.tooLarge()
			}
			if !r.single || r.lines != 1 || !isObject(r.data()) && !isDone(r.data()) {
				continue
			}
		}
		if r.lines > 0 || r.isError() {
			r.set(r.at)
			return nil
		}
		r.start, r.name = r.line, r.name[:0]
	}
}

// set makes the event of what was read.
func (r *Reader) set(at time.Time) { r.event = Event{Name: r.name, Data: r.data(), At: at} }

// last makes an event of what the end of the source left of one, if that has data; the error follows with the next
// call.
func (r *Reader) last(err error) error {
	if errors.Is(err, ErrTooLarge) {
		return err
	}
	if r.line < r.end {
		line := r.buf[r.line:r.end]
		r.stop, r.line, r.seen = r.end, r.end, r.end
		r.field(r.withoutBOM(line))
	}
	if r.lines == 0 && !r.isError() {
		return err
	}
	r.set(r.at)
	r.event.Unended = true
	return nil
}

// isError reports whether the event being read is named error.
func (r *Reader) isError() bool { return string(r.name) == "error" }

// startsEvent reports whether a line that follows a data line would start an event if there were a blank line before
// it.
func startsEvent(line []byte) bool {
	value, isData := bytes.CutPrefix(line, []byte("data:"))
	if !isData {
		return false
	}
	value = bytes.TrimSpace(value)
	return len(value) > 0 && value[0] == '{' || isDone(value)
}

// isObject reports whether a data line looks like a JSON object by itself.
func isObject(data []byte) bool {
	data = bytes.TrimSpace(data)
	return len(data) > 1 && data[0] == '{' && data[len(data)-1] == '}'
}

func isDone(data []byte) bool { return string(bytes.TrimSpace(data)) == "[DONE]" }

// unread makes the line that was read last be read again.
func (r *Reader) unread(line []byte) {
	r.line = r.stop - len(line)
	r.seen, r.skipLF = r.line, false
}

// field adds one line to the event:
// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
func (r *Reader) field(line []byte) {
	colon := bytes.IndexByte(line, ':')
	if colon == 0 { // a comment, with which proxies keep connections awake
		if r.isError() && r.lines == 0 {
			r.addData(bytes.TrimPrefix(line[1:], []byte(" ")))
		}
		return
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
	case "error":
		r.name = append(r.name[:0], name...)
		r.addData(value)
	case "id", "retry": // for reconnecting, which no request does
	default:
		if len(r.stray) == 0 {
			r.stray = append(r.stray, line[:min(len(line), maxStray)]...)
		}
	}
}

// addData remembers where the first data line is, and copies only when a second one comes.
func (r *Reader) addData(value []byte) {
	r.lines++
	if r.lines == 1 {
		r.firstAt = r.at
		r.dataAt, r.dataLen = r.stop-len(value)-r.start, len(value) // a value ends where its line ends
		return
	}
	if r.lines == 2 {
		r.joined = append(r.joined, r.buf[r.start+r.dataAt:][:r.dataLen]...)
		r.dataLen = 0
	}
	r.joined = append(r.joined, '\n')
	r.joined = append(r.joined, value...)
	r.start = r.line // everything of the event that matters is copied
}

func (r *Reader) data() []byte {
	switch {
	case r.lines > 1:
		return r.joined
	case r.lines == 0:
		return nil
	}
	return r.buf[r.start+r.dataAt:][:r.dataLen]
}

// readLine returns the next line without its end. A CR ends a line at once: whether a LF follows may become known only
// with the next read, which can be a token later.
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

// lineEnd returns the index of the first CR or LF, or -1.
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

// withoutBOM removes the one byte-order mark with which a stream may begin.
func (r *Reader) withoutBOM(line []byte) []byte {
	if r.fresh {
		r.fresh = false
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	return line
}

// fill reads once more from the source and notes the time.
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
		r.err, r.full = err, r.end == len(r.buf)
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

// makeRoom makes room for the next read: in a larger buffer if the last read filled this one or its unconsumed bytes
// fill half of it, in the small one if there are none. It moves the unconsumed bytes to the front.
func (r *Reader) makeRoom() {
	held := r.buf[r.start:r.end]
	switch {
	case len(held) > 0 && len(r.buf)-r.end >= len(r.buf)/4:
		return
	case len(held) == 0 && !r.full && r.page != nil:
		r.giveBack()
		r.buf = r.small[:]
	case len(r.buf) == smallBuffer && (r.full || len(held) > smallBuffer/2):
		r.page, _ = pages.Get().(*[pageBuffer]byte)
		r.buf = r.page[:]
		copy(r.buf, held)
	case len(held) > len(r.buf)/2:
		grown := make([]byte, 2*len(r.buf))
		copy(grown, held)
		r.giveBack()
		r.buf = grown
	default:
		copy(r.buf, held)
	}
	r.line, r.seen, r.end, r.start = r.line-r.start, r.seen-r.start, r.end-r.start, 0
}

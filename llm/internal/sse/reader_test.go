package sse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// read returns the events of a stream as "name|data", with a ~ after an unended one, and the error with which it ended.
func read(src io.Reader, limit int) (events []string, err error) {
	r := NewReader(src, limit)
	for {
		ev, err := r.Next()
		if err != nil {
			return events, err
		}
		text := string(ev.Name) + "|" + string(ev.Data)
		if ev.Unended {
			text += "~"
		}
		events = append(events, text)
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, stream string
		want         []string
		err          error
	}{
		{"line feeds", "data: a\n\ndata: b\n\n", []string{"|a", "|b"}, io.EOF},
		{"carriage return and line feed", "data: a\r\n\r\ndata: b\r\n\r\n", []string{"|a", "|b"}, io.EOF},
		{"bare carriage returns", "data: a\r\rdata: b\r\r", []string{"|a", "|b"}, io.EOF},
		{"mixed ends", "data: a\r\n\ndata: b\r\r\ndata: c\n\r", []string{"|a", "|b", "|c"}, io.EOF},
		{"no space after the colon", "data:a\n\n", []string{"|a"}, io.EOF},
		{"one space only is taken off", "data:  a \n\n", []string{"| a "}, io.EOF},
		{"comments", ": ping\n\n:\ndata: a\n: mid\n\n", []string{"|a"}, io.EOF},
		{"several data lines", "data: a\ndata:\ndata: b\n\ndata: c\n\n", []string{"|a\n\nb", "|c"}, io.EOF},
		{"empty data is an event", "data\n\ndata:\n\n", []string{"|", "|"}, io.EOF},
		{"name", "event: error\ndata: x\n\ndata: y\n\n", []string{"error|x", "|y"}, io.EOF},
		{"an error without data", "event: error\n\ndata: y\n\n", []string{"error|", "|y"}, io.EOF},
		{"an error without data, unended", "event: error", []string{"error|~"}, io.EOF},
		{"an error in a comment", "event: error\n: gone\n\ndata: y\n\n", []string{"error|gone", "|y"}, io.EOF},
		{"a comment beside an error's data", "event: error\ndata: x\n: gone\n\n", []string{"error|x"}, io.EOF},
		{"name without data is no event", "event: lost\n\ndata: y\n\n", []string{"|y"}, io.EOF},
		{"unknown fields", "id: 7\nretry: 3\nfoo: bar\nbar\ndata: a\n\n", []string{"|a"}, io.EOF},
		{"byte-order mark", "\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n", []string{"|a"}, io.EOF},
		{"colons in the data", "data: {\"a\": \"b:c\"}\n\n", []string{`|{"a": "b:c"}`}, io.EOF},
		{"cut in an event", "data: a\n\ndata: b\n", []string{"|a", "|b~"}, io.EOF},
		{"cut in a line", "data: a\n\ndata: b", []string{"|a", "|b~"}, io.EOF},
		{"cut in a field's name", "data: a\n\ndat", []string{"|a"}, io.EOF},
		{"cut in a comment", "data: a\n\n: pi", []string{"|a"}, io.EOF},
		{"one line, unended", "\xef\xbb\xbfdata: a", []string{"|a~"}, io.EOF},
		{"error field", "error: {\"code\":1}\n\ndata: a\n\n", []string{`error|{"code":1}`, "|a"}, io.EOF},
		{"single breaks", "data: {\"a\":1}\ndata: {\"b\":2}\r\ndata: [DONE]\n",
			[]string{`|{"a":1}`, `|{"b":2}`, "|[DONE]"}, io.EOF},
		{"single breaks, the last unended", "data:{}\ndata:{}\ndata:{", []string{"|{}", "|{}", "|{~"}, io.EOF},
		{"single breaks and comments", "data: {}\n: ping\ndata: {}\n: ping\n\ndata: {}\n",
			[]string{"|{}", "|{}", "|{}"}, io.EOF},
		{"an end mark after a single break", "data: {}\n\ndata: {}\ndata: [DONE]\n\n",
			[]string{"|{}", "|{}", "|[DONE]"}, io.EOF},
		{"an object in several lines", "data: {\ndata: \"a\": {}\ndata: }\n\n", []string{"|{\n\"a\": {}\n}"}, io.EOF},
		{"nothing", "", nil, io.EOF},
		{"blank lines", "\n\r\n\r\r\n", nil, io.EOF},
	} {
		for _, src := range []struct {
			name string
			r    io.Reader
		}{
			{"whole", strings.NewReader(tt.stream)},
			{"byte by byte", iotest.OneByteReader(strings.NewReader(tt.stream))},
			{"error with the last bytes", iotest.DataErrReader(strings.NewReader(tt.stream))},
		} {
			got, err := read(src.r, 0)
			if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", tt.want) || !errors.Is(err, tt.err) {
				t.Errorf("%s, %s: %q: got %q, %v; want %q, %v", tt.name, src.name, tt.stream, got, err, tt.want,
					tt.err)
			}
		}
	}
}

func TestNextPassesTheSourcesErrorOn(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	got, err := read(io.MultiReader(strings.NewReader("data: a\n\ndata: b"), iotest.ErrReader(broken)), 0)
	if fmt.Sprint(got) != "[|a |b~]" || !errors.Is(err, broken) {
		t.Errorf("got %q, %v; want an event, an unended one and %v", got, err, broken)
	}
}

// A rune, like any sequence of bytes, may be cut between two reads.
func TestNextJoinsACutRune(t *testing.T) {
	t.Parallel()
	const text = "data: \U0001F469\u200d\U0001F4BB é 漢\n\n"
	for i := range text {
		got, _ := read(io.MultiReader(strings.NewReader(text[:i]), strings.NewReader(text[i:])), 0)
		if len(got) != 1 || "data: "+got[0][1:]+"\n\n" != text {
			t.Errorf("cut at %d: got %q", i, got)
		}
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 10<<20)
	for _, tt := range []struct {
		name, stream string
		limit        int
		ok           bool
	}{
		{"10 MB under the default", "data: " + big + "\n\n", 0, true},
		{"10 MB in many lines", "data: " + strings.Repeat(big[:1<<16]+"\ndata: ", 160) + "\n\n", 0, true},
		{"at the limit", "data: 12345\n\n", 5, true},
		{"one above", "data: 123456\n\n", 5, false},
		{"one above, in lines", "data: 123\ndata: 45\n\n", 5, false},
		{"a line without end", "data: " + big, 1 << 20, false},
		{"a comment without end", ": " + big, 1 << 20, false},
		{"endless short comments", strings.Repeat(": ping\n", 1<<18) + "data: a\n\n", 1 << 10, true},
	} {
		got, err := read(strings.NewReader(tt.stream), tt.limit)
		if ok := len(got) == 1 && err == io.EOF; ok != tt.ok || !ok && !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: got %d events, %v; want ok %t", tt.name, len(got), err, tt.ok)
		}
	}
}

func TestLimitIsNamed(t *testing.T) {
	t.Parallel()
	_, err := read(strings.NewReader("data: 123456\n\n"), 5)
	if err == nil || !strings.Contains(err.Error(), "limit of 5 bytes") {
		t.Errorf("got %v", err)
	}
}

// A huge event must take time in proportion to its size: every byte is searched once, however the event is cut.
func TestHugeEventIsReadOnce(t *testing.T) {
	t.Parallel()
	src := &countingReader{r: strings.NewReader("data: " + strings.Repeat("x", 8<<20) + "\n\n")}
	r := NewReader(src, 0)
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if src.reads > 40 {
		t.Errorf("%d reads for 8 MiB: the buffer does not grow with the event", src.reads)
	}
}

type countingReader struct {
	r     io.Reader
	reads int
}

func (c *countingReader) Read(p []byte) (int, error) {
	c.reads++
	return c.r.Read(p)
}

func TestAtIsTheTimeOfTheLastRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src, w := io.Pipe()
		start := time.Now()
		go func() {
			for _, part := range []string{"data: a", "\n", "\ndata: b\n\ndata: c\n\n", "data: d\r\r", "\n"} {
				time.Sleep(10 * time.Millisecond)
				_, _ = io.WriteString(w, part)
			}
			_ = w.Close()
		}()
		r := NewReader(src, 0)
		// b and c came in one read and share its time; d ends with its second CR, without waiting for a line feed.
		for _, want := range []time.Duration{30, 30, 30, 40} {
			ev, err := r.Next()
			if got := ev.At.Sub(start); err != nil || got != want*time.Millisecond {
				t.Errorf("%q at %v, %v; want %dms", ev.Data, got, err, want)
			}
		}
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("after the last event: %v", err)
		}
	})
}

func TestResetForgetsTheStreamBefore(t *testing.T) {
	t.Parallel()
	r := NewReader(strings.NewReader("event: x\ndata: a\ndata: b\r"), 0)
	_, _ = r.Next()
	r.Reset(strings.NewReader("\ndata: c\n\n"), 0)
	ev, err := r.Next()
	if err != nil || string(ev.Data) != "c" || len(ev.Name) != 0 {
		t.Errorf("got %q %q, %v", ev.Name, ev.Data, err)
	}
}

// A reader serves many streams, one of which may have had huge events.
func TestResetReleasesHugeBuffers(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("x", 1<<20)
	for _, stream := range []string{"event: " + huge + "\ndata: x\n\n", "data: " + huge + "\ndata: " + huge + "\n\n"} {
		r := NewReader(strings.NewReader(stream), 0)
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		r.Reset(nil, 0)
		if kept := cap(r.buf) + cap(r.name) + cap(r.joined) + cap(r.stray); kept > 1<<19 {
			t.Errorf("%.10q…: %d bytes of buffers are kept", stream, kept)
		}
	}
}

// waiting is a source whose reads end one part at a time, as reads of a connection do, and which looks at the reader
// before each.
type waiting struct {
	parts []string
	look  func()
}

func (w *waiting) Read(p []byte) (int, error) {
	w.look()
	if len(w.parts) == 0 {
		return 0, io.EOF
	}
	n := copy(p, w.parts[0])
	if w.parts[0] = w.parts[0][n:]; w.parts[0] == "" {
		w.parts = w.parts[1:]
	}
	return n, nil
}

// A reader that waits for the next event has no page; a burst of events, and the end of the stream, change nothing.
func TestAWaitingReaderHoldsNoPage(t *testing.T) {
	t.Parallel()
	event, large := "data: a\n\n", "data: "+strings.Repeat("b", 2*smallBuffer)+"\n\n"
	w := &waiting{parts: []string{event, strings.Repeat(event, 3*pageBuffer/len(event)), event, large, event}}
	r := NewReader(w, 0)
	waits, borrowed, events := 0, 0, 0
	w.look = func() {
		if r.page != nil {
			borrowed++
		}
		if r.start == r.end && !r.full {
			waits++
			if len(r.buf) != smallBuffer {
				t.Errorf("after %d events the reader waits with a buffer of %d bytes", events, len(r.buf))
			}
		}
	}
	for ; ; events++ {
		if _, err := r.Next(); err != nil {
			break
		}
	}
	if want := 4 + 3*pageBuffer/len(event); events != want || waits < 5 || borrowed == 0 {
		t.Errorf("%d events, %d waits, %d reads into a page; want %d, at least 5, and some", events, waits, borrowed,
			want)
	}
}

// Events that are separated by one line break have the time of their own line, even the first of them, which is
// recognised as an event only when the next one comes.
func TestSingleBreaksKeepTheirTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src, w := io.Pipe()
		start := time.Now()
		go func() {
			for _, part := range []string{"data: {}\n", "data: {", "}\n", "data: [DONE]\n"} {
				time.Sleep(10 * time.Millisecond)
				_, _ = io.WriteString(w, part)
			}
			_ = w.Close()
		}()
		r := NewReader(src, 0)
		for _, want := range []time.Duration{10, 30, 40} {
			ev, err := r.Next()
			if got := ev.At.Sub(start); err != nil || got != want*time.Millisecond {
				t.Errorf("%q at %v, %v; want %dms", ev.Data, got, err, want)
			}
		}
	})
}

func TestPeekAndRest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		stream string
		want   byte
		err    error
	}{
		{"\xef\xbb\xbf\r\n {\"a\":1}", '{', nil},
		{"data: a\n\n", 'd', nil},
		{strings.Repeat("\n", 3*pageBuffer) + "<html>", '<', nil},
		{" \n", 0, io.EOF},
		{" : x\n", ':', nil},
		{"", 0, io.EOF},
	} {
		for _, src := range []io.Reader{iotest.OneByteReader(strings.NewReader(tt.stream)),
			iotest.DataErrReader(strings.NewReader(tt.stream))} {
			r := NewReader(src, 0)
			got, err := r.Peek()
			if got != tt.want || err != tt.err {
				t.Errorf("%.20q: got %q, %v; want %q, %v", tt.stream, got, err, tt.want, tt.err)
			}
			if rest, err := io.ReadAll(r.Rest()); err != nil || string(rest) != tt.stream {
				t.Errorf("%.20q: the rest is %.20q, %v", tt.stream, rest, err)
			}
		}
	}
}

// A proxy may keep a connection awake before an answer that is not a stream.
func TestPeekPassesOverComments(t *testing.T) {
	t.Parallel()
	for stream, want := range map[string]string{
		": ping\n\n: ping\r\n\r\n{\"a\":1}": "\r\n{\"a\":1}",
		"\xef\xbb\xbf\n:\r\rdata: a\n\n":    "\rdata: a\n\n",
		": ping":                            ": ping",
		": ping\n\n":                        "\n",
	} {
		for _, src := range []io.Reader{iotest.OneByteReader(strings.NewReader(stream)), strings.NewReader(stream)} {
			r := NewReader(src, 0)
			_, _ = r.Peek()
			rest, err := io.ReadAll(r.Rest())
			if got := strings.TrimLeft(string(rest), "\r\n"); err != nil || got != strings.TrimLeft(want, "\r\n") {
				t.Errorf("%q: the rest is %q, %v; want %q", stream, got, err, want)
			}
		}
	}
	r := NewReader(strings.NewReader(": ping\n\ndata: a\n\n"), 0)
	if c, err := r.Peek(); c != 'd' || err != nil {
		t.Errorf("got %q, %v", c, err)
	}
	if ev, err := r.Next(); string(ev.Data) != "a" || err != nil {
		t.Errorf("the event after a comment: %q, %v", ev.Data, err)
	}
}

func TestRestPassesTheSourcesErrorOn(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	r := NewReader(iotest.DataErrReader(io.MultiReader(strings.NewReader("{"), iotest.ErrReader(broken))), 0)
	_, _ = r.Peek()
	if rest, err := io.ReadAll(r.Rest()); string(rest) != "{" || !errors.Is(err, broken) {
		t.Errorf("got %q, %v", rest, err)
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	const most = 10 * pageBuffer
	for size, read := range map[int]int{0: 0, most: most, 2 * most: most + smallBuffer} {
		src := strings.NewReader("data: a\n\n" + strings.Repeat("x", size))
		r := NewReader(iotest.OneByteReader(src), 0)
		_, _ = r.Next()
		r.src = src
		r.Drain(most)
		if got := size - src.Len(); got != read {
			t.Errorf("%d of %d bytes were read, want %d", got, size, read)
		}
	}
}

func TestStray(t *testing.T) {
	t.Parallel()
	for stream, want := range map[string]string{
		"<html>Sign in</html>":                          "<html>Sign in</html>",
		": c\nid: 1\nretry: 2\ndata: a\n\nOops\nmore\n": "Oops",
		strings.Repeat("x", 1000):                       strings.Repeat("x", maxStray),
		"data: a\n\n":                                   "",
	} {
		r := NewReader(strings.NewReader(stream), 0)
		for err := error(nil); err == nil; {
			_, err = r.Next()
		}
		if got := string(r.Stray()); got != want {
			t.Errorf("%.40q: got %q, want %q", stream, got, want)
		}
	}
}

func TestNextAllocatesNothing(t *testing.T) {
	stream := bytes.Repeat([]byte("data: {\"choices\":[{\"delta\":{\"content\":\"hello\"}}]}\n\n"), 1000)
	src := bytes.NewReader(stream)
	r := NewReader(src, 0)
	allocs := testing.AllocsPerRun(10, func() {
		src.Reset(stream)
		r.Reset(src, 0)
		n := 0
		for {
			if _, err := r.Next(); err != nil {
				break
			}
			n++
		}
		if n != 1000 {
			t.Fatalf("%d events", n)
		}
	})
	if allocs > 0 {
		t.Errorf("%v allocations for 1000 events", allocs)
	}
}

// slow is a second implementation of the same rules, by splitting, against which the reader is tested.
func slow(stream string) (events []string) {
	stream = strings.TrimPrefix(stream, "\xef\xbb\xbf")
	stream = strings.ReplaceAll(strings.ReplaceAll(stream, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(stream, "\n")
	var name string
	var data []string
	single := false
	end := func(mark string) {
		if data != nil || name == "error" {
			events = append(events, name+"|"+strings.Join(data, "\n")+mark)
		}
		name, data = "", nil
	}
	for i, line := range lines {
		last := i == len(lines)-1
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		text := strings.TrimSpace(value)
		if !last && len(data) == 1 && object(data[0]) && field == "data" &&
			(strings.HasPrefix(text, "{") || text == "[DONE]") {
			single = true
			end("")
		}
		switch {
		case field == "data":
			data = append(data, value)
		case field == "event":
			name = value
		case field == "error":
			name, data = "error", append(data, value)
		case strings.HasPrefix(line, ":") && name == "error" && data == nil:
			data = []string{value}
		}
		if !last && (line == "" || single && len(data) == 1 &&
			(object(data[0]) || strings.TrimSpace(data[0]) == "[DONE]")) {
			end("")
		}
	}
	end("~")
	return events
}

func object(data string) bool {
	data = strings.TrimSpace(data)
	return strings.HasPrefix(data, "{") && strings.HasSuffix(data, "}") && len(data) > 1
}

func FuzzReader(f *testing.F) {
	for _, s := range []string{
		"data: a\n\n", "data:a\r\n\r\n", ": c\r\rdata: x\rdata: y\r\r", "event: e\ndata: {}\n\n",
		"\xef\xbb\xbfdata: z\n\n", "data", "\r\n\n\r", "data: {}\ndata: {}\r\ndata: [DONE]\n",
		"error: x\n\ndata: {",
		": ping\n\n: ping\n\n", "\n \n\r \r\n", "event: error\n: no\n: more\n", "data\ndata\ndata\n",
		"id: 7\nretry: 5\nfoo: bar\n", "\x00\n\xff\xfe: x\ndata: \x00\n\n",
		"event: \u202e\x1b[2J\r\ndata: " + strings.Repeat("[", 500) + "\n\n", "data: {\"a\":1}\x00\n\x00\n",
		"data: {\"a\":\"\u2028\u0085\"}\v\f\n\n", "\xff\xfed\x00a\x00",
		"event: " + strings.Repeat("e", 100) + "\n\n", "data: [DONE]\n\ndata: {}\n\n", ": " + strings.Repeat("c", 100),
		strings.Repeat("data: x\n", 20) + "\n",
	} {
		f.Add([]byte(s), 1)
	}
	f.Fuzz(func(t *testing.T, stream []byte, cut int) {
		want := slow(string(stream))
		parts := []io.Reader{bytes.NewReader(stream)}
		if cut > 0 && cut < len(stream) {
			parts = []io.Reader{bytes.NewReader(stream[:cut]), bytes.NewReader(stream[cut:])}
		}
		for _, src := range []io.Reader{io.MultiReader(parts...), iotest.OneByteReader(bytes.NewReader(stream))} {
			got, err := read(src, 0)
			if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
				t.Errorf("%q cut at %d: got %q, want %q", stream, cut, got, want)
			}
			if err != io.EOF {
				t.Errorf("%q: ended with %v", stream, err)
			}
		}
		const limit = 40
		for r := NewReader(bytes.NewReader(stream), limit); ; {
			ev, err := r.Next()
			if err != nil {
				break
			}
			if len(ev.Data) > limit+pageBuffer { // one read may bring more than so small a limit
				t.Errorf("%q: an event of %d bytes with a limit of %d", stream, len(ev.Data), limit)
			}
		}
	})
}

func BenchmarkNext(b *testing.B) {
	stream := bytes.Repeat([]byte("data: {\"id\":\"cmpl-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" "+
		"hello\"},\"finish_reason\":null}]}\n\n"), 1000)
	src := bytes.NewReader(stream)
	r := NewReader(src, 0)
	b.SetBytes(int64(len(stream)))
	for b.Loop() {
		src.Reset(stream)
		r.Reset(src, 0)
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
}

func ExampleReader() {
	r := NewReader(strings.NewReader("data: Hello\n\ndata: world\n\n"), 0)
	for {
		ev, err := r.Next()
		if err != nil {
			break
		}
		fmt.Println(string(ev.Data))
	}
	// Output:
	// Hello
	// world
}

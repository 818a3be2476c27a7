package client

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// flood is a body: head, then block the given number of times (0 means forever), then tail.
type flood struct {
	head, block, tail string
	times             int

	rest   string
	given  int
	closed bool
}

func (f *flood) Read(p []byte) (int, error) {
	for f.rest == "" {
		switch {
		case f.head != "":
			f.rest, f.head = f.head, ""
		case f.block != "" && (f.times == 0 || f.given < f.times):
			f.rest = f.block
			f.given++
		case f.tail != "":
			f.rest, f.tail = f.tail, ""
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

func (f *flood) Close() error {
	f.closed = true
	return nil
}

func (f *flood) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}},
		Body: f}, nil
}

// numbered returns events of a choice whose index numbers them, as some servers write, and of other choices besides.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(choice(i, strings.Repeat("ab", 50), "null"))
	}
	return b.String()
}

// growing returns chunks that each hold all the text so far; the last one has size letters.
func growing(size, step int) string {
	var b strings.Builder
	for n := step; n <= size; n += step {
		b.WriteString(chunk(strings.Repeat("abcdefghij", n/10)))
	}
	return b.String()
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	const limit = 1 << 14 // bytes of text, and 1,024 chunks
	tool := "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"" +
		strings.Repeat("1", 100) + "\"}}]}}]}\n\n"
	ten := strings.Repeat("x", 100)
	for _, tt := range []struct {
		name   string
		body   flood
		want   string // error_type
		words  string
		chunks int
	}{
		{"as much text as may be", flood{block: chunk("abcdefghijklmnop"), times: 1024, tail: stop + done}, "", "",
			1024},
		{"text without end", flood{block: chunk(ten)}, record.ErrorTooLarge,
			"answer over the limit of 16384 bytes of text: 16400 bytes in 164 chunks came", 164},
		{"one chunk too many", flood{block: chunk("a"), times: 1025, tail: stop + done}, record.ErrorTooLarge,
			"answer over the limit of 1024 chunks: 1025 bytes in 1025 chunks came", 1025},
		{"reasoning without end", flood{block: strings.ReplaceAll(think, "hm", ten)}, record.ErrorTooLarge,
			"limit of 16384 bytes of text: 16400 bytes in 164 chunks", 0},
		{"short reasoning without end", flood{block: think}, record.ErrorTooLarge,
			"limit of 1024 chunks: 2050 bytes in 1025 chunks", 0},
		{"tool calls without end", flood{block: tool}, record.ErrorTooLarge, "limit of 16384 bytes of text", 0},
		{"tool calls without a word", flood{block: toolCall}, record.ErrorTooLarge,
			"limit of 1024 chunks: 0 bytes in 1025 chunks", 0},
		{"all of them", flood{block: chunk(ten) + strings.ReplaceAll(think, "hm", ten) + tool}, record.ErrorTooLarge,
			"limit of 16384 bytes of text", 55},
		{"after a finish reason", flood{head: stop, block: chunk(ten)}, record.ErrorTooLarge,
			"limit of 16384 bytes of text", 164},
		{"chunks with numbers", flood{head: numbered(200)}, record.ErrorTooLarge, "limit of 16384 bytes of text", 164},
		{"of two choices one", flood{block: choice(0, ten, "null") + choice(1, ten, "null")}, record.ErrorTooLarge,
			"limit of 16384 bytes of text", 164},
		{"all the text so far", flood{head: growing(10000, 50), tail: stop + done}, "", "", 200},
		{"all the text so far without end", flood{head: growing(20000, 50)}, record.ErrorTooLarge,
			"event too large: over the limit of 16384 bytes", 326},
		{"all the text so far, and then not", flood{head: growing(10000, 50) + chunk("!"), tail: stop + done},
			record.ErrorTooLarge, "limit of 16384 bytes of text: 1005000 bytes in 200 chunks", 200},
		{"the same text again and again", flood{head: chunk("a"), block: chunk("ab")}, record.ErrorTooLarge,
			"limit of 1024 chunks", 2},
		{"an event without end", flood{head: "data: ", block: ten}, record.ErrorTooLarge,
			"event too large: over the limit of 16384 bytes", 0},
		{"an event of lines without end", flood{block: "data: " + ten + "\n"}, record.ErrorTooLarge,
			"event too large: over the limit of 16384 bytes", 0},
		{"a comment without end", flood{head: ": ", block: ten}, record.ErrorTooLarge,
			"event too large: over the limit of 16384 bytes", 0},
		{"a line of no field without end", flood{head: chunk("a"), block: ten}, record.ErrorTooLarge,
			"event too large: over the limit of 16384 bytes", 1},
		{"a blank line without end", flood{block: " "}, record.ErrorTooLarge,
			"event too large: over the limit of 16384 bytes", 0},
		{"blank lines, and an answer", flood{block: " \n\n", times: 1e5, tail: chunk("a") + stop + done}, "", "", 1},
		{"an object without end", flood{head: `{"choices":[{"message":{"content":"`, block: ten}, record.ErrorTooLarge,
			"answer over the limit of 16384 bytes in one JSON object", 0},
		{"an object of what is not UTF-8",
			flood{head: `{"choices":[{"message":{"content":"` + strings.Repeat("\xff", 6000) + `"}}]}`},
			record.ErrorTooLarge, "limit of 16384 bytes of text: 18000 bytes", 0},
		{"comments, and an answer", flood{block: ": wait\n\n", times: 1e5, tail: chunk("a") + stop + done}, "", "", 1},
		{"events without content, and an answer", flood{block: role, times: 1e4, tail: chunk("a") + stop + done}, "",
			"", 1},
		{"signs of life, and an answer", flood{block: "event: ping\ndata: {}\n\n", times: 1e5,
			tail: chunk("a") + stop + done}, "", "", 1},
		{"blank lines in an answer", flood{head: chunk("a"), block: "\n", times: 1e6, tail: stop + done}, "", "", 1},
		{"fields for reconnecting in an answer", flood{head: chunk("a"), block: "id: 7\nretry: 5\n", times: 1e5,
			tail: "\n" + stop + done}, "", "", 1},
	} {
		for _, keep := range []bool{false, true} {
			body := tt.body // a copy
			c := newClient(t, func(o *Options) {
				if o.EventLimit = limit; keep {
					o.Text = true
					countLetters(o)
				}
			})
			answer := do(t, t.Context(), c, &body)
			r := answer.Record
			if r.ErrorType != tt.want || !strings.Contains(r.Error, tt.words) || !body.closed {
				t.Errorf("%s, text %v: got %q: %q, body closed %v, want %q: %q", tt.name, keep, r.ErrorType, r.Error,
					body.closed, tt.want, tt.words)
			}
			if len(r.Chunks) != tt.chunks || len(answer.Text) > 2*limit || len(r.ResponseBody) > limit ||
				len(r.RequestBody) > 0 != keep {
				t.Errorf("%s, text %v: got %d chunks of %d, %d bytes of text, a body of %d", tt.name, keep,
					len(r.Chunks), tt.chunks, len(answer.Text), len(r.ResponseBody))
			}
			if counted := r.Completion != nil; counted != (keep && tt.want == "") {
				t.Errorf("%s, text %v: the tokens are counted: %t", tt.name, keep, counted)
			}
			if _, err := record.Parse(mustAppend(t, r)); err != nil {
				t.Errorf("%s, text %v: the record does not read back: %v", tt.name, keep, err)
			}
		}
	}
}

// A million tokens of one chunk each are a valid answer.
func TestAnswerOfAMillionTokens(t *testing.T) {
	t.Parallel()
	body := &flood{block: chunk("token "), times: 1e6, tail: stop + usage + done}
	answer := do(t, t.Context(), newClient(t, nil), body)
	if r := answer.Record; r.Failed() || len(r.Chunks) != 1e6 || len(answer.Text) != 6e6 {
		t.Errorf("got %q: %q, %d chunks, %d bytes of text", r.ErrorType, r.Error, len(r.Chunks), len(answer.Text))
	}
}

// Text that is not kept costs no memory, however much of it comes.
func TestTextThatIsNotKeptCostsNoMemory(t *testing.T) {
	c := newClient(t, nil)
	memory := func(block string, bytes int) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		answer := do(t, t.Context(), c, &flood{block: block, times: bytes / len(block), tail: chunk("a") + stop + done})
		runtime.ReadMemStats(&after)
		if answer.Text != "a" || answer.Record.Failed() {
			t.Errorf("%.40q: got %q, %q", block, answer.Text, answer.Record.Error)
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	for name, block := range map[string]string{
		"comments":                     strings.Repeat(": ping\n\n", 500),
		"events without content":       role,
		"usage":                        usage,
		"signs of life":                "data: ping\n\n",
		"events without data":          "event: x\nid: 7\n\n",
		"other fields":                 chunk("")[:5] + "\n\n" + "field: x\n\n",
		"whole lines of half the size": ": " + strings.Repeat("x", 1<<15) + "\n",
	} {
		const came = 8 << 20
		if used := memory(block, came); used > came/2 { // the race detector makes pools forget what they hold
			t.Errorf("8 MiB of %s cost %d bytes of memory, want half of that at most", name, used)
		}
	}
}

func TestBombs(t *testing.T) {
	t.Parallel()
	const limit = 1 << 14
	text := strings.Repeat(chunk(strings.Repeat("x", 1000)), 100)
	object := `{"choices":[{"message":{"content":"` + strings.Repeat("x", 1<<20)
	for encoding, wrap := range map[string]func(io.Writer) io.WriteCloser{
		"gzip":    func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"deflate": func(w io.Writer) io.WriteCloser { z, _ := flate.NewWriter(w, 6); return z },
		"zstd":    func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z },
	} {
		for name, plain := range map[string]string{"text": text, "object": object, "event": "data: " + object} {
			var b bytes.Buffer
			body := closed(&b, wrap(&b), plain)
			c := newClient(t, func(o *Options) { o.EventLimit = limit })
			answer := answered(t, c, http.Header{"Content-Encoding": {encoding}}, body, nil)
			if r := answer.Record; r.ErrorType != record.ErrorTooLarge || len(answer.Text) > limit+1000 {
				t.Errorf("%s of %s: got %q: %q with %d bytes of text, want %s", name, encoding, r.ErrorType, r.Error,
					len(answer.Text), record.ErrorTooLarge)
			}
		}
	}
}

// A stream that is decompressed says so in its record: what compresses holds chunks back.
func TestCompressedStreamsAreNoted(t *testing.T) {
	t.Parallel()
	text := chunk("a") + chunk("b") + stop + done
	var b bytes.Buffer
	packed := closed(&b, gzip.NewWriter(&b), text)
	for _, tt := range []struct {
		name      string
		body      []byte
		streaming bool
		want      string
	}{
		{"plain", []byte(text), true, ""},
		{"compressed", packed, true, record.NoteCompressed},
		{"compressed, and not to be streamed", packed, false, record.NoteStreamed},
	} {
		c := newClient(t, func(o *Options) { o.Streaming = tt.streaming })
		r := answered(t, c, http.Header{}, tt.body, nil).Record
		if r.Failed() || len(r.Chunks) != 2 || r.Note != tt.want {
			t.Errorf("%s: got %q, %d chunks, note %q, want %q", tt.name, r.Error, len(r.Chunks), r.Note, tt.want)
		}
	}
}

// The merged usage map of many chunks is no larger than a single one may be.
func TestUsageIsBounded(t *testing.T) {
	t.Parallel()
	var body strings.Builder
	body.WriteString(chunk("a") + usage)
	for i := range 100 {
		body.WriteString(event(`{"choices":[],"usage":{"x%d":"%s"}}`, i, strings.Repeat("y", 10000)))
	}
	r := answered(t, newClient(t, nil), http.Header{}, []byte(body.String()+stop+done), nil).Record
	if r.Failed() || len(r.Usage) > maxUsage || !r.Noted(record.NoteBadUsage) || r.Counts().ServerCompletion != 3 {
		t.Errorf("got %q, %d bytes of usage, note %q", r.Error, len(r.Usage), r.Note)
	}
}

func TestKeptBodyIsBounded(t *testing.T) {
	t.Parallel()
	body := &flood{block: ": wait\n\n", times: 1e4, tail: chunk("a") + stop + done}
	c := newClient(t, func(o *Options) { o.Text, o.EventLimit = true, 1000 })
	r := do(t, t.Context(), c, body).Record
	if r.Failed() || len(r.ResponseBody) != 1000 || r.Note != record.NoteBodyCut {
		t.Errorf("got %q, a body of %d bytes, note %q", r.Error, len(r.ResponseBody), r.Note)
	}
}

// A stream that stays silent forever ends with its timeout.
func TestEndlessStreamsEnd(t *testing.T) {
	t.Parallel()
	for _, part1 := range []string{": ping\n\n", "\n", role, "data: ping\n\n", "x", chunk("a"), chunk("a") + think} {
		synctest.Test(t, func(t *testing.T) {
			c := newClient(t, func(o *Options) { o.Timeout, o.IdleTimeout = 10*time.Second, 2*time.Second })
			parts := make([]part, 1000)
			for i := range parts {
				parts[i] = part{time.Second, part1}
			}
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r := do(t, ctx, c, script{parts: parts}).Record
			if took := time.Since(began); took > 10*time.Second || r.ErrorType != record.ErrorTimeout &&
				r.ErrorType != record.ErrorStall {
				t.Errorf("%q each second: got %q after %v", part1, r.ErrorType, took)
			}
		})
	}
}

// No timeout closes a connection that a server switched to another protocol.
func TestSwitchedProtocolsAreNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, func(o *Options) { o.Timeout = time.Second })
		body, w := io.Pipe()
		defer time.AfterFunc(time.Hour, func() { _ = w.Close() }).Stop()
		r := do(t, t.Context(), c, roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusSwitchingProtocols, Header: http.Header{}, Body: body}, nil
		})).Record
		if r.ErrorType != record.ErrorHTTP || r.Status != 101 || r.Latency() != 0 {
			t.Errorf("got %q (%s) after %v", r.ErrorType, r.Error, r.Latency())
		}
	})
}

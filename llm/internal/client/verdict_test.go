package client

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// answered returns the answer that results from a response whose body is there at once. A nil end is a clean one.
func answered(t *testing.T, c *Client, header http.Header, body []byte, end error) Answer {
	t.Helper()
	return do(t, t.Context(), c, roundTrip(func(req *http.Request) (*http.Response, error) {
		src := io.Reader(bytes.NewReader(body))
		if end != nil {
			src = io.MultiReader(src, brokenReader{end})
		}
		return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(src), Request: req}, nil
	}))
}

type brokenReader struct{ err error }

func (b brokenReader) Read([]byte) (int, error) { return 0, b.err }

// Event streams as most servers write them, and as some do.
var framings = []struct {
	name  string
	frame func(events ...string) string
}{
	{"blank lines", func(events ...string) string { return join("data: ", events, "\n\n") }},
	{"carriage returns", func(events ...string) string { return join("data: ", events, "\r\n\r\n") }},
	{"no space after the colon", func(events ...string) string { return join("data:", events, "\n\n") }},
	{"blanks around", func(events ...string) string { return join("data:  ", events, " \n\n") }},
	{"single line breaks", func(events ...string) string { return join("data: ", events, "\n") }},
	{"no last blank line", func(events ...string) string {
		return strings.TrimSuffix(join("data: ", events, "\n\n"), "\n")
	}},
	{"no last line break", func(events ...string) string {
		return strings.TrimSuffix(join("data: ", events, "\n\n"), "\n\n")
	}},
	{"a byte-order mark", func(events ...string) string { return "\xef\xbb\xbf" + join("data: ", events, "\n\n") }},
	{"comments", func(events ...string) string { return ": hi\n\n" + join("data: ", events, "\n\n: ping\n\n") }},
	{"names", func(events ...string) string { return join("id: 1\nevent: message\ndata: ", events, "\n\n") }},
	{"empty data", func(events ...string) string { return join("data:\n\ndata: ", events, "\n\n") }},
	{"words", func(events ...string) string {
		return join("data: []\n\ndata: [PING]\n\ndata: .\n\nevent: status\ndata: at work\n\ndata: \"\"\n\ndata: "+
			"1730000000\n\ndata: ", events, "\n\n")
	}},
	{"pings", func(events ...string) string {
		return join("event: ping\ndata: {\"type\":\"ping\"}\n\ndata: ping\n\ndata: {\"type\":\"ping\"}\n\ndata: ",
			events, "\n\n")
	}},
}

func join(before string, events []string, after string) string {
	var text strings.Builder
	for _, event := range events {
		text.WriteString(before + event + after)
	}
	return text.String()
}

const (
	oneJSON   = `{"choices":[{"index":0,"delta":{"content":"One"},"finish_reason":null}]}`
	twoJSON   = `{"choices":[{"index":0,"delta":{"content":" two"},"finish_reason":null}]}`
	stopJSON  = `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`
	usageJSON = `{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}`
	wholeJSON = `{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"One ` +
		`two"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}`
)

var labels = []string{"text/event-stream", "Text/Event-Stream; charset=utf-8", "application/json", "APPLICATION/JSON",
	"text/plain", ""}

var compressions = []struct {
	name string
	wrap func(string) []byte
}{
	{"", func(text string) []byte { return []byte(text) }},
	{"gzip", func(text string) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		return closed(&b, w, text)
	}},
	{"DEFLATE", func(text string) []byte { // without a frame
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, flate.BestSpeed)
		return closed(&b, w, text)
	}},
	{"deflate", func(text string) []byte {
		var b bytes.Buffer
		return closed(&b, zlib.NewWriter(&b), text)
	}},
	{"zstd", func(text string) []byte {
		var b bytes.Buffer
		w, _ := zstd.NewWriter(&b)
		return closed(&b, w, text)
	}},
}

func closed(b *bytes.Buffer, w io.WriteCloser, text string) []byte {
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.Bytes()
}

// ended is a way in which a body goes on after two tokens, with the expected outcome.
type ended struct {
	name      string
	events    []string
	end       error // error at the end of the body; nil means a clean end
	errorType string
	message   string // part of the error's message
	note      string
}

var endings = []ended{
	{"whole", []string{stopJSON, usageJSON, "[DONE]"}, nil, "", "", ""},
	{"whole, the mark quoted", []string{stopJSON, usageJSON, `"[DONE]"`}, nil, "", "", ""},
	{"another mark", []string{stopJSON, usageJSON, "DONE"}, nil, "", "", record.NoteNoDone},
	{"a list as mark", []string{stopJSON, usageJSON, "[END]", "[]"}, nil, "", "", record.NoteNoDone},
	{"a farewell", []string{stopJSON, usageJSON, "bye"}, nil, "", "", record.NoteNoDone},
	{"no mark", []string{stopJSON, usageJSON}, nil, "", "", record.NoteNoDone},
	{"no usage, no mark", []string{stopJSON}, nil, "", "", record.NoteNoDone},
	{"reset after the usage", []string{stopJSON, usageJSON}, io.ErrClosedPipe, "", "", record.NoteBroken + ": reset"},
	{"cut after the finish reason", []string{stopJSON}, io.ErrUnexpectedEOF, "", "", record.NoteBroken + ": truncated"},
	{"a mark, no finish reason", []string{"[DONE]"}, nil, "", "", record.NoteNoFinish},
	{"nothing more", nil, nil, record.ErrorTruncated, "without a finish reason and without [DONE]", ""},
	{"usage alone", []string{usageJSON}, nil, record.ErrorTruncated, "without a finish reason and without [DONE]", ""},
	{"reset", nil, io.ErrClosedPipe, record.ErrorReset, "closed pipe", ""},
	{"cut", nil, io.ErrUnexpectedEOF, record.ErrorTruncated, "unexpected EOF", ""},
	{"an error", []string{`{"error":{"message":"no memory","code":500}}`, "[DONE]"}, nil, record.ErrorStream,
		"no memory", ""},
	{"an error after the finish reason", []string{stopJSON, `{"error":"no memory"}`}, nil, record.ErrorStream,
		"no memory", ""},
	{"an error in a choice",
		[]string{`{"choices":[{"index":0,"delta":{},"error":{"message":"no memory"},"finish_reason":"error"}]}`,
			"[DONE]"}, nil, record.ErrorStream, "no memory", ""},
	{"an error as finish reason", []string{`{"choices":[{"index":0,"delta":{},"finish_reason":"error"}]}`, "[DONE]"},
		nil, record.ErrorStream, "finish reason error", ""},
	{"an error in an envelope", []string{`{"code":1302,"msg":"no memory"}`, "[DONE]"}, nil, record.ErrorStream,
		"no memory", ""},
	{"an error of a type", []string{`{"type":"error","error":{"message":"no memory"}}`}, nil, record.ErrorStream,
		"no memory", ""},
	{"no JSON", []string{"Internal Server Error"}, nil, record.ErrorMalformed, `"Internal Server Error"`, ""},
}

// The outcome of a stream does not depend on its label, its line ends, or its compression, which a success notes.
func TestEveryEndOfAStream(t *testing.T) {
	t.Parallel()
	c := newClient(t, nil)
	for _, e := range endings {
		for _, f := range framings {
			if e.name == "no JSON" && (f.name == "single line breaks" || strings.HasPrefix(f.name, "no last")) {
				continue // it is unknown whether the stream went on
			}
			stream := f.frame(append([]string{oneJSON, twoJSON}, e.events...)...)
			for _, z := range compressions {
				if e.end != nil && z.name != "" {
					continue // not everything sent may arrive of a compressed body that is cut off
				}
				body := z.wrap(stream)
				for _, label := range labels {
					answer := answered(t, c, http.Header{"Content-Type": {label}, "Content-Encoding": {z.name}}, body,
						e.end)
					if r := answer.Record; z.name != "" && !r.Failed() {
						before, noted := strings.CutSuffix(r.Note, record.NoteCompressed)
						if r.Note = strings.TrimSuffix(before, "; "); !noted {
							t.Errorf("%s, %s: no note of the compression", e.name, z.name)
						}
					}
					e.check(t, fmt.Sprintf("%s, %s, label %q, %s", e.name, f.name, label, z.name), answer)
				}
			}
		}
	}
}

func (e *ended) check(t *testing.T, name string, answer Answer) {
	t.Helper()
	r := answer.Record
	if answer.Text != "One two" || len(r.Chunks) != 2 {
		t.Errorf("%s: got %q in %d chunks", name, answer.Text, len(r.Chunks))
	}
	if r.ErrorType != e.errorType || !strings.Contains(r.Error, e.message) || r.Note != e.note {
		t.Errorf("%s: got error %q: %q, note %q; want %q: %q, %q", name, r.ErrorType, r.Error, r.Note, e.errorType,
			e.message, e.note)
	}
	if c := r.Counts(); slices.Contains(e.events, usageJSON) && (c.Prompt != 7 || c.Completion != 2) {
		t.Errorf("%s: got %d tokens in, %d out", name, c.Prompt, c.Completion)
	}
}

// bodies of status 200 that are not streams of events.
var bodies = []struct {
	name, body string
	errorType  string
	message    string
}{
	{"an answer", wholeJSON, "", ""},
	{"an answer in lines", strings.ReplaceAll(wholeJSON, ",", ",\n  ") + "\n", "", ""},
	{"an answer and an end mark", wholeJSON + "\n\ndata: [DONE]\n\n", "", ""},
	{"an answer behind a byte-order mark", "\xef\xbb\xbf" + wholeJSON, "", ""},
	{"a cut answer", wholeJSON[:60], record.ErrorTruncated, "unexpected EOF"},
	{"two answers", wholeJSON + wholeJSON, record.ErrorMalformed, "expected the end"},
	{"an error", `{"error":{"message":"model overloaded","code":503}}`, record.ErrorStream, "model overloaded"},
	{"an error in an array", `[{"error":{"message":"model overloaded"}}]`, record.ErrorStream, "model overloaded"},
	{"an envelope", `{"code":1302,"msg":"rate limit reached","success":false}`, record.ErrorStream,
		"rate limit reached"},
	{"a detail", `{"detail":"busy"}`, record.ErrorMalformed, "no choice in the answer: busy"},
	{"an empty object", `{}`, record.ErrorMalformed, "no choice in the answer: {}"},
	{"an answer behind comments", ": keep-alive\n\n: keep-alive\n\n" + wholeJSON, "", ""},
	{"an error behind comments", ": keep-alive\n\n" + `{"error":"no memory"}`, record.ErrorStream, "no memory"},
	{"a list of chunks", "[" + oneJSON + ",\r\n" + twoJSON + "]", record.ErrorMalformed, "one object in a list"},
	{"usage alone", `{"choices":[],"usage":{"prompt_tokens":7}}`, record.ErrorMalformed, "no choice in the answer"},
	{"words in events", "data: at work\n\ndata: [DONE]\n\n", record.ErrorMalformed, "no choice in the answer: at work"},
	{"an error event without data", "event: error\n\n", record.ErrorStream, "an error event without a word"},
	{"an error event with a comment", "event: error\n: \"worker gone\"\n\ndata: [DONE]\n\n", record.ErrorStream,
		"worker gone"},
	{"no choices", `{"choices":[]}`, record.ErrorMalformed, `no choice in the answer: {"choices":[]}`},
	{"a job", `{"request_id":"r1","status":"pending"}`, record.ErrorMalformed,
		`no choice in the answer: {"request_id":"r1","status":"pending"}`},
	{"an end mark alone", "data: [DONE]\n\n", record.ErrorMalformed, "nothing came before [DONE]"},
	{"an envelope in an event", "data: {\"detail\":\"busy\"}\n\ndata: [DONE]\n\n", record.ErrorMalformed,
		"no choice in the answer: busy"},
	{"pings alone", "event: ping\ndata: {}\n\ndata: {\"type\":\"ping\"}\n\n", record.ErrorMalformed,
		`no choice in the answer: {"type":"ping"}`},
	{"an empty choice", "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\ndata: [DONE]\n\n",
		record.ErrorTruncated, "without any output"},
	{"llama.cpp's error field", "error: {\"code\":400,\"message\":\"too long\"}\n\ndata: [DONE]\n\n",
		record.ErrorStream, "too long"},
	{"an error event without a word", "event: error\ndata:\n\n", record.ErrorStream, "an error event without a word"},
	{"an unended error event", "event: error\ndata: {\"message\":\"too long\"}", record.ErrorStream, "too long"},
	{"a page", "<!doctype html><html><title>Please\nsign in</title>", record.ErrorMalformed,
		`expected a stream of events, got content type "LABEL"`},
	{"a page in one line", "<!doctype html><html><title>Please sign in</title>", record.ErrorMalformed,
		`expected a stream of events, got content type "LABEL": Please sign in`},
	{"words", "upstream busy", record.ErrorMalformed,
		`expected a stream of events, got content type "LABEL": upstream busy`},
	{"nothing", "", record.ErrorTruncated, "after 0 events"},
	{"line breaks", "\n\r\n", record.ErrorTruncated, "after 0 events"},
	{"comments", ": ping\n\n: ping\n\n", record.ErrorTruncated, "after 0 events"},
}

// A body is read by its content, whether a stream was asked for or not.
func TestEveryBodyThatIsNotAStream(t *testing.T) {
	t.Parallel()
	for _, streaming := range []bool{true, false} {
		c := newClient(t, func(o *Options) { o.Streaming = streaming })
		for _, b := range bodies {
			for _, z := range compressions {
				body := z.wrap(b.body)
				for _, label := range labels {
					name := fmt.Sprintf("%s, label %q, %s, streaming %t", b.name, label, z.name, streaming)
					answer := answered(t, c, http.Header{"Content-Type": {label}, "Content-Encoding": {z.name}}, body,
						nil)
					r, message := answer.Record, strings.ReplaceAll(b.message, "LABEL", label)
					if r.ErrorType != b.errorType || !strings.Contains(r.Error, message) {
						t.Errorf("%s: got error %q: %q; want %q: %q", name, r.ErrorType, r.Error, b.errorType, message)
					}
					if b.errorType == "" && (answer.Text != "One two" || r.Counts().Completion != 2 ||
						(r.Note != "") != streaming) {
						t.Errorf("%s: got %q, %d tokens, note %q", name, answer.Text, r.Counts().Completion, r.Note)
					}
				}
			}
		}
	}
}

func TestWholeAnswerOnABrokenConnection(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, errorType string }{
		{"whole", wholeJSON, ""},
		{"an error", `{"error":"no memory"}`, record.ErrorStream},
		{"cut", wholeJSON[:60], record.ErrorReset},
		{"no answer", `{}`, record.ErrorMalformed},
	} {
		r := answered(t, newClient(t, nil), http.Header{}, []byte(tt.body), io.ErrClosedPipe).Record
		if r.ErrorType != tt.errorType {
			t.Errorf("%s: got error %q: %q, want %q", tt.name, r.ErrorType, r.Error, tt.errorType)
		}
		if broken := strings.Contains(r.Note, record.NoteBroken+": reset"); !r.Failed() && !broken {
			t.Errorf("%s: got note %q", tt.name, r.Note)
		}
	}
}

// Lines beside the events of a stream say what went wrong, unless the answer is whole.
func TestLinesBesideEvents(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, line, errorType, message string }{
		{"Ollama's error", `{"error":"llama runner process has terminated"}`, record.ErrorStream,
			"llama runner process has terminated"},
		{"an error object", `{"error":{"message":"gone"}}`, record.ErrorStream, "gone"},
		{"a detail", `{"detail":"gone"}`, record.ErrorMalformed, `no field of an event in line "gone"`},
		{"a word", "Internal Server Error", record.ErrorMalformed,
			`no field of an event in line "Internal Server Error"`},
		{"a page", "<html><title>502 Bad Gateway</title></html>", record.ErrorMalformed, `"502 Bad Gateway"`},
	} {
		for _, end := range []string{"\n", ""} {
			r := answered(t, newClient(t, nil), http.Header{}, []byte(chunk("a")+chunk("b")+tt.line+end), nil).Record
			if r.ErrorType != tt.errorType || !strings.Contains(r.Error, tt.message) {
				t.Errorf("%s: got %q: %q, want %q: %q", tt.name, r.ErrorType, r.Error, tt.errorType, tt.message)
			}
			r = answered(t, newClient(t, nil), http.Header{}, []byte(chunk("a")+stop+tt.line+end), nil).Record
			if r.Failed() {
				t.Errorf("%s after the finish reason: got %q: %q", tt.name, r.ErrorType, r.Error)
			}
		}
	}
}

func TestStreamThatWasNotAskedFor(t *testing.T) {
	t.Parallel()
	c := newClient(t, func(o *Options) { o.Streaming = false })
	answer := answered(t, c, http.Header{"Content-Type": {"application/json"}}, []byte(chunk("a")+chunk("b")+stop+done),
		nil)
	if r := answer.Record; r.Failed() || answer.Text != "ab" || r.Note != record.NoteStreamed {
		t.Errorf("got %q, error %q, note %q", answer.Text, r.Error, r.Note)
	}
}

func TestBytesReceivedCountsTheWire(t *testing.T) {
	t.Parallel()
	body := compressions[1].wrap(strings.Repeat(chunk("a"), 100) + stop + done)
	answer := answered(t, newClient(t, nil), http.Header{}, body, nil)
	if r := answer.Record; r.Failed() || r.BytesReceived != int64(len(body)) || len(answer.Text) != 100 {
		t.Errorf("got error %q, %d bytes of %d, %d tokens", r.Error, r.BytesReceived, len(body), len(answer.Text))
	}
}

func TestCompressedBodiesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	zipped := compressions[1].wrap(chunk("a") + stop + done)
	corrupt := bytes.Clone(zipped)
	corrupt[10] |= 0x06 // a kind of block that deflate does not have
	unended := compressions[1].wrap(chunk("a") + stop[:len(stop)-20])
	sum := bytes.Clone(unended)
	sum[len(sum)-8] ^= 1
	for _, tt := range []struct {
		name, encoding string
		body           []byte
		errorType      string
		message        string
	}{
		{"brotli", "br", []byte("\x8b\x01\x80"), record.ErrorMalformed, "Content-Encoding: br is not supported"},
		{"corrupt", "gzip", corrupt, record.ErrorMalformed, "compressed body: "},
		{"cut", "gzip", zipped[:len(zipped)/2], record.ErrorTruncated,
			"the compressed body ended early: unexpected EOF"},
		{"cut in its head", "gzip", zipped[:5], record.ErrorTruncated,
			"the compressed body ended early: unexpected EOF"},
		{"cut in its sum", "gzip", unended[:len(unended)-4], record.ErrorTruncated,
			"the compressed body ended early: unexpected EOF"},
		{"cut, zstd", "zstd", compressions[4].wrap(chunk("a") + stop)[:20], record.ErrorTruncated,
			"the compressed body ended early: unexpected EOF"},
		{"a wrong sum", "gzip", sum, record.ErrorMalformed, "compressed body: gzip: invalid checksum"},
		{"a head of nothing", "gzip", append([]byte("\x1f\x8b\x07"), zipped[3:]...), record.ErrorMalformed,
			"compressed body: gzip: invalid header"},
		{"no deflate", "deflate", []byte("\xff\xff\xff\xff"), record.ErrorMalformed,
			"compressed body: flate: corrupt input"},
		{"twice", "gzip", compressions[1].wrap(string(zipped)), record.ErrorMalformed,
			"compressed body: it is compressed twice"},
		{"twice, by two", "gzip, zstd", compressions[4].wrap(string(zipped)), record.ErrorMalformed,
			"compressed body: it is compressed twice"},
		{"whole, labelled as what it is not", "identity", zipped, "", ""},
		{"labelled as it is not", "gzip", []byte(chunk("a") + stop + done), "", ""},
	} {
		r := answered(t, newClient(t, nil), http.Header{"Content-Encoding": {tt.encoding}}, tt.body, nil).Record
		if r.ErrorType != tt.errorType || !strings.Contains(r.Error, tt.message) {
			t.Errorf("%s: got %q: %q, want %q: %q", tt.name, r.ErrorType, r.Error, tt.errorType, tt.message)
		}
	}
}

func TestCompressedRefusal(t *testing.T) {
	t.Parallel()
	body := compressions[1].wrap(`{"error":{"message":"overloaded"}}`)
	r := do(t, t.Context(), newClient(t, nil), roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 503, Header: http.Header{"Content-Encoding": {"gzip"}},
			Body: io.NopCloser(bytes.NewReader(body))}, nil
	})).Record
	if r.ErrorType != record.ErrorHTTP || r.Error != "overloaded" {
		t.Errorf("got %q: %q", r.ErrorType, r.Error)
	}
}

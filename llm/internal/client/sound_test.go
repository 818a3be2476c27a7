package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// speechClient returns a client of the API speech.
func speechClient(t *testing.T, change func(*Options)) *Client {
	return newClient(t, func(o *Options) {
		o.Speak(api.Speech)
		if change != nil {
			change(o)
		}
	})
}

// speak asks a server for speech.
func speak(t *testing.T, c *Client, rt http.RoundTripper) *record.Request {
	t.Helper()
	a, err := c.Do(t.Context(), rt, &Request{ID: "1", Prompt: "a text of 20 letters"})
	if err != nil {
		t.Fatal(err)
	}
	return a.Record
}

// pcm returns so many milliseconds of sound of 24 kHz.
func pcm(ms int) string { return strings.Repeat("\x01\x00", 24*ms) }

// waveHead returns the header of a WAV file that announces so many bytes.
func waveHead(size uint32) string {
	le := binary.LittleEndian
	b := append([]byte("RIFF"), 0xff, 0xff, 0xff, 0xff)
	b = le.AppendUint32(append(b, "WAVEfmt "...), 16)
	b = le.AppendUint32(append(b, 1, 0, 1, 0), 24_000)
	b = append(le.AppendUint32(b, 48_000), 2, 0, 16, 0)
	return string(le.AppendUint32(append(b, "data"...), size))
}

func speechEvent(sound string) string {
	return `data: {"type":"speech.audio.delta","audio":"` + base64.StdEncoding.EncodeToString([]byte(sound)) + "\"}\n\n"
}

const (
	speechEnd  = `data: {"type":"speech.audio.done","usage":{"input_tokens":3,"output_tokens":7,"total_tokens":10}}` + "\n\n"
	octet, wav = "application/octet-stream", "audio/wav"
	raw        = "audio/pcm"
)

// speechCase is an answer to a request for speech.
type speechCase struct {
	name   string
	change func(*Options)
	server script

	chunks    []int64 // ms
	bytes     []int64
	seconds   float64
	errorType string
	message   string
	end       time.Duration
	note      string
}

func speechCases() []speechCase {
	sse := "text/event-stream"
	return []speechCase{
		{name: "bytes", server: script{kind: raw,
			parts: []part{{50 * ms, pcm(100)}, {30 * ms, pcm(200)}, {5 * ms, ""}}},
			chunks: []int64{50, 80}, bytes: []int64{4800, 9600}, seconds: 0.3, end: 85 * ms},
		{name: "a header is no sound", server: script{kind: wav,
			parts: []part{{10 * ms, waveHead(1<<32 - 1)}, {40 * ms, pcm(100)}, {5 * ms, ""}}},
			chunks: []int64{50}, bytes: []int64{4800}, seconds: 0.1, end: 55 * ms},
		{name: "a header that announces less than comes", server: script{kind: wav,
			parts: []part{{10 * ms, waveHead(0) + pcm(100)}, {10 * ms, pcm(100)}}},
			chunks: []int64{10, 20}, bytes: []int64{4800, 4800}, seconds: 0.2, end: 20 * ms},
		{name: "reads of one instant are one chunk", server: script{kind: octet,
			parts: []part{{10 * ms, pcm(20)}, {ms / 4, pcm(20)}, {ms / 4, pcm(20)}, {3 * ms / 2, pcm(20)}}},
			chunks: []int64{10, 12}, bytes: []int64{2880, 960}, seconds: 0.08, end: 12 * ms},
		{name: "events", server: script{kind: sse,
			parts: []part{{50 * ms, speechEvent(pcm(100))}, {30 * ms, speechEvent(pcm(50)) + speechEnd}}},
			chunks: []int64{50, 80}, bytes: []int64{4800, 2400}, seconds: 0.15, end: 80 * ms},
		{name: "an event of an error", server: script{kind: sse, parts: []part{{50 * ms, speechEvent(pcm(100))},
			{30 * ms, `data: {"type":"speech.audio.error","error":{"message":"out of breath"}}` + "\n\n"}}},
			chunks: []int64{50}, bytes: []int64{4800}, seconds: 0.1, end: 80 * ms, errorType: record.ErrorStream,
			message: "out of breath"},
		{name: "events without an end", server: script{kind: sse,
			parts: []part{{50 * ms, speechEvent(pcm(100))}, {ms, ""}}},
			chunks: []int64{50}, bytes: []int64{4800}, seconds: 0.1, end: 51 * ms, errorType: record.ErrorTruncated},
		{name: "events without sound", server: script{kind: sse, parts: []part{{50 * ms, speechEnd}}},
			end: 50 * ms, errorType: record.ErrorTruncated, message: "without any sound"},
		{name: "refused", server: script{status: 400, kind: "application/json",
			parts: []part{{10 * ms, `{"error":{"message":"voice 'x' is unknown"}}`}}},
			end: 10 * ms, errorType: record.ErrorHTTP, message: "voice 'x' is unknown"},
		{name: "JSON in place of sound", server: script{kind: "application/json",
			parts: []part{{10 * ms, `{"error":{"message":"no such model"}}`}}},
			end: 10 * ms, errorType: record.ErrorMalformed, message: `got content type "application/json": no such model`},
		{name: "JSON under the label of sound", server: script{kind: raw,
			parts: []part{{10 * ms, `{"detail":"no such`}, {10 * ms, ` model"}`}}},
			end: 20 * ms, errorType: record.ErrorMalformed, message: "expected sound, got: no such model"},
		{name: "a page", server: script{kind: octet, parts: []part{{10 * ms, "<html><title>Sign in</title></html>"}}},
			end: 10 * ms, errorType: record.ErrorMalformed, message: "expected sound, got: Sign in"},
		{name: "sound that begins like JSON", server: script{kind: raw,
			parts: []part{{10 * ms, "{\x00" + pcm(99) + "\x00\x01"}}},
			chunks: []int64{10}, bytes: []int64{4756}, seconds: 4756.0 / 48000, end: 10 * ms},
		{name: "sound that begins like gzip", server: script{kind: raw,
			parts: []part{{10 * ms, "\x1f\x8b" + pcm(100)}}},
			chunks: []int64{10}, bytes: []int64{4802}, seconds: 4802.0 / 48000, end: 10 * ms},
		{name: "nothing", server: script{kind: raw, parts: []part{{10 * ms, ""}}},
			end: 10 * ms, errorType: record.ErrorTruncated, message: "without any sound"},
		{name: "a header alone", server: script{kind: wav, parts: []part{{10 * ms, waveHead(0)}}},
			end: 10 * ms, errorType: record.ErrorTruncated, message: "without any sound"},
		{name: "cut in the middle", server: script{kind: raw, parts: []part{{10 * ms, pcm(100)}},
			end: io.ErrUnexpectedEOF},
			chunks: []int64{10}, bytes: []int64{4800}, seconds: 0.1, end: 10 * ms, errorType: record.ErrorTruncated},
		{name: "the connection breaks", server: script{kind: raw, parts: []part{{10 * ms, pcm(100)}},
			end: errors.New("reset")},
			chunks: []int64{10}, bytes: []int64{4800}, seconds: 0.1, end: 10 * ms, errorType: record.ErrorReset},
		{name: "an odd number of bytes", server: script{kind: raw, parts: []part{{10 * ms, pcm(100) + "\x01"}}},
			chunks: []int64{10}, bytes: []int64{4801}, seconds: 0.1, end: 10 * ms, note: record.NoteOddSound},
		{name: "longer than the timeout", change: func(o *Options) { o.Timeout = 75 * ms }, server: script{kind: raw,
			parts: []part{{50 * ms, pcm(100)}, {forever, ""}}},
			chunks: []int64{50}, bytes: []int64{4800}, seconds: 0.1, end: 75 * ms, errorType: record.ErrorTimeout},
		{name: "a stall", change: func(o *Options) { o.IdleTimeout = 30 * ms }, server: script{kind: raw,
			parts: []part{{50 * ms, pcm(100)}, {forever, ""}}},
			chunks: []int64{50}, bytes: []int64{4800}, seconds: 0.1, end: 80 * ms, errorType: record.ErrorStall},
	}
}

func TestSpeech(t *testing.T) {
	t.Parallel()
	for _, tt := range speechCases() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { tt.run(t) })
		})
	}
}

func (tt *speechCase) run(t *testing.T) {
	r := speak(t, speechClient(t, tt.change), tt.server)
	if !slices.Equal(r.Chunks, inMicros(tt.chunks)) || !slices.Equal(r.ChunkBytes, tt.bytes) {
		t.Errorf("got %v bytes at %v µs; want %v at %v ms", r.ChunkBytes, r.Chunks, tt.bytes, tt.chunks)
	}
	if seconds, _ := record.AudioSeconds(r); seconds < tt.seconds-1e-4 || seconds > tt.seconds+1e-4 {
		t.Errorf("got %v seconds of sound, want %v", seconds, tt.seconds)
	}
	if r.ErrorType != tt.errorType || !strings.Contains(r.Error, tt.message) || !strings.Contains(r.Note, tt.note) {
		t.Errorf("got error %q: %q, note %q; want %q: %q, %q", r.ErrorType, r.Error, r.Note, tt.errorType, tt.message,
			tt.note)
	}
	if r.Latency() != tt.end || r.Characters != 20 {
		t.Errorf("ended after %v, want %v; %d characters", r.Latency(), tt.end, r.Characters)
	}
	if _, err := record.Parse(mustAppend(t, r)); err != nil {
		t.Errorf("the record does not read back: %v", err)
	}
}

// A sound of ten minutes that comes in small pieces is kept in a bounded number of chunks, and no piece allocates.
func TestLongSpeechIsBounded(t *testing.T) {
	s := newSound(&api.Request{Stream: true, Sound: &api.SoundOptions{}})
	rec := new(record.Request)
	piece := []byte(pcm(1)[:48])
	const pieces = 600_000
	for i := range pieces {
		s.take(rec, piece, int64(i)*10) // 100 times as fast as it plays
	}
	if n := len(rec.Chunks); n > pieces/100+1 || s.reader.Seconds() != 600 {
		t.Errorf("%d chunks of %v seconds", n, s.reader.Seconds())
	}
	rec.Chunks, rec.ChunkBytes = slices.Grow(rec.Chunks, 1), slices.Grow(rec.ChunkBytes, 1)
	if n := testing.AllocsPerRun(100, func() { s.take(rec, piece, rec.Chunks[len(rec.Chunks)-1]) }); n > 0 {
		t.Errorf("%v allocations for a piece", n)
	}
}

// Transcriptions come in many forms.
func TestTranscriptions(t *testing.T) {
	t.Parallel()
	const vllm = `data: {"object":"transcription.chunk","choices":[{"delta":{"content":"%s"},"finish_reason":%s}]}` + "\n\n"
	for _, tt := range []struct {
		name, kind, body, text, errorType string
		chunks, tokens                    int
	}{
		{name: "JSON", kind: "application/json", text: "Hello there", tokens: 5,
			body: `{"text":"Hello there","usage":{"type":"tokens","input_tokens":9,"output_tokens":5,"total_tokens":14}}`},
		{name: "a duration", kind: "application/json", body: `{"text":"Hello","usage":{"type":"duration","seconds":3}}`,
			text: "Hello"},
		{name: "silence", kind: "application/json", body: `{"text":""}`},
		{name: "segments", kind: "application/json", text: "a b",
			body: `{"task":"transcribe","duration":2.5,"text":"a b","segments":[{"id":0,"text":"a b"}]}`},
		{name: "words", kind: "text/plain; charset=utf-8", body: "data and more\n", text: "data and more"},
		{name: "subtitles", kind: "text/plain", body: "1\n00:00:00,000 --> 00:00:01,000\nHi\n\n",
			text: "1\n00:00:00,000 --> 00:00:01,000\nHi"},
		{name: "OpenAI's events", kind: "text/event-stream", text: "Hello there", chunks: 2, tokens: 5,
			body: `data: {"type":"transcript.text.delta","delta":"Hello"}` + "\n\n" +
				`data: {"type":"transcript.text.delta","delta":" there"}` + "\n\n" +
				`data: {"type":"transcript.text.done","text":"Hello there","usage":{"input_tokens":9,"output_tokens":5}}` + "\n\n"},
		{name: "vLLM's chunks", kind: "text/event-stream", text: "Hello there", chunks: 2,
			body: fmt.Sprintf(vllm, "Hello", "null") + fmt.Sprintf(vllm, " there", "null") +
				fmt.Sprintf(vllm, "", `"stop"`) + done},
		{name: "an error", kind: "application/json", body: `{"error":{"message":"no sound"}}`, errorType: record.ErrorStream},
		{name: "something else", kind: "application/json", body: `{"data":[]}`, errorType: record.ErrorMalformed},
		{name: "a page", kind: "text/html", body: "<html>Sign in</html>", errorType: record.ErrorMalformed},
		{name: "cut off", kind: "text/event-stream", text: "Hello", chunks: 1,
			body: `data: {"type":"transcript.text.delta","delta":"Hello"}` + "\n\n", errorType: record.ErrorTruncated},
	} {
		c := newClient(t, func(o *Options) {
			o.Speak(api.Transcription)
			o.Streaming, o.Text = tt.kind == "text/event-stream", true
		})
		var sent []byte
		rt := roundTrip(func(req *http.Request) (*http.Response, error) {
			sent, _ = io.ReadAll(req.Body)
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {tt.kind}},
				Body: io.NopCloser(strings.NewReader(tt.body))}, nil
		})
		media := &Media{Files: []api.File{{Name: "a\".wav", Type: wav, Data: []byte("\xff\x00sound")}},
			Facts: []record.Media{{Kind: record.MediaAudio, Seconds: 4, Bytes: 7}},
			Sound: &api.SoundOptions{Language: "en"}}
		a, err := c.Do(context.Background(), rt, &Request{ID: "1", Media: media})
		if err != nil {
			t.Fatal(err)
		}
		r := a.Record
		if a.Text != tt.text || r.ErrorType != tt.errorType || len(r.Chunks) != tt.chunks {
			t.Errorf("%s: got %q in %d chunks, error %s %q", tt.name, a.Text, len(r.Chunks), r.ErrorType, r.Error)
		}
		if n := r.Counts().ServerCompletion; tt.tokens > 0 && n != tt.tokens {
			t.Errorf("%s: got %d tokens", tt.name, n)
		}
		if !strings.Contains(r.RequestBody, "\r\n\r\n(7 bytes)\r\n--") || r.BytesSent != int64(len(sent)) {
			t.Errorf("%s: %d bytes sent, the record has %d and %q", tt.name, len(sent), r.BytesSent, r.RequestBody)
		}
		if factor, known := record.RealTimeFactor(r); !known || factor <= 0 {
			t.Errorf("%s: got a factor of %v", tt.name, factor)
		}
		const part = "name=\"file\"; filename=\"a%22.wav\"\r\nContent-Type: audio/wav\r\n\r\n\xff\x00sound\r\n--"
		if !bytes.Contains(sent, []byte(part)) ||
			!bytes.Contains(sent, []byte("name=\"language\"\r\n\r\nen\r\n")) {
			t.Errorf("%s: sent %q", tt.name, sent)
		}
	}
}

// Whatever a server sends in place of speech, its record can be written and read again.
func FuzzSpeech(f *testing.F) {
	kinds := []string{raw, wav, "text/event-stream", "application/json", ""}
	for i := range kinds {
		for _, s := range []string{pcm(1), waveHead(0) + pcm(1), speechEvent(pcm(1)) + speechEnd, "{", "<html>", "",
			`data: {"type":"speech.audio.delta","audio":"=="}` + "\n\n", "ID3\x04\x00\x00\x00\x00\x00\x00\xff\xfb\x90\xc0",
			"fLaC\x00\x00\x00\x22", "OggS\x00\x02", "RIFF\x00\x00\x00\x00WAVEdata\xff\xff\xff\x7f"} {
			f.Add([]byte(s), uint8(i), uint16(3))
		}
	}
	opts := DefaultOptions()
	opts.BaseURL, opts.EventLimit = "http://server.test", 1<<10
	opts.Speak(api.Speech)
	c, err := New(opts)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, kind uint8, cut uint16) {
		at := min(int(cut), len(body))
		source := io.MultiReader(bytes.NewReader(body[:at]), bytes.NewReader(body[at:]))
		r := speak(t, c, roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {kinds[int(kind)%len(kinds)]}},
				Body: io.NopCloser(source)}, nil
		}))
		var sum int64
		for _, n := range r.ChunkBytes {
			sum += n
		}
		if sum > int64(len(body)) || !r.Failed() && sum == 0 {
			t.Errorf("%q: %d bytes of sound, error %q", body, sum, r.Error)
		}
		if _, err := record.Parse(mustAppend(t, r)); err != nil {
			t.Errorf("%q: the record does not read back: %v", body, err)
		}
	})
}

package sim

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/timespan"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// sound is what a request for speech or a transcription asks for.
type sound struct {
	voice, format, streamFormat, language string
	speed                                 float64
	rate                                  int // samples a second

	seconds float64 // of the file to write down
	words   int     // that are in it
}

// set sets a field, and reports whether the value has the field's type. Other APIs have a field response_format that is
// an object.
func (s *sound) set(key string, value gjson.Result) bool {
	switch key {
	case "voice":
		if s.voice = value.Str; value.IsObject() {
			s.voice = value.Get("id").Str
		}
		return s.voice != ""
	case "response_format":
		s.format = value.Str
	case "stream_format":
		s.streamFormat = value.Str
	case "language":
		s.language = value.Str
		return value.Type == gjson.String
	case "speed":
		s.speed = value.Num
		return value.Type == gjson.Number && value.Num >= 0.25 && value.Num <= 4
	case "sample_rate":
		s.rate = int(value.Num)
		return isWhole(value) && value.Num >= 8000 && value.Num <= 96_000
	}
	return true
}

// Stall is a time during which the server makes no sound.
type Stall struct {
	After  float64 `json:"after_seconds"` // seconds of sound before it
	Length float64 `json:"seconds"`
}

// speechStalls reads stalls.
func speechStalls(o *Options, v string) error {
	o.SpeechStalls = nil
	for each := range strings.SplitSeq(v, ",") {
		place, length, ok := strings.Cut(each, ":")
		after, err := timespan.Parse(place)
		if err != nil || !ok {
			return fmt.Errorf("expected PLACE:LENGTH such as 2s:500ms, got %q", each)
		}
		stall, err := timespan.Parse(length)
		if err != nil || after < 0 || stall < 0 || stall > maxTime {
			return fmt.Errorf("expected PLACE:LENGTH such as 2s:500ms, got %q", each)
		}
		o.SpeechStalls = append(o.SpeechStalls, Stall{After: after.Seconds(), Length: stall.Seconds()})
	}
	slices.SortStableFunc(o.SpeechStalls, func(a, b Stall) int { return cmp.Compare(a.After, b.After) })
	return nil
}

// Defaults of speech.
const (
	DefaultSpeechRate  = 4                      // seconds of sound made in a second
	DefaultSpeechChunk = 100 * time.Millisecond // sound in a chunk
	DefaultCharTime    = 60 * time.Millisecond  // sound of a character
	speechSampleRate   = 24_000
)

// voices are the names of OpenAI's.
var voices = []string{"alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage",
	"shimmer", "verse"}

func speechEndpoint() *endpoint {
	return &endpoint{path: "/v1/audio/speech", prompt: speechTokens, fault: openAIFault, own: speak}
}

// speechTokens checks the request, and counts the tokens of the text.
func speechTokens(w *wireRequest, tokens Tokenizer) (int, error) {
	s := &w.sound
	s.format = cmp.Or(s.format, "wav")
	switch {
	case w.input.Type != gjson.String || strings.TrimSpace(w.input.Str) == "":
		return 0, errors.New("input must be a text that is not empty")
	case !slices.Contains(voices, s.voice):
		return 0, fmt.Errorf("voice %q is unknown: use one of %s", s.voice, strings.Join(voices, ", "))
	case !slices.Contains([]string{"pcm", "wav", "mp3"}, s.format):
		return 0, fmt.Errorf("response_format %q is not supported: use pcm, wav or mp3", s.format)
	case s.streamFormat != "" && s.streamFormat != "audio" && s.streamFormat != "sse":
		return 0, fmt.Errorf("stream_format %q is not supported: use audio or sse", s.streamFormat)
	}
	if w.stream && s.streamFormat == "" { // as vLLM-Omni
		s.streamFormat = "sse"
	}
	w.stream = s.streamFormat != ""
	return counting(tokens, w.special)(w.input.Str), nil
}

// speech is a speech in progress.
type speech struct {
	g      *generation
	w      http.ResponseWriter
	flush  *http.ResponseController
	maker  soundMaker
	chunk  float64 // seconds of sound in a chunk
	sse    bool
	buf    []byte
	stalls []Stall // to come
	at     float64 // seconds of sound that were written
}

// speak writes sound: chunk by chunk as it is made, or all of it when the last is made.
func speak(g *generation, w http.ResponseWriter, admitted time.Time) {
	o := &g.s.opts
	seconds := o.SpeechChar.Seconds() * float64(utf8.RuneCountInString(g.ask.spoken)) / cmp.Or(g.ask.sound.speed, 1)
	s := &speech{g: g, w: w, flush: http.NewResponseController(w), chunk: o.SpeechChunk.Seconds(),
		sse: g.ask.sound.streamFormat == "sse", stalls: o.SpeechStalls,
		maker: newSoundMaker(g.ask.sound.format, cmp.Or(g.ask.sound.rate, speechSampleRate), seconds)}
	g.truth.AudioSeconds = s.maker.seconds()
	switch {
	case s.sse:
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	default:
		w.Header().Set("Content-Type", s.maker.kind())
	}
	if !g.ask.stream {
		s.whole(admitted)
		return
	}
	s.stream(admitted)
}

// stream writes the header at once, as servers do that know nothing but the format yet, and each chunk when it is made.
func (s *speech) stream(admitted time.Time) {
	g := s.g
	if head := s.maker.head(false); len(head) > 0 && !s.write(head) {
		return
	}
	first := g.firstDue(admitted)
	for total := s.maker.seconds(); s.maker.left > 0; {
		if !g.wait(s.due(first)) {
			g.gone()
			return
		}
		if g.fails != "" && 2*s.at >= total {
			s.fail()
			return
		}
		part := s.maker.next(s.chunk)
		now := time.Now()
		if !s.write(part) {
			return
		}
		s.wrote(now, len(part))
	}
	if s.sse {
		_, _ = s.w.Write(append(g.appendTokens([]byte("event: speech.audio.done\ndata: "+
			`{"type":"speech.audio.done","usage":`)), "}\n\n"...))
	}
}

// due returns when the next chunk is made.
func (s *speech) due(first time.Time) time.Time {
	made := 0.0
	if rate := s.g.s.opts.SpeechRate; rate > 0 {
		made = s.at / rate
	}
	for len(s.stalls) > 0 && s.stalls[0].After <= s.at {
		s.g.truth.Stalls = append(s.g.truth.Stalls, s.stalls[0])
		s.stalls = s.stalls[1:]
	}
	for _, stall := range s.g.truth.Stalls {
		made += stall.Length
	}
	return s.g.s.pace().after(first, time.Duration(made*float64(time.Second)))
}

// wrote keeps the truth about a chunk.
func (s *speech) wrote(now time.Time, n int) {
	t := &s.g.truth
	t.Chunks, t.ChunkBytes = append(t.Chunks, record.UnixNano(now)), append(t.ChunkBytes, int64(n))
	s.at = s.maker.made()
	before, tokens := t.CompletionTokens, int(math.Ceil(s.at*codecRate))
	s.g.wrote(now, before, max(tokens, before+1))
}

// codecRate is how many tokens a second of sound is, as of codecs of 12.5 Hz.
const codecRate = 12.5

// write writes a piece, as an event if the stream has events.
func (s *speech) write(part []byte) bool {
	if s.sse {
		s.buf = append(s.buf[:0], "event: speech.audio.delta\ndata: "+`{"type":"speech.audio.delta","audio":"`...)
		s.buf = append(base64.StdEncoding.AppendEncode(s.buf, part), "\"}\n\n"...)
		part = s.buf
	}
	return s.g.write(s.w, s.flush, part)
}

// fail injects the failure in the middle.
func (s *speech) fail() {
	g := s.g
	switch g.truth.Error = g.fails; {
	case g.fails == FailStream && s.sse:
		_, _ = s.w.Write([]byte("event: speech.audio.error\ndata: " +
			`{"type":"speech.audio.error","error":{"message":"injected failure"}}` + "\n\n"))
	case g.fails == FailStream: // bytes of sound have no room for words
		g.truth.Error = FailTruncated
	case g.fails == FailStall:
		g.wait(time.Now().Add(stallTime))
	}
}

// whole writes the sound when all of it is made.
func (s *speech) whole(admitted time.Time) {
	g := s.g
	first, total := g.firstDue(admitted), s.maker.seconds()
	made := 0.0
	for _, stall := range s.stalls {
		if stall.After < total {
			made += stall.Length
		}
	}
	if rate := g.s.opts.SpeechRate; rate > 0 {
		made += total / rate
	}
	if !g.wait(g.s.pace().after(first, time.Duration(made*float64(time.Second)))) {
		g.gone()
		return
	}
	if g.fails != "" {
		s.fail()
		return
	}
	s.buf = append(s.buf, s.maker.head(true)...)
	head := len(s.buf)
	for s.maker.left > 0 {
		s.buf = append(s.buf, s.maker.next(s.chunk)...)
	}
	s.wrote(time.Now(), len(s.buf)-head)
	_, _ = s.w.Write(s.buf)
}

// soundMaker makes the bytes of a sound.
type soundMaker struct {
	format string
	rate   int
	left   int // samples, or frames of MP3
	total  int
	buf    []byte
	phase  int
}

// A frame of MP3: MPEG-1 Layer III of 128 kbit/s and 44.1 kHz, whose side information and data are 0: silence.
const (
	mp3Frame   = 417
	mp3Samples = 1152
	mp3Rate    = 44_100
)

func newSoundMaker(format string, rate int, seconds float64) soundMaker {
	m := soundMaker{format: format, rate: rate}
	if format == "mp3" {
		m.rate = mp3Rate
		m.total = int(math.Ceil(seconds * mp3Rate / mp3Samples))
	} else {
		m.total = int(math.Ceil(seconds * float64(rate)))
	}
	m.total = max(m.total, 1)
	m.left = m.total
	return m
}

// unit returns how many samples a unit of the format has.
func (m *soundMaker) unit() float64 {
	if m.format == "mp3" {
		return mp3Samples
	}
	return 1
}

func (m *soundMaker) seconds() float64 { return float64(m.total) * m.unit() / float64(m.rate) }

func (m *soundMaker) kind() string {
	switch m.format {
	case "mp3":
		return "audio/mpeg"
	case "wav":
		return "audio/wav"
	}
	return "audio/pcm"
}

// head returns the header of a file. In a stream, it does not tell how long the sound is.
func (m *soundMaker) head(known bool) []byte {
	if m.format != "wav" {
		return nil
	}
	size := uint32(math.MaxUint32)
	if known {
		size = uint32(2 * m.total)
	}
	le := binary.LittleEndian
	b := le.AppendUint32([]byte("RIFF"), max(size, size+36)) // stays the largest number
	b = le.AppendUint32(append(b, "WAVEfmt "...), 16)
	b = le.AppendUint16(le.AppendUint16(b, 1), 1)
	b = le.AppendUint32(le.AppendUint32(b, uint32(m.rate)), uint32(2*m.rate))
	b = le.AppendUint16(le.AppendUint16(b, 2), 16)
	return le.AppendUint32(append(b, "data"...), size)
}

// made returns how many seconds next has returned.
func (m *soundMaker) made() float64 { return float64(m.total-m.left) * m.unit() / float64(m.rate) }

// next returns the bytes of about so many seconds more. They live until the next call.
func (m *soundMaker) next(seconds float64) []byte {
	n := min(m.left, max(1, int(math.Round(seconds*float64(m.rate)/m.unit()))))
	m.left -= n
	m.buf = m.buf[:0]
	if m.format == "mp3" {
		for range n {
			m.buf = append(m.buf, 0xff, 0xfb, 0x90, 0xc0)
			m.buf = append(m.buf, make([]byte, mp3Frame-4)...)
		}
	} else {
		for range n { // a tone of 240 Hz at 24 kHz, as a triangle
			m.phase = (m.phase + 1) % 100
			m.buf = binary.LittleEndian.AppendUint16(m.buf, uint16(int16(200*(50-abs(2*m.phase-100)))))
		}
	}
	return m.buf
}

func abs(x int) int { return max(x, -x) }

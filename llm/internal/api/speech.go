package api

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
)

// Speech is the dialect of OpenAI's speech endpoint: a text is spoken. The answer is the sound itself, or events with
// pieces of it in base64.
var Speech Dialect = speech{}

type speech struct{ openAI }

func (speech) Name() string { return "speech" }
func (speech) Verb() string { return "speak" }
func (speech) Path() string { return "/audio/speech" }
func (speech) Input() Input { return InputSpeech }

// Output returns that answers are sound.
func (speech) Output() Output { return OutputSound }

// IgnoresEOS returns false: the end of a text is the end of its sound.
func (speech) IgnoresEOS() bool { return false }

// EndMark returns the type of the last event.
func (speech) EndMark() string { return speechDone }

// SoundOptions are the options of requests for speech and for transcriptions.
type SoundOptions struct {
	Voice        string  // "" means DefaultVoice
	Format       string  // of the answer; "" means pcm for speech that is streamed, and else leaves it to the server
	StreamFormat string  // how speech is streamed: StreamAudio or StreamSSE; "" means StreamAudio
	Speed        float64 // 0 leaves it to the server
	Instructions string  // on how to speak
	Language     string  // of the sound, or of the text
	SampleRate   int     // of pcm, which does not tell it; 0 means DefaultSampleRate
}

// Values of SoundOptions.
const (
	StreamAudio = "audio" // the bytes of the sound
	StreamSSE   = "sse"   // events

	FormatPCM         = "pcm"
	DefaultVoice      = "alloy"
	DefaultSampleRate = 24_000
)

// Check returns an error that names the faulty option.
func (o *SoundOptions) Check() error {
	switch {
	case o.Speed < 0 || o.Speed > 100:
		return fmt.Errorf("speed must be from 0.25 to 4, got %v", o.Speed)
	case o.SampleRate < 0 || o.SampleRate > 1_000_000:
		return fmt.Errorf("sampleRate must be from 1 to 1000000, got %d", o.SampleRate)
	case o.StreamFormat != "" && o.StreamFormat != StreamAudio && o.StreamFormat != StreamSSE:
		return fmt.Errorf("streamFormat must be 'audio' or 'sse', got %q", o.StreamFormat)
	}
	return nil
}

// Or returns the options with those of other in place of what is not set. It returns other for nil.
func (o *SoundOptions) Or(other *SoundOptions) *SoundOptions {
	if o == nil {
		return other
	}
	return &SoundOptions{
		Voice: cmp.Or(o.Voice, other.Voice), Format: cmp.Or(o.Format, other.Format),
		StreamFormat: cmp.Or(o.StreamFormat, other.StreamFormat), Speed: cmp.Or(o.Speed, other.Speed),
		Instructions: cmp.Or(o.Instructions, other.Instructions), Language: cmp.Or(o.Language, other.Language),
		SampleRate: cmp.Or(o.SampleRate, other.SampleRate),
	}
}

// sound returns the options of a request for speech or for a transcription.
func (r *Request) sound() *SoundOptions { return r.Sound.Or(new(SoundOptions)) }

// SpeechFormat returns the format that a request for speech asks for, and "" if it leaves it to the server.
func (o *SoundOptions) SpeechFormat(stream bool) string {
	if o.Format == "" && stream {
		return FormatPCM
	}
	return o.Format
}

// Body writes what OpenAI and vLLM-Omni take.
func (e speech) Body(r *Request) ([]byte, error) {
	if err := checkSound(e, r); err != nil {
		return nil, err
	}
	o := r.sound()
	w := newBody(r)
	w.text("model", r.Model)
	w.text("input", r.Prompt)
	w.text("voice", cmp.Or(o.Voice, DefaultVoice))
	w.some("response_format", o.SpeechFormat(r.Stream))
	if o.Speed > 0 {
		w.plain("speed", strconv.FormatFloat(o.Speed, 'g', -1, 64))
	}
	w.some("instructions", o.Instructions)
	w.some("language", o.Language)
	if r.Stream {
		w.text("stream_format", cmp.Or(o.StreamFormat, StreamAudio))
	}
	return w.finish()
}

// checkSound refuses options for which the endpoints of sound have no field.
func checkSound(d Dialect, r *Request) error {
	if r.Previous == "" && r.Format != nil {
		return fmt.Errorf("responseFormat has no effect on api %q: set format, such as 'wav' or 'json'", d.Name())
	}
	return checkTextless(d, r)
}

// Types of the events of a speech.
const (
	speechDelta = "speech.audio.delta"
	speechDone  = "speech.audio.done"
)

// Decode reads an event with a piece of sound, whose bytes become the content, the event that ends a speech, and an
// error.
func (speech) Decode(data []byte, d *Delta) error {
	s := scanner{b: data}
	inArray, entered := enter(&s, d)
	if !entered {
		return s.err
	}
	var f fault
	var kind []byte
	for first := true; s.more('}', first); first = false {
		switch key := s.key(); string(key) {
		case "type":
			kind = s.skip()
			f.member(key, kind)
		case "audio", "delta":
			readSound(&s, d)
		case "usage":
			readUsage(&s, d)
		case "error":
			readError(&s, d)
		default:
			f.member(key, s.skip())
		}
	}
	switch {
	case string(kind) == `"`+speechDone+`"`:
		d.Done, d.FinishReason, d.Choices = true, "stop", 1
	case string(kind) == `"`+speechDelta+`"`:
		d.Choices = 1
	}
	return leave(&s, d, &f, inArray)
}

// errSound reports a piece of sound that is not base64.
var errSound = errors.New("a piece of sound is not base64")

// readSound decodes base64 in place.
func readSound(s *scanner, d *Delta) {
	if s.peek() != '"' {
		s.skip()
		return
	}
	d.Content = s.appendString(d.Content[:0])
	n, err := base64.StdEncoding.Decode(d.Content, d.Content)
	if err != nil && s.err == nil {
		s.err = errSound
	}
	d.Content, d.Choices = d.Content[:n], 1
}

package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/media"
)

// What a transcription is made of.
const (
	wordsPerSecond = 2.5 // of sound
	soundTokens    = 10  // of the prompt, for each second of sound
)

func transcriptionEndpoint() *endpoint {
	return &endpoint{path: "/v1/audio/transcriptions", form: true, prompt: transcriptionTokens, fault: openAIFault,
		events: func(g *generation) writer { return &transcriptEvents{g: g} }, whole: wholeTranscript,
		broken: `data: {"type":"error","error":{"message":"injected failure"}}` + "\n\n",
	}
}

// transcriptionTokens reads the file, and counts the tokens of its sound.
func transcriptionTokens(w *wireRequest, _ Tokenizer) (int, error) {
	s := &w.sound
	formats := []string{"", "json", "text", "verbose_json", "srt", "vtt"}
	switch {
	case len(w.files) != 1:
		return 0, errors.New("file is missing")
	case !slices.Contains(formats, s.format):
		return 0, fmt.Errorf("response_format %q is not supported: use json, text, verbose_json, srt or vtt", s.format)
	}
	r := media.NewSoundReader("", 0, 0)
	r.Add(w.files[0])
	if s.seconds = r.Seconds(); s.seconds <= 0 {
		return 0, errors.New("the file is no sound that can be read: send wav, mp3 or flac")
	}
	s.words = max(1, int(math.Round(s.seconds*wordsPerSecond)))
	return int(math.Ceil(s.seconds * soundTokens)), nil
}

// transcriptEvents writes the events of a transcription in OpenAI's form.
type transcriptEvents struct {
	g         *generation
	buf, text []byte
	all       []byte
}

func (e *transcriptEvents) head() []byte      { return nil }
func (e *transcriptEvents) begin()            { e.text = e.text[:0] }
func (e *transcriptEvents) token(text string) { e.text = append(e.text, text...) }
func (e *transcriptEvents) ping() []byte      { return []byte(": ping\n\n") }

func (e *transcriptEvents) end(_, _ bool) []byte {
	e.all = append(e.all, e.text...)
	e.buf = append(e.buf[:0], "event: transcript.text.delta\ndata: "+`{"type":"transcript.text.delta","delta":`...)
	e.buf = append(appendQuoted(e.buf, e.text), "}\n\n"...)
	return e.buf
}

func (e *transcriptEvents) tail() []byte {
	e.buf = append(e.buf[:0], "event: transcript.text.done\ndata: "+`{"type":"transcript.text.done","text":`...)
	e.buf = append(appendQuoted(e.buf, e.all), `,"usage":`...)
	return append(e.g.appendTokens(e.buf), "}\n\n"...)
}

// appendTokens appends the usage of the APIs of sound.
func (g *generation) appendTokens(dst []byte) []byte {
	r := &g.truth
	dst = strconv.AppendInt(append(dst, `{"type":"tokens","input_tokens":`...), int64(r.PromptTokens), 10)
	dst = strconv.AppendInt(append(dst, `,"output_tokens":`...), int64(r.CompletionTokens), 10)
	dst = strconv.AppendInt(append(dst, `,"total_tokens":`...), int64(r.PromptTokens+r.CompletionTokens), 10)
	return append(dst, '}')
}

// wholeTranscript returns a transcription in the form that was asked for.
func wholeTranscript(g *generation, text string) any {
	s := &g.ask.sound
	switch s.format {
	case "text":
		return plainText(text + "\n")
	case "srt":
		return plainText("1\n" + stamp(0, ",") + " --> " + stamp(s.seconds, ",") + "\n" + text + "\n\n")
	case "vtt":
		return plainText("WEBVTT\n\n" + stamp(0, ".") + " --> " + stamp(s.seconds, ".") + "\n" + text + "\n\n")
	case "verbose_json":
		segment := map[string]any{"id": 0, "seek": 0, "start": 0, "end": s.seconds, "text": text, "tokens": []int{},
			"temperature": 0, "avg_logprob": -0.1, "compression_ratio": 1, "no_speech_prob": 0}
		return map[string]any{"task": "transcribe", "language": "english", "duration": s.seconds, "text": text,
			"segments": []any{segment}, "usage": map[string]any{"type": "duration", "seconds": math.Ceil(s.seconds)}}
	}
	return map[string]any{"text": text, "usage": json.RawMessage(g.appendTokens(nil))}
}

// stamp writes an instant of a subtitle.
func stamp(seconds float64, point string) string {
	d := time.Duration(seconds * float64(time.Second)).Round(time.Millisecond)
	return fmt.Sprintf("%02d:%02d:%02d%s%03d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60, point,
		d.Milliseconds()%1000)
}

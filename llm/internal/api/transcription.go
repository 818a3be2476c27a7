package api

import (
	"bytes"
	"strconv"
)

// Transcription is the dialect of OpenAI's transcriptions: a sound is uploaded, and its words come back.
var Transcription Dialect = transcription{}

type transcription struct{ openAI }

func (transcription) Name() string { return "transcription" }
func (transcription) Verb() string { return "transcribe" }
func (transcription) Path() string { return "/audio/transcriptions" }
func (transcription) Input() Input { return InputSound }

// IgnoresEOS returns false: the end of the sound is the end of its words.
func (transcription) IgnoresEOS() bool { return false }

// EndMark returns the marks of OpenAI, and of vLLM.
func (transcription) EndMark() string { return transcriptDone + " or [DONE]" }

// ContentType returns the type of a form.
func (transcription) ContentType() string { return formType }

// Body writes a form. The file is last, so that a server which reads from the front knows what to do with it.
func (e transcription) Body(r *Request) ([]byte, error) {
	if err := checkSound(e, r); err != nil {
		return nil, err
	}
	o := r.sound()
	w := newForm(r)
	w.text("model", r.Model)
	w.some("language", o.Language)
	w.some("prompt", r.Prompt)
	w.some("response_format", o.Format)
	if r.Stream {
		w.text("stream", strconv.FormatBool(true))
	}
	for _, f := range r.Files {
		w.file("file", f)
	}
	return w.finish()
}

// Types of the events of a transcription, as OpenAI has them. vLLM sends the chunks of a chat.
const (
	transcriptDelta = "transcript.text.delta"
	transcriptDone  = "transcript.text.done"
)

// Decode reads a whole transcription in any of its forms, and an event of a streamed one, be it OpenAI's or the chunk
// of a chat, as vLLM sends it.
func (transcription) Decode(data []byte, d *Delta) error {
	if head := bytes.TrimSpace(data); len(head) > 0 && head[0] != '{' && head[0] != '[' && !isDone(head) {
		d.reset() // the formats text, srt and vtt
		d.Content, d.Message, d.Choices, d.FinishReason = append(d.Content, head...), true, 1, "stop"
		return nil
	}
	s := scanner{b: data}
	inArray, entered := enter(&s, d)
	if !entered {
		return s.err
	}
	t := transcript{}
	var f fault
	for first := true; s.more('}', first); first = false {
		switch key := s.key(); string(key) {
		case "choices":
			readChoices(&s, d)
		case "type":
			t.kind = s.skip()
			f.member(key, t.kind)
		case "text":
			t.text = s.skip()
		case "delta":
			t.delta = s.skip()
		case "usage":
			readUsage(&s, d)
		case "error":
			readError(&s, d)
		default:
			f.member(key, s.skip())
		}
	}
	if s.err == nil && d.Choices == 0 {
		t.conclude(d)
	}
	return leave(&s, d, &f, inArray)
}

// transcript holds what the members of a transcription say until its type is known.
type transcript struct{ kind, text, delta []byte }

// conclude writes what came.
func (t *transcript) conclude(d *Delta) {
	words := t.text
	switch kind := string(bytes.Trim(t.kind, `"`)); {
	case kind == transcriptDelta && t.delta != nil:
		words, d.Choices = t.delta, 1
	case kind == transcriptDone && t.text != nil:
		d.Message, d.Done, d.FinishReason, d.Choices = true, true, "stop", 1
	case kind == "" && t.text != nil:
		d.Message, d.FinishReason, d.Choices = true, "stop", 1
	default:
		return
	}
	s := scanner{b: words}
	if s.peek() == '"' {
		d.Content = s.appendString(d.Content)
	}
}

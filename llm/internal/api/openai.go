package api

import (
	"strconv"
	"strings"
)

// openAI is what the endpoints of chats and of completions have in common: all but their names and what they call the
// input.
type openAI struct{}

// Headers returns the key as a bearer token.
func (openAI) Headers(key string) map[string]string {
	if key == "" {
		return nil
	}
	return map[string]string{"Authorization": Bearer(key)}
}

// Bearer returns the value of the header Authorization for a key, before which some users copy the prefix too.
func Bearer(key string) string { return "Bearer " + strings.TrimPrefix(key, "Bearer ") }

// Output returns that answers are texts.
func (openAI) Output() Output { return OutputText }

// IgnoresEOS returns true: the field is an extension of vLLM and others.
func (openAI) IgnoresEOS() bool { return true }

// EndMark returns what the data of a stream's last event is.
func (openAI) EndMark() string { return "[DONE]" }

// Decode reads choices with a text, a delta or a message; a usage map; an error; and the mark that ends a stream.
func (openAI) Decode(data []byte, out *Delta) error { return decode(data, out) }

// body writes the fields around the input in the order of inference-perf.
func (openAI) body(r *Request, input func(*bodyWriter)) ([]byte, error) {
	if r.Previous != "" {
		return nil, errPrevious
	}
	w := newBody(r)
	w.text("model", r.Model)
	input(w)
	w.limit(r, MaxTokensField)
	if r.IgnoreEOS && r.MaxTokens > 0 { // without a limit an answer would go on to the end of the context
		w.plain("ignore_eos", "true") // left out when false: servers that do not know the field may refuse it
	}
	w.plain("stream", strconv.FormatBool(r.Stream))
	if r.Stream {
		w.plain("stream_options", `{"include_usage":true}`)
	}
	w.tools(r.Tools, r.ToolChoice)
	if r.AddSpecial != nil {
		w.plain("add_special_tokens", strconv.FormatBool(*r.AddSpecial))
	}
	if r.Format != nil {
		w.json("response_format", r.Format)
	}
	return w.finish()
}

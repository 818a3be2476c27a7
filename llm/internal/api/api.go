// Package api speaks the dialects of OpenAI-compatible servers: it builds request bodies and decodes answers, whole
// ones and the chunks of streamed ones. It knows no HTTP and no clock.
package api

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Request is a request to a server, in terms that all dialects share.
type Request struct {
	Model     string
	Prompt    string          // prompt of a completion
	Messages  json.RawMessage // messages of a chat: a JSON array
	MaxTokens int             // limit of the output; 0 means no limit
	IgnoreEOS bool            // generate MaxTokens whatever the model says; an extension of vLLM and others
	Stream    bool
	// MaxTokensField is the name of the field that carries the limit, see [CheckMaxTokensField]; "" means the constant
	// of that name.
	MaxTokensField string
	// AddSpecial tells the server whether to add special tokens around the prompt; nil leaves the decision to the
	// server.
	AddSpecial *bool
	Format     json.RawMessage // response_format, see [Format]; nil leaves it out
	Extra      Extra
}

// Dialect is one kind of endpoint: Chat or Completion. They differ in their names and in what they call the input;
// their answers are decoded alike. A Dialect may be used concurrently.
type Dialect struct {
	name, path string
	input      func(*bodyWriter, *Request)
}

// The dialects.
var (
	Chat = &Dialect{"chat", "/chat/completions",
		func(w *bodyWriter, r *Request) { w.json("messages", r.Messages) }}

	Completion = &Dialect{"completion", "/completions",
		func(w *bodyWriter, r *Request) { w.text("prompt", r.Prompt) }}
)

// Name returns the dialect's name in options and records.
func (d *Dialect) Name() string { return d.name }

// Path returns the endpoint's path, which follows the base URL.
func (d *Dialect) Path() string { return d.path }

// Body returns the request's JSON, its keys in the order in which inference-perf sends them, then the extra ones.
func (d *Dialect) Body(r *Request) ([]byte, error) { return body(d, r) }

// Decode reads a whole answer, or the data of one event of a streamed one, into out, whose buffers it reuses. Its error
// wraps io.ErrUnexpectedEOF if the data ends too early.
func (d *Dialect) Decode(data []byte, out *Delta) error { return decode(data, out) }

// Delta holds the content of one event, or of a whole answer. If there are several choices, it describes the first.
type Delta struct {
	Done    bool   // the end mark of a stream: no more of the answer follows
	Choices int    // in the event; 0 for usage alone, for signs of life, and for what is not an answer of a model
	Index   int    // index of the choice that is described
	Content []byte // text of the answer
	Message bool   // Content comes from a message, which streams of deltas repeat whole at their end

	Reasoning bool   // a non-empty reasoning delta
	ToolCall  bool   // a tool-call delta
	Aside     []byte // text of the reasoning; names and arguments of the tool calls

	FinishReason string
	Usage        []byte // the usage map's JSON, a slice of the decoded data; empty if there was none
	Error        string // the message of an error, in whichever form the server sent it
	Words        []byte // what an object without choices says instead, a slice of the decoded data
}

func (d *Delta) reset() { *d = Delta{Content: d.Content[:0], Aside: d.Aside[:0]} }

// ByName returns the dialect with the given name.
func ByName(name string) (*Dialect, error) {
	known := []*Dialect{Chat, Completion}
	names := make([]string, len(known))
	for i, d := range known {
		if d.Name() == name {
			return d, nil
		}
		names[i] = d.Name()
	}
	return nil, fmt.Errorf("unknown api %q, known are %s", name, strings.Join(names, ", "))
}

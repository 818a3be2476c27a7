package sim

import (
	"encoding/json"
	"net/http"
	"time"
)

// endpoint is an API that the server speaks: its form of the same answers, which come at the same times.
type endpoint struct {
	path  string
	limit int // tokens of an answer to a request without a limit; 0 demands a limit
	// prompt counts the tokens of a prompt; without a tokenizer it counts words.
	prompt func(w *wireRequest, tokens Tokenizer) (int, error)
	events func(g *generation) writer
	whole  func(g *generation, answer string) any
	fault  func(status int, message string) any // the body of a refusal
	broken string                               // the event of an injected failure
	atOnce bool                                 // the answer has no tokens: vectors, scores, pictures, a video
	calls  bool                                 // of tools can be answers
	form   bool                                 // requests are forms with files, not JSON
	// own writes an answer that is no text, from when the request was admitted; nil for texts, vectors and scores
	own func(g *generation, w http.ResponseWriter, admitted time.Time)
	// read reads a request in place of prompt; nil reads the fields of a body
	read func(r *http.Request, o *Options) (ask, error)
	noun string // with which the names of its events begin
	job  bool   // a job makes the answer
}

// writer writes the events of one answer. What its methods return is valid until the next call.
type writer interface {
	head() []byte                // what comes at once
	begin()                      // starts a chunk
	token(text string)           // adds a token's text to the chunk
	end(first, last bool) []byte // the chunk
	tail() []byte                // what follows the last chunk
	ping() []byte                // a sign of life
}

// endpoints returns all endpoints.
func endpoints() []*endpoint {
	const broken = `data: {"error":{"message":"injected failure","type":"InternalServerError","code":500}}` + "\n\n"
	chat := &endpoint{path: "/v1/chat/completions", limit: 64, fault: openAIFault, broken: broken, calls: true,
		prompt: func(w *wireRequest, tokens Tokenizer) (int, error) {
			return w.countChat(w.messages, w.tools, tokens)
		},
		events: func(g *generation) writer { return newEvents(g, chatFormOf(g.call)) },
		whole: func(g *generation, answer string) any {
			return wholeChoice(g, "chat.completion", "message", wholeTurn(g, answer))
		},
	}
	completion := &endpoint{path: "/v1/completions", limit: 16, fault: openAIFault, broken: broken,
		prompt: func(w *wireRequest, tokens Tokenizer) (int, error) { return w.countPrompt(tokens) },
		events: func(g *generation) writer { return newEvents(g, textForm) },
		whole:  func(g *generation, answer string) any { return wholeChoice(g, "text_completion", "text", answer) },
	}
	list := []*endpoint{chat, completion, messagesEndpoint(), responsesEndpoint(), embeddingsEndpoint(),
		speechEndpoint(), transcriptionEndpoint()}
	list = append(append(list, pictureEndpoints()...), videoEndpoints()...)
	return append(list, rerankEndpoints()...)
}

// wholeChoice returns an answer that is not streamed.
func wholeChoice(g *generation, object, name string, output any) any {
	return map[string]any{
		"id": g.truth.ID, "object": object, "created": time.Now().Unix(), "model": g.ask.model,
		"choices": []any{map[string]any{"index": 0, "finish_reason": g.truth.FinishReason, name: output}},
		"usage":   json.RawMessage(g.appendUsage(nil)),
	}
}

// wholeTurn returns the message of a chat's answer.
func wholeTurn(g *generation, answer string) any {
	if g.call == nil {
		return map[string]any{"role": "assistant", "content": answer}
	}
	c := toolCall{ID: g.call.id, Type: "function"}
	c.Function.Name, c.Function.Arguments = g.call.name, answer
	return map[string]any{"role": "assistant", "content": nil, "tool_calls": []toolCall{c}}
}

func openAIFault(status int, message string) any {
	return map[string]any{"error": map[string]any{
		"message": message, "type": errorKind(status), "param": nil, "code": status,
	}}
}

// refuse answers with an error in the endpoint's form.
func (e *endpoint) refuse(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, e.fault(status, message))
}

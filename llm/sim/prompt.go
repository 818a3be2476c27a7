package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxBody bounds a request's body, in bytes.
const maxBody = 64 << 20

// maxOutput bounds an answer, in tokens, whatever the request asks for.
const maxOutput = 1 << 20

// ask is a request as the server understands it.
type ask struct {
	model        string
	promptTokens int
	maxTokens    int
	ignoreEOS    bool
	stream       bool
	usage        bool // send usage in the stream
}

// wireRequest holds the fields of a request body that matter to the simulator.
type wireRequest struct {
	Model               string          `json:"model"`
	Prompt              json.RawMessage `json:"prompt"`
	Messages            json.RawMessage `json:"messages"`
	Tools               json.RawMessage `json:"tools"`
	MaxTokens           *int            `json:"max_tokens"`
	MaxCompletionTokens *int            `json:"max_completion_tokens"`
	IgnoreEOS           bool            `json:"ignore_eos"`
	AddSpecial          *bool           `json:"add_special_tokens"`
	Stream              bool            `json:"stream"`
	StreamOptions       struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

// errTooLong reports a body above maxBody.
var errTooLong = fmt.Errorf("request body over %d bytes", maxBody)

// parse reads a request body; without a tokenizer it counts words.
func parse(body io.Reader, chat bool, tokens Tokenizer) (ask, error) {
	data, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if err != nil {
		return ask{}, err
	}
	if len(data) > maxBody {
		return ask{}, errTooLong
	}
	var w wireRequest
	if err := json.Unmarshal(data, &w); err != nil {
		return ask{}, fmt.Errorf("invalid request: %w", err)
	}
	a := ask{model: w.Model, ignoreEOS: w.IgnoreEOS, stream: w.Stream, usage: w.StreamOptions.IncludeUsage,
		maxTokens: 16}
	if chat {
		a.maxTokens = 64
		a.promptTokens, err = chatTokens(w.Messages, w.Tools, tokens)
	} else {
		a.promptTokens, err = promptTokens(w.Prompt, counting(tokens, w.AddSpecial))
	}
	if err != nil {
		return ask{}, err
	}
	for _, limit := range []*int{w.MaxTokens, w.MaxCompletionTokens} {
		if limit != nil {
			a.maxTokens = *limit
		}
	}
	if a.maxTokens < 1 {
		return ask{}, fmt.Errorf("max_tokens must be at least 1, got %d", a.maxTokens)
	}
	a.maxTokens = min(a.maxTokens, maxOutput)
	return a, nil
}

func chatTokens(raw, tools json.RawMessage, tokens Tokenizer) (int, error) {
	var messages []json.RawMessage
	if err := json.Unmarshal(raw, &messages); len(raw) > 0 && err != nil {
		return 0, fmt.Errorf("messages: %w", err)
	}
	if len(messages) == 0 {
		return 0, errors.New("messages must not be empty")
	}
	words := 0
	for i, raw := range messages {
		var m struct {
			Content json.RawMessage `json:"content"`
		}
		if err := json.Unmarshal(raw, &m); err != nil {
			return 0, fmt.Errorf("messages[%d]: %w", i, err)
		}
		text, err := contentText(m.Content)
		if err != nil {
			return 0, fmt.Errorf("messages[%d].content: %w", i, err)
		}
		words += len(strings.Fields(text))
	}
	if tokens == nil {
		return words, nil
	}
	if string(tools) == "null" {
		tools = nil
	}
	n, _ := tokens.CountChat(raw, tools) // without a template only the texts are counted
	return n, nil
}

// contentText reads a string, null, or parts, some of which have a text.
func contentText(raw json.RawMessage) (string, error) {
	var text string
	if len(raw) == 0 || json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if err := json.Unmarshal(raw, &parts); err != nil {
		return "", errors.New("must be a string or an array of parts")
	}
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = p.Text
	}
	return strings.Join(texts, " "), nil
}

// counting returns how the tokens of a prompt are counted; special tokens are added unless the request forbids it.
func counting(tokens Tokenizer, special *bool) func(text string) int {
	switch {
	case tokens == nil:
		return func(text string) int { return len(strings.Fields(text)) }
	case special != nil && !*special:
		return tokens.Count
	}
	return tokens.CountSpecial
}

// promptTokens reads a string, an array of one string, or token ids.
func promptTokens(raw json.RawMessage, count func(text string) int) (int, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return 0, errors.New("prompt is missing")
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return count(text), nil
	}
	var ids []int
	if json.Unmarshal(raw, &ids) == nil {
		return len(ids), nil
	}
	var texts []string
	if json.Unmarshal(raw, &texts) == nil && len(texts) == 1 {
		return count(texts[0]), nil
	}
	return 0, errors.New("prompt must be a string, an array of one string, or an array of token ids")
}

var words = strings.Fields(
	`the quick model answers with plain words that mean nothing at all and takes its time as it was told to
	while a client counts every one of them and writes down when they came so that both can be compared later on`)

// word returns word i of the built-in vocabulary, in which each word is one token, so that counting words counts
// tokens.
func word(i int) string {
	if i == 0 {
		return "Simulated"
	}
	return " " + words[i%len(words)]
}

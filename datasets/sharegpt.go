package datasets

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// conversation is one record of a ShareGPT file.
type conversation struct {
	Conversations []json.RawMessage `json:"conversations"`
}

type turn struct {
	From  string `json:"from"`
	Value string `json:"value"`
}

// ReadShareGPT reads conversations in the ShareGPT format: a JSON array, or one after the other, of
// {"conversations": [{"from": "human", "value": …}, {"from": "gpt", "value": …}, …]}. name is the file's, for errors, which
// also tell the line.
//
// As a chat an item is a conversation up to its last answer, which it asks for again; as a completion it is the first
// question. MaxTokens is the length of the answer in the file. Conversations without a question and an answer are left out.
func ReadShareGPT(src io.Reader, name string, opts Options) (Set, error) {
	lines := &lineCounter{src: src}
	dec := json.NewDecoder(lines)
	var items list
	err := eachValue(dec, func() error {
		var c conversation
		if err := dec.Decode(&c); err != nil {
			return err
		}
		turns, err := c.turns()
		if err != nil {
			return err
		}
		if item, ok := opts.item(turns); ok {
			items = append(items, item)
		}
		return nil
	})
	if err == nil && len(items) == 0 {
		err = errEmpty
	}
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, lines.at(offset(dec, err)), plain(err))
	}
	if opts.Seed != nil {
		items.shuffle(*opts.Seed)
	}
	return items, nil
}

// eachValue calls read for each value of a stream, or of the array that a stream consists of.
func eachValue(dec *json.Decoder, read func() error) error {
	first, err := dec.Token()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("the file is empty")
		}
		return err
	}
	if first != json.Delim('[') {
		return errors.New(`expected a JSON array of {"conversations": [...]}`)
	}
	for dec.More() {
		if err := read(); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return err
	}
	return nil
}

// offset is where in the file an error lies.
func offset(dec *json.Decoder, err error) int64 {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return max(syntax.Offset, dec.InputOffset())
	}
	return dec.InputOffset()
}

// plain words for what a decoder says to a file cut short.
func plain(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("the file ends within a value")
	}
	return err
}

// turns reads the turns; some files hold them as JSON in strings.
func (c conversation) turns() ([]turn, error) {
	turns := make([]turn, 0, len(c.Conversations))
	for _, raw := range c.Conversations {
		var t turn
		var inner string
		if json.Unmarshal(raw, &inner) == nil {
			raw = json.RawMessage(inner)
		}
		if err := json.Unmarshal(raw, &t); err != nil {
			return nil, fmt.Errorf(`turn is not {"from": …, "value": …}: %w`, err)
		}
		if strings.TrimSpace(t.Value) != "" {
			turns = append(turns, t)
		}
	}
	return turns, nil
}

// item makes an item of a conversation, if it has a question and an answer.
func (o Options) item(turns []turn) (Item, bool) {
	for len(turns) > 0 && role(turns[0].From) == "assistant" {
		turns = turns[1:] // models' chat templates want a conversation to begin with the user
	}
	answer := o.answer(turns)
	if answer < 0 {
		return Item{}, false
	}
	item := Item{MaxTokens: o.tokens(turns[answer].Value)}
	if o.Form == AsCompletion {
		item.Prompt = turns[answer-1].Value
		return item, true
	}
	for _, t := range turns[:answer] {
		item.Messages = append(item.Messages, Message{Role: role(t.From), Content: t.Value})
	}
	return item, true
}

// answer is the turn to be asked for again: the first answer of a completion, the last of a chat; -1 if there is none.
func (o Options) answer(turns []turn) int {
	found := -1
	for i := 1; i < len(turns); i++ {
		if role(turns[i].From) == "assistant" && role(turns[i-1].From) == "user" {
			found = i
			if o.Form == AsCompletion {
				break
			}
		}
	}
	return found
}

// role is the chat role of a speaker as the files name them; whoever is unknown is a user.
func role(from string) string {
	switch strings.ToLower(from) {
	case "gpt", "assistant", "chatgpt", "bing", "bard", "model":
		return "assistant"
	case "system":
		return "system"
	}
	return "user"
}

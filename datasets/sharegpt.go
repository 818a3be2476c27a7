package datasets

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tidwall/gjson"
)

// turn is one entry of a conversation.
type turn struct{ from, value string }

// ReadShareGPT reads conversations in the ShareGPT format: a JSON array, or one after the other, of
// {"conversations": [{"from": "human", "value": …}, {"from": "gpt", "value": …}, …]}. name is the file's, for errors, which
// also tell the line.
//
// As a chat an item is a conversation up to its last answer, which it asks for again; as a completion it is the first
// question. MaxTokens is the length of the answer in the file. Conversations without a question and an answer are left out.
func ReadShareGPT(src io.Reader, name string, opts Options) (Set, error) {
	var items list
	records := newValues(src)
	for {
		record, line, err := records.next()
		if err == io.EOF {
			break
		}
		var turns []turn
		if err == nil {
			turns, err = readTurns(record)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		if item, ok := opts.item(turns); ok {
			items = append(items, item)
		}
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("%s: %w", name, errEmpty)
	}
	if opts.Seed != nil {
		items.shuffle(*opts.Seed)
	}
	return items, nil
}

// readTurns reads the turns of a record, {"conversations": [{"from": …, "value": …}, …]}; some files hold a turn as JSON in a
// string. Empty ones are left out.
func readTurns(record []byte) ([]turn, error) {
	if !gjson.ValidBytes(record) {
		var x any
		return nil, json.Unmarshal(record, &x) // which says what is wrong
	}
	list := gjson.GetBytes(record, "conversations")
	switch {
	case list.Type == gjson.Null: // or missing
		return nil, nil
	case !list.IsArray():
		return nil, errors.New(`"conversations" is not a list`)
	}
	var turns []turn
	var err error
	list.ForEach(func(_, v gjson.Result) bool {
		if v.Type == gjson.String && gjson.Valid(v.Str) {
			v = gjson.Parse(v.Str)
		}
		from, value := v.Get("from"), v.Get("value")
		if from.Type != gjson.String || value.Type != gjson.String {
			err = fmt.Errorf(`turn %d is not {"from": …, "value": …}`, len(turns))
			return false
		}
		if strings.TrimSpace(value.Str) != "" {
			turns = append(turns, turn{from.Str, value.Str})
		}
		return true
	})
	return turns, err
}

// item makes an item of a conversation, if it has a question and an answer.
func (o Options) item(turns []turn) (Item, bool) {
	for len(turns) > 0 && role(turns[0].from) == "assistant" {
		turns = turns[1:] // models' chat templates want a conversation to begin with the user
	}
	answer := o.answer(turns)
	if answer < 0 {
		return Item{}, false
	}
	item := Item{MaxTokens: o.tokens(turns[answer].value)}
	if o.Form == AsCompletion {
		item.Prompt = strings.Clone(turns[answer-1].value)
		return item, true
	}
	for _, t := range turns[:answer] {
		item.Messages = append(item.Messages, Message{Role: role(t.from), Content: strings.Clone(t.value)})
	}
	return item, true
}

// answer is the turn to be asked for again: the first answer of a completion, the last of a chat; -1 if there is none.
func (o Options) answer(turns []turn) int {
	found := -1
	for i := 1; i < len(turns); i++ {
		if role(turns[i].from) == "assistant" && role(turns[i-1].from) == "user" {
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

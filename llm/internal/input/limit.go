package input

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sirupsen/logrus"
	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

// limitOption is the name of the limit in messages.
const limitOption = "maxModelLen (max_model_len of a configuration)"

// keepWithin limits every request of generated conversations, with its answer, to limit tokens. It returns an error if
// the shortest first turn is longer, or if the longest answer leaves no room for a prompt of one word.
func (c *Conversations) keepWithin(limit int, set *datasets.Replay, counter *tokenizer.Counter) error {
	needed := func(item datasets.Item) int {
		return promptTokens(counter, item) + cmp.Or(item.MaxTokens, client.DefaultMaxTokens)
	}
	shortest := set.Shortest()
	if n := needed(shortest.First(c.Form)); n > limit {
		return fmt.Errorf("%s must be at least %d, the tokens of the shortest first prompt and its answer, got %d",
			limitOption, n, limit)
	}
	word, _, _ := strings.Cut(shortest.Turns[0].Text, " ")
	for _, answer := range []int{set.Output.Least(), set.Output.Most()} {
		question := datasets.Script{Turns: []datasets.Turn{{Text: word, MaxTokens: answer}}}
		if n := needed(question.First(c.Form)); n > limit {
			return fmt.Errorf("%s must be at least %d, the tokens of the longest answer and of a prompt of one "+
				"word, got %d", limitOption, n, limit)
		}
	}
	c.limit, c.Over = limit, func(item datasets.Item) int { return needed(item) - limit }
	return nil
}

// An unknown chat template is assumed to take templateTokens, as inference-perf assumes for every prompt, or
// tokensPerMessage for each message if that is more.
const templateTokens, tokensPerMessage = 200, 8

// promptTokens returns the number of tokens that a server counts for a prompt. For a chat with an unknown template it
// returns a higher estimate.
func promptTokens(counter *tokenizer.Counter, item datasets.Item) int {
	if item.Messages == nil {
		return counter.CountSpecial(item.Prompt)
	}
	messages, err := json.Marshal(item.Messages)
	if err != nil {
		panic(err) // impossible: messages hold only strings
	}
	return chatTokens(counter, messages, nil)
}

// chatTokens returns the number of tokens that a server counts for a chat, or an estimate as that of promptTokens.
func chatTokens(counter *tokenizer.Counter, messages, tools json.RawMessage) int {
	n, err := counter.CountChat(messages, tools)
	if err != nil {
		n += max(templateTokens, tokensPerMessage*int(gjson.GetBytes(messages, "#").Int()))
	}
	return n
}

// WarnOfCut logs a warning that the prompt of a turn was cut, at its first call only.
func (c *Conversations) WarnOfCut(log logrus.FieldLogger, asked *datasets.Asked) {
	c.cut.Do(func() {
		log.Warnf("%s, turn %d: the prompt was cut, as with its answer it was longer than %s, %d; so is every other "+
			"that is longer",
			plain.Terminal(asked.SessionID), asked.Turn, limitOption, c.limit)
	})
}

package replay

import (
	"fmt"
	"sort"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// fit gives a request its prompt, and checks that the model can read it and write its answer. Room that the replay
// gives beyond the least limit is taken back if there is none. It returns the prompt, which may have lost turns.
func (m *prompts) fit(a *Ask, last *message, least int) (*message, error) {
	a.Messages = last.list()
	most := m.Rules.MaxModelLen
	if most <= 0 {
		return last, nil
	}
	tokens := m.tokens(a, last)
	if tokens+least > most && m.Rules.DropOldest {
		last = m.withoutOldest(a, last, most-least)
		tokens = m.tokens(a, last)
	}
	if tokens+least > most {
		return nil, &fault{record.SessionTooLong, fmt.Sprintf("a prompt of %d tokens with an answer of %d is longer "+
			"than the %d that the model can read: leave the session out, or serve the model with a longer context",
			tokens, least, most)}
	}
	a.MaxTokens = min(a.MaxTokens, max(least, most-tokens))
	return last, nil
}

// withoutOldest returns a prompt without its oldest turns, as few as must go so that it has at most a number of tokens,
// though with its system prompt and its last turn.
func (m *prompts) withoutOldest(a *Ask, last *message, most int) *message {
	list := last.messages()
	var systems *message
	for len(list) > 0 && list[0].role == "system" {
		systems, list = list[0], list[1:]
	}
	var turns []int // where each begins
	for i, each := range list {
		if each.role == "user" {
			turns = append(turns, i)
		}
	}
	from := func(turn int) *message { return systems.copy(list[turns[turn]:]) }
	if len(turns) < 2 {
		return last
	}
	kept := 1 + sort.Search(len(turns)-2, func(i int) bool {
		return m.tokens(a, from(i+1)) <= most
	})
	last = from(kept)
	a.Messages = last.list()
	return last
}

// tokens counts the tokens of a request's prompt.
func (m *prompts) tokens(a *Ask, last *message) int {
	if m.Count != nil {
		a.Messages = last.list()
		return m.Count(a.Messages, a.Tools)
	}
	m.hashing.Lock()
	defer m.hashing.Unlock()
	return m.chain(last).Tokens()
}

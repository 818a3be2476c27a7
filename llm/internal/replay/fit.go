package replay

import (
	"encoding/json"
	"fmt"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// fit checks that the model can read a prompt and write its answer. Room that the replay gives beyond the least limit
// is taken back if there is none.
func (m *prompts) fit(a *Ask, last *message, least int) error {
	most := m.Rules.MaxModelLen
	if most <= 0 {
		return nil
	}
	tokens := m.tokens(a.Messages, last)
	if tokens+least > most {
		return &fault{record.SessionTooLong, fmt.Sprintf("a prompt of %d tokens with an answer of %d is longer than "+
			"the %d that the model can read: leave the session out, or serve the model with a longer context", tokens,
			least, most)}
	}
	a.MaxTokens = min(a.MaxTokens, max(least, most-tokens))
	return nil
}

// tokens counts the tokens of a prompt.
func (m *prompts) tokens(messages json.RawMessage, last *message) int {
	if m.Count != nil {
		return m.Count(messages)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.chain(last).Tokens()
}

package replay

import (
	"github.com/seed-307b789f/xk6-llm/internal/prefix"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// blocks fills in the blocks of a prompt. Those that it has in common with another call are named by that call.
func (m *prompts) blocks(last *message, place *record.Call, like int) {
	if like >= 0 {
		defer m.release(like)
	}
	if m.Rules.BlockSize <= 0 {
		return
	}
	m.hashing.Lock()
	defer m.hashing.Unlock()
	chain := m.chain(last)
	place.BlockSize = chain.BlockSize()
	if like >= 0 {
		if place.Shared = chain.Common(*m.chain(m.said[like].prompt)); place.Shared > 0 {
			place.SharedWith = like
		}
	}
	place.Blocks = prefix.Encode(chain.Beyond(place.Shared))
}

// chain returns the blocks of a prompt. It takes the work of those messages whose blocks were not needed yet. The
// caller holds the lock.
func (m *prompts) chain(last *message) *prefix.Chain {
	var missing []*message
	for ; last != nil && last.chain == nil; last = last.before {
		missing = append(missing, last)
	}
	chain := &m.empty
	if last != nil {
		chain = last.chain
	}
	for i := len(missing) - 1; i >= 0; i-- {
		read := prefix.ReadMessage(missing[i].json)
		if m.Joined {
			read.Role = ""
		}
		next := chain.Append(read)
		chain, missing[i].chain = &next, &next
	}
	return chain
}

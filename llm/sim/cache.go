package sim

import (
	"hash/fnv"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/prefix"
)

// Unlimited, as Options.PrefixCacheTokens, is a cache that forgets nothing.
const Unlimited = -1

// newCache returns the cache that the options ask for, nil for none.
func (o *Options) newCache() *prefix.Cache {
	switch o.PrefixCacheTokens {
	case 0:
		return nil
	case Unlimited:
		return prefix.NewCache(0)
	}
	return prefix.NewCache(o.PrefixCacheTokens / o.CacheBlock)
}

// blocks returns the hashes of a prompt's full blocks; none if there is no cache. An answer by whose id a conversation
// goes on is not looked up.
func (s *Server) blocks(a *ask) []prefix.Hash {
	if s.opts.PrefixCacheTokens == 0 || a.previous != "" {
		return nil
	}
	var t prefix.Tokenizer
	if s.opts.tokens != nil {
		t = s.opts.tokens
	}
	return prefix.New(s.opts.CacheBlock, t).Append(a.said...).Hashes()
}

// arrive numbers a request, from 0, and returns how many tokens of its prompt are in the cache, where all of it is from
// then on, as its media are in the encoder's. Each request seeds a generator with its number. The script begins when
// the first was received.
func (s *Server) arrive(l *life, a *ask, received time.Time) (number uint64, cached int) {
	blocks := s.blocks(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	number = s.requests
	s.requests++
	if number == 0 {
		s.begin(received)
	}
	a.media.encode(l.encoded)
	if l.cache == nil {
		return number, 0
	}
	return number, min(l.cache.Request(blocks)*s.opts.CacheBlock, a.promptTokens)
}

// hash returns a number for what a request says, whatever else it asks for.
func (w *wireRequest) hash() uint64 {
	h := fnv.New64a()
	messages, input := w.messages.Raw, w.input.Raw
	if len(w.media.list) > 0 {
		messages, input = string(w.marked), ""
	}
	for _, part := range [...]string{w.system.Raw, w.instructions, messages, input, w.prompt.Raw,
		w.inputs.query, w.documents.Raw} {
		_, _ = h.Write([]byte(part)) // cannot fail
		_, _ = h.Write([]byte{0})
	}
	return h.Sum64()
}

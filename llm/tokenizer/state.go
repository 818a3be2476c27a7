package tokenizer

import (
	"hash/maphash"
	"unicode/utf8"
)

// state is what one encoding needs at a time. States are pooled: after a few calls nothing is allocated.
type state struct {
	t      *Tokenizer
	ids    []int32
	text   []byte
	normal []buffer // one for each normalizer
	pieces []buffer // one for each pre-tokenizer
	model  scratch
	cache  []cachedWord
}

func newState(t *Tokenizer) *state {
	return &state{
		t:      t,
		normal: make([]buffer, len(t.normalizers)),
		pieces: make([]buffer, len(t.steps)),
		cache:  make([]cachedWord, cacheSize),
	}
}

// encode puts the ids of text into s.ids, without special tokens.
func (s *state) encode(text string) {
	s.ids = s.ids[:0]
	s.text = append(s.text[:0], text...)
	if !utf8.Valid(s.text) {
		s.text = appendValid(nil, s.text)
	}
	s.cut(s.t.added.raw, s.text, true, (*state).normalized)
}

// cut takes the added tokens out of text and passes what lies between to rest.
func (s *state) cut(f *tokenFinder, text []byte, first bool, rest func(*state, []byte, bool)) {
	done := 0
	if f != nil {
		for from := 0; ; {
			tok, match, ok := f.next(text, from, done)
			if !ok {
				break
			}
			if done < tok.start {
				rest(s, text[done:tok.start], first && done == 0)
			}
			s.ids = append(s.ids, tok.id)
			from, done = match, tok.end
		}
	}
	if done < len(text) {
		rest(s, text[done:], first && done == 0)
	}
}

func (s *state) normalized(text []byte, first bool) {
	for i, n := range s.t.normalizers {
		text, first = n.normalize(&s.normal[i], text, first)
	}
	s.cut(s.t.added.normal, text, first, func(s *state, text []byte, first bool) { s.pass(0, text, first) })
}

// pass hands a piece to pre-tokenizer number next, or to the model after the last.
func (s *state) pass(next int, piece []byte, first bool) {
	switch {
	case len(piece) == 0:
	case next < len(s.t.steps):
		s.t.steps[next].split(s, next, piece, first)
	case s.t.spaced != nil:
		for len(piece) > 0 {
			n := s.t.spaced.nextWord(piece)
			s.word(piece[:n])
			piece = piece[n:]
		}
	default:
		s.word(piece)
	}
}

// cacheSize is how many words a state remembers; each takes 64 bytes.
const cacheSize = 1 << 12

// cachedWord is a word with its ids.
type cachedWord struct {
	length, n uint8
	word      [22]byte
	ids       [10]int32
}

// word appends the ids of a piece that is not cut further.
func (s *state) word(piece []byte) {
	var slot *cachedWord
	if len(piece) <= len(slot.word) {
		slot = &s.cache[maphash.Bytes(s.t.seed, piece)%cacheSize]
		if int(slot.length) == len(piece) && string(slot.word[:slot.length]) == string(piece) {
			s.ids = append(s.ids, slot.ids[:slot.n]...)
			return
		}
	}
	before := len(s.ids)
	s.ids = s.t.model.tokenize(&s.model, s.ids, piece)
	if n := len(s.ids) - before; slot != nil && n <= len(slot.ids) {
		slot.length, slot.n = uint8(len(piece)), uint8(n)
		copy(slot.word[:], piece)
		copy(slot.ids[:], s.ids[before:])
	}
}

// Package tokenizer counts tokens as the model's server counts them.
//
// A Tokenizer reads a model's tokenizer.json, and encodes and decodes exactly as Hugging Face's tokenizers library
// (0.23) does: the same ids for the same text, whatever the text. It supports byte-pair encoding, WordPiece, Unigram
// and word-level models, with all normalizers, pre-tokenizers and decoders of published language models. Parse returns
// an error that names what it does not support; a count is never almost right. Truncation and padding, which a file may
// ask for, are left out: a counter needs the whole text. A Counter adds the model's chat template, and counts chats.
//
// Text that is not UTF-8 is read as Python's errors="replace" reads it.
//
// The cost of encoding grows with the length of the text, for one long word as n log n. A word that occurred before
// costs a look into a table.
package tokenizer

import (
	"fmt"
	"hash/maphash"
	"strings"
	"sync"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// Tokenizer encodes text. Make one with Load or Parse. It may be used concurrently.
type Tokenizer struct {
	normalizers    []normalizer
	steps          []step
	model          model
	spaced         *bpe // the model, if words may be cut at spaces before it sees them
	added          *addedTokens
	decoders       []decoder
	joined         string  // what stands between tokens if there is no decoder
	before, behind []int32 // special tokens around a text
	seed           maphash.Seed
	states         sync.Pool // of *state
}

// Load reads a tokenizer.json file, see Parse.
func Load(path string) (*Tokenizer, error) {
	data, err := textfile.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// Encode returns the ids of text without the special tokens that a model wants around it. It recognises special tokens
// that stand in the text.
func (t *Tokenizer) Encode(text string) []int32 {
	return t.encode(text, nil, nil)
}

// EncodeSpecial returns the ids of text with the special tokens around it, in the form in which a model gets a prompt.
func (t *Tokenizer) EncodeSpecial(text string) []int32 {
	return t.encode(text, t.before, t.behind)
}

func (t *Tokenizer) encode(text string, before, behind []int32) []int32 {
	s := t.states.Get().(*state)
	defer t.states.Put(s)
	s.encode(text)
	ids := make([]int32, 0, len(before)+len(s.ids)+len(behind))
	return append(append(append(ids, before...), s.ids...), behind...)
}

// Count returns len(t.Encode(text)) without allocating.
func (t *Tokenizer) Count(text string) int {
	s := t.states.Get().(*state)
	defer t.states.Put(s)
	s.encode(text)
	return len(s.ids)
}

// CountSpecial returns len(t.EncodeSpecial(text)) without allocating.
func (t *Tokenizer) CountSpecial(text string) int {
	return len(t.before) + t.Count(text) + len(t.behind)
}

// Decode returns the text of ids. It writes special tokens unless skipSpecial is set, and ignores ids without a token.
func (t *Tokenizer) Decode(ids []int32, skipSpecial bool) string {
	tokens := make([]string, 0, len(ids))
	for _, id := range ids {
		if i, ok := t.added.byID[id]; ok {
			if tok := t.added.tokens[i]; !skipSpecial || !tok.special || tok.written != tok.content {
				tokens = append(tokens, tok.written)
			}
			continue
		}
		if piece, ok := t.model.piece(id); ok {
			tokens = append(tokens, string(piece))
		}
	}
	for _, d := range t.decoders {
		tokens = d.decode(tokens)
	}
	return strings.Join(tokens, t.joined)
}

// Len returns the number of tokens: the model's and those added to it.
func (t *Tokenizer) Len() int {
	n := t.model.len()
	for id := range t.added.byID {
		if _, ok := t.model.piece(id); !ok {
			n++
		}
	}
	return n
}

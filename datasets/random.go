package datasets

import (
	"fmt"
	"math/rand/v2"
)

// Random makes prompts of random words of the tokenizer's vocabulary: item i is one of a length drawn, exact. It is
// endless unless Trace is set.
type Random struct {
	Generated
	// Trace, if set, gives the lengths of item i in place of Input and Output, and ends the set.
	Trace []Lengths
	// Before and After, if set, are written around each text, as a chat template does for a message of the user. The
	// lengths are then those of all, without special tokens: the server must add none.
	Before, After string

	lexicon *lexicon
}

// framed counts texts with what is written around them in place of special tokens.
type framed struct {
	Tokenizer
	before, after string
}

// CountSpecial is the number of tokens of a text with what is written around it.
func (f framed) CountSpecial(text string) int { return f.Count(f.before + text + f.after) }

// NewRandom checks the options.
func NewRandom(r Random) (*Random, error) {
	if r.Trace == nil {
		if err := r.validate(); err != nil {
			return nil, err
		}
	}
	tokenizer := r.Tokenizer
	if r.framed() && tokenizer != nil {
		tokenizer = framed{tokenizer, r.Before, r.After}
	}
	var err error
	if r.lexicon, err = newLexicon(tokenizer); err != nil {
		return nil, err
	}
	if r.framed() {
		r.lexicon.frame = "the chat template alone has"
	}
	if r.Trace == nil {
		return &r, r.reaches(r.lexicon)
	}
	for _, l := range r.Trace {
		if err := r.lexicon.reaches(int(l.Prompt)); err != nil {
			return nil, fmt.Errorf("line %d of the trace: %w", l.Line, err)
		}
	}
	return &r, nil
}

func (r *Random) framed() bool { return r.Before != "" || r.After != "" }

// At is item number i; past the end of a trace it begins again.
func (r *Random) At(i int64) (Item, error) {
	if r.Trace != nil {
		i %= int64(len(r.Trace))
	}
	length, output, rng := r.lengths("random", i, Distribution.Draw)
	text, err := r.lexicon.text(rng, length)
	item := r.item(r.Before+text+r.After, length, output)
	item.Bare = r.framed()
	return item, err
}

// lengths are those of item i, drawn or of the trace, with the generator of its text.
func (r *Random) lengths(purpose string, i int64,
	length func(Distribution, *rand.Rand) int) (input, output int, text *rand.Rand) {
	if r.Trace == nil {
		return r.draw(purpose, i, length)
	}
	return int(r.Trace[i].Prompt), int(r.Trace[i].Answer), stream(r.Seed, r.Salt, purpose, i)
}

// Len is the number of a trace's lines, and false without one: then there is no end.
func (r *Random) Len() (int64, bool) { return int64(len(r.Trace)), r.Trace != nil }

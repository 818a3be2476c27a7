package datasets

import (
	"fmt"
	"math/rand/v2"
)

// Random makes prompts from random words of the tokenizer's vocabulary: item i has a length that is drawn and exact.
// Without a tokenizer it makes them from common words, and the length is about what was drawn. The set is endless
// unless Trace is set.
type Random struct {
	Generated
	// Trace, if set, holds the lengths of item i in place of Input and Output, and ends the set.
	Trace []Lengths
	// Before and After, if set, are written around each text, as a chat template does for a message of the user. The
	// lengths then include both, and no special tokens: the server must not add any.
	Before, After string

	lexicon *lexicon
}

// framed counts texts with the text written around them in place of special tokens.
type framed struct {
	Tokenizer
	before, after string
}

// CountSpecial returns the number of tokens of a text with the text written around it.
func (f framed) CountSpecial(text string) int { return f.Count(f.before + text + f.after) }

// NewRandom checks the options.
func NewRandom(r Random) (*Random, error) {
	if r.Trace == nil {
		if err := r.validate(); err != nil {
			return nil, err
		}
	}
	if r.framed() && r.Tokenizer != nil {
		r.Tokenizer = framed{Tokenizer: r.Tokenizer, before: r.Before, after: r.After}
	}
	var err error
	if r.lexicon, err = r.newLexicon(); err != nil {
		return nil, err
	}
	if r.framed() {
		r.lexicon.overheadName = "the chat template alone has"
	}
	if r.Trace == nil {
		return &r, r.checkShortest(r.lexicon)
	}
	for _, l := range r.Trace {
		if err := r.lexicon.checkLength(int(l.Prompt)); err != nil {
			return nil, fmt.Errorf("line %d of the trace: %w", l.Line, err)
		}
	}
	return &r, nil
}

func (r *Random) framed() bool { return r.Before != "" || r.After != "" }

// At returns item number i; past the end of a trace it begins again.
func (r *Random) At(i int64) (Item, error) {
	if r.Trace != nil {
		i %= int64(len(r.Trace))
	}
	length, output, rng := r.lengths("random", i, Distribution.Draw)
	text, err := r.lexicon.randomText(rng, length)
	item := r.item(r.Before+text+r.After, length, output)
	item.Bare = r.framed()
	return item, err
}

// lengths returns the lengths of item i, drawn or taken from the trace, with the random numbers of its text.
func (r *Random) lengths(purpose string, i int64,
	length func(Distribution, *rand.Rand) int) (input, output int, text *rand.Rand) {
	if r.Trace == nil {
		return r.draw(purpose, i, length)
	}
	return int(r.Trace[i].Prompt), int(r.Trace[i].Answer), stream(r.Seed, r.Salt, purpose, i)
}

// Len returns the number of a trace's lines. Without a trace it reports false: the set is endless.
func (r *Random) Len() (int64, bool) { return int64(len(r.Trace)), r.Trace != nil }

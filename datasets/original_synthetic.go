package datasets

import (
	"errors"
	"fmt"
)

// originalLead is the line before the text from which synthetic prompts are cut. Any line of about a dozen words would
// do.
const originalLead = "Go on with what you read here, in as many words as you like:\n"

// OriginalSynthetic makes the prompts of inference-perf's type synthetic: pieces of a text that begin at a random
// token. Item i is a completion whose length is drawn and exact. The set is endless.
type OriginalSynthetic struct {
	Generated
	original *original
	corpus   []int32
}

// NewOriginalSynthetic checks the options. It ignores Form and Tokenizer. The corpus is tokenized once, unchanged.
func NewOriginalSynthetic(v Vocabulary, g Generated, corpus string) (*OriginalSynthetic, error) {
	o, err := newOriginal(v)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(g.validate(), g.checkOriginalTypes()); err != nil {
		return nil, err
	}
	if err := o.checkLength(g.Input.shortestOriginal()); err != nil {
		return nil, fmt.Errorf("input distribution: %w", err)
	}
	g.Form = AsCompletion
	s := &OriginalSynthetic{Generated: g, original: o, corpus: v.EncodeSpecial(originalLead + corpus)}
	if len(s.corpus) <= g.Input.Max {
		return nil, fmt.Errorf("the corpus has %d tokens, too few for the longest prompt of %d", len(s.corpus),
			g.Input.Max)
	}
	return s, nil
}

// At returns item number i.
func (s *OriginalSynthetic) At(i int64) (Item, error) {
	length, output, rng := s.draw("inference-perf synthetic", i, Distribution.drawUnshared)
	text, _, err := s.original.exactText(length, func() ([]int32, mender) {
		return s.piece(below(rng, len(s.corpus)-length), length)
	})
	return s.item(text, length, output), err
}

// piece returns n ids of the corpus, beginning at index from, and a mender that moves the end of the piece or, at the
// end of the corpus, its beginning.
func (s *OriginalSynthetic) piece(from, n int) ([]int32, mender) {
	return s.corpus[from : from+n], func(_ []int32, missing int) []int32 {
		n = max(1, n+missing)
		size := min(n, len(s.corpus))
		begin := min(from, len(s.corpus)-size)
		return s.corpus[begin : begin+size]
	}
}

// Len reports that the set is endless.
func (s *OriginalSynthetic) Len() (int64, bool) { return 0, false }

package datasets

import (
	"errors"
	"fmt"
)

// originalLead is the line before the text that synthetic prompts are pieces of. Any of about a dozen words is alike.
const originalLead = "Go on with what you read here, in as many words as you like:\n"

// OriginalSynthetic makes the prompts of inference-perf's type synthetic: pieces of a text from a random token on. Item
// i is a completion of a length drawn, exact. It is endless.
type OriginalSynthetic struct {
	Generated
	original *original
	corpus   []int32
}

// NewOriginalSynthetic checks the options, of which Form and Tokenizer are not used. The corpus is tokenized once, as
// it is.
func NewOriginalSynthetic(v Vocabulary, g Generated, corpus string) (*OriginalSynthetic, error) {
	o, err := newOriginal(v)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(g.validate(), g.drawable()); err != nil {
		return nil, err
	}
	if err := o.reaches(g.Input.shortest()); err != nil {
		return nil, fmt.Errorf("input distribution: %w", err)
	}
	g.Form = AsCompletion
	s := &OriginalSynthetic{g, o, v.EncodeSpecial(originalLead + corpus)}
	if len(s.corpus) <= g.Input.Max {
		return nil, fmt.Errorf("the corpus has %d tokens, too few for the longest prompt of %d", len(s.corpus),
			g.Input.Max)
	}
	return s, nil
}

// At is item number i.
func (s *OriginalSynthetic) At(i int64) (Item, error) {
	length, output, rng := s.draw("inference-perf synthetic", i, Distribution.unshared)
	text, _, err := s.original.exact(length, func() ([]int32, mender) {
		return s.piece(below(rng, len(s.corpus)-length), length)
	})
	return s.item(text, length, output), err
}

// piece is n ids of the corpus from one on. It is mended at its end or, at the end of the corpus, at its beginning.
func (s *OriginalSynthetic) piece(from, n int) ([]int32, mender) {
	return s.corpus[from : from+n], func(_ []int32, missing int) []int32 {
		n = max(1, n+missing)
		size := min(n, len(s.corpus))
		begin := min(from, len(s.corpus)-size)
		return s.corpus[begin : begin+size]
	}
}

// Len says that there is no end.
func (s *OriginalSynthetic) Len() (int64, bool) { return 0, false }

package input

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seed-307b789f/xk6-llm/datasets"
)

// MixKind is the type of a data set that deals its items to the data sets of its parts.
const MixKind = "mix"

// mixUses are the options that a mix takes, all but the parts on behalf of those parts that leave them open.
var mixUses = []string{"parts", "tokenizer", "tokensPerWord", "salt"}

// checkMix checks the options of a mix, and those that the data sets of its parts take over.
func checkMix(o *DatasetOptions, given map[string]bool) error {
	switch {
	case !given["parts"]:
		return invalid("parts", errors.New(
			"is missing: a list such as [{share: 0.7, label: 'chat', type: 'random', …}]"))
	case given["tokensPerWord"]:
		if err := o.checkEstimate(); err != nil {
			return invalid("tokensPerWord", err)
		}
	}
	return nil
}

// PartOptions returns the options of the data set of a part, before its own are read: those of the mix.
func PartOptions(o *DatasetOptions) DatasetOptions {
	part := DefaultDatasetOptions()
	part.API, part.Tokenizer, part.Salt, part.MaxTokens = o.API, o.Tokenizer, o.Salt, o.MaxTokens
	part.Batch, part.Documents, part.Sizes = o.Batch, o.Documents, o.Sizes
	return part
}

// CheckPart settles and checks the options of the data set of part number i, from 0, of which given holds those of its
// own. Parts that make their prompts up follow the seed of the mix, each with other draws, so that parts that are alike
// do not send the same prompts; files keep their order.
func CheckPart(o *DatasetOptions, i int, part *DatasetOptions, given map[string]bool) error {
	if part.Kind == MixKind {
		return errors.New("a part is no mix itself: list its parts beside the others, with their shares of the whole")
	}
	if part.Seed == nil && (slices.Contains(generatedKinds, part.Kind) || part.Kind == soundKind) {
		part.Seed = new(seedOf(o) + int64(i))
	}
	if o.TokensPerWord != 0 && part.Tokenizer == "" && slices.Contains(part.uses(), "tokensPerWord") &&
		!given["tokensPerWord"] {
		part.TokensPerWord, given["tokensPerWord"] = o.TokensPerWord, true
	}
	return part.Check(given)
}

// seedOf returns the seed, or the one that no seed stands for.
func seedOf(o *DatasetOptions) int64 {
	if o.Seed == nil {
		return 0
	}
	return *o.Seed
}

// OpenMix returns a mix of open data sets, each with its share. It makes the mix once per process for equal sets.
func (s *Shared) OpenMix(o *DatasetOptions, shares []float64, parts []*Set) (*Set, error) {
	key := setKey{session: MixKind, seed: optional[int64]{true, seedOf(o)}}
	for i, part := range parts {
		key.session += fmt.Sprintf(" %v of %p", shares[i], part)
	}
	return s.sets.Get(key, func() (*Set, error) {
		var sets []datasets.Set
		for _, part := range parts {
			sets = append(sets, part.Set)
		}
		mix, err := datasets.NewMix(seedOf(o), shares, sets...)
		if err != nil {
			return nil, invalid("parts", err)
		}
		s.generated.add(MixKind, seedOf(o), "")
		return &Set{Set: mix, parts: parts}, nil
	})
}

// Turns reports whether the items follow one another, as the turns of conversations and the calls of sessions do.
func (s *Set) Turns() bool {
	_, turns := s.Set.(*Conversations)
	return turns || s.Sessions != nil
}

// setOf returns the set that an item of a set is of: itself, or the part of a mix, with the item's number there.
func setOf(s *Set, number int64) (*Set, int64) {
	if mix, ok := s.Set.(*datasets.Mix); ok {
		part, n := mix.Of(number)
		return s.parts[part], n
	}
	return s, number
}

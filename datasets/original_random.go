package datasets

import (
	"errors"
	"fmt"
)

// OriginalRandom makes the prompts of inference-perf's type random: random ids, decoded. Item i is a completion whose
// length is drawn and exact. The set is endless unless Trace is set.
type OriginalRandom struct {
	Random
	original *original
}

// NewOriginalRandom checks the options. It ignores Form and Tokenizer.
func NewOriginalRandom(v Vocabulary, r Random) (*OriginalRandom, error) {
	o, err := newOriginal(v)
	if err != nil {
		return nil, err
	}
	r.Form = AsCompletion
	if r.framed() {
		o.count = func(text string) int { return v.Count(r.Before + text + r.After) }
		o.overhead, o.overheadName = o.count(""), "the chat template alone has"
	}
	if r.Trace == nil {
		if err := errors.Join(r.validate(), r.checkOriginalTypes()); err != nil {
			return nil, err
		}
		if err := o.checkLength(r.Input.shortestOriginal()); err != nil {
			return nil, fmt.Errorf("input distribution: %w", err)
		}
	}
	for _, l := range r.Trace {
		if err := o.checkLength(int(l.Prompt)); err != nil {
			return nil, fmt.Errorf("line %d of the trace: %w", l.Line, err)
		}
	}
	return &OriginalRandom{Random: r, original: o}, nil
}

// At returns item number i; past the end of a trace it begins again.
func (r *OriginalRandom) At(i int64) (Item, error) {
	if r.Trace != nil {
		i %= int64(len(r.Trace))
	}
	length, output, rng := r.lengths("inference-perf random", i, Distribution.drawUnshared)
	text, _, err := r.original.randomText(rng, length)
	item := r.item(r.Before+text+r.After, length, output)
	item.Bare = r.framed()
	return item, err
}

package datasets

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// Vocabulary is a tokenizer that exposes its ids. It may be used concurrently.
type Vocabulary interface {
	Tokenizer
	// Plain returns the ids of the model's own vocabulary without special tokens.
	Plain() []int32
	// EncodeSpecial returns the ids of a text, with special tokens around them.
	EncodeSpecial(text string) []int32
	// Decode returns the text of ids; skipSpecial leaves special tokens out.
	Decode(ids []int32, skipSpecial bool) string
}

// original makes texts as inference-perf 0.7.0 does: it draws ids, decodes them, and mends them until the text has the
// number of tokens asked for. Decoded ids are rarely the ids of their text, so that a length is reached by trial.
type original struct {
	vocabulary   Vocabulary
	plain        []int32
	count        func(text string) int
	overhead     int    // tokens around an empty text
	overheadName string // the overhead in words, for messages that state its number
}

func newOriginal(v Vocabulary) (*original, error) {
	if v == nil {
		return nil, errors.New("a tokenizer is needed: prompts are made of its ids")
	}
	plain := v.Plain()
	if len(plain) == 0 {
		return nil, errors.New("the tokenizer has special tokens only")
	}
	return &original{
		vocabulary: v, plain: plain, count: v.CountSpecial, overhead: v.CountSpecial(""),
		overheadName: "special tokens alone are",
	}, nil
}

// checkLength returns an error if no text of a length can be made.
func (o *original) checkLength(length int) error {
	if length <= o.overhead {
		return fmt.Errorf("a prompt of %d tokens cannot be made: %s %d", length, o.overheadName, o.overhead)
	}
	return nil
}

// A mender makes ids longer or, if missing is negative, shorter. It may write into ids.
type mender func(ids []int32, missing int) []int32

// draws is the number of beginnings that are mended before a length is given up. inference-perf gives up after the
// first and loses the request.
const draws = 100

// exactText returns a text of length tokens and the ids that it was decoded from.
func (o *original) exactText(length int, begin func() ([]int32, mender)) (string, []int32, error) {
	if err := o.checkLength(length); err != nil {
		return "", nil, err
	}
	for range draws {
		ids, mend := begin()
		for range tries {
			text := o.vocabulary.Decode(ids, true)
			n := o.count(text)
			if n == length {
				return text, ids, nil
			}
			ids = mend(ids, length-n)
		}
	}
	return "", nil, fmt.Errorf("no prompt of %d tokens came about in %d draws of ids", length, draws)
}

// appendRandom appends n random ids.
func (o *original) appendRandom(ids []int32, rng *rand.Rand, n int) []int32 {
	for range n {
		ids = append(ids, o.plain[below(rng, len(o.plain))])
	}
	return ids
}

// newMender returns a mender that appends random ids, or removes ids from the end but keeps the first keep.
func (o *original) newMender(rng *rand.Rand, keep int) mender {
	return func(ids []int32, missing int) []int32 {
		if missing > 0 {
			return o.appendRandom(ids, rng, missing)
		}
		return ids[:max(keep, len(ids)+missing)]
	}
}

// randomText returns a text of random ids.
func (o *original) randomText(rng *rand.Rand, length int) (string, []int32, error) {
	return o.exactText(length, func() ([]int32, mender) {
		return o.appendRandom(nil, rng, length), o.newMender(rng, 0)
	})
}

// drawOriginal draws a length as inference-perf does: with unshared as for random and synthetic prompts, otherwise as
// for shared prefixes. The number drawn is limited to Min and Max, rounded half to even, and limited again.
//
//   - uniform: real numbers from Min, up to Max if unshared and up to Max+1 if not, so that the ends have other weights
//     than the rest.
//   - lognormal: the number itself or, if unshared, its distance from Min is lognormal; the moments are as given.
//   - skew_normal: Mean and StdDev are location and scale, not the moments.
//   - fixed: the whole part of Mean, whatever Min and Max.
func (d Distribution) drawOriginal(rng *rand.Rand, unshared bool) int {
	if d.Type == Fixed {
		return int(d.Mean)
	}
	low, high := float64(d.Min), float64(d.Max)
	x := math.RoundToEven(min(max(d.drawOriginalReal(rng, unshared), low), high))
	return int(min(max(x, low), high))
}

// drawUnshared draws a length as inference-perf does for random and synthetic prompts.
func (d Distribution) drawUnshared(rng *rand.Rand) int { return d.drawOriginal(rng, true) }

func (d Distribution) drawOriginalReal(rng *rand.Rand, unshared bool) float64 {
	low := float64(d.Min)
	switch d.Type {
	case Uniform:
		width := float64(d.Max - d.Min)
		if !unshared {
			width++
		}
		return low + width*unit(rng)
	case Lognormal:
		if !unshared {
			return d.drawReal(rng)
		}
		mean := d.Mean - low
		if mean <= 0 {
			mean = 1
		}
		return low + Distribution{Type: Lognormal, Mean: mean, StdDev: d.StdDev}.drawReal(rng)
	case SkewNormal:
		delta := d.Skew / math.Sqrt(1+d.Skew*d.Skew)
		u, v := gauss(rng), gauss(rng)
		z := delta*u + math.Sqrt(1-delta*delta)*v
		if u < 0 {
			z = -z
		}
		return d.Mean + d.StdDev*z
	case Poisson:
		if d.Mean <= 0 {
			return float64(poisson(rng, 1))
		}
	}
	return d.drawReal(rng)
}

// checkOriginalTypes reports a distribution that inference-perf knows only for shared prefixes.
func (g Generated) checkOriginalTypes() error {
	for name, d := range map[string]Distribution{"input": g.Input, "output": g.Output} {
		if d.Type == SkewNormal || d.Type == Poisson {
			return fmt.Errorf("%s distribution: inference-perf draws no %s lengths for these prompts: use normal, "+
				"lognormal, uniform or fixed", name, d.Type)
		}
	}
	return nil
}

// shortestOriginal returns the smallest length that drawOriginal can draw.
func (d Distribution) shortestOriginal() int {
	if d.Type == Fixed {
		return int(d.Mean)
	}
	return d.Min
}

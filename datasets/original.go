package datasets

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// Vocabulary is a tokenizer that shows its ids. It may be used concurrently.
type Vocabulary interface {
	Tokenizer
	// Plain are the ids of the model's own vocabulary but for special tokens.
	Plain() []int32
	// EncodeSpecial is the ids of a text, with special tokens around them.
	EncodeSpecial(text string) []int32
	// Decode is the text of ids; skipSpecial leaves special tokens out.
	Decode(ids []int32, skipSpecial bool) string
}

// original makes texts as inference-perf 0.7.0 does: of ids that are drawn and decoded, then mended until the text has
// the tokens asked for. Decoded ids are rarely the ids of their text, so that a count comes about by trial.
type original struct {
	vocabulary Vocabulary
	plain      []int32
	count      func(text string) int
	around     int    // tokens of no text at all
	frame      string // says whose they are, before their number
}

func newOriginal(v Vocabulary) (*original, error) {
	if v == nil {
		return nil, errors.New("a tokenizer is needed: prompts are made of its ids")
	}
	plain := v.Plain()
	if len(plain) == 0 {
		return nil, errors.New("the tokenizer has special tokens only")
	}
	return &original{v, plain, v.CountSpecial, v.CountSpecial(""), "special tokens alone are"}, nil
}

// reaches reports why no text of a length can be made, nil if one can.
func (o *original) reaches(length int) error {
	if length <= o.around {
		return fmt.Errorf("a prompt of %d tokens cannot be made: %s %d", length, o.frame, o.around)
	}
	return nil
}

// A mender makes ids longer or, if missing is negative, shorter. It may write into ids.
type mender func(ids []int32, missing int) []int32

// draws is how many beginnings are mended before a length is given up. inference-perf gives up after the first, and the
// request is lost.
const draws = 100

// exact is a text of length tokens and the ids it was decoded from.
func (o *original) exact(length int, begin func() ([]int32, mender)) (string, []int32, error) {
	if err := o.reaches(length); err != nil {
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

// draw appends n random ids.
func (o *original) draw(ids []int32, rng *rand.Rand, n int) []int32 {
	for range n {
		ids = append(ids, o.plain[below(rng, len(o.plain))])
	}
	return ids
}

// mender appends random ids, or drops the last but for so many.
func (o *original) mender(rng *rand.Rand, keep int) mender {
	return func(ids []int32, missing int) []int32 {
		if missing > 0 {
			return o.draw(ids, rng, missing)
		}
		return ids[:max(keep, len(ids)+missing)]
	}
}

// random is a text of random ids.
func (o *original) random(rng *rand.Rand, length int) (string, []int32, error) {
	return o.exact(length, func() ([]int32, mender) { return o.draw(nil, rng, length), o.mender(rng, 0) })
}

// original draws a length as inference-perf does; unshared is how it does so for random and synthetic prompts, else it
// is as for shared prefixes. Whole numbers come of rounding half to even between two cuts to Min and Max.
//
//   - uniform: real numbers from Min, to Max if unshared and to Max+1 if not, so that the ends have other weights
//     than the rest.
//   - lognormal: moments as given, of the number itself or, if unshared, of what it is above Min, to which Min
//     is added.
//   - skew_normal: Mean and StdDev are location and scale, not the moments.
//   - fixed: what is before the point of Mean, whatever Min and Max.
func (d Distribution) original(rng *rand.Rand, unshared bool) int {
	if d.Type == Fixed {
		return int(d.Mean)
	}
	low, high := float64(d.Min), float64(d.Max)
	x := math.RoundToEven(min(max(d.originalReal(rng, unshared), low), high))
	return int(min(max(x, low), high))
}

// unshared draws a length as inference-perf does for random and synthetic prompts.
func (d Distribution) unshared(rng *rand.Rand) int { return d.original(rng, true) }

func (d Distribution) originalReal(rng *rand.Rand, unshared bool) float64 {
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
			return d.real(rng)
		}
		mean := d.Mean - low
		if mean <= 0 {
			mean = 1
		}
		return low + Distribution{Type: Lognormal, Mean: mean, StdDev: d.StdDev}.real(rng)
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
	return d.real(rng)
}

// drawable names a distribution that inference-perf knows for shared prefixes only.
func (g Generated) drawable() error {
	for name, d := range map[string]Distribution{"input": g.Input, "output": g.Output} {
		if d.Type == SkewNormal || d.Type == Poisson {
			return fmt.Errorf("%s distribution: inference-perf draws no %s lengths for these prompts: use normal, "+
				"lognormal, uniform or fixed", name, d.Type)
		}
	}
	return nil
}

// shortest is the smallest length that original draws.
func (d Distribution) shortest() int {
	if d.Type == Fixed {
		return int(d.Mean)
	}
	return d.Min
}

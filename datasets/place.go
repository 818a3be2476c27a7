package datasets

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"unicode/utf8"
)

// Place says where media stand in a text, by a number from 0, before it, to 1, behind it. The zero value is before it.
type Place struct {
	At    float64       // used unless Drawn or Anywhere is set
	Drawn *Distribution // draws the number, which need not be whole
	// Anywhere draws it from 0 to 1, all numbers equally likely.
	Anywhere bool
}

// Validate returns an error that names the fault of the place.
func (p Place) Validate() error {
	switch {
	case p.Drawn != nil && p.Drawn.Max > 1:
		return fmt.Errorf("min and max must be 0 or 1, before the text or behind it, got %d and %d", p.Drawn.Min,
			p.Drawn.Max)
	case p.Drawn != nil:
		return p.Drawn.Validate()
	case !(p.At >= 0 && p.At <= 1):
		return fmt.Errorf("must be from 0, before the text, to 1, behind it, got %v", p.At)
	}
	return nil
}

// Draw returns the number of one picture, video or sound.
func (p Place) Draw(rng *rand.Rand) float64 {
	switch {
	case p.Anywhere:
		return fraction(rng)
	case p.Drawn == nil:
		return p.At
	case p.Drawn.Type == Uniform:
		return float64(p.Drawn.Min) + fraction(rng)*float64(p.Drawn.Max-p.Drawn.Min)
	}
	return min(max(p.Drawn.drawReal(rng), float64(p.Drawn.Min)), float64(p.Drawn.Max))
}

// fraction returns a number from 0 to 1, without 1. Its bits are those of the generator, and so never change.
func fraction(rng *rand.Rand) float64 { return float64(rng.Uint64()>>11) / (1 << 53) }

// placed is media at a place of a text.
type placed struct {
	media *Media
	at    float64
}

// weave returns a text with media in it: media number i stands at the character of the text that its place names.
// Media of the same place keep their order, and pieces without text are left out. It sorts media.
func weave(text string, media []placed) []Part {
	slices.SortStableFunc(media, func(a, b placed) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	parts, n := make([]Part, 0, 2*len(media)+1), utf8.RuneCountInString(text)
	done := 0 // characters before text
	for _, m := range media {
		if at := int(m.at * float64(n)); at > done {
			cut := characters(text, at-done)
			parts = append(parts, Part{Text: text[:cut]})
			text, done = text[cut:], at
		}
		parts = append(parts, Part{Media: m.media})
	}
	if text != "" {
		parts = append(parts, Part{Text: text})
	}
	return parts
}

// characters returns the length in bytes of the first n characters of a text that has as many.
func characters(text string, n int) (bytes int) {
	for ; n > 0; n-- {
		_, size := utf8.DecodeRuneInString(text[bytes:])
		bytes += size
	}
	return bytes
}

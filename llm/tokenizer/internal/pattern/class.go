package pattern

import (
	"slices"
	"unicode/utf8"
)

// Set is a list of inclusive ranges of code points, sorted and disjoint. The zero Set is empty.
type Set [][2]rune

// Runes returns the set of the given code points.
func Runes(points ...rune) Set {
	var s Set
	for _, r := range points {
		s = append(s, [2]rune{r, r})
	}
	return s.tidy()
}

// tidy sorts ranges and joins those that touch.
func (s Set) tidy() Set {
	slices.SortFunc(s, func(a, b [2]rune) int { return int(a[0] - b[0]) })
	var out Set
	for _, r := range s {
		if n := len(out); n > 0 && r[0] <= out[n-1][1]+1 {
			out[n-1][1] = max(out[n-1][1], r[1])
		} else {
			out = append(out, r)
		}
	}
	return out
}

// With returns the union of the set and others.
func (s Set) With(others ...Set) Set {
	return slices.Concat(append(others, s)...).tidy()
}

// Complement returns every code point outside s. It includes surrogates, which never occur in valid UTF-8.
func (s Set) Complement() Set {
	var out Set
	next := rune(0)
	for _, r := range s {
		if r[0] > next {
			out = append(out, [2]rune{next, r[0] - 1})
		}
		next = r[1] + 1
	}
	if next <= utf8.MaxRune {
		out = append(out, [2]rune{next, utf8.MaxRune})
	}
	return out
}

func (s Set) without(other Set) Set {
	return s.Complement().With(other).Complement()
}

func (s Set) and(other Set) Set {
	return s.Complement().With(other.Complement()).Complement()
}

// Has reports whether the set contains a rune.
func (s Set) Has(r rune) bool {
	_, found := slices.BinarySearchFunc(s, r, func(span [2]rune, r rune) int {
		switch {
		case r < span[0]:
			return 1
		case r > span[1]:
			return -1
		}
		return 0
	})
	return found
}

// category returns the set of the general categories with the given names; a name of one letter stands for all that
// begin with it.
func category(names ...string) Set {
	var wanted [len(categoryNames)]bool
	for i, name := range categoryNames {
		wanted[i] = slices.Contains(names, name) || slices.Contains(names, name[:1])
	}
	var out Set
	for i, run := range categoryRuns {
		if !wanted[run&31] {
			continue
		}
		last := rune(utf8.MaxRune)
		if i+1 < len(categoryRuns) {
			last = rune(categoryRuns[i+1]>>5) - 1
		}
		out = append(out, [2]rune{rune(run >> 5), last})
	}
	return out.tidy()
}

// Space returns white space, which is the same in all parts of the library.
func Space() Set { return category("Z").With(Set{{'\t', '\r'}, {0x85, 0x85}}) }

// wordSet returns what \w means to the regex engine of tokenizer files.
func wordSet() Set { return category("L", "M", "Nd", "Pc").With(wordCharAdded).without(wordCharTaken) }

// PlainWord returns what \w means to the library's own tests, which use another engine: it counts the joiners as
// letters, and superscripts not.
func PlainWord() Set {
	return wordSet().without(Set{{0xb2, 0xb3}, {0xb9, 0xb9}, {0xbc, 0xbe}}).With(Set{{0x200c, 0x200d}})
}

// Digits returns the runes that Hugging Face's tokenizers treat as numeric.
func Digits() Set { return category("N").With(digitAdded).without(digitTaken) }

// Punctuation returns the runes that Hugging Face's tokenizers treat as punctuation.
func Punctuation() Set {
	ascii := category("S").and(Set{{0, utf8.RuneSelf - 1}})
	return category("P").With(ascii, punctuationAdded).without(punctuationTaken)
}

// Marks returns the combining marks that StripAccents removes.
func Marks() Set { return category("M").With(markAdded).without(markTaken) }

// BERTMarks returns the combining marks that the BERT normalizer removes.
func BERTMarks() Set { return category("Mn").With(bertMarkAdded).without(bertMarkTaken) }

// BERTControls returns the control characters that the BERT normalizer removes.
func BERTControls() Set {
	return category("Cc", "Cf", "Co").With(bertControlAdded).without(bertControlTaken)
}

// Class is a set made for fast lookups. Its memory is one bit for each code point of those pages of 256 that differ
// from each other.
type Class struct {
	ascii [2]uint64
	index []uint16 // index of a rune's page; nil if few ranges lie beyond ASCII
	pages [][4]uint64
	few   Set
}

// NewClass returns a set in a form that is quick to look up.
func NewClass(s Set) *Class {
	c := &Class{}
	for r := range rune(utf8.RuneSelf) {
		if s.Has(r) {
			c.ascii[r>>6] |= 1 << (r & 63)
		}
	}
	if c.few = s.and(Set{{utf8.RuneSelf, utf8.MaxRune}}); len(c.few) > 3 {
		c.fill(c.few)
		c.few = nil
	}
	return c
}

func (c *Class) fill(s Set) {
	seen := map[[4]uint64]uint16{}
	next := 0 // the first range that does not end before the page
	for first := rune(0); first <= utf8.MaxRune; first += 256 {
		var page [4]uint64
		for next < len(s) && s[next][1] < first {
			next++
		}
		for _, span := range s[next:] {
			if span[0] > first+255 {
				break
			}
			set(&page, max(span[0], first)&255, min(span[1], first+255)&255)
		}
		if n := len(c.index); n > 0 && c.pages[c.index[n-1]] == page { // most pages equal the one before
			c.index = append(c.index, c.index[n-1])
			continue
		}
		number, known := seen[page]
		if !known {
			number = uint16(len(c.pages))
			seen[page] = number
			c.pages = append(c.pages, page)
		}
		c.index = append(c.index, number)
	}
}

// set sets the bits from first to last.
func set(page *[4]uint64, first, last rune) {
	for i := range page {
		from, to := max(first, rune(64*i)), min(last, rune(64*i+63))
		if from <= to {
			page[i] |= ^uint64(0) >> (63 - (to - from)) << (from & 63)
		}
	}
}

// Has reports whether the class contains a rune.
func (c *Class) Has(r rune) bool {
	if r < utf8.RuneSelf {
		return c.ascii[r>>6]>>(r&63)&1 != 0
	}
	if c.index == nil {
		for _, span := range c.few {
			if span[0] <= r && r <= span[1] {
				return true
			}
		}
		return false
	}
	return c.pages[c.index[r>>8]][r>>6&3]>>(r&63)&1 != 0
}

// First returns the length of the first character of text if it is in the class, else 0.
func (c *Class) First(text []byte) int {
	if len(text) == 0 {
		return 0
	}
	if b := text[0]; b < utf8.RuneSelf {
		return int(c.ascii[b>>6] >> (b & 63) & 1)
	}
	r, size := utf8.DecodeRune(text)
	if !c.Has(r) {
		return 0
	}
	return size
}

// Last returns the length of the last character of text if it is in the class, else 0.
func (c *Class) Last(text []byte) int {
	r, size := utf8.DecodeLastRune(text)
	if size == 0 || !c.Has(r) {
		return 0
	}
	return size
}

// Package pattern finds the matches of a tokenizer file's regular expressions and character classes, exactly as the
// library of Hugging Face does. Compile reads the syntax of Oniguruma; code of this package matches the expressions of
// published tokenizers, and regexp2 all others. The Unicode classes are the library's own: tables.go holds them.
//
// Text must be valid UTF-8. Everything in the package may be used concurrently.
package pattern

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// Span is a piece of text, [start, end) in bytes.
type Span [2]int

// Matcher finds the matches of a pattern, leftmost first and without overlaps.
type Matcher interface {
	Matches(dst []Span, text []byte) []Span
}

// Literal matches itself.
type Literal []byte

// Matches appends the spans of the text that equal the literal, from left to right and without overlap.
func (l Literal) Matches(dst []Span, text []byte) []Span {
	for from := 0; len(l) > 0; {
		i := bytes.Index(text[from:], l)
		if i < 0 {
			break
		}
		dst = append(dst, Span{from + i, from + i + len(l)})
		from += i + len(l)
	}
	return dst
}

// Matches appends the single characters of text that are in the class.
func (c *Class) Matches(dst []Span, text []byte) []Span {
	for i := 0; i < len(text); {
		size := c.First(text[i:])
		if size > 0 {
			dst = append(dst, Span{i, i + size})
			i += size
			continue
		}
		i += RuneLength(text[i:])
	}
	return dst
}

// RuneLength returns the length of the first character of valid, non-empty UTF-8.
func RuneLength(text []byte) int {
	if text[0] < utf8.RuneSelf {
		return 1
	}
	_, size := utf8.DecodeRune(text)
	return size
}

// Compile compiles a regular expression in Oniguruma's syntax. The result is a pattern if the expression has the shape
// of one, which those of published tokenizers have, and otherwise a program of regexp2. The error names what is not
// supported.
func Compile(regex string) (Matcher, error) {
	n, err := parseRegex(regex)
	if err != nil {
		return nil, err
	}
	if p, ok := newPattern(n); ok {
		return p, nil
	}
	return newProgram(regex, n)
}

// pattern is a choice between sequences of repeated classes: the first that matches wins. It is matched as written,
// with backtracking, so a match takes as many steps as characters unless neighbours in a sequence overlap.
type pattern struct {
	options []sequence
	able    [utf8.RuneSelf]uint32 // options that may match text beginning with this byte, as bits
	empty   bool                  // the empty string may match
}

type sequence []item

// item is one repeated class, one choice between words, or one look ahead.
type item struct {
	class    *Class
	min, max int
	mode     repeatMode
	words    [][]*Class // min is 0 or 1, max 1
	ahead    bool       // class must follow, or with negated must not, and nothing is consumed
	negated  bool
}

// maxOptions is the number of options that fit the bits of pattern.able.
const maxOptions = 32

func newPattern(n node) (*pattern, bool) {
	for n.kind == nodeSequence && len(n.children) == 1 {
		n = n.children[0] // a group around everything
	}
	options := []node{n}
	if n.kind == nodeChoice {
		options = n.children
	}
	if len(options) > maxOptions {
		return nil, false
	}
	p, c := &pattern{}, classes{}
	for i, option := range options {
		s, ok := c.sequence(option)
		if !ok {
			return nil, false
		}
		p.options = append(p.options, s)
		p.allow(i, s)
	}
	return p, true
}

// allow records the bytes with which option i can begin.
func (p *pattern) allow(i int, s sequence) {
	for _, it := range s {
		for b := range p.able {
			if it.ahead || it.words == nil && it.class.Has(rune(b)) ||
				slices.ContainsFunc(it.words, func(w []*Class) bool { return w[0].Has(rune(b)) }) {
				p.able[b] |= 1 << i
			}
		}
		if it.min > 0 {
			return
		}
	}
	p.empty = true
	for b := range p.able {
		p.able[b] |= 1 << i
	}
}

// classes builds the items of a pattern; equal sets share one class.
type classes struct {
	sets []Set
	made []*Class
}

func (c *classes) class(s Set) *Class {
	for i, known := range c.sets {
		if slices.Equal(known, s) {
			return c.made[i]
		}
	}
	c.sets, c.made = append(c.sets, s), append(c.made, NewClass(s))
	return c.made[len(c.made)-1]
}

func (c *classes) sequence(n node) (sequence, bool) {
	parts := []node{n}
	if n.kind == nodeSequence {
		parts = n.children
	}
	var out sequence
	for _, part := range parts {
		it, ok := c.item(part)
		if !ok {
			return nil, false
		}
		out = append(out, it)
	}
	return out, true
}

func (c *classes) item(n node) (item, bool) {
	switch n.kind {
	case nodeChars:
		return item{class: c.class(n.chars), min: 1, max: 1}, true
	case nodeRepeat:
		inner := n.children[0]
		if inner.kind == nodeChars {
			return item{class: c.class(inner.chars), min: n.min, max: n.max, mode: n.mode}, true
		}
		words, ok := c.words(inner)
		return item{words: words, min: n.min, max: 1}, ok && n.max == 1 && n.mode == greedy
	case nodeAhead, nodeNotAhead:
		inner := n.children[0]
		if inner.kind == nodeSequence && len(inner.children) == 1 {
			inner = inner.children[0]
		}
		if inner.kind != nodeChars {
			return item{}, false
		}
		return item{class: c.class(inner.chars), ahead: true, negated: n.kind == nodeNotAhead}, true
	default:
		words, ok := c.words(n)
		return item{words: words, min: 1, max: 1}, ok
	}
}

// words reads a choice between strings of single classes.
func (c *classes) words(n node) ([][]*Class, bool) {
	options := []node{n}
	if n.kind == nodeChoice {
		options = n.children
	}
	var out [][]*Class
	for _, option := range options {
		if option.kind != nodeSequence || len(option.children) == 0 {
			return nil, false
		}
		var word []*Class
		for _, part := range option.children {
			if part.kind != nodeChars {
				return nil, false
			}
			word = append(word, c.class(part.chars))
		}
		out = append(out, word)
	}
	return out, true
}

// Matches follows the rule of the library's search: an empty match right after another match does not count.
func (p *pattern) Matches(dst []Span, text []byte) []Span {
	last := -1
	for from := 0; from < len(text) || from == len(text) && p.empty; {
		end := p.at(text, from)
		if end < 0 || end == from && from == last {
			if from == len(text) {
				break
			}
			from += RuneLength(text[from:])
			continue
		}
		dst = append(dst, Span{from, end})
		from, last = end, end
	}
	return dst
}

// at returns the end of the match that begins at from, and a negative number without one.
func (p *pattern) at(text []byte, from int) int {
	able := ^uint32(0)
	if from < len(text) && text[from] < utf8.RuneSelf {
		able = p.able[text[from]]
	}
	for i := range p.options {
		if able>>i&1 == 0 {
			continue
		}
		if end := p.options[i].match(text, from); end >= 0 {
			return end
		}
	}
	return -1
}

// match returns the end of a match of the whole sequence at pos, and a negative number without one.
func (s sequence) match(text []byte, pos int) int {
	if len(s) == 0 {
		return pos
	}
	it := &s[0]
	switch {
	case it.ahead:
		if it.class.First(text[pos:]) > 0 == it.negated {
			return -1
		}
		return s[1:].match(text, pos)
	case it.words != nil:
		return s.matchWords(text, pos)
	case it.mode == lazy:
		return s.matchLazily(text, pos)
	}
	end, n := pos, 0
	for ; n != it.max; n++ {
		size := it.class.First(text[end:])
		if size == 0 {
			break
		}
		end += size
	}
	switch {
	case n < it.min:
		return -1
	case len(s) == 1:
		return end
	case it.mode == possessive:
		return s[1:].match(text, end)
	}
	for ; ; n-- {
		if m := s[1:].match(text, end); m >= 0 || n == it.min {
			return m
		}
		end -= lastRuneLength(text[:end])
	}
}

func lastRuneLength(text []byte) int {
	if text[len(text)-1] < utf8.RuneSelf {
		return 1
	}
	_, size := utf8.DecodeLastRune(text)
	return size
}

func (s sequence) matchLazily(text []byte, pos int) int {
	it := &s[0]
	for n := 0; ; n++ {
		if n >= it.min {
			if m := s[1:].match(text, pos); m >= 0 {
				return m
			}
		}
		size := it.class.First(text[pos:])
		if size == 0 || n == it.max {
			return -1
		}
		pos += size
	}
}

func (s sequence) matchWords(text []byte, pos int) int {
	it := &s[0]
words:
	for _, word := range it.words {
		end := pos
		for _, letter := range word {
			size := letter.First(text[end:])
			if size == 0 {
				continue words
			}
			end += size
		}
		if m := s[1:].match(text, end); m >= 0 {
			return m
		}
	}
	if it.min == 0 {
		return s[1:].match(text, pos)
	}
	return -1
}

// Runs returns a Matcher of the longest runs of each class.
func Runs(classes []*Class) *pattern {
	p := &pattern{}
	for i, c := range classes {
		p.options = append(p.options, sequence{{class: c, min: 1, max: -1}})
		p.allow(i, p.options[i])
	}
	return p
}

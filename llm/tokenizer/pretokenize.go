package tokenizer

import (
	"bytes"

	"github.com/seed-307b789f/xk6-llm/llm/tokenizer/internal/pattern"
)

// step is one pre-tokenizer: it cuts a piece and passes the parts to the next step. number is its own index in the
// chain, by which it finds its buffers; first has the same meaning as for normalizers.
type step interface {
	split(s *state, number int, piece []byte, first bool)
}

// behavior is what a splitter does with the text that a pattern matches.
type behavior int

const (
	removed behavior = iota
	isolated
	mergedWithPrevious
	mergedWithNext
	contiguous
)

// splitter cuts a piece at the matches of a pattern or, if inverted, at the text between them.
type splitter struct {
	pattern  pattern.Matcher
	behavior behavior
	inverted bool
}

func (p *splitter) split(s *state, number int, piece []byte, first bool) {
	spans := p.pattern.Matches(s.pieces[number].spans[:0], piece)
	s.pieces[number].spans = spans
	c := cutter{s: s, next: number + 1, piece: piece, first: first, behavior: p.behavior}
	done := 0
	for _, m := range spans {
		if done < m[0] {
			c.take(pattern.Span{done, m[0]}, p.inverted)
		}
		c.take(m, !p.inverted)
		done = m[1]
	}
	if done < len(piece) {
		c.take(pattern.Span{done, len(piece)}, p.inverted)
	}
	c.flush()
}

// cutter joins matches to their neighbours as the behavior demands and passes on what is complete.
type cutter struct {
	s        *state
	next     int
	piece    []byte
	first    bool
	behavior behavior
	held     pattern.Span // not yet passed on
	holds    bool
	matched  bool // the last span taken was a match
}

func (c *cutter) take(m pattern.Span, match bool) {
	join := false
	switch c.behavior {
	case removed:
		if !match {
			c.pass(m)
		}
		return
	case isolated:
		c.pass(m)
		return
	case mergedWithPrevious:
		join = match && !c.matched
	case mergedWithNext:
		join = !match && c.matched
	case contiguous:
		join = match == c.matched
	}
	if c.matched = match; join && c.holds {
		c.held[1] = m[1]
		return
	}
	c.flush()
	c.held, c.holds = m, true
}

func (c *cutter) flush() {
	if c.holds {
		c.pass(c.held)
	}
	c.holds = false
}

func (c *cutter) pass(m pattern.Span) {
	c.s.pass(c.next, c.piece[m[0]:m[1]], c.first && m[0] == 0)
}

// metaspace writes a mark for each space, puts one before the text, and cuts before each.
type metaspace struct {
	mark    string
	prepend prependScheme
	cut     *splitter // nil to leave the text whole
}

type prependScheme int

const (
	prependAlways prependScheme = iota
	prependFirst                // only at the beginning of the user's text
	prependNever
)

func (m *metaspace) split(s *state, number int, piece []byte, first bool) {
	out := s.pieces[number].text[:0]
	marked := piece[0] == ' ' || bytes.HasPrefix(piece, []byte(m.mark))
	if !marked && (m.prepend == prependAlways || m.prepend == prependFirst && first) {
		out = append(out, m.mark...)
	}
	for {
		i := bytes.IndexByte(piece, ' ')
		if i < 0 {
			break
		}
		out = append(append(out, piece[:i]...), m.mark...)
		piece = piece[i+1:]
	}
	out = append(out, piece...)
	s.pieces[number].text = out
	if m.cut != nil {
		m.cut.split(s, number, out, first)
		return
	}
	s.pass(number+1, out, first)
}

// byteLevelSplit is the pre-tokenizer of GPT-2, without the mapping of bytes
// to characters.
type byteLevelSplit struct {
	prefixSpace bool
	cut         *splitter // nil to leave the text whole
}

// gpt2Pattern cuts words, numbers, punctuation and white space apart.
const gpt2Pattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

func (b *byteLevelSplit) split(s *state, number int, piece []byte, first bool) {
	if b.prefixSpace && piece[0] != ' ' {
		s.pieces[number].text = append(append(s.pieces[number].text[:0], ' '), piece...)
		piece = s.pieces[number].text
	}
	if b.cut != nil {
		b.cut.split(s, number, piece, first)
		return
	}
	s.pass(number+1, piece, first)
}

// byteMapper writes each piece in the characters of byteChars.
type byteMapper struct{}

func (byteMapper) split(s *state, number int, piece []byte, first bool) {
	s.pieces[number].text = appendByteChars(s.pieces[number].text[:0], piece)
	s.pass(number+1, s.pieces[number].text, first)
}

// fixedLength cuts after that many characters.
type fixedLength int

func (f fixedLength) split(s *state, number int, piece []byte, first bool) {
	for len(piece) > 0 {
		end := 0
		for n := 0; n < int(f) && end < len(piece); n++ {
			end += pattern.RuneLength(piece[end:])
		}
		s.pass(number+1, piece[:end], first)
		piece, first = piece[end:], false
	}
}

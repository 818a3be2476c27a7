package pattern

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"
)

// program runs a regular expression by regexp2. The expression is rewritten from its parts, with classes as the ranges
// of this package's tables, so that neither the syntax nor the Unicode version of regexp2 matters.
type program struct {
	regex *regexp2.Regexp
}

func newProgram(source string, n node) (*program, error) {
	var b strings.Builder
	n.write(&b)
	re, err := regexp2.Compile(b.String())
	if err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", source, err)
	}
	return &program{re}, nil
}

func (p *program) Matches(dst []Span, text []byte) []Span {
	points := []rune(string(text))
	at, offset := 0, 0 // a position in points and the same position in text
	locate := func(index int) int {
		for ; at < index; at++ {
			offset += utf8.RuneLen(points[at])
		}
		return offset
	}
	last := -1
	for from := 0; from <= len(points); {
		m, err := p.regex.FindRunesMatchStartingAt(points, from)
		if err != nil || m == nil { // an error is a timeout, and no timeout is set
			break
		}
		end := m.RuneIndex + m.RuneLength
		if m.RuneLength == 0 && end == last {
			from++
			continue
		}
		start := locate(m.RuneIndex)
		dst = append(dst, Span{start, locate(end)})
		from, last = end, end
	}
	return dst
}

// write prints n in the syntax of regexp2.
func (n node) write(b *strings.Builder) {
	switch n.kind {
	case nodeChars:
		n.chars.write(b)
	case nodeSequence:
		n.writeGroup(b, "(?:", "")
	case nodeChoice:
		n.writeGroup(b, "(?:", "|")
	case nodeRepeat:
		n.writeRepeat(b)
	case nodeAhead:
		n.writeGroup(b, "(?=", "")
	case nodeNotAhead:
		n.writeGroup(b, "(?!", "")
	case nodeBehind:
		n.writeGroup(b, "(?<=", "")
	case nodeNotBehind:
		n.writeGroup(b, "(?<!", "")
	case nodeAtomic:
		n.writeGroup(b, "(?>", "")
	case nodeTextStart:
		b.WriteString(`\A`)
	case nodeTextEnd:
		b.WriteString(`\z`)
	case nodeLineStart: // not after a newline that ends the text
		b.WriteString(`(?:\A|(?<=\n)(?!\z))`)
	case nodeLineEnd:
		b.WriteString(`(?:\z|(?=\n))`)
	}
}

func (n node) writeGroup(b *strings.Builder, open, between string) {
	b.WriteString(open)
	for i, child := range n.children {
		if i > 0 {
			b.WriteString(between)
		}
		child.write(b)
	}
	b.WriteString(")")
}

func (n node) writeRepeat(b *strings.Builder) {
	open := "(?:"
	if n.mode == possessive {
		open = "(?>"
	}
	b.WriteString(open)
	n.writeGroup(b, "(?:", "")
	fmt.Fprintf(b, "{%d,", n.min)
	if n.max >= 0 {
		fmt.Fprint(b, n.max)
	}
	b.WriteString("}")
	if n.mode == lazy {
		b.WriteString("?")
	}
	b.WriteString(")")
}

func (s Set) write(b *strings.Builder) {
	if len(s) == 0 {
		b.WriteString("(?!)") // matches nowhere
		return
	}
	b.WriteString("[")
	for _, r := range s {
		writeRune(b, r[0])
		b.WriteString("-")
		writeRune(b, r[1])
	}
	b.WriteString("]")
}

func writeRune(b *strings.Builder, r rune) {
	if r < utf8.RuneSelf || r >= 0xd800 && r < 0xe000 {
		fmt.Fprintf(b, `\u%04X`, r)
		return
	}
	b.WriteRune(r)
}

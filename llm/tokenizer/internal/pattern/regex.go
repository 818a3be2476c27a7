package pattern

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// node is a node of a parsed regular expression. Its kind determines which fields are used.
type node struct {
	kind     nodeKind
	chars    Set    // nodeChars
	children []node // nodeSequence, nodeChoice; one for nodeRepeat and the looks
	min, max int    // nodeRepeat; max < 0 is without bound
	mode     repeatMode
}

type nodeKind int

const (
	nodeSequence nodeKind = iota // an empty sequence matches the empty string
	nodeChoice
	nodeChars
	nodeRepeat
	nodeAhead
	nodeNotAhead
	nodeBehind
	nodeNotBehind
	nodeAtomic
	nodeTextStart
	nodeTextEnd
	nodeLineStart
	nodeLineEnd
)

type repeatMode int

const (
	greedy repeatMode = iota
	lazy
	possessive
)

// regexParser reads the syntax of tokenizer files, which is Oniguruma's, as far as this package knows its meaning.
// Everything else is an error that names it.
type regexParser struct {
	pattern string
	pos     int
	depth   int
	fold    bool // inside (?i)
}

// maxRegexDepth bounds nesting, and with it the stack that a hostile file can use.
const maxRegexDepth = 100

func parseRegex(pattern string) (node, error) {
	p := &regexParser{pattern: pattern}
	n, err := p.choice()
	if err == nil && p.pos < len(pattern) {
		err = errors.New("unmatched )")
	}
	if err != nil {
		return node{}, fmt.Errorf("regular expression %q: %w", pattern, err)
	}
	return n, nil
}

func (p *regexParser) choice() (node, error) {
	if p.depth++; p.depth > maxRegexDepth {
		return node{}, fmt.Errorf("groups nested deeper than %d", maxRegexDepth)
	}
	defer func(fold bool) { p.fold, p.depth = fold, p.depth-1 }(p.fold)
	var options []node
	for {
		n, err := p.sequence()
		if err != nil {
			return node{}, err
		}
		options = append(options, n)
		if !p.accept("|") {
			break
		}
	}
	if len(options) == 1 {
		return options[0], nil
	}
	return node{kind: nodeChoice, children: options}, nil
}

func (p *regexParser) sequence() (node, error) {
	var out node
	for p.pos < len(p.pattern) && p.peek() != '|' && p.peek() != ')' {
		n, err := p.atom()
		if err == nil {
			n, err = p.repeated(n)
		}
		if err != nil {
			return node{}, err
		}
		out.children = append(out.children, n)
	}
	return out, p.checkFolds(out.children)
}

// checkFolds returns an error for a sequence that Oniguruma, unlike other engines, matches by folding to several
// letters, such as ß for (?i:ss).
func (p *regexParser) checkFolds(sequence []node) error {
	if !p.fold {
		return nil
	}
	one := func(n node, letters string) bool {
		return n.kind == nodeChars && len(n.chars) < 5 && strings.ContainsFunc(letters, n.chars.Has)
	}
	beyond := Runes('\u017f', '\u212a').With(Set{{0, utf8.RuneSelf - 1}}).Complement()
	for i, b := range sequence {
		if b.kind == nodeChars && len(b.chars) < 5 && len(b.chars.and(beyond)) > 0 {
			return errors.New("(?i) over letters beyond ASCII is not supported")
		}
		if i == 0 {
			continue
		}
		if a := sequence[i-1]; one(a, "s") && one(b, "st") || one(a, "f") && one(b, "fil") {
			return errors.New("(?i) over letters that have a ligature is not supported")
		}
	}
	return nil
}

func (p *regexParser) atom() (node, error) {
	switch {
	case p.accept("("):
		return p.group()
	case p.accept("["):
		s, err := p.bracket()
		return node{kind: nodeChars, chars: s}, err
	case p.accept("."):
		return node{kind: nodeChars, chars: Runes('\n').Complement()}, nil
	case p.accept("^"):
		return node{kind: nodeLineStart}, nil
	case p.accept("$"):
		return node{kind: nodeLineEnd}, nil
	case p.accept(`\A`):
		return node{kind: nodeTextStart}, nil
	case p.accept(`\z`):
		return node{kind: nodeTextEnd}, nil
	case p.peek() == '*' || p.peek() == '+' || p.peek() == '?':
		return node{}, fmt.Errorf("nothing to repeat at byte %d", p.pos)
	case p.accept(`\`):
		s, err := p.escape(false)
		return node{kind: nodeChars, chars: s}, err
	}
	r := p.next()
	return node{kind: nodeChars, chars: p.folded(Runes(r))}, nil
}

// group reads a group after its opening parenthesis. Captures do not matter to a tokenizer.
func (p *regexParser) group() (node, error) {
	kinds := []struct {
		open string
		kind nodeKind
	}{
		{"?:", nodeSequence}, {"?>", nodeAtomic}, {"?=", nodeAhead}, {"?!", nodeNotAhead}, {"?<=", nodeBehind},
		{"?<!", nodeNotBehind},
	}
	fold := p.fold
	defer func() { p.fold = fold }()
	for _, k := range kinds {
		if p.accept(k.open) {
			return p.closed(k.kind)
		}
	}
	switch {
	case p.accept("?i:"):
		p.fold = true
		return p.closed(nodeSequence)
	case p.pos == 1 && p.accept("?i)"): // elsewhere, engines differ on how far it reaches
		p.fold, fold = true, true
		return node{}, nil
	case p.peek() == '?':
		return node{}, fmt.Errorf("group %q is not supported", "("+p.rest(3))
	}
	return p.closed(nodeSequence)
}

func (p *regexParser) closed(kind nodeKind) (node, error) {
	n, err := p.choice()
	if err == nil && !p.accept(")") {
		err = errors.New("missing )")
	}
	if kind == nodeSequence {
		return n, err
	}
	return node{kind: kind, children: []node{n}}, err
}

// maxRepeat bounds {n,m}, as Oniguruma does.
const maxRepeat = 100_000

func (p *regexParser) repeated(n node) (node, error) {
	for {
		low, high, interval := 0, -1, false
		switch {
		case p.accept("*"):
		case p.accept("+"):
			low = 1
		case p.accept("?"):
			high = 1
		case p.peek() == '{':
			var ok bool
			if low, high, ok = p.interval(); !ok {
				return n, nil // a brace that counts nothing is a character
			}
			interval = true
		default:
			return n, nil
		}
		if high >= 0 && low > high || max(low, high) > maxRepeat {
			return n, fmt.Errorf("repetition {%d,%d} is out of order or above %d", low, high, maxRepeat)
		}
		n = node{kind: nodeRepeat, children: []node{n}, min: low, max: high}
		switch {
		case p.accept("?"):
			if interval && low == high {
				return n, errors.New("{n}? is not supported")
			}
			n.mode = lazy
		case !interval && p.accept("+"):
			n.mode = possessive
		}
	}
}

// interval reads {n}, {n,}, {,m} or {n,m}.
func (p *regexParser) interval() (low, high int, ok bool) {
	body, _, found := strings.Cut(p.pattern[p.pos+1:], "}")
	first, second, comma := strings.Cut(body, ",")
	if !found || first == "" && second == "" {
		return 0, 0, false
	}
	var err error
	if first != "" {
		if low, err = strconv.Atoi(first); err != nil || low < 0 {
			return 0, 0, false
		}
	}
	switch {
	case !comma:
		high = low
	case second == "":
		high = -1
	default:
		if high, err = strconv.Atoi(second); err != nil || high < 0 {
			return 0, 0, false
		}
	}
	p.pos += len(body) + 2
	return low, high, true
}

// bracket reads a class after its opening bracket.
func (p *regexParser) bracket() (Set, error) {
	if p.depth++; p.depth > maxRegexDepth {
		return nil, fmt.Errorf("groups nested deeper than %d", maxRegexDepth)
	}
	defer func() { p.depth-- }()
	negated := p.accept("^")
	var out, left Set
	intersect := false
	for first := true; ; first = false {
		switch {
		case p.pos >= len(p.pattern):
			return nil, errors.New("missing ]")
		case p.peek() == ']' && !first:
			p.pos++
			if intersect {
				out = left.and(out)
			}
			if out = p.folded(out); negated {
				out = out.Complement()
			}
			return out, nil
		case p.accept("&&"):
			if intersect {
				out = left.and(out)
			}
			left, out, intersect = out, nil, true
		default:
			s, err := p.member()
			if err != nil {
				return nil, err
			}
			out = out.With(s)
		}
	}
}

// member reads a character, a range, an escape or a class within a class.
func (p *regexParser) member() (Set, error) {
	if strings.HasPrefix(p.pattern[p.pos:], "[:") {
		return nil, fmt.Errorf("class %q is not supported", p.rest(10))
	}
	if p.accept("[") {
		return p.bracket()
	}
	low, err := p.element()
	rest := p.pattern[p.pos:]
	if err != nil || !strings.HasPrefix(rest, "-") || strings.HasPrefix(rest, "-]") {
		return low, err
	}
	p.pos++
	high, err := p.element()
	if err != nil {
		return nil, err
	}
	single := func(s Set) bool { return len(s) == 1 && s[0][0] == s[0][1] }
	if !single(low) || !single(high) || high[0][0] < low[0][0] {
		return nil, fmt.Errorf("range ending at byte %d is out of order or not between characters", p.pos)
	}
	return Set{{low[0][0], high[0][0]}}, nil
}

func (p *regexParser) element() (Set, error) {
	if p.accept(`\`) {
		return p.escape(true)
	}
	if p.pos >= len(p.pattern) {
		return nil, errors.New("missing ]")
	}
	return Runes(p.next()), nil
}

// folded adds the other cases of the letters of s under (?i).
func (p *regexParser) folded(s Set) Set {
	if !p.fold {
		return s
	}
	var more []rune
	for _, span := range s {
		for r := span[0]; r <= span[1]; r++ {
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				more = append(more, f)
			}
		}
	}
	return s.With(Runes(more...))
}

func (p *regexParser) peek() byte {
	if p.pos >= len(p.pattern) {
		return 0
	}
	return p.pattern[p.pos]
}

func (p *regexParser) next() rune {
	r, size := utf8.DecodeRuneInString(p.pattern[p.pos:])
	p.pos += size
	return r
}

func (p *regexParser) accept(token string) bool {
	if strings.HasPrefix(p.pattern[p.pos:], token) {
		p.pos += len(token)
		return true
	}
	return false
}

// rest returns up to n bytes of the expression still to be read, for messages.
func (p *regexParser) rest(n int) string {
	return p.pattern[p.pos:min(len(p.pattern), p.pos+n)]
}

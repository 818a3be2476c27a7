package pattern

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// escape reads the escape after a backslash; inClass reports whether it stands between brackets.
func (p *regexParser) escape(inClass bool) (Set, error) {
	if p.pos >= len(p.pattern) {
		return nil, errors.New(`pattern ends in \`)
	}
	start := p.pos
	r := p.next()
	if s, ok := shorthand(r); ok {
		return s, nil
	}
	switch r {
	case 'p', 'P':
		return p.property(r == 'P')
	case 'x', 'u':
		c, err := p.codePoint(r)
		return p.foldedOutside(inClass, Runes(c)), err
	}
	if i := strings.IndexRune("tnrfvae0", r); i >= 0 {
		if r == '0' && p.peek() >= '0' && p.peek() <= '7' {
			return nil, errors.New("octal escape is not supported")
		}
		return Runes(rune("\t\n\r\f\v\a\x1b\x00"[i])), nil
	}
	if r < utf8.RuneSelf && (r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z') {
		return nil, fmt.Errorf(`escape \%s is not supported`, p.pattern[start:p.pos])
	}
	return p.foldedOutside(inClass, Runes(r)), nil
}

// foldedOutside folds a character outside brackets; a class is folded as a whole.
func (p *regexParser) foldedOutside(inClass bool, s Set) Set {
	if inClass {
		return s
	}
	return p.folded(s)
}

func shorthand(r rune) (Set, bool) {
	switch r {
	case 's':
		return Space(), true
	case 'S':
		return Space().Complement(), true
	case 'w':
		return wordSet(), true
	case 'W':
		return wordSet().Complement(), true
	case 'd':
		return category("Nd"), true
	case 'D':
		return category("Nd").Complement(), true
	case 'h':
		return Set{{'0', '9'}, {'A', 'F'}, {'a', 'f'}}, true
	case 'H':
		return Set{{'0', '9'}, {'A', 'F'}, {'a', 'f'}}.Complement(), true
	}
	return nil, false
}

// property reads {Name} or {^Name}.
func (p *regexParser) property(negated bool) (Set, error) {
	if !p.accept("{") {
		return nil, errors.New(`\p without {`)
	}
	name, _, found := strings.Cut(p.pattern[p.pos:], "}")
	if !found {
		return nil, errors.New(`\p{ without }`)
	}
	p.pos += len(name) + 1
	if strings.HasPrefix(name, "^") {
		name, negated = name[1:], !negated
	}
	s, ok := propertySet(name)
	if !ok {
		return nil, fmt.Errorf(`property \p{%s} is not supported`, name)
	}
	if negated {
		s = s.Complement()
	}
	return s, nil
}

// propertySet returns the property with a name, in which, as in Oniguruma, case, spaces, hyphens and underscores do not
// matter.
func propertySet(name string) (Set, bool) {
	plain := strings.ToLower(strings.NewReplacer(" ", "", "-", "", "_", "").Replace(name))
	switch plain {
	case "han":
		return hanScript, true
	case "hiragana":
		return hiraganaScript, true
	case "katakana":
		return katakanaScript, true
	case "hangul":
		return hangulScript, true
	}
	long := map[string]string{
		"letter": "L", "mark": "M", "number": "N", "punctuation": "P", "symbol": "S", "separator": "Z", "other": "C",
		"uppercaseletter": "Lu", "lowercaseletter": "Ll", "titlecaseletter": "Lt", "modifierletter": "Lm",
		"otherletter":    "Lo",
		"nonspacingmark": "Mn", "decimalnumber": "Nd", "spaceseparator": "Zs",
	}
	if short, ok := long[plain]; ok {
		return category(short), true
	}
	for _, c := range categoryNames {
		if plain == strings.ToLower(c) || plain == strings.ToLower(c[:1]) {
			return category(c[:len(plain)]), true
		}
	}
	return nil, false
}

// codePoint reads \xHH, \x{H...} or \uHHHH after its letter.
func (p *regexParser) codePoint(letter rune) (rune, error) {
	digits := p.rest(2)
	if letter == 'u' {
		digits = p.rest(4)
	}
	skip := len(digits)
	if letter == 'x' && p.peek() == '{' {
		body, _, found := strings.Cut(p.pattern[p.pos+1:], "}")
		if !found {
			return 0, errors.New(`\x{ without }`)
		}
		digits, skip = body, len(body)+2
	}
	n, err := strconv.ParseUint(digits, 16, 21)
	if err != nil || !utf8.ValidRune(rune(n)) {
		return 0, fmt.Errorf(`\%c%s is no code point`, letter, digits)
	}
	if letter == 'x' && digits == p.rest(2) && n >= utf8.RuneSelf {
		return 0, fmt.Errorf(`\x%s names a byte, which is not supported`, digits)
	}
	p.pos += skip
	return rune(n), nil
}

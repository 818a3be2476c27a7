package jinja

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind int

const (
	tokenData tokenKind = iota // text between tags
	tokenBlockBegin
	tokenBlockEnd
	tokenVarBegin
	tokenVarEnd
	tokenName
	tokenString
	tokenInt
	tokenFloat
	tokenOp
	tokenEOF
)

type token struct {
	kind tokenKind
	text string // the value of a string, the name, the operator
	line int
}

// lexer divides a template into tokens by the rules of Jinja2's lexer.
type lexer struct {
	src       string
	pos, line int
	starting  bool // what was read last ends a line, or nothing was
	tokens    []token
}

// lex normalizes line ends, drops a line end at the end of the template, and returns the tokens.
func lex(source string) []token {
	source = strings.ReplaceAll(strings.ReplaceAll(source, "\r\n", "\n"), "\r", "\n")
	l := &lexer{src: strings.TrimSuffix(source, "\n"), line: 1, starting: true}
	for l.pos < len(l.src) {
		l.data()
	}
	l.add(tokenEOF, "")
	return l.tokens
}

func (l *lexer) add(kind tokenKind, text string) {
	l.tokens = append(l.tokens, token{kind, text, l.line})
}

func (l *lexer) fail(format string, args ...any) {
	defer func() {
		e := recover().(*Error) // fail panics with nothing else
		e.Line = l.line
		panic(e)
	}()
	fail(format, args...)
}

// advance moves on by n bytes and returns them.
func (l *lexer) advance(n int) string {
	text := l.src[l.pos : l.pos+n]
	l.pos += n
	if n > 0 {
		l.starting = text[n-1] == '\n'
		l.line += strings.Count(text, "\n")
	}
	return text
}

var (
	tagBegin = regexp.MustCompile(`\{%[-+]?\s*raw\s*(?:-%\}\s*|%\})|\{[#%{][-+]?`)
	rawEnd   = regexp.MustCompile(`\{%[-+]?\s*endraw\s*(?:\+%\}|-%\}\s*|%\}\n?)`)
	// The ends of tags. A minus removes the white space that follows, the end of a block removes one line break.
	blockEnd   = regexp.MustCompile(`^(?:\+%\}|-%\}\s*|%\}\n?)`)
	varEnd     = regexp.MustCompile(`^(?:-\}\}\s*|\}\})`)
	commentEnd = regexp.MustCompile(`(?:\+#\}|-#\}\s*|#\}\n?)`)
)

// spaceAfter returns the length of the white space at the beginning of a text. Python's \s matches more white space
// than Go's.
func spaceAfter(text string) int { return len(text) - len(strings.TrimLeftFunc(text, isSpace)) }

// end moves past the end of a tag, and past white space of any kind where a minus asks for it.
func (l *lexer) end(tag string) {
	l.advance(len(tag))
	if strings.HasPrefix(tag, "-") {
		l.advance(spaceAfter(l.src[l.pos:]))
	}
}

// data reads the text up to the next tag, and the tag.
func (l *lexer) data() {
	at := tagBegin.FindStringIndex(l.src[l.pos:])
	if at == nil {
		l.add(tokenData, l.advance(len(l.src)-l.pos))
		return
	}
	begin := l.src[l.pos+at[0] : l.pos+at[1]]
	l.text(at[0], begin)
	switch {
	case len(begin) > 3:
		l.raw(begin)
	case begin[1] == '#':
		l.comment(begin)
	case begin[1] == '{':
		l.add(tokenVarBegin, begin)
		l.advance(len(begin))
		l.tag(varEnd, tokenVarEnd, "}}")
	default:
		l.add(tokenBlockBegin, begin)
		l.advance(len(begin))
		l.tag(blockEnd, tokenBlockEnd, "%}")
	}
}

// text reads n bytes of text before a tag. A minus strips the text, and a block or comment removes the indentation
// before it.
func (l *lexer) text(n int, begin string) {
	starting := l.starting
	text := l.src[l.pos : l.pos+n]
	kept := stripBefore(text, begin, starting)
	l.advance(n)
	l.add(tokenData, kept)
}

func stripBefore(text, begin string, starting bool) string {
	switch {
	case len(begin) > 2 && begin[2] == '-':
		return strings.TrimRightFunc(text, isSpace)
	case len(begin) > 2 && begin[2] == '+', begin[1] == '{':
		return text
	}
	line := strings.LastIndexByte(text, '\n') + 1
	if (line > 0 || starting) && strings.TrimLeftFunc(text[line:], isSpace) == "" {
		return text[:line]
	}
	return text
}

func (l *lexer) raw(begin string) {
	l.advance(len(begin))
	if strings.Contains(begin, "-%}") {
		l.advance(spaceAfter(l.src[l.pos:]))
	}
	at := rawEnd.FindStringIndex(l.src[l.pos:])
	if at == nil {
		l.fail("missing end of raw directive")
	}
	end := l.src[l.pos+at[0] : l.pos+at[1]]
	l.text(at[0], end)
	l.advance(len(end))
	if strings.Contains(end, "-%}") {
		l.advance(spaceAfter(l.src[l.pos:]))
	}
}

func (l *lexer) comment(begin string) {
	l.advance(len(begin))
	at := commentEnd.FindStringIndex(l.src[l.pos:])
	if at == nil {
		l.fail("missing end of comment tag")
	}
	l.advance(at[0])
	l.end(l.src[l.pos : l.pos+at[1]-at[0]])
}

var (
	floatLiteral  = regexp.MustCompile(`^(?:(?:\d+_)*\d+)(?:(?:\.(?:\d+_)*\d+)?[eE][+\-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)`)
	intLiteral    = regexp.MustCompile(`^(?i:0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*)`)
	stringLiteral = regexp.MustCompile(`^(?s:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")`)
	nameLiteral   = regexp.MustCompile(`^[\pL_][\pL\pN\pM_]*`)
	operators     = strings.Fields("** // == != >= <= + - / * % ~ [ ] ( ) { } > < = . : | , ;")
	closing       = map[byte]string{'(': ")", '[': "]", '{': "}"}
)

// tag reads the inside of a tag and its end.
func (l *lexer) tag(end *regexp.Regexp, kind tokenKind, name string) {
	var open []string // the brackets to be closed
	for {
		l.advance(spaceAfter(l.src[l.pos:]))
		rest := l.src[l.pos:]
		if rest == "" {
			l.fail("unexpected end of template, expected %q", name)
		}
		if len(open) == 0 {
			if m := end.FindString(rest); m != "" {
				l.add(kind, name)
				l.end(m)
				return
			}
		}
		if l.literal(rest) {
			continue
		}
		op := operator(rest)
		switch {
		case op == "":
			l.fail("unexpected char %q", []rune(rest)[0])
		case closing[op[0]] != "":
			open = append(open, closing[op[0]])
		case op == ")" || op == "]" || op == "}":
			if len(open) == 0 || open[len(open)-1] != op {
				l.fail("unexpected %q", op)
			}
			open = open[:len(open)-1]
		}
		l.add(tokenOp, op)
		l.advance(len(op))
	}
}

func operator(rest string) string {
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			return op
		}
	}
	return ""
}

// literal reads a number, a name or a string, and reports whether there was one.
func (l *lexer) literal(rest string) bool {
	afterDot := l.pos > 0 && l.src[l.pos-1] == '.'
	if m := floatLiteral.FindString(rest); m != "" && !afterDot {
		l.add(tokenFloat, strings.ReplaceAll(m, "_", ""))
		l.advance(len(m))
		return true
	}
	if m := intLiteral.FindString(rest); m != "" {
		l.add(tokenInt, strings.ReplaceAll(m, "_", ""))
		l.advance(len(m))
		return true
	}
	if m := nameLiteral.FindString(rest); m != "" {
		l.add(tokenName, m)
		l.advance(len(m))
		return true
	}
	if m := stringLiteral.FindString(rest); m != "" {
		l.add(tokenString, l.unescape(m[1:len(m)-1]))
		l.advance(len(m))
		return true
	}
	return false
}

var escapes = map[byte]string{
	'\n': "", '\\': "\\", '\'': "'", '"': "\"",
	'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v",
}

// unescape reads a string as Python does: an unknown escape stays unchanged.
func (l *lexer) unescape(s string) string {
	if !strings.Contains(s, "\\") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		if text, ok := escapes[s[i]]; ok {
			b.WriteString(text)
			continue
		}
		i += l.escape(&b, s[i:]) - 1
	}
	return b.String()
}

// escape reads a numeric escape, given without its backslash, and returns its length in bytes.
func (l *lexer) escape(b *strings.Builder, s string) int {
	n := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[0]]
	switch {
	case s[0] >= '0' && s[0] <= '7':
		end := 1
		for end < 3 && end < len(s) && s[end] >= '0' && s[end] <= '7' {
			end++
		}
		code, _ := strconv.ParseInt(s[:end], 8, 32)
		b.WriteRune(rune(code)) // at most 0o777
		return end
	case n > 0:
		var code uint64
		var err error
		if len(s) > n {
			code, err = strconv.ParseUint(s[1:n+1], 16, 32)
		}
		if len(s) <= n || err != nil || code > unicode.MaxRune || code >= 0xD800 && code < 0xE000 {
			l.fail("the escape \\%c in a string is not supported", s[0])
		}
		b.WriteRune(rune(code)) // checked above
		return n + 1
	case s[0] == 'N':
		l.fail("the escape \\N in a string is not supported")
	}
	if s[0] >= utf8.RuneSelf {
		l.fail("a backslash before %q in a string is not supported", []rune(s)[0])
	}
	b.WriteString("\\" + s[:1])
	return 1
}

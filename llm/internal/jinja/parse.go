package jinja

import (
	"maps"
	"slices"
	"strings"
)

// parser reads statements by the grammar of Jinja2's parser. Expressions are read in expression.go.
type parser struct {
	tokens []token
	pos    int
	loops  int // loops around the current statement
	depth  int
	t      *Template
	names  map[string]bool // the names of the variables that were read
}

func (p *parser) current() token { return p.tokens[p.pos] }

func (p *parser) peek() token { return p.tokens[min(p.pos+1, len(p.tokens)-1)] }

func (p *parser) next() token {
	t := p.tokens[p.pos]
	if t.kind != tokenEOF {
		p.pos++
	}
	return t
}

func (p *parser) fail(format string, args ...any) {
	defer func() {
		e := recover().(*Error) // fail panics with nothing else
		e.Line = p.current().line
		panic(e)
	}()
	fail(format, args...)
}

// enterNested limits the nesting of a template.
func (p *parser) enterNested() func() {
	if p.depth++; p.depth > maxDepth {
		p.fail("nested too deeply")
	}
	return func() { p.depth-- }
}

func (p *parser) is(kind tokenKind, text string) bool {
	return p.current().kind == kind && p.current().text == text
}

func (p *parser) skip(kind tokenKind, text string) bool {
	if !p.is(kind, text) {
		return false
	}
	p.next()
	return true
}

func (p *parser) skipName(name string) bool { return p.skip(tokenName, name) }
func (p *parser) skipOp(op string) bool     { return p.skip(tokenOp, op) }

func (p *parser) expect(kind tokenKind, text string) {
	if !p.skip(kind, text) {
		p.fail("expected %q, got %q", text, p.current().text)
	}
}

func (p *parser) name() string {
	if p.current().kind != tokenName {
		p.fail("expected a name, got %q", p.current().text)
	}
	return p.next().text
}

// parseBody reads statements up to a block of one of the given names, which is then the next token.
func (p *parser) parseBody(until ...string) []node {
	defer p.enterNested()()
	var body []node
	for {
		switch t := p.current(); t.kind {
		case tokenEOF:
			if until != nil {
				p.fail("unexpected end of template, expected %s", strings.Join(until, " or "))
			}
			return body
		case tokenData:
			if p.next(); t.text != "" {
				body = append(body, &text{t.text})
			}
		case tokenVarBegin:
			p.next()
			body = append(body, &output{parseTuple(p, true), t.line})
			p.expect(tokenVarEnd, "}}")
		default:
			p.next()
			if p.current().kind == tokenName && slices.Contains(until, p.current().text) {
				return body
			}
			body = append(body, p.statement())
			p.expect(tokenBlockEnd, "%}")
		}
	}
}

// block reads the body of a statement and skips its end tag.
func (p *parser) block(until ...string) []node {
	p.skipOp(":")
	p.expect(tokenBlockEnd, "%}")
	body := p.parseBody(until...)
	return body
}

func (p *parser) blockUntil(end string) []node {
	body := p.block(end)
	p.next()
	return body
}

func (p *parser) statement() node {
	line := p.current().line
	switch tag := p.name(); tag {
	case "for":
		return p.loop(line)
	case "if":
		return p.condition(line)
	case "set":
		return p.assignment(line)
	case "macro":
		return p.macro()
	case "call":
		return p.callBlock(line)
	case "filter":
		filters := parseFilter(p, &captured{}, true)
		return &filterBlock{filters, p.blockUntil("endfilter"), line}
	case "with":
		return p.with()
	case "generation":
		return &generation{p.blockUntil("endgeneration")}
	case "break", "continue":
		if p.loops == 0 {
			p.fail("%s outside of a loop", tag)
		}
		return &loopJump{tag == "break"}
	case "block", "extends", "include", "import", "from", "autoescape", "print":
		p.fail("the tag %q is not supported", tag)
	default:
		p.fail("unknown tag %q", tag)
	}
	return nil
}

func (p *parser) loop(line int) node {
	f := &For{line: line}
	p.t.Loops = append(p.t.Loops, f)
	f.Target = p.target(false)
	p.expect(tokenName, "in")
	f.Over = parseTuple(p, false)
	if p.skipName("if") {
		f.cond = parseExpression(p)
	}
	f.recursive = p.skipName("recursive")
	p.loops++
	f.body = p.block("endfor", "else")
	p.loops--
	if p.next().text == "else" {
		f.elseBody = p.blockUntil("endfor")
	}
	return f
}

// condition reads an if. Each elif is an if in the else branch of the one before.
func (p *parser) condition(line int) node {
	first := &ifs{line: line}
	for last := first; ; {
		last.test = parseTuple(p, false)
		last.body = p.block("elif", "else", "endif")
		switch p.next().text {
		case "elif":
			next := &ifs{line: p.current().line}
			last.elseBody = []node{next}
			last = next
			continue
		case "else":
			last.elseBody = p.blockUntil("endif")
		}
		return first
	}
}

func (p *parser) assignment(line int) node {
	s := &Set{line: line}
	s.Target = p.target(true)
	if p.skipOp("=") {
		p.t.Assigned = append(p.t.Assigned, s)
		s.Value = parseTuple(p, true)
		return s
	}
	b := &setBlock{target: s.Target, line: line, filters: parseFilter(p, &captured{}, false)}
	b.body = p.blockUntil("endset")
	return b
}

// target reads the target of an assignment: a name, several names, or a field of a namespace.
func (p *parser) target(fields bool) Expr {
	one := func() Expr {
		if p.skipOp("(") {
			t := p.target(fields)
			p.expect(tokenOp, ")")
			return t
		}
		name := p.name()
		if slices.Contains([]string{"true", "false", "none", "True", "False", "None"}, name) {
			p.fail("cannot assign to %s", name)
		}
		if fields && p.skipOp(".") {
			return &attrRef{name, p.name()}
		}
		return &Name{name}
	}
	first := one()
	if !p.is(tokenOp, ",") {
		return first
	}
	several := &tupleExpr{[]Expr{first}}
	for p.skipOp(",") {
		if p.is(tokenName, "in") || p.is(tokenOp, ")") {
			break
		}
		several.items = append(several.items, one())
	}
	return several
}

// signature reads the parameters of a macro or of the block of a call.
func (p *parser) signature(m *macroDef) {
	p.expect(tokenOp, "(")
	for !p.skipOp(")") {
		if len(m.params) > 0 {
			p.expect(tokenOp, ",")
			if p.skipOp(")") {
				break
			}
		}
		one := param{name: p.name()}
		if p.skipOp("=") {
			one.value = parseExpression(p)
		} else if n := len(m.params); n > 0 && m.params[n-1].value != nil {
			p.fail("parameter %q without a default follows one with a default", one.name)
		}
		m.params = append(m.params, one)
	}
}

func (p *parser) macro() node {
	m := &macroDef{name: p.name()}
	p.signature(m)
	p.macroBody(m, "endmacro")
	return m
}

// macroBody reads the body of a macro, and notes whether it mentions the names that are set only if mentioned.
func (p *parser) macroBody(m *macroDef, end string) {
	outer, loops := p.names, p.loops
	p.names, p.loops = map[string]bool{}, 0
	m.body = p.blockUntil(end)
	m.variadic, m.keywords, m.calls = p.names["varargs"], p.names["kwargs"], p.names["caller"]
	if outer != nil {
		maps.Copy(outer, p.names)
	}
	p.names, p.loops = outer, loops
}

func (p *parser) callBlock(line int) node {
	c := &callBlock{caller: &macroDef{name: "caller"}, line: line}
	if p.is(tokenOp, "(") {
		p.signature(c.caller)
	}
	var ok bool
	if c.call, ok = parseExpression(p).(*call); !ok {
		p.fail("expected a call")
	}
	p.macroBody(c.caller, "endcall")
	return c
}

func (p *parser) with() node {
	w := new(with)
	for p.current().kind != tokenBlockEnd {
		if len(w.targets) > 0 {
			p.expect(tokenOp, ",")
		}
		w.targets = append(w.targets, p.target(false))
		p.expect(tokenOp, "=")
		w.values = append(w.values, parseExpression(p))
	}
	w.body = p.blockUntil("endwith")
	return w
}

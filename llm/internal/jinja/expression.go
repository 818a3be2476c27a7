package jinja

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// tuple reads one expression or several between commas.
func (p *parser) tuple(withCond bool) Expr {
	one := func() Expr {
		if withCond {
			return p.expression()
		}
		return p.or()
	}
	first := one()
	if !p.is(tokenOp, ",") {
		return first
	}
	items := []Expr{first}
	for p.skipOp(",") {
		if k := p.cur().kind; k == tokenVarEnd || k == tokenBlockEnd || p.is(tokenOp, ")") ||
			p.is(tokenName, "recursive") {
			break
		}
		items = append(items, one())
	}
	return &tupleExpr{items}
}

func (p *parser) expression() Expr {
	defer p.deeper()()
	e := p.or()
	for p.skipName("if") {
		c := &cond{test: p.or(), then: e}
		if p.skipName("else") {
			c.otherwise = p.expression()
		}
		e = c
	}
	return e
}

func (p *parser) or() Expr {
	e := p.and()
	for p.skipName("or") {
		e = &binary{"or", e, p.and()}
	}
	return e
}

func (p *parser) and() Expr {
	e := p.not()
	for p.skipName("and") {
		e = &binary{"and", e, p.not()}
	}
	return e
}

func (p *parser) not() Expr {
	defer p.deeper()()
	if p.skipName("not") {
		return &unary{"not", p.not()}
	}
	return p.compare()
}

func (p *parser) compare() Expr {
	c := &comparison{first: p.sum()}
	for {
		var op string
		switch t := p.cur(); {
		case t.kind == tokenOp && slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, t.text):
			op = p.next().text
		case p.skipName("in"):
			op = "in"
		case p.is(tokenName, "not") && p.look() == (token{tokenName, "in", p.look().line}):
			p.next()
			p.next()
			op = "not in"
		case len(c.ops) == 0:
			return c.first
		default:
			return c
		}
		c.ops, c.rest = append(c.ops, op), append(c.rest, p.sum())
	}
}

// operators reads operands between operators of one rank, from the left.
func (p *parser) operators(operand func() Expr, ops ...string) Expr {
	e := operand()
	for p.cur().kind == tokenOp && slices.Contains(ops, p.cur().text) {
		op := p.next().text
		e = &binary{op, e, operand()}
	}
	return e
}

func (p *parser) sum() Expr { return p.operators(p.concat, "+", "-") }

func (p *parser) concat() Expr {
	parts := []Expr{p.product()}
	for p.skipOp("~") {
		parts = append(parts, p.product())
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return &concat{parts}
}

func (p *parser) product() Expr { return p.operators(p.power, "*", "/", "//", "%") }
func (p *parser) power() Expr {
	return p.operators(func() Expr { return p.unary(true) }, "**")
}

func (p *parser) unary(filters bool) Expr {
	defer p.deeper()()
	var e Expr
	switch {
	case p.skipOp("-"):
		e = &unary{"-", p.unary(false)}
	case p.skipOp("+"):
		e = &unary{"+", p.unary(false)}
	default:
		e = p.primary()
	}
	e = p.postfix(e)
	for filters {
		switch {
		case p.is(tokenOp, "|"):
			e = p.filter(e, false)
		case p.is(tokenName, "is"):
			e = p.test(e)
		case p.is(tokenOp, "("):
			e = &call{e, p.args()}
		default:
			return e
		}
	}
	return e
}

func (p *parser) primary() Expr {
	switch t := p.next(); t.kind {
	case tokenName:
		switch t.text {
		case "true", "True":
			return &Const{true}
		case "false", "False":
			return &Const{false}
		case "none", "None":
			return &Const{nil}
		}
		if p.seen != nil {
			p.seen[t.text] = true
		}
		return &Name{t.text}
	case tokenString:
		s := t.text
		for p.cur().kind == tokenString {
			s += p.next().text
		}
		return &Const{s}
	case tokenInt:
		return &Const{p.integer(t.text)}
	case tokenFloat:
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			p.fail("the number %s is not supported", t.text)
		}
		return &Const{f}
	case tokenOp:
		switch t.text {
		case "(":
			if p.skipOp(")") {
				return &tupleExpr{}
			}
			e := p.tuple(true)
			p.expect(tokenOp, ")")
			return e
		case "[":
			return &listExpr{p.items("]")}
		case "{":
			return p.dict()
		}
	}
	p.pos = max(p.pos-1, 0)
	p.fail("unexpected %q", p.cur().text)
	return nil
}

func (p *parser) integer(digits string) Value {
	base := 10
	if len(digits) > 1 && digits[0] == '0' && strings.Trim(digits, "0") != "" {
		base = 0
	}
	n, ok := new(big.Int).SetString(digits, base)
	if !ok || !n.IsInt64() {
		p.fail("the number %s is not supported", digits)
	}
	return n.Int64()
}

// items reads expressions between commas up to a bracket.
func (p *parser) items(end string) []Expr {
	var items []Expr
	for !p.skipOp(end) {
		if len(items) > 0 {
			p.expect(tokenOp, ",")
			if p.skipOp(end) {
				break
			}
		}
		items = append(items, p.expression())
	}
	return items
}

func (p *parser) dict() Expr {
	d := new(dictExpr)
	for !p.skipOp("}") {
		if len(d.keys) > 0 {
			p.expect(tokenOp, ",")
			if p.skipOp("}") {
				break
			}
		}
		d.keys = append(d.keys, p.expression())
		p.expect(tokenOp, ":")
		d.values = append(d.values, p.expression())
	}
	return d
}

func (p *parser) postfix(e Expr) Expr {
	for {
		switch {
		case p.skipOp("."):
			switch t := p.next(); t.kind {
			case tokenName:
				e = &Attr{e, t.text}
			case tokenInt:
				e = &Item{e, &Const{p.integer(t.text)}}
			default:
				p.fail("expected a name or a number after the dot, got %q", t.text)
			}
		case p.skipOp("["):
			e = p.subscript(e)
		case p.is(tokenOp, "("):
			e = &call{e, p.args()}
		default:
			return e
		}
	}
}

func (p *parser) subscript(of Expr) Expr {
	if !p.is(tokenOp, ":") {
		key := p.expression()
		if p.skipOp("]") {
			return &Item{of, key}
		}
		if !p.is(tokenOp, ":") {
			p.fail("expected \"]\", got %q", p.cur().text)
		}
		return p.slice(&Slice{Of: of, From: key})
	}
	return p.slice(&Slice{Of: of})
}

func (p *parser) slice(s *Slice) Expr {
	p.expect(tokenOp, ":")
	if !p.is(tokenOp, ":") && !p.is(tokenOp, "]") {
		s.To = p.expression()
	}
	if p.skipOp(":") && !p.is(tokenOp, "]") {
		s.Step = p.expression()
	}
	p.expect(tokenOp, "]")
	return s
}

func (p *parser) args() args {
	p.expect(tokenOp, "(")
	var a args
	for first := true; !p.skipOp(")"); first = false {
		if !first {
			p.expect(tokenOp, ",")
			if p.skipOp(")") {
				break
			}
		}
		switch {
		case p.skipOp("*"):
			a.more = p.expression()
		case p.skipOp("**"):
			a.moreN = p.expression()
		case p.cur().kind == tokenName && p.look().kind == tokenOp && p.look().text == "=":
			a.names = append(a.names, p.name())
			p.next()
			a.named = append(a.named, p.expression())
		case a.more != nil || a.moreN != nil || len(a.names) > 0:
			p.fail("an argument by position follows one by name")
		default:
			a.list = append(a.list, p.expression())
		}
	}
	return a
}

// filter reads the filters that follow an expression; bare is a first one without its bar.
func (p *parser) filter(e Expr, bare bool) Expr {
	for bare || p.skipOp("|") {
		f := &Filter{Of: e, Name: p.name()}
		bare = false
		if p.is(tokenOp, "(") {
			f.args = p.args()
		}
		e = f
	}
	return e
}

func (p *parser) test(e Expr) Expr {
	p.next()
	negated := p.skipName("not")
	t := &Test{Of: e, Name: p.name()}
	switch k := p.cur(); {
	case p.is(tokenOp, "("):
		t.args = p.args()
	case k.kind == tokenName && slices.Contains([]string{"else", "or", "and"}, k.text):
	case k.kind == tokenName && k.text == "is":
		p.fail("tests cannot be chained by is")
	case k.kind >= tokenName && k.kind <= tokenFloat, p.is(tokenOp, "["), p.is(tokenOp, "{"):
		t.args.list = []Expr{p.postfix(p.primary())}
	}
	if negated {
		return &unary{"not", t}
	}
	return t
}

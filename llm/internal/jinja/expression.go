package jinja

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// parseTuple reads one expression or several between commas.
func parseTuple(p *parser, withCond bool) Expr {
	one := func() Expr {
		if withCond {
			return parseExpression(p)
		}
		return parseOr(p)
	}
	first := one()
	if !p.is(tokenOp, ",") {
		return first
	}
	items := []Expr{first}
	for p.skipOp(",") {
		if k := p.current().kind; k == tokenVarEnd || k == tokenBlockEnd || p.is(tokenOp, ")") ||
			p.is(tokenName, "recursive") {
			break
		}
		items = append(items, one())
	}
	return &tupleExpr{items}
}

func parseExpression(p *parser) Expr {
	defer p.enterNested()()
	e := parseOr(p)
	for p.skipName("if") {
		c := &cond{test: parseOr(p), then: e}
		if p.skipName("else") {
			c.otherwise = parseExpression(p)
		}
		e = c
	}
	return e
}

func parseOr(p *parser) Expr {
	e := parseAnd(p)
	for p.skipName("or") {
		e = &binary{"or", e, parseAnd(p)}
	}
	return e
}

func parseAnd(p *parser) Expr {
	e := parseNot(p)
	for p.skipName("and") {
		e = &binary{"and", e, parseNot(p)}
	}
	return e
}

func parseNot(p *parser) Expr {
	defer p.enterNested()()
	if p.skipName("not") {
		return &unary{"not", parseNot(p)}
	}
	return parseCompare(p)
}

func parseCompare(p *parser) Expr {
	c := &comparison{first: parseSum(p)}
	for {
		var op string
		switch t := p.current(); {
		case t.kind == tokenOp && slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, t.text):
			op = p.next().text
		case p.skipName("in"):
			op = "in"
		case p.is(tokenName, "not") && p.peek() == (token{tokenName, "in", p.peek().line}):
			p.next()
			p.next()
			op = "not in"
		case len(c.ops) == 0:
			return c.first
		default:
			return c
		}
		c.ops, c.rest = append(c.ops, op), append(c.rest, parseSum(p))
	}
}

// parseOperators reads operands between operators of one rank, from the left.
func parseOperators(p *parser, operand func(*parser) Expr, ops ...string) Expr {
	e := operand(p)
	for p.current().kind == tokenOp && slices.Contains(ops, p.current().text) {
		op := p.next().text
		e = &binary{op, e, operand(p)}
	}
	return e
}

func parseSum(p *parser) Expr { return parseOperators(p, parseConcat, "+", "-") }

func parseConcat(p *parser) Expr {
	parts := []Expr{parseProduct(p)}
	for p.skipOp("~") {
		parts = append(parts, parseProduct(p))
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return &concat{parts}
}

func parseProduct(p *parser) Expr { return parseOperators(p, parsePower, "*", "/", "//", "%") }
func parsePower(p *parser) Expr {
	return parseOperators(p, func(p *parser) Expr { return parseUnary(p, true) }, "**")
}

func parseUnary(p *parser, filters bool) Expr {
	defer p.enterNested()()
	var e Expr
	switch {
	case p.skipOp("-"):
		e = &unary{"-", parseUnary(p, false)}
	case p.skipOp("+"):
		e = &unary{"+", parseUnary(p, false)}
	default:
		e = parsePrimary(p)
	}
	e = parsePostfix(p, e)
	for filters {
		switch {
		case p.is(tokenOp, "|"):
			e = parseFilter(p, e, false)
		case p.is(tokenName, "is"):
			e = parseTest(p, e)
		case p.is(tokenOp, "("):
			e = &call{e, parseArgs(p)}
		default:
			return e
		}
	}
	return e
}

func parsePrimary(p *parser) Expr {
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
		if p.names != nil {
			p.names[t.text] = true
		}
		return &Name{t.text}
	case tokenString:
		s := t.text
		for p.current().kind == tokenString {
			s += p.next().text
		}
		return &Const{s}
	case tokenInt:
		return &Const{parseInteger(p, t.text)}
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
			e := parseTuple(p, true)
			p.expect(tokenOp, ")")
			return e
		case "[":
			return &listExpr{parseItems(p, "]")}
		case "{":
			return parseDict(p)
		}
	}
	p.pos = max(p.pos-1, 0)
	p.fail("unexpected %q", p.current().text)
	return nil
}

func parseInteger(p *parser, digits string) Value {
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

// parseItems reads expressions between commas up to a closing bracket.
func parseItems(p *parser, end string) []Expr {
	var items []Expr
	for !p.skipOp(end) {
		if len(items) > 0 {
			p.expect(tokenOp, ",")
			if p.skipOp(end) {
				break
			}
		}
		items = append(items, parseExpression(p))
	}
	return items
}

func parseDict(p *parser) Expr {
	d := new(dictExpr)
	for !p.skipOp("}") {
		if len(d.keys) > 0 {
			p.expect(tokenOp, ",")
			if p.skipOp("}") {
				break
			}
		}
		d.keys = append(d.keys, parseExpression(p))
		p.expect(tokenOp, ":")
		d.values = append(d.values, parseExpression(p))
	}
	return d
}

func parsePostfix(p *parser, e Expr) Expr {
	for {
		switch {
		case p.skipOp("."):
			switch t := p.next(); t.kind {
			case tokenName:
				e = &Attr{e, t.text}
			case tokenInt:
				e = &Item{e, &Const{parseInteger(p, t.text)}}
			default:
				p.fail("expected a name or a number after the dot, got %q", t.text)
			}
		case p.skipOp("["):
			e = parseSubscript(p, e)
		case p.is(tokenOp, "("):
			e = &call{e, parseArgs(p)}
		default:
			return e
		}
	}
}

func parseSubscript(p *parser, of Expr) Expr {
	if !p.is(tokenOp, ":") {
		key := parseExpression(p)
		if p.skipOp("]") {
			return &Item{of, key}
		}
		if !p.is(tokenOp, ":") {
			p.fail("expected \"]\", got %q", p.current().text)
		}
		return parseSlice(p, &Slice{Operand: of, From: key})
	}
	return parseSlice(p, &Slice{Operand: of})
}

func parseSlice(p *parser, s *Slice) Expr {
	p.expect(tokenOp, ":")
	if !p.is(tokenOp, ":") && !p.is(tokenOp, "]") {
		s.To = parseExpression(p)
	}
	if p.skipOp(":") && !p.is(tokenOp, "]") {
		s.Step = parseExpression(p)
	}
	p.expect(tokenOp, "]")
	return s
}

func parseArgs(p *parser) args {
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
			a.unpackList = parseExpression(p)
		case p.skipOp("**"):
			a.unpackDict = parseExpression(p)
		case p.current().kind == tokenName && p.peek().kind == tokenOp && p.peek().text == "=":
			a.names = append(a.names, p.name())
			p.next()
			a.named = append(a.named, parseExpression(p))
		case a.unpackList != nil || a.unpackDict != nil || len(a.names) > 0:
			p.fail("an argument by position follows one by name")
		default:
			a.list = append(a.list, parseExpression(p))
		}
	}
	return a
}

// parseFilter reads the filters that follow an expression. With bare the first filter has no bar before it.
func parseFilter(p *parser, e Expr, bare bool) Expr {
	for bare || p.skipOp("|") {
		f := &Filter{Operand: e, Name: p.name()}
		bare = false
		if p.is(tokenOp, "(") {
			f.args = parseArgs(p)
		}
		e = f
	}
	return e
}

func parseTest(p *parser, e Expr) Expr {
	p.next()
	negated := p.skipName("not")
	t := &Test{Operand: e, Name: p.name()}
	switch k := p.current(); {
	case p.is(tokenOp, "("):
		t.args = parseArgs(p)
	case k.kind == tokenName && slices.Contains([]string{"else", "or", "and"}, k.text):
	case k.kind == tokenName && k.text == "is":
		p.fail("tests cannot be chained by is")
	case k.kind >= tokenName && k.kind <= tokenFloat, p.is(tokenOp, "["), p.is(tokenOp, "{"):
		t.args.list = []Expr{parsePostfix(p, parsePrimary(p))}
	}
	if negated {
		return &unary{"not", t}
	}
	return t
}

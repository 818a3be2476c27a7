package jinja

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

func absolute(r *render, v Value, _ callArgs) Value {
	if f, ok := v.(float64); ok {
		return math.Abs(f)
	}
	if n := integer(v); n < 0 {
		return r.unary("-", n)
	}
	return integer(v)
}

func floatFilter(r *render, v Value, a callArgs) Value {
	otherwise := orDefault(a.bind("float", "default")[0], 0.0)
	if f, ok := number(v); ok {
		return f
	}
	defined(v)
	notSafe("float", v)
	if s, ok := v.(string); ok {
		if f, err := strconv.ParseFloat(digits(s), 64); err == nil {
			if math.IsNaN(f) || math.IsInf(f, 0) || strings.ContainsAny(s, "xXpP") {
				fail("the number %q is not supported", s)
			}
			return f
		}
	}
	return otherwise
}

func intFilter(r *render, v Value, a callArgs) Value {
	p := a.bind("int", "default", "base")
	base := integer(orDefault(p[1], int64(10)))
	defined(v)
	notSafe("int", v)
	switch v := v.(type) {
	case bool, int64:
		return integer(v)
	case bigInt:
		return v
	case string:
		if base != 10 {
			fail("int with the base %d is not supported", base)
		}
		if n, ok := parseInt(v); ok {
			return n
		}
	}
	if f, ok := floatFilter(r, v, callArgs{list: []Value{nil}}).(float64); ok {
		if math.Abs(f) >= 1<<63 {
			fail("a whole number beyond 64 bits is not supported")
		}
		return int64(f)
	}
	return orDefault(p[0], int64(0))
}

func round(_ *render, v Value, a callArgs) Value {
	p := a.bind("round", "precision", "method")
	digits, method := integer(orDefault(p[0], int64(0))), orDefault(p[1], "common")
	defined(v)
	f, ok := number(v)
	if !ok {
		fail("type %s cannot be rounded", typeName(v))
	}
	scale := math.Pow(10, float64(digits))
	switch {
	case math.Abs(float64(digits)) > 15 || math.IsInf(f, 0) || math.IsNaN(f):
		fail("round with these numbers is not supported")
	case method == "ceil":
		return math.Ceil(f*scale) / scale
	case method == "floor":
		return math.Floor(f*scale) / scale
	case method != "common":
		fail("method must be common, ceil or floor")
	case isInt(v) && digits >= 0:
		return integer(v)
	case isInt(v):
		return int64(math.RoundToEven(f*scale) / scale)
	case digits < 0:
		return math.RoundToEven(f*scale) / scale
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(f, 'f', int(digits), 64), 64)
	if err != nil {
		fail("round of %v is not supported", f)
	}
	return rounded
}

func sum(r *render, v Value, a callArgs) Value {
	p := a.bind("sum", "attribute", "start")
	get := getter(r, orDefault(p[0], nil))
	total := orDefault(p[1], int64(0))
	for _, item := range items(r, v) {
		total = operate(r, "+", total, get(item))
	}
	return total
}

// parseInt implements Python's int() of a text. It reports false if the text is not a whole number.
func parseInt(s string) (Value, bool) {
	n, err := strconv.ParseInt(digits(s), 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		fail("a whole number beyond 64 bits is not supported")
	}
	return n, err == nil
}

// digits returns a text without the white space around it. It does not support digits of other scripts and underscores
// between digits, which Python reads.
func digits(s string) string {
	s = strings.TrimFunc(s, isSpace)
	for i, c := range s {
		if c >= utf8.RuneSelf && unicode.IsDigit(c) || c == '_' && i > 0 && s[i-1] >= '0' && s[i-1] <= '9' {
			fail("the number %q is not supported", s)
		}
	}
	return s
}

package jinja

import (
	"html"
	"math"
	"strings"
)

// number returns a number as a float, and reports whether the value is a number.
func number(v Value) (f float64, ok bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func isInt(v Value) bool {
	switch v.(type) {
	case bool, int64:
		return true
	}
	return false
}

// equal implements Python's ==.
func equal(r *render, a, b Value) bool {
	r.step(1)
	if x, ok := number(a); ok {
		y, ok := number(b)
		if isInt(a) && isInt(b) {
			return integer(a) == integer(b)
		}
		return ok && x == y
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case string, markup:
		_, isText := b.(string)
		_, isMarkup := b.(markup)
		return (isText || isMarkup) && spendText(r, str(r, a)) == str(r, b)
	case bigInt:
		return a == b
	case undefined:
		_, ok := b.(undefined)
		return ok
	case *List:
		return equalLists(r, a, b)
	case *Dict:
		return equalDicts(r, a, b)
	}
	return a == b
}

func equalLists(r *render, a *List, other Value) bool {
	b, ok := other.(*List)
	if !ok || a.kind != b.kind || len(a.Items) != len(b.Items) {
		return false
	}
	if r.enter(); a.kind > rangeList {
		fail("comparing values of type %s is not supported", typeName(a))
	}
	defer r.leave()
	for i := range a.Items {
		if !equal(r, a.Items[i], b.Items[i]) {
			return false
		}
	}
	return true
}

func equalDicts(r *render, a *Dict, other Value) bool {
	b, ok := other.(*Dict)
	if !ok || len(a.keys) != len(b.keys) {
		return false
	}
	r.enter()
	defer r.leave()
	for _, k := range a.keys {
		if v, ok := b.values[k]; !ok || !equal(r, a.values[k], v) {
			return false
		}
	}
	return true
}

// compare returns a negative number, zero or a positive number if a is less than, equal to or greater than b.
func compare(r *render, op string, a, b Value) int {
	r.step(1)
	x, okX := number(a)
	y, okY := number(b)
	switch {
	case isInt(a) && isInt(b):
		m, n := integer(a), integer(b)
		return sign(m < n, m > n)
	case okX && okY:
		if math.IsNaN(x) || math.IsNaN(y) {
			fail("comparing with NaN is not supported")
		}
		return sign(x < y, x > y)
	}
	if s, ok := a.(string); ok {
		if t, ok := b.(string); ok {
			return strings.Compare(spendText(r, s), t)
		}
	}
	l, okX := a.(*List)
	m, okY := b.(*List)
	if !okX || !okY || l.kind != m.kind || l.kind > tuple {
		defined(a)
		defined(b)
		fail("'%s' not supported between instances of '%s' and '%s'", op, typeName(a), typeName(b))
	}
	r.enter()
	defer r.leave()
	for i := range min(len(l.Items), len(m.Items)) {
		if !equal(r, l.Items[i], m.Items[i]) {
			return compare(r, op, l.Items[i], m.Items[i])
		}
	}
	return sign(len(l.Items) < len(m.Items), len(l.Items) > len(m.Items))
}

func sign(less, more bool) int {
	switch {
	case less:
		return -1
	case more:
		return 1
	}
	return 0
}

// defined fails for an undefined value.
func defined(v Value) {
	if u, ok := v.(undefined); ok {
		fail("%s", u.message)
	}
}

// contains implements Python's in.
func contains(r *render, v, in Value) bool {
	switch in := in.(type) {
	case string, markup:
		s, ok := v.(string)
		if m, isMarkup := v.(markup); isMarkup {
			s, ok = string(m), true
		}
		if !ok {
			fail("'in <string>' requires string as left operand, not %s", typeName(v))
		}
		return strings.Contains(spendText(r, str(r, in)), s)
	case *Dict:
		_, ok := in.Get(v)
		return ok
	}
	next := iterate(r, in)
	for item, ok := next(); ok; item, ok = next() {
		if equal(r, v, item) {
			return true
		}
	}
	return false
}

// spendText counts the steps of going through a text, and returns the text.
func spendText(r *render, s string) string {
	r.step(len(s) >> 8)
	return s
}

// integer returns the whole number of a bool or an int.
func integer(v Value) int64 {
	switch v := v.(type) {
	case bool:
		if v {
			return 1
		}
		return 0
	case int64:
		return v
	}
	defined(v)
	fail("'%s' object cannot be interpreted as an integer", typeName(v))
	return 0
}

// operate performs a binary operation of arithmetic.
func operate(r *render, op string, a, b Value) Value {
	if op == "%" {
		if s, ok := a.(string); ok {
			return percent(r, s, b)
		}
	}
	defined(a)
	defined(b)
	if op == "+" {
		if v, ok := concatenate(r, a, b); ok {
			return v
		}
	}
	if op == "*" {
		if v, ok := repeat(r, a, b); ok {
			return v
		}
		if v, ok := repeat(r, b, a); ok {
			return v
		}
	}
	x, okX := number(a)
	y, okY := number(b)
	switch {
	case !okX || !okY:
		fail("unsupported operand type(s) for %s: '%s' and '%s'", op, typeName(a), typeName(b))
	case isInt(a) && isInt(b) && op != "/":
		return intArithmetic(op, integer(a), integer(b))
	}
	return floatArithmetic(op, x, y)
}

// concatenate adds values that are not numbers: texts and lists.
func concatenate(r *render, a, b Value) (Value, bool) {
	switch x := a.(type) {
	case string:
		switch y := b.(type) {
		case string:
			r.spend(len(x) + len(y))
			return x + y, true
		case markup:
			return escape(r, x) + y, true
		}
	case markup:
		switch y := b.(type) {
		case string:
			r.spend(len(x) + len(y))
			return x + escape(r, y), true
		case markup:
			r.spend(len(x) + len(y))
			return x + y, true
		}
	case *List:
		if y, ok := b.(*List); ok && x.kind == y.kind && x.kind <= tuple {
			r.spend(16 * (len(x.Items) + len(y.Items)))
			return &List{Items: append(append([]Value(nil), x.Items...), y.Items...), kind: x.kind}, true
		}
	}
	return nil, false
}

// escape replaces the characters that have a meaning in HTML.
func escape(r *render, s string) markup {
	r.spend(6 * len(s))
	return markup(html.EscapeString(s))
}

func repeat(r *render, a, times Value) (Value, bool) {
	if !isInt(times) {
		return nil, false
	}
	n := max(0, integer(times))
	switch x := a.(type) {
	case string:
		spendTimes(r, n, len(x))
		return strings.Repeat(x, int(n)), true
	case *List:
		if x.kind > tuple {
			return nil, false
		}
		spendTimes(r, n, 16*len(x.Items))
		list := &List{kind: x.kind}
		for range n {
			list.Items = append(list.Items, x.Items...)
		}
		return list, true
	}
	return nil, false
}

// spendTimes spends n times the size.
func spendTimes(r *render, n int64, size int) {
	if size > 0 && n > maxOnce/int64(size) {
		r.spend(maxOnce + 1)
	}
	r.spend(int(n) * size)
}

func intArithmetic(op string, a, b int64) Value {
	var c int64
	ok := true
	switch op {
	case "+":
		c = a + b
		ok = (c > a) == (b > 0)
	case "-":
		c = a - b
		ok = (c < a) == (b > 0)
	case "*":
		c = a * b
		ok = a == 0 || c/a == b && (a != -1 || b != math.MinInt64)
	case "//", "%":
		return divide(op, a, b)
	case "**":
		return power(a, b)
	}
	if !ok {
		fail("a whole number beyond 64 bits is not supported")
	}
	return c
}

// divide rounds down, as Python does.
func divide(op string, a, b int64) Value {
	if b == 0 {
		fail("integer modulo or division by zero")
	}
	if b == -1 && a == math.MinInt64 {
		fail("a whole number beyond 64 bits is not supported")
	}
	q, m := a/b, a%b
	if m != 0 && (m < 0) != (b < 0) {
		q, m = q-1, m+b
	}
	if op == "%" {
		return m
	}
	return q
}

func power(a, b int64) Value {
	if b < 0 {
		return floatArithmetic("**", float64(a), float64(b))
	}
	var c Value = int64(1)
	for range b {
		if c = intArithmetic("*", c.(int64), a); c == int64(0) || a == 1 { // of int64 it is int64
			break
		}
		if a == -1 {
			return 1 - 2*(b%2)
		}
	}
	return c
}

func floatArithmetic(op string, a, b float64) Value {
	if b == 0 && (op == "/" || op == "//" || op == "%") {
		fail("division by zero")
	}
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	case "//", "%":
		m := math.Mod(a, b)
		if m != 0 && (m < 0) != (b < 0) {
			m += b
		}
		if op == "%" {
			return m
		}
		return math.Round((a - m) / b)
	}
	c := math.Pow(a, b)
	if math.IsNaN(c) || math.IsInf(c, 0) {
		fail("the power of %v and %v is not supported", a, b)
	}
	return c
}

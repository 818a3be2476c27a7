package jinja

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Value is a value of Python: nil (None), bool, int64, float64, string, *List, *Dict, and types of this package.
type Value any

// List is a list.
type List struct {
	Items []Value
	kind  listKind
	group bool // the list is a pair made by groupby
}

type listKind int

const (
	plainList listKind = iota
	tuple
	rangeList
	dictKeys
	dictValues
	dictItems
)

// NewList returns a list of the items.
func NewList(items ...Value) *List { return &List{Items: items} }

func newTuple(items ...Value) *List { return &List{Items: items, kind: tuple} }

// Dict is a dictionary. It keeps the order of its keys.
type Dict struct {
	keys   []Value
	values map[Value]Value
}

// Set sets the value of a key.
func (d *Dict) Set(key, value Value) {
	key = hashed(key)
	if d.values == nil {
		d.values = map[Value]Value{}
	}
	if _, ok := d.values[key]; !ok {
		d.keys = append(d.keys, key)
	}
	d.values[key] = value
}

// Get returns the value of a key. It reports false if there is no such key.
func (d *Dict) Get(key Value) (Value, bool) {
	v, ok := d.values[hashed(key)]
	return v, ok
}

func (d *Dict) items() []Value {
	items := make([]Value, len(d.keys))
	for i, k := range d.keys {
		items[i] = newTuple(k, d.values[k])
	}
	return items
}

func (d *Dict) copy() *Dict {
	c := new(Dict)
	for _, k := range d.keys {
		c.Set(k, d.values[k])
	}
	return c
}

// hashed returns a key in the form that Go compares. In Python 1, 1.0 and True are the same key.
func hashed(key Value) Value {
	switch k := key.(type) {
	case bool, float64:
		if n, ok := wholeNumber(k); ok {
			fail("%s as the key of a dictionary is not supported (%d)", typeName(k), n)
		}
		return k
	case nil, string, int64, bigInt:
		return k
	case undefined:
		return undefined{}
	}
	fail("unhashable type: '%s'", typeName(key))
	return nil
}

func wholeNumber(v Value) (int64, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int64:
		return v, true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v), true
		}
	}
	return 0, false
}

type (
	undefined struct{ message string }
	markup    string // text marked by |safe; other text is escaped when joined to it
	bigInt    string // digits of a number beyond 64 bits, which can only be written
	generator struct{ next func() (Value, bool) }
	namespace struct{ fields *Dict }
	function  struct {
		name string
		call func(r *render, a callArgs) Value
	}
	// callArgs are the arguments of a call.
	callArgs struct {
		list  []Value
		names []string
		named []Value
	}
)

// BigInt returns a whole number beyond 64 bits, given by its digits. The only supported operation is to write it.
func BigInt(digits string) Value { return bigInt(digits) }

func typeName(v Value) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64, bigInt:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case markup:
		return "Markup"
	case *List:
		return [...]string{"list", "tuple", "range", "dict_keys", "dict_values", "dict_items"}[v.kind]
	case *Dict:
		return "dict"
	case undefined:
		return "Undefined"
	case *generator:
		return "generator"
	case *namespace:
		return "Namespace"
	case *loopState:
		return "LoopContext"
	case *macro:
		return "Macro"
	}
	return "function"
}

// truth implements Python's bool().
func truth(v Value) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case markup:
		return v != ""
	case *List:
		return len(v.Items) > 0
	case *Dict:
		return len(v.keys) > 0
	}
	return true
}

// str implements Python's str().
func str(r *render, v Value) string {
	switch v := v.(type) {
	case undefined:
		return ""
	case string:
		return v
	case markup:
		return string(v)
	}
	var b strings.Builder
	repr(r, &b, v, 0)
	return b.String()
}

// repr implements Python's repr().
func repr(r *render, b *strings.Builder, v Value, depth int) {
	if r.spend(8); depth > maxDepth {
		fail("a value is nested too deeply")
	}
	if b.Len() > maxOnce {
		r.spend(b.Len())
	}
	switch v := v.(type) {
	case nil:
		b.WriteString("None")
	case bool:
		b.WriteString(map[bool]string{true: "True", false: "False"}[v])
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case bigInt:
		b.WriteString(string(v))
	case float64:
		b.WriteString(floatText(v))
	case string:
		r.spend(len(v))
		quote(b, v)
	case undefined:
		b.WriteString("Undefined")
	case markup:
		b.WriteString("Markup(")
		quote(b, string(v))
		b.WriteString(")")
	case *List:
		reprList(r, b, v, depth)
	case *Dict:
		b.WriteByte('{')
		for i, k := range v.keys {
			comma(b, i)
			repr(r, b, k, depth+1)
			b.WriteString(": ")
			repr(r, b, v.values[k], depth+1)
		}
		b.WriteByte('}')
	default:
		fail("writing a value of type %s is not supported", typeName(v))
	}
}

func comma(b *strings.Builder, i int) {
	if i > 0 {
		b.WriteString(", ")
	}
}

func reprList(r *render, b *strings.Builder, l *List, depth int) {
	begin, end := "[", "]"
	switch l.kind {
	case tuple:
		begin, end = "(", ")"
		if len(l.Items) == 1 {
			end = ",)"
		}
	case rangeList:
		fail("writing a range is not supported")
	case dictKeys, dictValues, dictItems:
		begin, end = typeName(l)+"([", "])"
	}
	b.WriteString(begin)
	for i, item := range l.Items {
		comma(b, i)
		repr(r, b, item, depth+1)
	}
	b.WriteString(end)
}

// floatText returns a float as Python writes it: the shortest digits, with an exponent from 1e16 and below 1e-4.
func floatText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 0):
		return strings.TrimPrefix(strings.ToLower(strconv.FormatFloat(f, 'g', -1, 64)), "+")
	}
	if a := math.Abs(f); a != 0 && (a >= 1e16 || a < 1e-4) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// quote writes a text as Python's repr() does.
func quote(b *strings.Builder, s string) {
	q := '\''
	if strings.Contains(s, "'") && !strings.Contains(s, "\"") {
		q = '"'
	}
	b.WriteRune(q)
	for _, c := range s {
		switch {
		case c == q || c == '\\':
			b.WriteRune('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(c):
			b.WriteRune(c)
		case c < 0x100:
			fmt.Fprintf(b, `\x%02x`, c)
		case c < 0x10000:
			fmt.Fprintf(b, `\u%04x`, c)
		default:
			fmt.Fprintf(b, `\U%08x`, c)
		}
	}
	b.WriteRune(q)
}

// isSpace reports white space as Python's str.isspace does.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// length implements Python's len().
func length(r *render, v Value) int {
	switch v := v.(type) {
	case string:
		return utf8.RuneCountInString(spendText(r, v))
	case markup:
		return utf8.RuneCountInString(spendText(r, string(v)))
	case *List:
		return len(v.Items)
	case *Dict:
		return len(v.keys)
	case undefined:
		return 0
	}
	fail("object of type '%s' has no len()", typeName(v))
	return 0
}

// iterate implements Python's iter().
func iterate(r *render, v Value) func() (Value, bool) {
	if g, ok := v.(*generator); ok {
		return g.next
	}
	items, i := items(r, v), 0
	return func() (Value, bool) {
		if i == len(items) {
			return nil, false
		}
		i++
		return items[i-1], true
	}
}

// items returns the elements of an iterable value. The caller must not change them.
func items(r *render, v Value) []Value {
	switch v := v.(type) {
	case *List:
		return v.Items
	case *Dict:
		return v.keys
	case undefined:
		return nil
	case markup:
		return items(r, string(v))
	case string:
		r.spend(len(v) * 8)
		items := make([]Value, 0, len(v))
		for _, c := range v {
			items = append(items, string(c))
		}
		return items
	case *generator:
		var items []Value
		for item, ok := v.next(); ok; item, ok = v.next() {
			r.spend(16)
			items = append(items, item)
		}
		return items
	}
	fail("'%s' object is not iterable", typeName(v))
	return nil
}

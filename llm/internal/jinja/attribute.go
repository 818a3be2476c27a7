package jinja

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// The attributes of Python's types. This package implements some as methods; the rest are unsupported rather than
// undefined.
var (
	stringAttrs = strings.Fields("capitalize casefold center count encode endswith expandtabs find format format_map " +
		"index isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle " +
		"isupper " +
		"join ljust lower lstrip maketrans partition removeprefix removesuffix replace rfind rindex rjust " +
		"rpartition rsplit rstrip split splitlines startswith strip swapcase title translate upper zfill")
	listAttrs   = strings.Fields("append clear copy count extend index insert pop remove reverse sort")
	dictAttrs   = strings.Fields("clear copy fromkeys get items keys pop popitem setdefault update values")
	numberAttrs = strings.Fields("as_integer_ratio bit_count bit_length conjugate denominator from_bytes imag " +
		"numerator " +
		"real to_bytes fromhex hex is_integer")
	// Methods that change a value, which the sandbox forbids.
	changing = strings.Fields("append clear extend insert pop remove reverse sort popitem setdefault update")
)

// attribute returns the attribute of a value: a method, otherwise an element.
func attribute(r *render, of Value, name string) Value {
	defined(of)
	if v, ok := method(r, of, name); ok {
		return v
	}
	return element(of, name)
}

// subscript returns the element of a value, otherwise the attribute of that name.
func subscript(r *render, of, key Value) Value {
	defined(of)
	switch of := of.(type) {
	case *Dict:
		switch k := key.(type) {
		case *Dict:
		case *List:
			if k.kind == tuple {
				fail("a tuple as the key of a dictionary is not supported")
			}
		default:
			if v, ok := of.Get(key); ok {
				return v
			}
		}
	case *List:
		if isInt(key) && of.kind <= rangeList {
			return elementAt(of.Items, integer(key))
		}
	case string:
		if isInt(key) {
			return character(spendText(r, of), integer(key))
		}
	case markup:
		fail("elements of a text marked safe are not supported")
	}
	if name, ok := key.(string); ok {
		if v, ok := method(r, of, name); ok {
			return v
		}
	}
	return undefined{"'" + typeName(of) + "' object has no element " + keyText(r, key)}
}

// keyText returns a key as messages show it.
func keyText(r *render, key Value) string {
	switch k := key.(type) {
	case string:
		return "'" + k + "'"
	case int64:
		return str(r, k)
	}
	return "of type " + typeName(key)
}

// element returns the element of a dictionary or a namespace.
func element(of Value, name string) Value {
	if d, ok := of.(*Dict); ok {
		if v, ok := d.values[name]; ok {
			return v
		}
	}
	return undefined{"'" + typeName(of) + "' object has no attribute '" + name + "'"}
}

// character returns the character at an index of a text.
func character(s string, i int64) Value {
	if i < 0 {
		i += int64(utf8.RuneCountInString(s))
	}
	for at, c := range s {
		if i == 0 {
			return s[at : at+utf8.RuneLen(c)]
		}
		i--
	}
	return undefined{"index out of range"}
}

// elementAt returns the item at an index, which counts from the end if it is negative.
func elementAt(items []Value, i int64) Value {
	if i < 0 {
		i += int64(len(items))
	}
	if i < 0 || i >= int64(len(items)) {
		return undefined{"index out of range"}
	}
	return items[i]
}

// method returns an attribute that Python's type has.
func method(r *render, of Value, name string) (Value, bool) {
	if strings.HasPrefix(name, "__") {
		fail("access to attribute %q is not supported", name)
	}
	var has bool
	switch of := of.(type) {
	case *namespace:
		return of.fields.Get(name)
	case *loopState:
		return of.attr(name)
	case string, markup:
		has = slices.Contains(stringAttrs, name)
	case *List:
		if i := slices.Index([]string{"grouper", "list"}, name); of.group && i >= 0 {
			return of.Items[i], true
		}
		has = slices.Contains(listAttrs, name) && (of.kind == plainList || name == "count" || name == "index")
		if of.kind == rangeList {
			has = slices.Contains([]string{"count", "index", "start", "stop", "step"}, name)
		} else if of.kind > rangeList {
			has = name == "isdisjoint" || name == "mapping"
		}
	case *Dict:
		has = slices.Contains(dictAttrs, name)
	case bool, int64, float64, bigInt:
		has = slices.Contains(numberAttrs, name)
	case *macro, *function, *generator:
		fail("attributes of a %s are not supported", typeName(of))
	}
	if !has {
		return nil, false
	}
	if slices.Contains(changing, name) {
		fail("access to attribute '%s' of '%s' object is unsafe", name, typeName(of))
	}
	return &function{name, func(r *render, a callArgs) Value { return callMethod(r, of, name, a) }}, true
}

func callMethod(r *render, of Value, name string, a callArgs) Value {
	switch of := of.(type) {
	case string:
		return stringMethod(r, of, name, a)
	case *Dict:
		switch name {
		case "get":
			v := a.bind(name, "key", "default")
			if got, ok := of.Get(v[0]); ok {
				return got
			}
			return orDefault(v[1], nil)
		case "items":
			return &List{Items: of.items(), kind: dictItems}
		case "keys":
			return &List{Items: of.keys, kind: dictKeys}
		case "values":
			return &List{Items: valuesOf(r, of), kind: dictValues}
		case "copy":
			return of.copy()
		}
	case *List:
		switch name {
		case "copy":
			return NewList(slices.Clone(of.Items)...)
		case "count":
			n, v := 0, a.bind(name, "value")[0]
			for _, item := range of.Items {
				if equal(r, item, v) {
					n++
				}
			}
			return int64(n)
		case "index":
			v := a.bind(name, "value")[0]
			for i, item := range of.Items {
				if equal(r, item, v) {
					return int64(i)
				}
			}
			fail("the value is not in the list")
		}
	}
	fail("the method %s of a %s is not supported", name, typeName(of))
	return nil
}

func valuesOf(r *render, d *Dict) []Value {
	r.spend(16 * len(d.keys))
	values := make([]Value, len(d.keys))
	for i, k := range d.keys {
		values[i] = d.values[k]
	}
	return values
}

// slice returns a span of a text or list.
func slice(r *render, e *Slice, s *scope) Value {
	of := r.eval(e.Operand, s)
	defined(of)
	var bounds [3]Value
	for i, e := range []Expr{e.From, e.To, e.Step} {
		if e == nil {
			continue
		}
		if bounds[i] = r.eval(e, s); bounds[i] != nil {
			bounds[i] = integer(bounds[i])
		}
	}
	switch of := of.(type) {
	case string:
		runes := []rune(of)
		r.spend(8 * len(of))
		var picked []rune
		pickSpan(len(runes), bounds, func(i int) { picked = append(picked, runes[i]) })
		return string(picked)
	case *List:
		if of.kind > rangeList {
			break
		}
		picked := &List{kind: of.kind}
		r.spend(16 * len(of.Items))
		pickSpan(len(of.Items), bounds, func(i int) { picked.Items = append(picked.Items, of.Items[i]) })
		return picked
	case markup:
		fail("elements of a text marked safe are not supported")
	}
	fail("'%s' object is not subscriptable", typeName(of))
	return nil
}

// pickSpan calls pick for each index of a span of n items, by Python's rules. The bounds are the beginning, the end and
// the step.
func pickSpan(n int, bounds [3]Value, pick func(i int)) {
	by := int64(1)
	if bounds[2] != nil {
		if by = integer(bounds[2]); by == 0 {
			fail("slice step cannot be zero")
		}
	}
	low, high := int64(0), int64(n)
	if by < 0 {
		low, high = -1, int64(n)-1
	}
	clamp := func(v Value, otherwise int64) int64 {
		if v == nil {
			return otherwise
		}
		i := integer(v)
		if i < 0 {
			i += int64(n)
		}
		return min(max(i, low), high)
	}
	begin, end := clamp(bounds[0], low), clamp(bounds[1], high)
	if by < 0 {
		begin, end = clamp(bounds[0], high), clamp(bounds[1], low)
	}
	by = min(max(by, -int64(n)-1), int64(n)+1)
	for i := begin; by > 0 && i < end || by < 0 && i > end; i += by {
		pick(int(i))
	}
}

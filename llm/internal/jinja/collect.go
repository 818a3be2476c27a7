package jinja

import (
	"slices"
	"sort"
	"strconv"
	"strings"
)

// getter returns a function that reads an attribute of items: a name, names between dots, or an index. A nil attribute
// stands for the item itself.
func getter(r *render, attribute Value) func(Value) Value {
	return getterWithDefault(r, attribute, nil)
}

// getterWithDefault is getter, but returns a value other than nil in place of an undefined attribute.
func getterWithDefault(r *render, attribute, otherwise Value) func(Value) Value {
	if attribute == nil {
		return func(v Value) Value { return v }
	}
	var path []Value
	switch a := attribute.(type) {
	case int64:
		path = []Value{a}
	case string:
		for _, part := range strings.Split(a, ".") {
			if n, err := strconv.ParseInt(part, 10, 64); err == nil && part[0] != '-' && part[0] != '+' {
				path = append(path, n)
			} else {
				path = append(path, part)
			}
		}
	default:
		fail("an attribute of type %s is not supported", typeName(a))
	}
	return func(v Value) Value {
		for _, key := range path {
			v = subscript(r, v, key)
			if _, no := v.(undefined); no && otherwise != nil {
				v = otherwise
			}
		}
		return v
	}
}

// selectFilter returns the filter select, reject, selectattr or rejectattr.
func selectFilter(keep, byAttr bool) func(*render, Value, callArgs) Value {
	return func(r *render, v Value, a callArgs) Value {
		return lazily(r, v, func() func(Value) (Value, bool) {
			holds := condition(r, a, byAttr)
			return func(item Value) (Value, bool) { return item, holds(item) == keep }
		})
	}
}

// condition returns a test of items or of one of their attributes. Without a name it tests their truth.
func condition(r *render, a callArgs, byAttr bool) func(Value) bool {
	get := getter(r, nil)
	if byAttr {
		if len(a.list) == 0 {
			fail("Missing parameter for attribute name")
		}
		get = getter(r, a.list[0])
		a.list = a.list[1:]
	}
	if len(a.list) == 0 {
		return func(item Value) bool { return truth(get(item)) }
	}
	name, rest := textOf("select", a.list[0]), callArgs{a.list[1:], a.names, a.named}
	return func(item Value) bool { return truth(applyTest(r, name, get(item), rest)) }
}

func mapFilter(r *render, v Value, a callArgs) Value {
	return lazily(r, v, func() func(Value) (Value, bool) {
		change := mapper(r, a)
		return func(item Value) (Value, bool) { return change(item), true }
	})
}

// mapper returns the function that the filter map applies to items: a filter, or reading an attribute.
func mapper(r *render, a callArgs) func(Value) Value {
	if len(a.list) > 0 {
		name, rest := textOf("map", a.list[0]), callArgs{a.list[1:], a.names, a.named}
		return func(v Value) Value { return applyFilter(r, name, v, rest) }
	}
	p := a.bind("map", "", "attribute", "default")
	if p[1] == (missing{}) {
		fail("map requires a filter argument")
	}
	return getterWithDefault(r, p[1], orDefault(p[2], nil))
}

// keysOf returns the values by which items are compared.
func keysOf(r *render, items []Value, attribute, sensitive Value) []Value {
	get := getter(r, attribute)
	keys := make([]Value, len(items))
	for i, item := range items {
		keys[i] = foldCase(sensitive, get(item))
	}
	return keys
}

// sortFilter compares lists of keys, one for each of the attributes between commas.
func sortFilter(r *render, v Value, a callArgs) Value {
	p := a.bind("sort", "reverse", "case_sensitive", "attribute")
	attributes := []Value{orDefault(p[2], nil)}
	if names, ok := attributes[0].(string); ok {
		attributes = items(r, texts(strings.Split(names, ",")))
	}
	items := items(r, v)
	keys := make([]Value, len(items))
	for _, attribute := range attributes {
		for i, key := range keysOf(r, items, attribute, orDefault(p[1], false)) {
			before, _ := keys[i].(*List)
			if before == nil {
				before = NewList()
			}
			keys[i] = NewList(append(before.Items, key)...)
		}
	}
	return NewList(sorted(r, items, keys, truth(orDefault(p[0], false)))...)
}

func dictSort(r *render, v Value, a callArgs) Value {
	p := a.bind("dictsort", "case_sensitive", "by", "reverse")
	defined(v)
	d, ok := v.(*Dict)
	if !ok {
		fail("'%s' object has no attribute 'items'", typeName(v))
	}
	at := map[Value]int64{"key": 0, "value": 1}
	by, ok := at[orDefault(p[1], "key")]
	if !ok {
		fail("You can only sort by either \"key\" or \"value\"")
	}
	items := d.items()
	return NewList(sorted(r, items, keysOf(r, items, by, orDefault(p[0], false)), truth(orDefault(p[2], false)))...)
}

func unique(r *render, v Value, a callArgs) Value {
	p := a.bind("unique", "case_sensitive", "attribute")
	items := items(r, v)
	seen, out := new(Dict), NewList()
	for i, key := range keysOf(r, items, orDefault(p[1], nil), orDefault(p[0], false)) {
		if _, ok := seen.Get(key); !ok {
			seen.Set(key, true)
			out.Items = append(out.Items, items[i])
		}
	}
	return generate(r, iterate(r, out))
}

func extreme(sign int) func(*render, Value, callArgs) Value {
	return func(r *render, v Value, a callArgs) Value {
		p := a.bind("min", "case_sensitive", "attribute")
		items := items(r, v)
		if len(items) == 0 {
			return undefined{"No aggregated item, sequence was empty."}
		}
		best := 0
		keys := keysOf(r, items, orDefault(p[1], nil), orDefault(p[0], false))
		for i := range keys {
			if i > 0 && compare(r, "<", keys[i], keys[best])*sign > 0 {
				best = i
			}
		}
		return items[best]
	}
}

func groupBy(r *render, v Value, a callArgs) Value {
	p := a.bind("groupby", "attribute", "default", "case_sensitive")
	if p[1] != (missing{}) {
		fail("groupby with a default is not supported")
	}
	items := items(r, v)
	get := getter(r, p[0])
	keys := keysOf(r, items, p[0], orDefault(p[2], false))
	order := make([]Value, len(items))
	for i := range order {
		order[i] = int64(i)
	}
	out := NewList()
	var before Value
	for _, at := range sorted(r, order, keys, false) {
		i := at.(int64) // made above
		if len(out.Items) == 0 || !equal(r, before, keys[i]) {
			out.Items = append(out.Items, newGroup(get(items[i])))
		}
		group := out.Items[len(out.Items)-1].(*List) // made above
		members := group.Items[1].(*List)            // made above
		members.Items = append(slices.Clip(members.Items), items[i])
		before = keys[i]
	}
	return out
}

// newGroup returns the pair of a group's common value and its members.
func newGroup(grouper Value) *List {
	return &List{Items: []Value{grouper, NewList()}, kind: tuple, group: true}
}

func batch(r *render, v Value, a callArgs) Value {
	p := a.bind("batch", "linecount", "fill_with")
	size, fill := integer(p[0]), orDefault(p[1], nil)
	if size <= 0 {
		fail("batch: a size of %d is not supported", size)
	}
	out, items := NewList(), items(r, v)
	for len(items) > 0 {
		n := min(size, int64(len(items)))
		row := NewList(slices.Clone(items[:n])...)
		spendTimes(r, size, 16)
		for fill != nil && int64(len(row.Items)) < size {
			row.Items = append(row.Items, fill)
		}
		out.Items, items = append(out.Items, row), items[n:]
	}
	return generate(r, iterate(r, out))
}

func sliceFilter(r *render, v Value, a callArgs) Value {
	p := a.bind("slice", "slices", "fill_with")
	n, fill := integer(p[0]), orDefault(p[1], nil)
	items := items(r, v)
	if n <= 0 || n > maxRange {
		fail("slice: %d slices are not supported", n)
	}
	size, more := len(items)/int(n), len(items)%int(n)
	out := NewList()
	for i, from := 0, 0; i < int(n); i++ {
		to := from + size
		if i < more {
			to++
		}
		row := NewList(slices.Clone(items[from:to])...)
		if fill != nil && i >= more {
			row.Items = append(row.Items, fill)
		}
		out.Items, from = append(out.Items, row), to
	}
	return generate(r, iterate(r, out))
}

func first(r *render, v Value, _ callArgs) Value {
	if item, ok := iterate(r, v)(); ok {
		return item
	}
	return undefined{"No first item, sequence was empty."}
}

func last(r *render, v Value, _ callArgs) Value {
	if _, ok := v.(*generator); ok {
		fail("'generator' object is not reversible")
	}
	return elementAt(items(r, v), -1)
}

func listFilter(r *render, v Value, _ callArgs) Value {
	items := items(r, v)
	r.spend(16 * len(items))
	return NewList(slices.Clone(items)...)
}

func itemsFilter(r *render, v Value, _ callArgs) Value {
	var next func() (Value, bool)
	return generate(r, func() (Value, bool) {
		d, ok := v.(*Dict)
		if _, none := v.(undefined); none {
			return nil, false
		} else if !ok {
			fail("Can only get item pairs from a mapping.")
		}
		if next == nil {
			next = iterate(r, NewList(d.items()...))
		}
		return next()
	})
}

// foldCase returns a value as sort and others compare it: texts without regard to case unless sensitive is true.
func foldCase(sensitive Value, v Value) Value {
	if s, ok := v.(string); ok && !truth(sensitive) {
		return lower(s)
	}
	return v
}

// sorted orders items by their keys and keeps the order of equal items.
func sorted(r *render, items, keys []Value, backwards bool) []Value {
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool {
		if backwards {
			return compare(r, "<", keys[order[j]], keys[order[i]]) < 0
		}
		return compare(r, "<", keys[order[i]], keys[order[j]]) < 0
	})
	out := make([]Value, len(items))
	for i, at := range order {
		out[i] = items[at]
	}
	r.spend(32 * len(items))
	return out
}

package jinja

import (
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// filters are those of Jinja2 with tojson as the transformers library sets it. What is not among them is an error.
var filters map[string]func(r *render, v Value, a callArgs) Value

func init() { //nolint:gochecknoinits // map, select and others look up filters themselves
	filters = map[string]func(r *render, v Value, a callArgs) Value{
		"abs": absolute, "attr": attrFilter, "batch": batch, "capitalize": textFilter("capitalize"), "center": center,
		"count": lengthFilter, "d": defaultFilter, "default": defaultFilter, "dictsort": dictSort, "e": escapeFilter,
		"escape": escapeFilter, "first": first, "forceescape": forceEscape, "float": floatFilter, "format": formatFilter, "groupby": groupBy,
		"indent": indent, "int": intFilter, "items": itemsFilter, "join": joinFilter, "last": last, "length": lengthFilter,
		"list": listFilter, "lower": textFilter("lower"), "map": mapFilter, "max": extreme(1), "min": extreme(-1),
		"reject": choose(false, false), "rejectattr": choose(false, true), "replace": replaceFilter, "reverse": reverse,
		"round": round, "safe": safe, "select": choose(true, false), "selectattr": choose(true, true), "slice": sliceFilter,
		"sort": sortFilter, "string": stringFilter, "sum": sum, "title": titleFilter, "tojson": toJSON, "trim": trim,
		"truncate": truncate, "unique": unique, "upper": textFilter("upper"), "wordcount": wordCount,
	}
}

func (r *render) filter(name string, v Value, a callArgs) Value {
	f, ok := filters[name]
	if !ok {
		fail("the filter %q is not supported", name)
	}
	r.enter()
	defer r.leave()
	return f(r, v, a)
}

// plain is a value as text, for filters that take any. Text marked safe would stay so in Jinja2.
func (r *render) plain(filter string, v Value) string {
	if _, ok := v.(markup); ok {
		fail("the filter %q on a text marked safe is not supported", filter)
	}
	return r.str(v)
}

func textFilter(name string) func(*render, Value, callArgs) Value {
	return func(r *render, v Value, a callArgs) Value {
		a.bind(name)
		s := r.plain(name, v)
		r.spend(3 * len(s))
		return casedMethod(s, name)
	}
}

// generate is a generator whose items are made when they are asked for.
func (r *render) generate(next func() (Value, bool)) *generator {
	return &generator{func() (Value, bool) {
		r.step(1)
		r.enter()
		defer r.leave()
		return next()
	}}
}

// lazily is a generator that begins to look at its input when it is asked for the first item. What is false it takes for empty.
func (r *render) lazily(v Value, begin func() func(Value) (Value, bool)) *generator {
	var next func() (Value, bool)
	var pass func(Value) (Value, bool)
	return r.generate(func() (Value, bool) {
		if next == nil && !truth(v) {
			return nil, false
		} else if next == nil {
			pass, next = begin(), r.iterate(v)
		}
		for item, ok := next(); ok; item, ok = next() {
			r.step(1)
			if out, keep := pass(item); keep {
				return out, true
			}
		}
		return nil, false
	})
}

func absolute(r *render, v Value, _ callArgs) Value {
	if f, ok := v.(float64); ok {
		return math.Abs(f)
	}
	if n := integer(v); n < 0 {
		return r.unary("-", n)
	}
	return integer(v)
}

func attrFilter(r *render, v Value, a callArgs) Value {
	name := textOf("attr", a.bind("attr", "name")[0])
	if got, ok := r.method(v, name); ok {
		return got
	}
	return undefined{"'" + typeName(v) + "' object has no attribute '" + name + "'"}
}

func batch(r *render, v Value, a callArgs) Value {
	p := a.bind("batch", "linecount", "fill_with")
	size, fill := integer(p[0]), or(p[1], nil)
	if size <= 0 {
		fail("batch: a size of %d is not supported", size)
	}
	out, items := NewList(), r.items(v)
	for len(items) > 0 {
		n := min(size, int64(len(items)))
		row := NewList(slices.Clone(items[:n])...)
		r.bound(size, 16)
		for fill != nil && int64(len(row.Items)) < size {
			row.Items = append(row.Items, fill)
		}
		out.Items, items = append(out.Items, row), items[n:]
	}
	return r.generate(r.iterate(out))
}

func sliceFilter(r *render, v Value, a callArgs) Value {
	p := a.bind("slice", "slices", "fill_with")
	n, fill := integer(p[0]), or(p[1], nil)
	items := r.items(v)
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
	return r.generate(r.iterate(out))
}

func center(r *render, v Value, a callArgs) Value {
	return r.padded("center", r.plain("center", v), integer(or(a.bind("center", "width")[0], int64(80))), " ")
}

func lengthFilter(r *render, v Value, a callArgs) Value {
	a.bind("length")
	return int64(r.length(v))
}

func defaultFilter(_ *render, v Value, a callArgs) Value {
	p := a.bind("default", "default_value", "boolean")
	if _, no := v.(undefined); no || truth(or(p[1], false)) && !truth(v) {
		return or(p[0], "")
	}
	return v
}

func escapeFilter(r *render, v Value, _ callArgs) Value {
	if m, ok := v.(markup); ok {
		return m
	}
	return r.escape(r.str(v))
}

func forceEscape(r *render, v Value, _ callArgs) Value { return r.escape(r.str(v)) }

func safe(r *render, v Value, _ callArgs) Value { return markup(r.str(v)) }

func first(r *render, v Value, _ callArgs) Value {
	if item, ok := r.iterate(v)(); ok {
		return item
	}
	return undefined{"No first item, sequence was empty."}
}

func last(r *render, v Value, _ callArgs) Value {
	if _, ok := v.(*generator); ok {
		fail("'generator' object is not reversible")
	}
	return at(r.items(v), -1)
}

func floatFilter(r *render, v Value, a callArgs) Value {
	otherwise := or(a.bind("float", "default")[0], 0.0)
	if f, ok := number(v); ok {
		return f
	}
	defined(v)
	s, ok := v.(string)
	if f, err := strconv.ParseFloat(strings.TrimFunc(s, isSpace), 64); ok && err == nil {
		if strings.ContainsAny(s, "_xXpP") || math.IsNaN(f) || math.IsInf(f, 0) {
			fail("the number %q is not supported", s)
		}
		return f
	}
	return otherwise
}

func intFilter(r *render, v Value, a callArgs) Value {
	p := a.bind("int", "default", "base")
	base := integer(or(p[1], int64(10)))
	defined(v)
	switch v := v.(type) {
	case bool, int64:
		return integer(v)
	case bigInt:
		return v
	case string:
		if base != 10 {
			fail("int with the base %d is not supported", base)
		}
		if n, ok := parseInt(v, 10); ok {
			return n
		}
	}
	if f, ok := floatFilter(r, v, callArgs{list: []Value{nil}}).(float64); ok {
		if math.Abs(f) >= 1<<63 {
			fail("a whole number beyond 64 bits is not supported")
		}
		return int64(f)
	}
	return or(p[0], int64(0))
}

func formatFilter(r *render, v Value, a callArgs) Value {
	if len(a.names) > 0 {
		d := new(Dict)
		for i, name := range a.names {
			d.Set(name, a.named[i])
		}
		return r.percent(r.plain("format", v), d)
	}
	return r.percent(r.plain("format", v), newTuple(a.list...))
}

func indent(r *render, v Value, a callArgs) Value {
	p := a.bind("indent", "width", "first", "blank")
	by, ok := p[0].(string)
	if !ok {
		by, _ = r.operate("*", " ", integer(or(p[0], int64(4)))).(string)
	}
	s, ok := v.(string)
	if !ok {
		fail("the filter \"indent\" of a %s is not supported", typeName(v))
	}
	lines := r.items(splitLines(s+"\n", false))
	r.bound(int64(len(lines)), len(by))
	r.spend(len(s))
	var b strings.Builder
	for i, line := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		indented := line != "" || truth(or(p[2], false))
		if i == 0 && truth(or(p[1], false)) || i > 0 && indented {
			b.WriteString(by)
		}
		b.WriteString(line.(string)) //nolint:forcetypeassert // lines are texts
	}
	return b.String()
}

func itemsFilter(r *render, v Value, _ callArgs) Value {
	var next func() (Value, bool)
	return r.generate(func() (Value, bool) {
		d, ok := v.(*Dict)
		if _, none := v.(undefined); none {
			return nil, false
		} else if !ok {
			fail("Can only get item pairs from a mapping.")
		}
		if next == nil {
			next = r.iterate(NewList(d.items()...))
		}
		return next()
	})
}

func joinFilter(r *render, v Value, a callArgs) Value {
	p := a.bind("join", "d", "attribute")
	if p[1] != (missing{}) {
		get := r.getter(p[1])
		next := r.iterate(v)
		v = r.generate(func() (Value, bool) {
			item, ok := next()
			if !ok {
				return nil, false
			}
			return get(item), true
		})
	}
	return r.joined(r.str(or(p[0], "")), v, false)
}

func listFilter(r *render, v Value, _ callArgs) Value {
	items := r.items(v)
	r.spend(16 * len(items))
	return NewList(slices.Clone(items)...)
}

func replaceFilter(r *render, v Value, a callArgs) Value {
	p := a.bind("replace", "old", "new", "count")
	n := int64(-1)
	if c := or(p[2], nil); c != nil {
		n = integer(c)
	}
	return r.replace(r.plain("replace", v), r.plain("replace", p[0]), r.plain("replace", p[1]), n)
}

func reverse(r *render, v Value, _ callArgs) Value {
	if _, ok := v.(*generator); ok {
		v = NewList(r.items(v)...)
	}
	items := slices.Clone(r.items(v))
	slices.Reverse(items)
	r.spend(16 * len(items))
	if _, ok := v.(string); ok {
		return r.joined("", NewList(items...), false)
	}
	return r.generate(r.iterate(NewList(items...)))
}

func round(_ *render, v Value, a callArgs) Value {
	p := a.bind("round", "precision", "method")
	digits, method := integer(or(p[0], int64(0))), or(p[1], "common")
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

func stringFilter(r *render, v Value, _ callArgs) Value {
	if m, ok := v.(markup); ok {
		return m
	}
	return r.str(v)
}

func sum(r *render, v Value, a callArgs) Value {
	p := a.bind("sum", "attribute", "start")
	get := r.getter(or(p[0], nil))
	total := or(p[1], int64(0))
	for _, item := range r.items(v) {
		total = r.operate("+", total, get(item))
	}
	return total
}

func titleFilter(r *render, v Value, _ callArgs) Value {
	var b strings.Builder
	begin := true
	for _, c := range r.plain("title", v) {
		if separator := isSpace(c) || strings.ContainsRune("-({[<", c); separator || !begin {
			b.WriteString(lower(string(c)))
			begin = separator
			continue
		}
		b.WriteString(upper(string(c)))
		begin = false
	}
	return b.String()
}

func trim(r *render, v Value, a callArgs) Value {
	return strip("strip", r.plain("trim", v), or(a.bind("trim", "chars")[0], nil))
}

func truncate(r *render, v Value, a callArgs) Value {
	p := a.bind("truncate", "length", "killwords", "end", "leeway")
	size, end := integer(or(p[0], int64(255))), textOf("truncate", or(p[2], "..."))
	leeway := or(p[3], nil)
	if leeway == nil {
		leeway = int64(5)
	}
	s, ok := v.(string)
	if !ok {
		fail("the filter \"truncate\" of a %s is not supported", typeName(v))
	}
	n := int64(utf8.RuneCountInString(end))
	if size < n || integer(leeway) < 0 {
		fail("truncate: expected length >= %d and leeway >= 0", n)
	}
	if int64(r.length(s)) <= size+integer(leeway) {
		return s
	}
	kept := string([]rune(s)[:size-n])
	if i := strings.LastIndex(kept, " "); i >= 0 && !truth(or(p[1], false)) {
		kept = kept[:i]
	}
	return kept + end
}

func wordCount(r *render, v Value, _ callArgs) Value {
	n, inWord := 0, false
	for _, c := range r.plain("wordcount", v) {
		word := c == '_' || classes["isalnum"](c)
		if word && !inWord {
			n++
		}
		inWord = word
	}
	return int64(n)
}

// folded is a value as sort and others compare it: texts without regard to case unless asked for.
func folded(sensitive Value, v Value) Value {
	if s, ok := v.(string); ok && !truth(sensitive) {
		return lower(s)
	}
	return v
}

// sorted orders items by their keys, keeping the order of equals.
func (r *render) sorted(items, keys []Value, backwards bool) []Value {
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool {
		if backwards {
			return r.compare("<", keys[order[j]], keys[order[i]]) < 0
		}
		return r.compare("<", keys[order[i]], keys[order[j]]) < 0
	})
	out := make([]Value, len(items))
	for i, at := range order {
		out[i] = items[at]
	}
	r.spend(32 * len(items))
	return out
}

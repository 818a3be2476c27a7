package jinja

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// filter is a filter of Jinja2: a function from a value to its result.
type filter func(r *render, v Value, a callArgs) Value

// filters holds the filters of Jinja2, with tojson as the transformers library defines it. Any other filter is an
// error.
var filters = map[string]filter{
	"abs": absolute, "attr": attrFilter, "batch": batch, "capitalize": textFilter("capitalize"), "center": center,
	"count": lengthFilter, "d": defaultFilter, "default": defaultFilter, "dictsort": dictSort, "e": escapeFilter,
	"escape": escapeFilter, "first": first, "forceescape": forceEscape, "float": floatFilter, "format": formatFilter,
	"groupby": groupBy, "indent": indent, "int": intFilter, "items": itemsFilter, "join": joinFilter, "last": last,
	"length": lengthFilter, "list": listFilter, "lower": textFilter("lower"), "map": mapFilter, "max": extreme(1),
	"min": extreme(-1), "reject": selectFilter(false, false), "rejectattr": selectFilter(false, true),
	"replace": replaceFilter, "reverse": reverse, "round": round, "safe": safe, "select": selectFilter(true, false),
	"selectattr": selectFilter(true, true), "slice": sliceFilter, "sort": sortFilter, "string": stringFilter,
	"sum": sum, "title": titleFilter,
	"tojson": toJSON,
	"trim":   trim, "truncate": truncate, "unique": unique, "upper": textFilter("upper"), "wordcount": wordCount,
}

func applyFilter(r *render, name string, v Value, a callArgs) Value {
	f, ok := r.filters[name]
	if !ok {
		fail("the filter %q is not supported", name)
	}
	r.enter()
	defer r.leave()
	return f(r, v, a)
}

// plain returns a value as text, for filters that take any value.
func plain(r *render, filter string, v Value) string {
	notSafe(filter, v)
	return str(r, v)
}

// notSafe fails for text marked safe, because the result would stay safe in Jinja2.
func notSafe(filter string, v Value) {
	if _, ok := v.(markup); ok {
		fail("the filter %q on a text marked safe is not supported", filter)
	}
}

func textFilter(name string) func(*render, Value, callArgs) Value {
	return func(r *render, v Value, a callArgs) Value {
		a.bind(name)
		s := plain(r, name, v)
		r.spend(3 * len(s))
		return casedMethod(s, name)
	}
}

// generate returns a generator that makes each item when it is asked for.
func generate(r *render, next func() (Value, bool)) *generator {
	return &generator{func() (Value, bool) {
		r.step(1)
		r.enter()
		defer r.leave()
		return next()
	}}
}

// lazily returns a generator that looks at its input only when it is asked for the first item. A false input counts as
// empty.
func lazily(r *render, v Value, begin func() func(Value) (Value, bool)) *generator {
	var next func() (Value, bool)
	var pass func(Value) (Value, bool)
	return generate(r, func() (Value, bool) {
		if next == nil && !truth(v) {
			return nil, false
		} else if next == nil {
			pass, next = begin(), iterate(r, v)
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

func attrFilter(r *render, v Value, a callArgs) Value {
	name := textOf("attr", a.bind("attr", "name")[0])
	if got, ok := method(r, v, name); ok {
		return got
	}
	return undefined{"'" + typeName(v) + "' object has no attribute '" + name + "'"}
}

func center(r *render, v Value, a callArgs) Value {
	return pad(r, "center", plain(r, "center", v), integer(orDefault(a.bind("center", "width")[0], int64(80))), " ")
}

func lengthFilter(r *render, v Value, a callArgs) Value {
	a.bind("length")
	return int64(length(r, v))
}

func defaultFilter(_ *render, v Value, a callArgs) Value {
	p := a.bind("default", "default_value", "boolean")
	if _, no := v.(undefined); no || truth(orDefault(p[1], false)) && !truth(v) {
		return orDefault(p[0], "")
	}
	return v
}

func escapeFilter(r *render, v Value, _ callArgs) Value {
	if m, ok := v.(markup); ok {
		return m
	}
	return escape(r, str(r, v))
}

func forceEscape(r *render, v Value, _ callArgs) Value { return escape(r, str(r, v)) }

func safe(r *render, v Value, _ callArgs) Value { return markup(str(r, v)) }

func formatFilter(r *render, v Value, a callArgs) Value {
	if len(a.names) > 0 {
		d := new(Dict)
		for i, name := range a.names {
			d.Set(name, a.named[i])
		}
		return percent(r, plain(r, "format", v), d)
	}
	return percent(r, plain(r, "format", v), newTuple(a.list...))
}

func indent(r *render, v Value, a callArgs) Value {
	p := a.bind("indent", "width", "first", "blank")
	by, ok := p[0].(string)
	if !ok {
		by, _ = operate(r, "*", " ", integer(orDefault(p[0], int64(4)))).(string)
	}
	s, ok := v.(string)
	if !ok {
		fail("the filter \"indent\" of a %s is not supported", typeName(v))
	}
	lines := items(r, splitLines(s+"\n", false))
	spendTimes(r, int64(len(lines)), len(by))
	r.spend(len(s))
	var b strings.Builder
	for i, line := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		indented := line != "" || truth(orDefault(p[2], false))
		if i == 0 && truth(orDefault(p[1], false)) || i > 0 && indented {
			b.WriteString(by)
		}
		b.WriteString(line.(string)) // lines are texts
	}
	return b.String()
}

func joinFilter(r *render, v Value, a callArgs) Value {
	p := a.bind("join", "d", "attribute")
	if p[1] != (missing{}) {
		get := getter(r, p[1])
		next := iterate(r, v)
		v = generate(r, func() (Value, bool) {
			item, ok := next()
			if !ok {
				return nil, false
			}
			return get(item), true
		})
	}
	return joinTexts(r, str(r, orDefault(p[0], "")), v, false)
}

func replaceFilter(r *render, v Value, a callArgs) Value {
	p := a.bind("replace", "old", "new", "count")
	n := int64(-1)
	if c := orDefault(p[2], nil); c != nil {
		n = integer(c)
	}
	return replace(r, plain(r, "replace", v), plain(r, "replace", p[0]), plain(r, "replace", p[1]), n)
}

func reverse(r *render, v Value, _ callArgs) Value {
	notSafe("reverse", v)
	if _, ok := v.(*generator); ok {
		v = NewList(items(r, v)...)
	}
	items := slices.Clone(items(r, v))
	slices.Reverse(items)
	r.spend(16 * len(items))
	if _, ok := v.(string); ok {
		return joinTexts(r, "", NewList(items...), false)
	}
	return generate(r, iterate(r, NewList(items...)))
}

func stringFilter(r *render, v Value, _ callArgs) Value {
	if m, ok := v.(markup); ok {
		return m
	}
	return str(r, v)
}

func titleFilter(r *render, v Value, _ callArgs) Value {
	var b strings.Builder
	begin := true
	for _, c := range plain(r, "title", v) {
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
	return strip("strip", plain(r, "trim", v), orDefault(a.bind("trim", "chars")[0], nil))
}

func truncate(r *render, v Value, a callArgs) Value {
	p := a.bind("truncate", "length", "killwords", "end", "leeway")
	size, end := integer(orDefault(p[0], int64(255))), textOf("truncate", orDefault(p[2], "..."))
	leeway := orDefault(p[3], nil)
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
	if int64(length(r, s)) <= size+integer(leeway) {
		return s
	}
	kept := string([]rune(s)[:size-n])
	if i := strings.LastIndex(kept, " "); i >= 0 && !truth(orDefault(p[1], false)) {
		kept = kept[:i]
	}
	return kept + end
}

func wordCount(r *render, v Value, _ callArgs) Value {
	n, inWord := 0, false
	for _, c := range plain(r, "wordcount", v) {
		word := c == '_' || classes["isalnum"](c)
		if word && !inWord {
			n++
		}
		inWord = word
	}
	return int64(n)
}

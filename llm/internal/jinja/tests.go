package jinja

import "slices"

// simpleTests holds the tests without an argument.
var simpleTests = map[string]func(r *render, v Value) bool{
	"boolean":  func(_ *render, v Value) bool { _, ok := v.(bool); return ok },
	"callable": isCallable,
	"defined":  func(_ *render, v Value) bool { _, no := v.(undefined); return !no },
	"escaped":  func(_ *render, v Value) bool { _, ok := v.(markup); return ok },
	"even":     func(r *render, v Value) bool { return equal(r, operate(r, "%", v, int64(2)), int64(0)) },
	"false":    func(_ *render, v Value) bool { return v == false },
	"float":    func(_ *render, v Value) bool { _, ok := v.(float64); return ok },
	"integer":  func(_ *render, v Value) bool { return typeName(v) == "int" },
	"iterable": isIterable,
	"lower":    func(r *render, v Value) bool { return isCased(str(r, v), false) },
	"mapping":  func(_ *render, v Value) bool { _, ok := v.(*Dict); return ok },
	"none":     func(_ *render, v Value) bool { return v == nil },
	"number": func(_ *render, v Value) bool {
		return slices.Contains([]string{"int", "float", "bool"}, typeName(v))
	},
	"odd":       func(r *render, v Value) bool { return equal(r, operate(r, "%", v, int64(2)), int64(1)) },
	"sequence":  isSequence,
	"string":    func(_ *render, v Value) bool { return typeName(v) == "str" || typeName(v) == "Markup" },
	"true":      func(_ *render, v Value) bool { return v == true },
	"undefined": func(_ *render, v Value) bool { _, no := v.(undefined); return no },
	"upper":     func(r *render, v Value) bool { return isCased(str(r, v), true) },
}

// comparisons holds the tests that compare a value with their argument, with the operator of each.
var comparisons = map[string]string{
	"==": "==", "eq": "==", "equalto": "==", "!=": "!=", "ne": "!=", ">": ">", "gt": ">", "greaterthan": ">",
	">=": ">=", "ge": ">=", "<": "<", "lt": "<", "lessthan": "<", "<=": "<=", "le": "<=", "in": "in",
}

func hasTest(name string) bool {
	others := []string{"divisibleby", "sameas", "filter", "test"}
	return simpleTests[name] != nil || comparisons[name] != "" || slices.Contains(others, name)
}

func isCallable(_ *render, v Value) bool {
	switch v.(type) {
	case *function, *macro, undefined, *loopState:
		return true
	}
	return false
}

func isIterable(_ *render, v Value) bool {
	switch v.(type) {
	case string, markup, *List, *Dict, *generator, undefined, *loopState:
		return true
	}
	return false
}

func isSequence(_ *render, v Value) bool {
	switch v := v.(type) {
	case string, markup, *Dict, undefined:
		return true
	case *List:
		return v.kind <= rangeList
	}
	return false
}

func applyTest(r *render, name string, v Value, a callArgs) Value {
	if test, ok := simpleTests[name]; ok {
		a.bind(name)
		return test(r, v)
	}
	if !hasTest(name) {
		fail("the test %q is not supported", name)
	}
	if name == "filter" || name == "test" {
		return isKnown(r, name, textOf(name, v))
	}
	other := a.bind(name, "other")[0]
	if other == (missing{}) {
		fail("the test %q takes an argument", name)
	}
	switch name {
	case "divisibleby":
		return equal(r, operate(r, "%", v, other), int64(0))
	case "sameas":
		return sameObject(v, other)
	}
	return r.holds(comparisons[name], v, other)
}

// isKnown reports whether there is a filter or test of a name. It fails for an unknown filter, because this package
// lacks some of Jinja2's.
func isKnown(r *render, kind, name string) bool {
	if kind == "test" {
		return hasTest(name)
	}
	if _, ok := r.filters[name]; !ok {
		fail("whether there is a filter %q is not supported", name)
	}
	return true
}

// sameObject reports whether two values are one object. For numbers and texts that depends on Python's implementation.
func sameObject(a, b Value) bool {
	switch a.(type) {
	case nil, bool, *List, *Dict, *namespace:
		return a == b
	}
	if typeName(a) != typeName(b) {
		return false
	}
	fail("whether two values of type %s are the same object is not supported", typeName(a))
	return false
}

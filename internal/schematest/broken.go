package schematest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Loose lists the parts of a document that may change without breaking the schema. Its patterns are patterns of
// path.Match. A pattern with a slash is compared with the path from the root, such as /usage, a pattern without one
// with the last key alone. Elements of a list have the path of the list.
type Loose struct {
	Open     []string // objects that may hold anything
	Optional []string // keys that may be missing
}

// Accepted breaks a valid document at each value in turn: by a value of another type, an unknown key, and a missing
// key. In a list of numbers it breaks the first only. It returns the breaks that the schema accepts; a value of another
// type is named by its Go type.
func (s *Schema) Accepted(document []byte, loose Loose) ([]string, error) {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err == nil {
		err = s.compiled.Validate(value)
	}
	if err != nil {
		return nil, fmt.Errorf("before it was broken: %w", err)
	}
	b := &breaker{Loose: loose, schema: s, root: value}
	b.value("", value, func(other any) { b.root = other })
	return b.accepted, nil
}

type breaker struct {
	Loose
	schema   *Schema
	root     any
	accepted []string
}

// check records the break that has just been made if the schema accepts it.
func (b *breaker) check(at, what string) {
	if b.schema.compiled.Validate(b.root) == nil {
		b.accepted = append(b.accepted, at+": "+what)
	}
}

const unknownKey = "unknown_key"

// value breaks the value at a path and everything in it; put replaces the value.
func (b *breaker) value(at string, value any, put func(any)) {
	open := match(b.Open, at)
	for _, other := range wrongValues(value, open) {
		put(other)
		b.check(at, fmt.Sprintf("%T", other))
	}
	put(value)
	switch v := value.(type) {
	case map[string]any:
		if !open {
			b.object(at, v)
		}
	case []any:
		for i := range v {
			if _, number := v[i].(json.Number); number && i > 0 {
				break // the first stands for all
			}
			b.value(at, v[i], func(other any) { v[i] = other })
		}
	}
}

// wrongValues returns values of other types than the given one. A string can stand for null, and is therefore tried for
// numbers alone.
func wrongValues(value any, open bool) []any {
	list := []any{true, []any{}, map[string]any{unknownKey: []any{}}}
	switch value.(type) {
	case bool:
		return list[1:]
	case []any:
		return []any{list[0], list[2]}
	case map[string]any:
		if open {
			return list[:2]
		}
	case json.Number:
		return append(list, "NaN")
	}
	return list
}

func (b *breaker) object(at string, object map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		value, under := object[key], at+"/"+key
		b.value(under, value, func(other any) { object[key] = other })
		if !match(b.Optional, under) {
			delete(object, key)
			b.check(under, "missing")
			object[key] = value
		}
	}
	object[unknownKey] = []any{}
	b.check(at, "an unknown key")
	delete(object, unknownKey)
}

func match(patterns []string, at string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		name := at
		if !strings.Contains(pattern, "/") {
			name = path.Base(at)
		}
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}

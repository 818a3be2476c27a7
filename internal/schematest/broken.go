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

// Loose says where a document may be changed without harm. Patterns are those of path.Match, held against the path from
// the root, as in /usage; one without a slash against the last key alone. Elements of a list have the path of the list.
type Loose struct {
	Open     []string // objects that hold anything
	Optional []string // keys that may be missing
}

// Accepted breaks a valid document in each place in turn: a value of another type, an unknown key, a missing key. Of
// numbers in a list it breaks the first. It gives the breaks that the schema accepts, a value of another type by its
// type in Go.
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

// check notes the break that has just been made if nobody minds.
func (b *breaker) check(at, what string) {
	if b.schema.compiled.Validate(b.root) == nil {
		b.accepted = append(b.accepted, at+": "+what)
	}
}

const unheardOf = "unheard_of"

// value breaks what stands at a path; put puts another in its place.
func (b *breaker) value(at string, value any, put func(any)) {
	open := match(b.Open, at)
	for _, other := range others(value, open) {
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
				break // one tells of all
			}
			b.value(at, v[i], func(other any) { v[i] = other })
		}
	}
}

// others are values that cannot stand for a value. Text can stand for null, and is tried for numbers alone.
func others(value any, open bool) []any {
	list := []any{true, []any{}, map[string]any{unheardOf: []any{}}}
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
	object[unheardOf] = []any{}
	b.check(at, "an unknown key")
	delete(object, unheardOf)
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

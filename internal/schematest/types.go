package schematest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Types holds what Compare cannot learn from the Go types.
type Types struct {
	// Own maps types that encode themselves to the definition that each must have; "" means that the type is not
	// compared.
	Own map[reflect.Type]string
	// Null lists types of which some values, such as NaN, are written as null.
	Null []reflect.Type
	// Beside lists keys that are written in addition to the fields of the compared type.
	Beside []string
	// Lacking lists keys of fields that are missing in documents of other tools. The schema must not require them.
	Lacking []string
}

// Compare compares a type, and all types within it, with the named definition, or with the whole schema if definition
// is "". The schema must describe each field with the type that encoding/json writes, require it unless it may be
// omitted, allow null only where a nil pointer is written as null, and describe nothing else. Compare returns the
// differences.
func (s *Schema) Compare(definition string, t reflect.Type, types Types) []string {
	n := s.root
	if definition != "" {
		n, _ = s.definitions[definition].(node)
	}
	c := &comparer{s: s, Types: types, top: definition}
	c.value(definition, n, t, false)
	return c.faults
}

type comparer struct {
	Types
	s      *Schema
	top    string // path of the compared type
	faults []string
}

func (c *comparer) fault(path, format string, args ...any) {
	c.faults = append(c.faults, path+": "+fmt.Sprintf(format, args...))
}

// value compares a value of type t. omitted means that an empty value is left out.
func (c *comparer) value(path string, n node, t reflect.Type, omitted bool) {
	n, name, null := c.s.resolve(n)
	if n == nil {
		c.fault(path, "has no schema")
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		if slices.Contains(c.Null, t.Elem()) {
			c.value(path, n, t.Elem(), omitted)
			return
		}
		if null == omitted {
			c.fault(path, "null is allowed: %t, and a nil pointer left out: %t", null, omitted)
		}
		t = t.Elem()
	case reflect.Slice, reflect.Map, reflect.Interface: // nil only if their writer says so
	default:
		if written := slices.Contains(c.Null, t); null != written {
			c.fault(path, "null is allowed: %t, and written: %t", null, written)
		}
	}
	if definition, own := c.Own[t]; own {
		if definition != "" && definition != name {
			c.fault(path, "got definition %q, want %q", name, definition)
		}
		return
	}
	c.plain(path, n, t)
}

// plain compares a value that is no pointer, and everything in it.
func (c *comparer) plain(path string, n node, t reflect.Type) {
	want := jsonType(t.Kind())
	if want != "" && !has(n, want) {
		c.fault(path, "got type %v, want %s", n["type"], want)
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		c.fields(path, n, t)
	case reflect.Slice, reflect.Array:
		items, _ := n["items"].(node)
		c.value(path+"[]", items, t.Elem(), false)
	case reflect.Map:
		c.entries(path, n, t.Elem())
	}
}

func jsonType(k reflect.Kind) string {
	switch k {
	case reflect.Struct, reflect.Map:
		return "object"
	case reflect.Slice, reflect.Array:
		return "array"
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Float64:
		return "number"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "integer"
	}
	return "" // an interface may hold anything
}

// entries compares the values of a map, both for the keys that the schema names and for all other keys.
func (c *comparer) entries(path string, n node, t reflect.Type) {
	properties, _ := n["properties"].(node)
	for key, property := range properties {
		p, _ := property.(node)
		c.value(path+"."+key, p, t, false)
	}
	if others, ok := n["additionalProperties"].(node); ok {
		c.value(path+".*", others, t, false)
	}
}

func (c *comparer) fields(path string, n node, t reflect.Type) {
	properties, _ := n["properties"].(node)
	required, _ := n["required"].([]any)
	if n["additionalProperties"] != false {
		c.fault(path, "unknown keys are allowed")
	}
	var known []string
	if path == c.top {
		known = slices.Clone(c.Beside)
	}
	for _, field := range reflect.VisibleFields(t) {
		if field.Anonymous || !field.IsExported() || field.Tag.Get("json") == "-" {
			continue // VisibleFields lists the fields of embedded types, too
		}
		key, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		known = append(known, key)
		at := path + "." + key
		property, ok := properties[key].(node)
		if !ok {
			c.fault(at, "is not in the schema")
			continue
		}
		omitted, lacking := options == "omitempty", slices.Contains(c.Lacking, key)
		if got, want := slices.Contains(required, any(key)), !omitted && !lacking; got != want {
			c.fault(at, "required: got %t, want %t", got, want)
		}
		if lacking { // a field that may be missing need not allow null
			if _, _, null := c.s.resolve(property); !null {
				omitted = true
			}
		}
		c.value(at, property, field.Type, omitted)
	}
	for key := range properties {
		if !slices.Contains(known, key) {
			c.fault(path+"."+key, "is in the schema, and never written")
		}
	}
}

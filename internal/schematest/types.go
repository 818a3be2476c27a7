package schematest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Types says what Compare cannot see from the Go types.
type Types struct {
	// Own are types that write themselves, with the definition each has to have; "" for one that is not looked into.
	Own map[reflect.Type]string
	// Null are types of which a value, such as NaN, is written as null.
	Null []reflect.Type
	// Beside are keys that are written beside the fields of the type itself.
	Beside []string
	// Lacking are keys of fields that documents of other tools lack. The schema must not require them.
	Lacking []string
}

// Compare holds the type against the named definition, "" for the schema as a whole, and all types within: each field
// as encoding/json writes it must be described with its type, required unless it may be left out, and null only where a
// nil pointer is written as such; and nothing else may be described. It gives the differences.
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
	top    string // path of the type itself
	faults []string
}

func (c *comparer) fault(path, format string, args ...any) {
	c.faults = append(c.faults, path+": "+fmt.Sprintf(format, args...))
}

// value compares a value of type t, which is left out when empty if omitted is true.
func (c *comparer) value(path string, n node, t reflect.Type, omitted bool) {
	n, name, null := c.s.resolve(n)
	if n == nil {
		c.fault(path, "there is no schema of it")
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
	case reflect.Slice, reflect.Map, reflect.Interface: // nil where their writer says so
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

// plain compares a value that is not a pointer, and what is in it.
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
	return "" // an interface holds anything
}

// entries compares the values of a map: those of the keys that are named, and those of any key.
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
		if field.Anonymous {
			continue // its own fields are among these
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
		if lacking { // never null because it is lacking
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

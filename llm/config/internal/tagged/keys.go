package tagged

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/spelling"
)

// Key is a key of the schema that holds a value, not a section.
type Key struct {
	Name     string   // dotted, from the top
	Aliases  []string // its other dotted spellings
	Type     string   // such as "int", "list of float" or "int or distribution"
	Default  string   // YAML on one line; a description if the value is derived later; empty if required
	Choices  []string // the values of an enumeration
	Null     bool     // whether null may be given
	Required bool     // whether its section needs it
	Secret   bool     // whether it is hidden in what is shown
	JSON     bool     // whether an [Override] gives it as JSON
}

// Keys returns the keys below the struct that root points to, in the order of the schema. The keys inside a list or a
// union are left out, because a list or a union is given as a whole.
func Keys(root any) []Key {
	var keys []Key
	for _, leaf := range newSchema(structOf(root).Type()).leaves() {
		keys = append(keys, leaf.key())
	}
	return keys
}

// leaf is a field that holds a value, with its section and its default.
type leaf struct {
	field
	section string // of its section
	initial reflect.Value
}

// leaves returns the fields of the whole schema that hold values, and caches them.
func (s *schema) leaves() []leaf {
	if s.known == nil {
		root := reflect.New(s.root).Elem()
		s.setDefaults(root)
		s.known = s.leavesBelow(root, "")
	}
	return s.known
}

// leavesBelow returns the fields of one section and of the sections inside it that hold values.
func (s *schema) leavesBelow(section reflect.Value, path string) []leaf {
	var all []leaf
	for _, f := range s.fields(section.Type()) {
		initial := section.FieldByIndex(f.index)
		inner := s.sectionOf(f.typ, initial)
		if inner.IsValid() {
			all = append(all, s.leavesBelow(inner, join(path, f.name))...)
			continue
		}
		all = append(all, leaf{f, path, initial})
	}
	return all
}

// sectionOf returns the section that a field holds, filled with its defaults even where the field is nil. The result is
// invalid if the field holds a value instead.
func (s *schema) sectionOf(t reflect.Type, initial reflect.Value) reflect.Value {
	if initial.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Kind() != reflect.Struct || isCustom(t):
		return reflect.Value{}
	case initial.Kind() != reflect.Pointer:
		return initial
	case !initial.IsNil():
		return initial.Elem()
	}
	section := reflect.New(t).Elem()
	s.setDefaults(section)
	return section
}

func (l *leaf) key() Key {
	k := Key{
		Name: join(l.section, l.name), Type: typeText(l.field), Choices: choicesOf(l.typ), Default: l.auto,
		Null: l.null, Required: l.required, Secret: l.secret, JSON: l.givenAsJSON(),
	}
	for _, a := range l.also {
		k.Aliases = append(k.Aliases, join(l.section, a))
	}
	if !l.required && l.auto == "" {
		var w Writer
		k.Default = flowText(w.value(l.initial, l.field, ""))
	}
	return k
}

// givenAsJSON reports whether an override of the field is JSON: a list, a map, or a union with one of them.
func (l *leaf) givenAsJSON() bool {
	t := l.typ
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Slice || t.Kind() == reflect.Map ||
		reflect.PointerTo(t).Implements(reflect.TypeFor[Structured]())
}

func choicesOf(t reflect.Type) []string {
	if e, ok := reflect.Zero(t).Interface().(Enum); ok {
		return e.Choices()
	}
	return nil
}

func typeText(f field) string {
	t := f.typ
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	zero := reflect.New(t)
	if c, ok := zero.Interface().(Custom); ok {
		return c.TypeText()
	}
	switch t.Kind() {
	case reflect.String:
		if choicesOf(t) != nil {
			return "enum"
		}
		return "string"
	case reflect.Int64:
		return "int"
	case reflect.Float64:
		return "float"
	case reflect.Bool:
		return "bool"
	case reflect.Map:
		return "map of string to " + typeText(field{typ: t.Elem()})
	case reflect.Slice:
		list := "list of " + typeText(field{typ: t.Elem()})
		if f.one != "" {
			return f.one + " or " + list
		}
		return list
	}
	return strings.ToLower(spaced(t.Name()))
}

// spaced puts a space before each capital except the first: "WeightedProfile" becomes "Weighted Profile".
func spaced(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// flowText returns a value as YAML on one line.
func flowText(v *Value) string {
	switch v.Kind {
	case ListKind:
		parts := make([]string, len(v.Items))
		for i, item := range v.Items {
			parts[i] = flowText(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case ObjectKind:
		parts := make([]string, len(v.Members))
		for i, m := range v.Members {
			parts[i] = m.Key + ": " + flowText(m.Value)
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case TextKind:
		if v.Text == "" {
			return `""`
		}
	}
	return v.Text
}

// uniqueKey returns the dotted path of the only key or section whose last part is name. It returns "" if there is none
// or more than one.
func (s *schema) uniqueKey(name string) string {
	var found []string
	for _, l := range s.leaves() {
		path := ""
		for part := range strings.SplitSeq(l.section, ".") {
			path = join(path, part)
			if part == name && !slices.Contains(found, path) {
				found = append(found, path)
			}
		}
		if l.matches(name) {
			found = append(found, join(l.section, name))
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

func (s *schema) findLeaf(key string) (leaf, bool) {
	section, name := "", key
	if i := strings.LastIndexByte(key, '.'); i >= 0 {
		section, name = key[:i], key[i+1:]
	}
	for _, l := range s.leaves() {
		if l.section == section && l.matches(name) {
			return l, true
		}
	}
	return leaf{}, false
}

// isSection reports whether other keys lie below a dotted key.
func (s *schema) isSection(key string) bool {
	return slices.ContainsFunc(s.leaves(), func(l leaf) bool {
		return l.section == key || strings.HasPrefix(l.section, key+".")
	})
}

// suggestLeaf returns the end of a message about an unknown dotted key.
func (s *schema) suggestLeaf(key string) string {
	var names, inside []string
	for _, l := range s.leaves() {
		name := join(l.section, l.name)
		names = append(names, name)
		for _, a := range l.also {
			names = append(names, join(l.section, a))
		}
		if rest, ok := strings.CutPrefix(name, key+"."); ok {
			inside = append(inside, rest)
		}
	}
	if len(inside) > 0 {
		return ": it is a section, name one of its keys: " + strings.Join(inside, ", ")
	}
	if near, ok := spelling.Nearest(key, names); ok {
		return ": did you mean " + strconv.Quote(near) + "?"
	}
	if there := s.uniqueKey(key[strings.LastIndexByte(key, '.')+1:]); there != "" {
		return ": did you mean " + strconv.Quote(there) + "?"
	}
	return ""
}

// suggestElsewhere returns the dotted key of another section that an unknown key probably means, unless a key beside it
// is near. At the top level, where keys end up that slipped out of their section, a near miss is enough.
func (s *schema) suggestElsewhere(key, path string, beside []string) string {
	if _, near := spelling.Nearest(key, beside); !near {
		if same := s.uniqueKey(key); same != "" {
			return same
		}
	}
	if path != "" {
		return ""
	}
	names := slices.Clone(beside)
	for _, l := range s.leaves() {
		names = append(names, l.name)
	}
	if near, found := spelling.Nearest(key, names); found && !slices.Contains(beside, near) {
		return s.uniqueKey(near)
	}
	return ""
}

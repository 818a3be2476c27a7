package tagged

import (
	"errors"
	"reflect"
	"strings"
)

// field is a key of the schema: a field of a struct with what its tags say.
type field struct {
	index []int
	typ   reflect.Type

	name, bound, one, auto       string
	also                         []string
	null, required, secret, omit bool
}

// Custom is a type that reads and writes its own form, in most cases a choice between types. TypeText names the type in
// the list of keys.
type Custom interface {
	Decode(d *Decoder, v *Value, path string)
	Encode(w *Writer) *Value
	TypeText() string
}

// Enum is a string type with a fixed set of values.
type Enum interface{ Choices() []string }

// Checked is a struct with rules over several of its keys. Check is called once they have been read.
type Checked interface{ Check(at *Section) }

// Preparer is a struct that must look at the mapping before its keys are read.
type Preparer interface{ Prepare(v *Value) }

// Lenient is a struct whose unknown keys are ignored with a warning instead of being refused.
type Lenient interface{ IgnoresUnknown() }

// Structured is a [Custom] type that an override gives as JSON, as it gives lists and maps.
type Structured interface{ OverriddenAsJSON() }

// structOf returns the struct that p points to, as a value that can be set.
func structOf(p any) reflect.Value { return reflect.ValueOf(p).Elem() }

// fieldsOf returns the keys of a struct in their order. The keys of an embedded struct stand in its place.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		sf := t.Field(i)
		name, options, _ := strings.Cut(sf.Tag.Get("key"), ",")
		switch {
		case options == "inline":
			for _, f := range fieldsOf(sf.Type) {
				f.index = append([]int{i}, f.index...)
				fields = append(fields, f)
			}
		case name != "" && name != "-":
			fields = append(fields, newField(i, sf, name, options))
		}
	}
	return fields
}

func newField(i int, sf reflect.StructField, name, options string) field {
	f := field{
		index: []int{i}, typ: sf.Type, name: name,
		bound: sf.Tag.Get("check"), one: sf.Tag.Get("one"), auto: sf.Tag.Get("auto"),
	}
	if also := sf.Tag.Get("also"); also != "" {
		f.also = strings.Split(also, " ")
	}
	for option := range strings.SplitSeq(options, ",") {
		f.null = f.null || option == "null"
		f.required = f.required || option == "required"
		f.secret = f.secret || option == "secret"
		f.omit = f.omit || option == "omit"
	}
	f.null = f.null || sf.Type.Kind() == reflect.Pointer && !f.omit && !f.required
	return f
}

// matches reports whether a name is one of the field's.
func (f *field) matches(name string) bool {
	if name == f.name {
		return true
	}
	for _, a := range f.also {
		if name == a {
			return true
		}
	}
	return false
}

// schema is the tree of sections and keys below a struct type.
type schema struct {
	root     reflect.Type
	sections map[reflect.Type][]field
	known    []leaf
}

func newSchema(root reflect.Type) *schema {
	return &schema{root: root, sections: map[reflect.Type][]field{}}
}

// fields returns the keys of a struct type and caches them.
func (s *schema) fields(t reflect.Type) []field {
	fields, ok := s.sections[t]
	if !ok {
		fields = fieldsOf(t)
		s.sections[t] = fields
	}
	return fields
}

// setDefaults fills a struct with the defaults in its tags. It drops the faults of tags, which [SetDefaults] reports.
func (s *schema) setDefaults(to reflect.Value) {
	d := Decoder{Faults: &Faults{}, schema: s, order: Order{}}
	d.setDefaults(to)
}

// SetDefaults fills the zero struct that to points to with the defaults in its tags. The error reports a tag that makes
// no sense.
func SetDefaults(to any) error {
	d := newDecoder("tags", to)
	d.setDefaults(structOf(to))
	if len(d.Faults.warnings) > 0 {
		return errors.New(d.Faults.warnings[0])
	}
	return d.Faults.err()
}

func (d *Decoder) setDefaults(to reflect.Value) {
	t := to.Type()
	for i := range t.NumField() {
		f, sf := to.Field(i), t.Field(i)
		if tag, ok := sf.Tag.Lookup("key"); !ok || tag == "-" {
			continue
		}
		if f.Kind() == reflect.Struct && !isCustom(sf.Type) {
			d.setDefaults(f)
		}
		if text, ok := sf.Tag.Lookup("default"); ok {
			d.setDefault(f, newField(i, sf, "", ""), text)
		}
	}
}

func (d *Decoder) setDefault(to reflect.Value, f field, text string) {
	var v *Value
	switch {
	case text == "null":
		return
	case strings.HasPrefix(text, "{") || strings.HasPrefix(text, "["):
		v = readDocument([]byte(text), d.Faults)
	case to.Kind() == reflect.String:
		v = TextValue(text)
	default:
		v = resolve(text)
	}
	if to.Kind() == reflect.Struct && !isCustom(f.typ) {
		d.members(v, to, "")
		return
	}
	d.decode(v, to, f, "")
}

func isCustom(t reflect.Type) bool { return reflect.PointerTo(t).Implements(reflect.TypeFor[Custom]()) }

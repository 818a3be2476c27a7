// Package tagged reads YAML into Go structs by the tags of their fields, and writes them back. It reports every fault
// with the file, the line and the dotted key, and suggests the nearest known key or value.
//
// Each field with a tag "key" is a key of the schema. The first word of the tag is the key's name; after commas, "null"
// allows null, which the field's zero value or a nil pointer stands for, "required" has no default, "secret" is never
// shown, "omit" leaves an unset key out of what is written, and "inline" takes over the keys of an embedded struct.
// Further tags are:
//
//   - also: other spellings of the name
//   - default: the default as YAML
//   - check: the bounds of a number
//   - auto: what an unset key is derived from later
//   - one: the name of the only required key of a list's items, so that a single value stands for a list of one item
//
// Scalars are coerced as Pydantic does: YAML 1.1 decides what is written (yes is true, 010 is 8, 1:30 is 90), and a
// field takes every value that converts to its type without loss: a whole number "3" or 3.0, a boolean "on" or 1; but a
// string takes no number. Infinities, NaN and whole numbers beyond 64 bits are refused.
//
// A type departs from these rules by implementing one of the interfaces [Custom], [Enum], [Checked], [Preparer],
// [Lenient] and [Structured].
package tagged

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/internal/spelling"
	"github.com/seed-307b789f/xk6-llm/internal/timespan"
)

// Decoder reads values into the structs of a schema and collects every fault.
type Decoder struct {
	// Faults is where a [Custom] type reports what it cannot read.
	Faults *Faults
	schema *schema
	order  Order
}

// Order holds the keys of each map in the order in which they were read, by the dotted path of the map.
type Order map[string][]string

func newDecoder(file string, root any) *Decoder {
	return &Decoder{Faults: &Faults{file: file}, schema: newSchema(structOf(root).Type()), order: Order{}}
}

// Decode reads a YAML document into the struct that root points to, with overrides applied in their order. It returns
// the warnings and the order of the keys of maps. The error joins all faults, as [errors.Join] does, and calls the
// document by the name file; it shows no secret.
func Decode(root any, file string, data []byte, overrides []Override) ([]string, Order, error) {
	d := newDecoder(file, root)
	tree := readYAML(data, d.Faults)
	for _, o := range overrides {
		d.override(tree, o)
	}
	if err := d.Faults.err(); err != nil {
		return nil, nil, err
	}
	d.Object(tree, root, "")
	if err := d.Faults.err(); err != nil {
		return nil, nil, err
	}
	return d.Faults.warnings, d.order, nil
}

// Object reads a mapping into the struct that to points to, over the defaults in its tags. Path is the dotted path of
// the mapping.
func (d *Decoder) Object(v *Value, to any, path string) { d.object(v, structOf(to), path) }

func (d *Decoder) object(v *Value, to reflect.Value, path string) {
	d.setDefaults(to)
	if e, ok := to.Addr().Interface().(Preparer); ok {
		e.Prepare(v)
	}
	given := d.members(v, to, path)
	for _, f := range d.schema.fields(to.Type()) {
		switch {
		case given[f.name]:
		case f.required && !d.Faults.misspelt(join(path, f.name)):
			d.Faults.Add(v, join(path, f.name), "is required")
		case f.typ.Kind() == reflect.Struct:
			none := &Value{Kind: ObjectKind, Position: v.Position}
			d.check(none, to.FieldByIndex(f.index), join(path, f.name), nil)
		}
	}
	d.check(v, to, path, given)
}

// check applies the rules of a section. They hold for a section that was left out, too.
func (d *Decoder) check(v *Value, to reflect.Value, path string, given map[string]bool) {
	if c, ok := to.Addr().Interface().(Checked); ok {
		c.Check(&Section{faults: d.Faults, v: v, path: path, present: given})
	}
}

// members reads the entries of a mapping and returns the set of the keys found.
func (d *Decoder) members(v *Value, to reflect.Value, path string) map[string]bool {
	given := map[string]bool{}
	fields := d.schema.fields(to.Type())
	_, ignore := to.Addr().Interface().(Lenient)
	for _, m := range v.Members {
		at := join(path, m.Key)
		f := findField(fields, m)
		switch {
		case f == nil && ignore:
			d.Faults.Warn(m.Position, at, "unknown key, ignored")
		case f == nil:
			d.unknown(m, path, fields)
		case given[f.name]:
			d.Faults.AddAt(m.Position, at, "is given twice, also as %s: leave one out",
				strings.Join(otherSpellings(f, m.Key), " or "))
		default:
			given[f.name] = true
			d.decode(m.Value, to.FieldByIndex(f.index), *f, at)
		}
	}
	return given
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func findField(fields []field, m Member) *field {
	for i := range fields {
		if m.keyKind == TextKind && fields[i].matches(m.Key) {
			return &fields[i]
		}
	}
	return nil
}

// otherSpellings returns all names of a key except one.
func otherSpellings(f *field, but string) []string {
	var names []string
	for _, name := range append([]string{f.name}, f.also...) {
		if name != but {
			names = append(names, name)
		}
	}
	return names
}

// unknown reports a key that the schema does not have. It suggests the nearest key of the same section, or a key of
// that name in another section.
func (d *Decoder) unknown(m Member, path string, fields []field) {
	if d.Faults.count >= maxFaults {
		d.Faults.count++
		return
	}
	var names []string
	for _, f := range fields {
		names = append(append(names, f.name), f.also...)
	}
	at := join(path, m.Key)
	if elsewhere := d.schema.suggestElsewhere(m.Key, path, names); elsewhere != "" {
		d.Faults.addUnknown(m.Position, at, elsewhere, "unknown key: did you mean %q?", elsewhere)
		return
	}
	meant := ""
	if near, found := spelling.Nearest(m.Key, names); found {
		meant = join(path, near)
	}
	d.Faults.addUnknown(m.Position, at, meant, "unknown key%s", Suggest(m.Key, names))
}

// decode reads a value into a field.
func (d *Decoder) decode(v *Value, to reflect.Value, f field, path string) {
	if v.Kind == NullKind && f.null {
		to.SetZero()
		return
	}
	if to.Kind() == reflect.Pointer {
		p := reflect.New(to.Type().Elem())
		f.typ = to.Type().Elem()
		d.decode(v, p.Elem(), f, path)
		to.Set(p)
		return
	}
	if c, ok := to.Addr().Interface().(Custom); ok {
		c.Decode(d, v, path)
		return
	}
	if e, ok := to.Interface().(Enum); ok {
		d.decodeEnum(v, to, e.Choices(), path)
		return
	}
	switch to.Kind() {
	case reflect.Struct:
		if v.Kind != ObjectKind {
			d.Faults.AddType(v, path, "a mapping", true)
			return
		}
		to.SetZero()
		d.object(v, to, path)
	case reflect.Slice:
		d.decodeList(v, to, f, path)
	case reflect.Map:
		d.decodeMap(v, to, f, path)
	default:
		d.decodeScalar(v, to, f, path)
	}
}

func (d *Decoder) decodeScalar(v *Value, to reflect.Value, f field, path string) {
	switch to.Kind() {
	case reflect.String:
		switch v.Kind {
		case TextKind:
			to.SetString(v.Text)
		case BoolKind, IntKind, FloatKind, DateKind:
			d.Faults.Add(v, path, "expected a string, got %s: put it in quotes", describe(v, f.secret))
		default:
			d.Faults.AddType(v, path, "a string", true)
		}
	case reflect.Bool:
		yes, ok := v.Bool()
		if !ok {
			d.Faults.AddType(v, path, "true or false", f.secret)
		}
		to.SetBool(yes)
	case reflect.Int64:
		n, ok := v.Int()
		if !ok {
			d.Faults.AddType(v, path, "a whole number", f.secret)
			return
		}
		to.SetInt(n)
		d.CheckBound(v, float64(n), f.bound, path)
	case reflect.Float64:
		x, ok := v.Float()
		if !ok {
			d.Faults.AddType(v, path, "a finite number", f.secret)
			return
		}
		to.SetFloat(x)
		d.CheckBound(v, x, f.bound, path)
	}
}

// MaxWhole is the greatest number that a key with bounds accepts: JavaScript rounds greater whole numbers, and no test
// sends as many requests or tokens.
const MaxWhole = 1 << 53

// CheckBound reports a number that breaks a bound, such as "at least 0". A bound that begins with "seconds" belongs to
// a duration and has an upper limit, too.
func (d *Decoder) CheckBound(v *Value, x float64, bound, path string) {
	bound, isTime := strings.CutPrefix(bound, "seconds ")
	ok := true
	switch bound {
	case "above 0":
		ok = x > 0
	case "at least 0":
		ok = x >= 0
	case "at least 1":
		ok = x >= 1
	case "from 1 to 10000":
		ok = x >= 1 && x <= 10_000
	case "from 0 to 1":
		ok = x >= 0 && x <= 1
	case "from 0 to 100":
		ok = x >= 0 && x <= 100
	}
	_, err := timespan.Seconds(x)
	switch {
	case !ok:
		d.Faults.Add(v, path, "must be %s, got %s", bound, v.Text)
	case isTime && err != nil:
		d.Faults.Add(v, path, "%v", err)
	case !isTime && bound != "" && x > MaxWhole:
		d.Faults.Add(v, path, "must be at most %d, got %s", int64(MaxWhole), v.Text)
	}
}

// decodeEnum accepts the exact spelling only, as Pydantic does.
func (d *Decoder) decodeEnum(v *Value, to reflect.Value, choices []string, path string) {
	if v.Kind != TextKind {
		d.Faults.AddType(v, path, "one of "+strings.Join(choices, ", "), false)
		return
	}
	for _, c := range choices {
		if v.Text == c {
			to.SetString(c)
			return
		}
	}
	d.Faults.Add(v, path, "unknown value %s%s", Quote(v.Text), Suggest(v.Text, choices))
}

// decodeList reads a list. Where the field accepts a single item as well (tag one), a value that is not a list becomes
// a list of one item.
func (d *Decoder) decodeList(v *Value, to reflect.Value, f field, path string) {
	items := v.Items
	switch {
	case v.Kind == ListKind:
	case f.one != "" && v.Kind != NullKind:
		only := &Value{Kind: ObjectKind, Position: v.Position}
		only.Members = []Member{{Key: f.one, keyKind: TextKind, Value: v, Position: v.Position}}
		items = []*Value{only}
	default:
		d.Faults.AddType(v, path, "a list", true)
		return
	}
	list := reflect.MakeSlice(to.Type(), len(items), len(items))
	for i, item := range items {
		d.decode(item, list.Index(i), field{typ: f.typ.Elem(), bound: f.bound, secret: f.secret},
			fmt.Sprintf("%s[%d]", path, i))
	}
	to.Set(list)
}

func (d *Decoder) decodeMap(v *Value, to reflect.Value, f field, path string) {
	if v.Kind != ObjectKind {
		d.Faults.AddType(v, path, "a mapping", true)
		return
	}
	m := reflect.MakeMap(to.Type())
	for _, e := range v.Members {
		at := join(path, e.Key)
		if e.keyKind != TextKind {
			d.Faults.AddAt(e.Position, at, "expected a string as key: put it in quotes")
			continue
		}
		item := reflect.New(to.Type().Elem()).Elem()
		d.decode(e.Value, item, field{typ: item.Type(), bound: f.bound, secret: secret.Named(e.Key)}, at)
		m.SetMapIndex(reflect.ValueOf(e.Key), item)
		d.order[path] = append(d.order[path], e.Key)
	}
	to.Set(m)
}

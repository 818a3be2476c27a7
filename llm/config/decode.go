package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/internal/spelling"
	"github.com/seed-307b789f/xk6-llm/internal/timespan"
)

// decoder reads plain data into the structs of the schema and collects what is wrong.
type decoder struct {
	file     string
	faults   []*fault
	count    int // of all faults, the ones not kept too
	warnings []string
	root     reflect.Type // of the whole schema
	schema   map[reflect.Type][]field
	known    []leaf
	order    keyOrder
}

// keyOrder is the order in which the keys of maps were read, by path.
type keyOrder map[string][]string

func newDecoder(file string, root any) *decoder {
	return &decoder{file: file, root: structOf(root).Type(), order: keyOrder{}}
}

// decode reads data into the struct that root points to, with overrides put on top in their order, and returns warnings
// and the order of the keys of maps.
func decodeInto(root any, file string, data []byte, overrides []Override) ([]string, keyOrder, error) {
	d := newDecoder(file, root)
	tree := d.readYAML(data)
	for _, o := range overrides {
		d.override(tree, o)
	}
	if err := d.err(); err != nil {
		return nil, nil, err
	}
	d.objectInto(tree, root, "")
	if err := d.err(); err != nil {
		return nil, nil, err
	}
	return d.warnings, d.order, nil
}

func (d *decoder) faultCount() int { return d.count }

// objectInto reads a mapping into the struct that to points to, over its defaults.
func (d *decoder) objectInto(v *value, to any, path string) { d.object(v, structOf(to), path) }

// object reads a mapping into a struct, over its defaults.
func (d *decoder) object(v *value, to reflect.Value, path string) {
	d.setDefaults(to)
	if e, ok := to.Addr().Interface().(early); ok {
		e.before(v)
	}
	given := d.members(v, to, path)
	for _, f := range d.fields(to.Type()) {
		switch {
		case given[f.name]:
		case f.required && !d.misspelt(join(path, f.name)):
			d.fault(v, join(path, f.name), "is required")
		case f.typ.Kind() == reflect.Struct:
			none := &value{kind: objectKind, place: v.place}
			d.check(none, to.FieldByIndex(f.index), join(path, f.name), nil)
		}
	}
	d.check(v, to, path, given)
}

// check applies the rules of a section, which hold for one that was left out too.
func (d *decoder) check(v *value, to reflect.Value, path string, given map[string]bool) {
	if c, ok := to.Addr().Interface().(checked); ok {
		c.check(&section{d: d, v: v, path: path, present: given})
	}
}

// members reads the entries of a mapping and tells which keys they were.
func (d *decoder) members(v *value, to reflect.Value, path string) map[string]bool {
	given := map[string]bool{}
	fields := d.fields(to.Type())
	_, ignore := to.Addr().Interface().(lenient)
	for _, m := range v.members {
		at := join(path, m.key)
		f := find(fields, m)
		switch {
		case f == nil && ignore:
			d.warn(m.place, at, "unknown key, ignored")
		case f == nil:
			d.unknown(m, path, fields)
		case given[f.name]:
			d.faultAt(m.place, at, "is given twice, also as %s: leave one out", strings.Join(other(f, m.key), " or "))
		default:
			given[f.name] = true
			d.decode(m.value, to.FieldByIndex(f.index), *f, at)
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

func find(fields []field, m member) *field {
	for i := range fields {
		if m.keyKind == textKind && fields[i].known(m.key) {
			return &fields[i]
		}
	}
	return nil
}

// other lists the spellings of a key but one.
func other(f *field, but string) []string {
	var names []string
	for _, name := range append([]string{f.name}, f.also...) {
		if name != but {
			names = append(names, name)
		}
	}
	return names
}

// unknown reports a key that is not there: with the nearest one beside it, or the same name elsewhere.
func (d *decoder) unknown(m member, path string, fields []field) {
	if d.count >= maxFaults {
		d.count++
		return
	}
	var names []string
	for _, f := range fields {
		names = append(append(names, f.name), f.also...)
	}
	near, found := spelling.Nearest(m.key, names)
	switch elsewhere := d.nearElsewhere(m.key, path, names); {
	case elsewhere != "":
		d.faultAt(m.place, join(path, m.key), "unknown key: did you mean %q?", elsewhere)
		d.faults[len(d.faults)-1].meant = elsewhere
	default:
		d.faultAt(m.place, join(path, m.key), "unknown key%s", suggest(m.key, names))
		if found {
			d.faults[len(d.faults)-1].meant = join(path, near)
		}
	}
}

// nearElsewhere is the dotted key in another section that an unknown key names, unless one of the names beside it is
// near. At the top, where keys are that slipped out of their section, one that it nearly names will do.
func (d *decoder) nearElsewhere(key, path string, beside []string) string {
	if _, near := spelling.Nearest(key, beside); !near {
		if same := d.sameName(key); same != "" {
			return same
		}
	}
	if path != "" {
		return ""
	}
	names := slices.Clone(beside)
	for _, l := range d.allLeaves() {
		names = append(names, l.name)
	}
	if near, found := spelling.Nearest(key, names); found && !slices.Contains(beside, near) {
		return d.sameName(near)
	}
	return ""
}

// misspelt reports whether an unknown key was taken for this one, or for a section that it is in.
func (d *decoder) misspelt(path string) bool {
	return slices.ContainsFunc(d.faults, func(f *fault) bool {
		return f.meant != "" && (f.meant == path || strings.HasPrefix(path, f.meant+"."))
	})
}

// decode reads a value into a field.
func (d *decoder) decode(v *value, to reflect.Value, f field, path string) {
	if v.kind == nullKind && f.null {
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
	if c, ok := to.Addr().Interface().(custom); ok {
		c.decode(d, v, path)
		return
	}
	if e, ok := to.Interface().(enum); ok {
		d.decodeEnum(v, to, e.choices(), path)
		return
	}
	switch to.Kind() {
	case reflect.Struct:
		if v.kind != objectKind {
			d.typeFault(v, path, "a mapping", true)
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

func (d *decoder) decodeScalar(v *value, to reflect.Value, f field, path string) {
	switch to.Kind() {
	case reflect.String:
		switch v.kind {
		case textKind:
			to.SetString(v.text)
		case boolKind, intKind, floatKind, dateKind:
			d.fault(v, path, "expected a string, got %s: put it in quotes", describe(v, f.secret))
		default:
			d.typeFault(v, path, "a string", true)
		}
	case reflect.Bool:
		yes, ok := v.asBool()
		if !ok {
			d.typeFault(v, path, "true or false", f.secret)
		}
		to.SetBool(yes)
	case reflect.Int64:
		n, ok := v.asInt()
		if !ok {
			d.typeFault(v, path, "a whole number", f.secret)
			return
		}
		to.SetInt(n)
		d.checkBound(v, float64(n), f.bound, path)
	case reflect.Float64:
		x, ok := v.asFloat()
		if !ok {
			d.typeFault(v, path, "a finite number", f.secret)
			return
		}
		to.SetFloat(x)
		d.checkBound(v, x, f.bound, path)
	}
}

// maxWhole is the most that a key with bounds takes: JavaScript rounds greater whole numbers, and nobody sends as many
// requests or tokens.
const maxWhole = 1 << 53

// bound holds a number against a check. A check that begins with "seconds" is for a duration, which has an
// upper bound, too.
func (d *decoder) checkBound(v *value, x float64, bound, path string) {
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
		d.fault(v, path, "must be %s, got %s", bound, v.text)
	case isTime && err != nil:
		d.fault(v, path, "%v", err)
	case !isTime && bound != "" && x > maxWhole:
		d.fault(v, path, "must be at most %d, got %s", int64(maxWhole), v.text)
	}
}

// decodeEnum wants the exact spelling, as the original does.
func (d *decoder) decodeEnum(v *value, to reflect.Value, choices []string, path string) {
	if v.kind != textKind {
		d.typeFault(v, path, "one of "+strings.Join(choices, ", "), false)
		return
	}
	for _, c := range choices {
		if v.text == c {
			to.SetString(c)
			return
		}
	}
	d.fault(v, path, "unknown value %s%s", quote(v.text), suggest(v.text, choices))
}

// decodeList reads a list. Where a field takes a single item too (one), that is a list of it.
func (d *decoder) decodeList(v *value, to reflect.Value, f field, path string) {
	items := v.items
	switch {
	case v.kind == listKind:
	case f.one != "" && v.kind != nullKind:
		only := &value{kind: objectKind, place: v.place}
		only.members = []member{{key: f.one, keyKind: textKind, value: v, place: v.place}}
		items = []*value{only}
	default:
		d.typeFault(v, path, "a list", true)
		return
	}
	list := reflect.MakeSlice(to.Type(), len(items), len(items))
	for i, item := range items {
		d.decode(item, list.Index(i), field{typ: f.typ.Elem(), bound: f.bound, secret: f.secret},
			fmt.Sprintf("%s[%d]", path, i))
	}
	to.Set(list)
}

func (d *decoder) decodeMap(v *value, to reflect.Value, f field, path string) {
	if v.kind != objectKind {
		d.typeFault(v, path, "a mapping", true)
		return
	}
	m := reflect.MakeMap(to.Type())
	for _, e := range v.members {
		at := join(path, e.key)
		if e.keyKind != textKind {
			d.faultAt(e.place, at, "expected a string as key: put it in quotes")
			continue
		}
		item := reflect.New(to.Type().Elem()).Elem()
		d.decode(e.value, item, field{typ: item.Type(), bound: f.bound, secret: secret.Named(e.key)}, at)
		m.SetMapIndex(reflect.ValueOf(e.key), item)
		d.order[path] = append(d.order[path], e.key)
	}
	to.Set(m)
}

// section is a mapping that has been read, for checks.
type section struct {
	d       *decoder
	v       *value
	path    string
	present map[string]bool
}

// given says whether a key was written, rather than left to its default.
func (s *section) given(key string) bool { return s.present[key] }

// valid says whether keys (the whole section for "") were read without a fault, and none was misspelt, so that a rule
// may rely on them.
func (s *section) valid(keys ...string) bool {
	for _, key := range keys {
		path := s.path
		if key != "" {
			path = join(path, key)
		}
		if s.d.misspelt(path) {
			return false
		}
		for _, f := range s.d.faults {
			if path == "" || f.path == path || strings.HasPrefix(f.path, path+".") ||
				strings.HasPrefix(f.path, path+"[") {
				return false
			}
		}
	}
	return s.d.count == len(s.d.faults)
}

// fault reports a key of the section (the section itself for ""), at its line if it was written.
func (s *section) fault(key, format string, args ...any) {
	path, at := s.path, s.v
	if key != "" {
		path = join(path, key)
	}
	for name := range strings.SplitSeq(key, ".") {
		name, _, _ = strings.Cut(name, "[")
		next := at.member(name)
		if next == nil {
			break
		}
		at = next
	}
	s.d.faultAt(at.place, path, format, args...)
}

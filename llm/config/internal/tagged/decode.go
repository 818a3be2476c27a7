package tagged

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/internal/spelling"
	"github.com/seed-307b789f/xk6-llm/internal/timespan"
)

// Decoder reads plain data into the structs of the schema and collects what is wrong.
type Decoder struct {
	file     string
	faults   []*fault
	count    int // of all faults, the ones not kept too
	warnings []string
	root     reflect.Type // of the whole schema
	schema   map[reflect.Type][]field
	known    []leaf
	order    Order
}

// Order is the order in which the keys of maps were read, by path.
type Order map[string][]string

func newDecoder(file string, root any) *Decoder {
	return &Decoder{file: file, root: structOf(root).Type(), order: Order{}}
}

// decode reads data into the struct that root points to, with overrides put on top in their order, and returns warnings
// and the order of the keys of maps.
func Decode(root any, file string, data []byte, overrides []Override) ([]string, Order, error) {
	d := newDecoder(file, root)
	tree := d.readYAML(data)
	for _, o := range overrides {
		d.override(tree, o)
	}
	if err := d.err(); err != nil {
		return nil, nil, err
	}
	d.Object(tree, root, "")
	if err := d.err(); err != nil {
		return nil, nil, err
	}
	return d.warnings, d.order, nil
}

func (d *Decoder) FaultCount() int { return d.count }

// Object reads a mapping into the struct that to points to, over its defaults.
func (d *Decoder) Object(v *Value, to any, path string) { d.object(v, structOf(to), path) }

// object reads a mapping into a struct, over its defaults.
func (d *Decoder) object(v *Value, to reflect.Value, path string) {
	d.setDefaults(to)
	if e, ok := to.Addr().Interface().(Preparer); ok {
		e.Prepare(v)
	}
	given := d.members(v, to, path)
	for _, f := range d.fields(to.Type()) {
		switch {
		case given[f.name]:
		case f.required && !d.misspelt(join(path, f.name)):
			d.Fault(v, join(path, f.name), "is required")
		case f.typ.Kind() == reflect.Struct:
			none := &Value{Kind: ObjectKind, Place: v.Place}
			d.check(none, to.FieldByIndex(f.index), join(path, f.name), nil)
		}
	}
	d.check(v, to, path, given)
}

// check applies the rules of a section, which hold for one that was left out too.
func (d *Decoder) check(v *Value, to reflect.Value, path string, given map[string]bool) {
	if c, ok := to.Addr().Interface().(Checked); ok {
		c.Check(&Section{d: d, v: v, path: path, present: given})
	}
}

// members reads the entries of a mapping and tells which keys they were.
func (d *Decoder) members(v *Value, to reflect.Value, path string) map[string]bool {
	given := map[string]bool{}
	fields := d.fields(to.Type())
	_, ignore := to.Addr().Interface().(Lenient)
	for _, m := range v.Members {
		at := join(path, m.Key)
		f := find(fields, m)
		switch {
		case f == nil && ignore:
			d.Warn(m.Place, at, "unknown key, ignored")
		case f == nil:
			d.unknown(m, path, fields)
		case given[f.name]:
			d.FaultAt(m.Place, at, "is given twice, also as %s: leave one out", strings.Join(other(f, m.Key), " or "))
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

func find(fields []field, m Member) *field {
	for i := range fields {
		if m.keyKind == TextKind && fields[i].known(m.Key) {
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
func (d *Decoder) unknown(m Member, path string, fields []field) {
	if d.count >= maxFaults {
		d.count++
		return
	}
	var names []string
	for _, f := range fields {
		names = append(append(names, f.name), f.also...)
	}
	near, found := spelling.Nearest(m.Key, names)
	switch elsewhere := d.nearElsewhere(m.Key, path, names); {
	case elsewhere != "":
		d.FaultAt(m.Place, join(path, m.Key), "unknown key: did you mean %q?", elsewhere)
		d.faults[len(d.faults)-1].meant = elsewhere
	default:
		d.FaultAt(m.Place, join(path, m.Key), "unknown key%s", Suggest(m.Key, names))
		if found {
			d.faults[len(d.faults)-1].meant = join(path, near)
		}
	}
}

// nearElsewhere is the dotted key in another section that an unknown key names, unless one of the names beside it is
// near. At the top, where keys are that slipped out of their section, one that it nearly names will do.
func (d *Decoder) nearElsewhere(key, path string, beside []string) string {
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
func (d *Decoder) misspelt(path string) bool {
	return slices.ContainsFunc(d.faults, func(f *fault) bool {
		return f.meant != "" && (f.meant == path || strings.HasPrefix(path, f.meant+"."))
	})
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
			d.TypeFault(v, path, "a mapping", true)
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
			d.Fault(v, path, "expected a string, got %s: put it in quotes", describe(v, f.secret))
		default:
			d.TypeFault(v, path, "a string", true)
		}
	case reflect.Bool:
		yes, ok := v.Bool()
		if !ok {
			d.TypeFault(v, path, "true or false", f.secret)
		}
		to.SetBool(yes)
	case reflect.Int64:
		n, ok := v.Int()
		if !ok {
			d.TypeFault(v, path, "a whole number", f.secret)
			return
		}
		to.SetInt(n)
		d.CheckBound(v, float64(n), f.bound, path)
	case reflect.Float64:
		x, ok := v.Float()
		if !ok {
			d.TypeFault(v, path, "a finite number", f.secret)
			return
		}
		to.SetFloat(x)
		d.CheckBound(v, x, f.bound, path)
	}
}

// maxWhole is the most that a key with bounds takes: JavaScript rounds greater whole numbers, and nobody sends as many
// requests or tokens.
const MaxWhole = 1 << 53

// bound holds a number against a check. A check that begins with "seconds" is for a duration, which has an
// upper bound, too.
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
		d.Fault(v, path, "must be %s, got %s", bound, v.Text)
	case isTime && err != nil:
		d.Fault(v, path, "%v", err)
	case !isTime && bound != "" && x > MaxWhole:
		d.Fault(v, path, "must be at most %d, got %s", int64(MaxWhole), v.Text)
	}
}

// decodeEnum wants the exact spelling, as the original does.
func (d *Decoder) decodeEnum(v *Value, to reflect.Value, choices []string, path string) {
	if v.Kind != TextKind {
		d.TypeFault(v, path, "one of "+strings.Join(choices, ", "), false)
		return
	}
	for _, c := range choices {
		if v.Text == c {
			to.SetString(c)
			return
		}
	}
	d.Fault(v, path, "unknown value %s%s", Quote(v.Text), Suggest(v.Text, choices))
}

// decodeList reads a list. Where a field takes a single item too (one), that is a list of it.
func (d *Decoder) decodeList(v *Value, to reflect.Value, f field, path string) {
	items := v.Items
	switch {
	case v.Kind == ListKind:
	case f.one != "" && v.Kind != NullKind:
		only := &Value{Kind: ObjectKind, Place: v.Place}
		only.Members = []Member{{Key: f.one, keyKind: TextKind, Value: v, Place: v.Place}}
		items = []*Value{only}
	default:
		d.TypeFault(v, path, "a list", true)
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
		d.TypeFault(v, path, "a mapping", true)
		return
	}
	m := reflect.MakeMap(to.Type())
	for _, e := range v.Members {
		at := join(path, e.Key)
		if e.keyKind != TextKind {
			d.FaultAt(e.Place, at, "expected a string as key: put it in quotes")
			continue
		}
		item := reflect.New(to.Type().Elem()).Elem()
		d.decode(e.Value, item, field{typ: item.Type(), bound: f.bound, secret: secret.Named(e.Key)}, at)
		m.SetMapIndex(reflect.ValueOf(e.Key), item)
		d.order[path] = append(d.order[path], e.Key)
	}
	to.Set(m)
}

// Section is a mapping that has been read, for checks.
type Section struct {
	d       *Decoder
	v       *Value
	path    string
	present map[string]bool
}

// Given says whether a key was written, rather than left to its default.
func (s *Section) Given(key string) bool { return s.present[key] }

// Valid says whether keys (the whole section for "") were read without a fault, and none was misspelt, so that a rule
// may rely on them.
func (s *Section) Valid(keys ...string) bool {
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

// Fault reports a key of the section (the section itself for ""), at its line if it was written.
func (s *Section) Fault(key, format string, args ...any) {
	path, at := s.path, s.v
	if key != "" {
		path = join(path, key)
	}
	for name := range strings.SplitSeq(key, ".") {
		name, _, _ = strings.Cut(name, "[")
		next := at.Member(name)
		if next == nil {
			break
		}
		at = next
	}
	s.d.FaultAt(at.Place, path, format, args...)
}

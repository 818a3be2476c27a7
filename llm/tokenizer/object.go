package tokenizer

import (
	"fmt"
	"math"
	"strconv"

	"github.com/tidwall/gjson"
)

// object reads the fields of one JSON object. It keeps the first fault in err, with the object's position in the file;
// after a fault, fields read as zero.
type object struct {
	value  gjson.Result
	path   string
	err    *error
	fields map[string]gjson.Result // fields of value if it is the model
}

func (o object) get(name string) gjson.Result {
	if o.fields != nil {
		return o.fields[name]
	}
	return o.value.Get(name)
}

func (o object) fail(format string, args ...any) {
	if *o.err == nil {
		*o.err = fmt.Errorf("%s: %w", o.path, fmt.Errorf(format, args...))
	}
}

// kind returns the field "type".
func (o object) kind() string { return o.get("type").String() }

// failField is fail for a field of the object that kind names.
func (o object) failField(name, problem string, args ...any) {
	if kind := o.kind(); kind != "" {
		name = kind + ": field " + strconv.Quote(name)
	} else {
		name = "field " + strconv.Quote(name)
	}
	o.fail(name+" "+problem, args...)
}

func (o object) field(name string, kinds ...gjson.Type) gjson.Result {
	v := o.get(name)
	for _, k := range kinds {
		if v.Type == k && v.Exists() {
			return v
		}
	}
	if !v.Exists() {
		o.failField(name, "is missing")
	} else {
		o.failField(name, "is of the wrong type")
	}
	return gjson.Result{}
}

func (o object) text(name string) string { return o.field(name, gjson.String).Str }

// optionalText reads a field that may be missing or null.
func (o object) optionalText(name string) string {
	if v := o.get(name); v.Type == gjson.Null {
		return ""
	}
	return o.text(name)
}

func (o object) flag(name string) bool { return o.field(name, gjson.True, gjson.False).Bool() }

// optionalFlag reads a field whose default applies if it is missing or null.
func (o object) optionalFlag(name string, missing bool) bool {
	if v := o.get(name); v.Type == gjson.Null {
		return missing
	}
	return o.flag(name)
}

func (o object) number(name string) int {
	v := o.field(name, gjson.Number)
	n, ok := toID(v)
	if !ok && v.Exists() {
		o.failField(name, "is not a whole number from 0 to %d, got %s", math.MaxInt32, v.Raw)
	}
	return int(n)
}

// character reads a string that must hold one character.
func (o object) character(name string) string {
	s := o.text(name)
	if len([]rune(s)) != 1 {
		o.failField(name, "must be one character, got %q", s)
		return "?"
	}
	return s
}

// objects returns the elements of a list.
func (o object) objects(name string) []object {
	var out []object
	list := o.field(name, gjson.JSON)
	if list.Exists() && !list.IsArray() {
		o.failField(name, "is not a list")
	}
	for i, v := range list.Array() {
		out = append(out, object{value: v, path: fmt.Sprintf("%s.%s.%d", o.path, name, i), err: o.err})
	}
	return out
}

// toID reads a whole number that fits an id.
func toID(v gjson.Result) (int32, bool) {
	if v.Type != gjson.Number || v.Num < 0 || v.Num > math.MaxInt32 || v.Num != math.Trunc(v.Num) {
		return 0, false
	}
	return int32(v.Num), true
}

// missing reports whether the section is absent or null.
func (o object) missing() bool { return o.value.Type == gjson.Null }

// flat returns the object, or, if it is a Sequence, what it holds, to any depth.
func (o object) flat(field string) []object {
	if o.missing() {
		return nil
	}
	if o.kind() != "Sequence" {
		return []object{o}
	}
	var out []object
	for _, part := range o.objects(field) {
		out = append(out, part.flat(field)...)
	}
	return out
}

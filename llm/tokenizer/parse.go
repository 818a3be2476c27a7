package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"strconv"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"

	"github.com/seed-307b789f/xk6-llm/llm/tokenizer/internal/pattern"
)

// Parse reads the text of a tokenizer.json file. Errors name the part of the file that they concern. The cost grows
// with the length of data, which is not kept.
func Parse(data []byte) (*Tokenizer, error) {
	data, err := textfile.Trim(data)
	if err != nil {
		return nil, fmt.Errorf("tokenizer file: %w", err)
	}
	if !json.Valid(data) {
		data = textfile.Finite(data)
	}
	if !json.Valid(data) {
		var raw json.RawMessage
		return nil, fmt.Errorf("tokenizer file: %w", json.Unmarshal(data, &raw)) // json.Unmarshal tells where
	}
	root := gjson.ParseBytes(data)
	if !root.IsObject() {
		return nil, errors.New("tokenizer file: not a JSON object")
	}
	sections := map[string]gjson.Result{}
	root.ForEach(func(key, value gjson.Result) bool {
		sections[key.Str] = value
		return true
	})
	t, err := build(sections)
	if err != nil {
		return nil, fmt.Errorf("tokenizer file: %w", err)
	}
	return t, nil
}

func build(sections map[string]gjson.Result) (*Tokenizer, error) {
	t := &Tokenizer{seed: maphash.MakeSeed()}
	var err error
	section := func(name string) object { return object{value: sections[name], path: name, err: &err} }
	t.normalizers = section("normalizer").normalizers()
	steps, bytes := section("pre_tokenizer").chain()
	t.steps = steps
	t.decoders = section("decoder").decoders()
	if section("decoder").missing() {
		t.joined = " "
	}
	if err == nil {
		t.model = section("model").scanned().model(bytes)
	}
	if err != nil {
		return nil, err
	}
	if m, ok := t.model.(*bpe); ok && m.cutsAtSpaces() {
		t.spaced = m
	} else if !ok && bytes {
		t.steps = append(t.steps, byteMapper{})
	}
	t.added = newAddedTokens(section("added_tokens").addedTokens(t.model), t.normalizeToken)
	t.before, t.behind = section("post_processor").special()
	if err != nil {
		return nil, err
	}
	t.states.New = func() any { return newState(t) }
	return t, nil
}

func (t *Tokenizer) normalizeToken(content string) string {
	text := []byte(content)
	for _, n := range t.normalizers {
		var b buffer
		text, _ = n.normalize(&b, text, true)
	}
	return string(text)
}

// object reads the fields of one JSON object. It keeps the first fault in err, with the object's position in the file;
// after a fault, fields read as zero.
type object struct {
	value  gjson.Result
	path   string
	err    *error
	fields map[string]gjson.Result // fields of value if it is large, see scanned
}

// scanned returns the object with its fields found once, rather than by reading past vocabulary and merges for each
// field.
func (o object) scanned() object {
	o.fields = map[string]gjson.Result{}
	o.value.ForEach(func(key, value gjson.Result) bool {
		o.fields[key.Str] = value
		return true
	})
	return o
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

// pattern reads {"String": …} or {"Regex": …}.
func (o object) pattern() pattern.Matcher {
	v := o.get("pattern")
	if s := v.Get("String"); s.Type == gjson.String {
		return pattern.Literal(s.Str)
	}
	if r := v.Get("Regex"); r.Type == gjson.String {
		m, err := pattern.Compile(r.Str)
		if err != nil {
			o.fail("%w", err)
		}
		return m
	}
	o.failField("pattern", "is neither a String nor a Regex")
	return nil
}

// addedTokens reads the added tokens. Their ids are the model's, or continue after it; the ids written in the file do
// not count.
func (o object) addedTokens(m model) []addedToken {
	var out []addedToken
	next := int32(m.len())
	known := map[string]bool{}
	for i, v := range o.value.Array() {
		e := object{value: v, path: fmt.Sprintf("%s.%d", o.path, i), err: o.err}
		t := addedToken{
			content: e.text("content"), singleWord: e.flag("single_word"), lstrip: e.flag("lstrip"),
			rstrip:     e.flag("rstrip"),
			normalized: e.flag("normalized"), special: e.flag("special"),
		}
		if t.content == "" || known[t.content] {
			continue
		}
		known[t.content] = true
		id, ok := m.id([]byte(t.content))
		if !ok {
			id = next
		}
		t.id, next = id, max(next, id+1)
		out = append(out, t)
	}
	return out
}

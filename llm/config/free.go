package config

import (
	"encoding/json"
	"fmt"
)

// Object is a JSON object of any content, its keys in the order given.
type Object json.RawMessage

func (o *Object) decode(d *decoder, v *value, path string) {
	if v.kind != objectKind {
		d.typeFault(v, path, "a mapping", true)
		return
	}
	*o = v.json()
}

// read reads the object back; what decode wrote it can read.
func (o Object) read() *value {
	v, err := readJSON(string(o), place{})
	if err != nil {
		return nullValue()
	}
	return v
}

func (o Object) encode(*writer) *value {
	if o == nil {
		return nullValue()
	}
	return o.read()
}

func (Object) typeText() string { return "map" }

// Texts is a list of strings that may be given as a single one.
type Texts []string

func (t *Texts) decode(d *decoder, v *value, path string) {
	items := []*value{v}
	switch v.kind {
	case listKind:
		items = v.items
	case textKind:
	default:
		d.typeFault(v, path, "a string or a list of strings", false)
		return
	}
	*t = make(Texts, 0, len(items))
	for i, item := range items {
		if item.kind != textKind {
			d.typeFault(item, fmt.Sprintf("%s[%d]", path, i), "a string", false)
			continue
		}
		*t = append(*t, item.text)
	}
}

func (t Texts) encode(*writer) *value {
	if t == nil {
		return nullValue()
	}
	v := &value{kind: listKind}
	for _, text := range t {
		v.items = append(v.items, textValue(text))
	}
	return v
}

func (Texts) typeText() string { return "string or list of string" }

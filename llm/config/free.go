package config

import (
	"encoding/json"
	"fmt"

	"github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"
)

// Object is a JSON object of any content, its keys in the order given.
type Object json.RawMessage

func (o *Object) Decode(d *tagged.Decoder, v *tagged.Value, path string) {
	if v.Kind != tagged.ObjectKind {
		d.TypeFault(v, path, "a mapping", true)
		return
	}
	*o = v.JSON()
}

// read reads the object back; what decode wrote it can read.
func (o Object) read() *tagged.Value {
	v, err := tagged.ReadJSON(string(o), tagged.Place{})
	if err != nil {
		return tagged.NullValue()
	}
	return v
}

func (o Object) Encode(*tagged.Writer) *tagged.Value {
	if o == nil {
		return tagged.NullValue()
	}
	return o.read()
}

func (Object) TypeText() string { return "map" }

// Texts is a list of strings that may be given as a single one.
type Texts []string

func (t *Texts) Decode(d *tagged.Decoder, v *tagged.Value, path string) {
	items := []*tagged.Value{v}
	switch v.Kind {
	case tagged.ListKind:
		items = v.Items
	case tagged.TextKind:
	default:
		d.TypeFault(v, path, "a string or a list of strings", false)
		return
	}
	*t = make(Texts, 0, len(items))
	for i, item := range items {
		if item.Kind != tagged.TextKind {
			d.TypeFault(item, fmt.Sprintf("%s[%d]", path, i), "a string", false)
			continue
		}
		*t = append(*t, item.Text)
	}
}

func (t Texts) Encode(*tagged.Writer) *tagged.Value {
	if t == nil {
		return tagged.NullValue()
	}
	v := &tagged.Value{Kind: tagged.ListKind}
	for _, text := range t {
		v.Items = append(v.Items, tagged.TextValue(text))
	}
	return v
}

func (Texts) TypeText() string { return "string or list of string" }

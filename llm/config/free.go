package config

import (
	"encoding/json"
	"fmt"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"
)

// Object is a JSON object of any content. Its keys keep the order given.
type Object json.RawMessage

// Decode reads the value of a key.
func (o *Object) Decode(d *tagged.Decoder, v *tagged.Value, path string) {
	if v.Kind != tagged.ObjectKind {
		d.Faults.AddType(v, path, "a mapping", true)
		return
	}
	*o = v.JSON()
}

// read turns the object back into a value. It can read everything that Decode writes.
func (o Object) read() *tagged.Value {
	v, err := tagged.ReadJSON(string(o), tagged.Position{})
	if err != nil {
		return tagged.NullValue()
	}
	return v
}

// Encode returns the value to write.
func (o Object) Encode(*tagged.Writer) *tagged.Value {
	if o == nil {
		return tagged.NullValue()
	}
	return o.read()
}

// TypeText names the type in the list of keys.
func (Object) TypeText() string { return "map" }

// ScriptOptions holds options of scripts by name, such as {"endpoint": "/v2/chat", "timeout": "60s"}. Where they are
// shown, the values that have the name of a credential are ***.
type ScriptOptions map[string]json.RawMessage

// Decode reads the value of a key.
func (o *ScriptOptions) Decode(d *tagged.Decoder, v *tagged.Value, path string) {
	if v.Kind != tagged.ObjectKind {
		d.Faults.AddType(v, path, "a mapping", true)
		return
	}
	_ = json.Unmarshal(v.JSON(), o) // an object is always one of these
}

// Encode returns the value to write.
func (o ScriptOptions) Encode(*tagged.Writer) *tagged.Value {
	if o == nil {
		return tagged.NullValue()
	}
	shown, _ := secret.Redact(o)
	text, err := json.Marshal(shown)
	if err != nil {
		return tagged.NullValue() // not after Decode
	}
	return Object(text).read()
}

// Text returns the option of a name, and "" if there is none or it is no text.
func (o ScriptOptions) Text(name string) (text string) {
	_ = json.Unmarshal(o[name], &text) // leaves the text empty if it fails
	return text
}

// TypeText names the type in the list of keys.
func (ScriptOptions) TypeText() string { return "map" }

// Texts is a list of strings that may be given as a single string.
type Texts []string

// Decode reads the value of a key.
func (t *Texts) Decode(d *tagged.Decoder, v *tagged.Value, path string) {
	items := []*tagged.Value{v}
	switch v.Kind {
	case tagged.ListKind:
		items = v.Items
	case tagged.TextKind:
	default:
		d.Faults.AddType(v, path, "a string or a list of strings", false)
		return
	}
	*t = make(Texts, 0, len(items))
	for i, item := range items {
		if item.Kind != tagged.TextKind {
			d.Faults.AddType(item, fmt.Sprintf("%s[%d]", path, i), "a string", false)
			continue
		}
		*t = append(*t, item.Text)
	}
}

// Encode returns the value to write.
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

// TypeText names the type in the list of keys.
func (Texts) TypeText() string { return "string or list of string" }

package datasets

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// rebuild turns a value into the value that encoding/json decodes.
func rebuild(d *decoder, raw []byte) any {
	switch raw[0] {
	case '{':
		m := map[string]any{}
		for name, v := range d.members(raw) {
			m[string([]byte(name))] = rebuild(d, v)
		}
		return m
	case '[':
		list := []any{}
		for v := range elements(raw) {
			list = append(list, rebuild(d, v))
		}
		return list
	case '"':
		s, _ := d.stringText(raw)
		return s
	case 't', 'f':
		return raw[0] == 't'
	case 'n':
		return nil
	}
	return json.Number(raw)
}

// The decoder reads values as encoding/json does.
func FuzzDecoder(f *testing.F) {
	for _, seed := range []string{
		` {"a\"b\\": [1, -2.5e3,true , null,{}, [ ] ` +
			`,"x\\"],"a":"\u00e9\ud83d\ude42\ud83dx\ud83d\u0041\\\/\b\f\n\r\t","":[[]]} `,
		strings.Repeat(`{"a":[`, 200) + "1" + strings.Repeat("]}", 200), "\"\\u0000\x7f\u202e\\u001b[2J\"",
		`[1e999,-0,9223372036854775808,0.1e-400]`,
		`"\udc00\ud800"`, `[ "a" , {"b" : "c" } ]`, `12`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !utf8.Valid(data) {
			return // encoding/json replaces it
		}
		var want any
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		if !json.Valid(data) || dec.Decode(&want) != nil {
			return
		}
		if got := rebuild(new(decoder), bytes.TrimSpace(data)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, want %#v", data, got, want)
		}
	})
}

package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Object is a JSON object of any content, its keys in the order given.
type Object json.RawMessage

func (o *Object) decode(d *decoder, v *value, path string) {
	if v.kind != objectKind {
		d.typeFault(v, path, "a mapping", true)
		return
	}
	var buf bytes.Buffer
	writeJSON(&buf, v)
	*o = buf.Bytes()
}

// value reads the object back; what [Object.decode] wrote it can read.
func (o Object) value() *value {
	v, err := readJSON(string(o), place{})
	if err != nil {
		return empty(nullKind)
	}
	return v
}

func (o Object) encode(*writer) *value {
	if o == nil {
		return empty(nullKind)
	}
	return o.value()
}

func (Object) typeText() string { return "map" }

func writeJSON(buf *bytes.Buffer, v *value) {
	switch v.kind {
	case nullKind:
		buf.WriteString("null")
	case boolKind:
		fmt.Fprint(buf, v.yes)
	case intKind:
		fmt.Fprint(buf, jsonInt(v))
	case floatKind:
		buf.WriteString(jsonFloat(v))
	case textKind, dateKind:
		writeString(buf, v.text)
	case listKind:
		buf.WriteByte('[')
		for i, item := range v.items {
			comma(buf, i)
			writeJSON(buf, item)
		}
		buf.WriteByte(']')
	case objectKind:
		buf.WriteByte('{')
		for i, m := range v.members {
			comma(buf, i)
			writeString(buf, m.key)
			buf.WriteByte(':')
			writeJSON(buf, m.value)
		}
		buf.WriteByte('}')
	}
}

func comma(buf *bytes.Buffer, i int) {
	if i > 0 {
		buf.WriteByte(',')
	}
}

func jsonInt(v *value) string {
	if n := wholeNumber(v.text); v.huge && n != nil {
		return n.String()
	}
	return fmt.Sprint(v.whole)
}

// jsonFloat is a number with a point. Infinities and NaN, which JSON cannot hold, become strings.
func jsonFloat(v *value) string {
	text := floatText(v.real)
	if strings.ContainsAny(text, "aI") || strings.Contains(text, "inf") {
		return `"` + text + `"`
	}
	return text
}

func writeString(buf *bytes.Buffer, text string) {
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text)        // strings always can be
	buf.Truncate(buf.Len() - 1) // its line end
}

// readJSON reads one JSON value.
func readJSON(text string, at place) (*value, error) {
	if !json.Valid([]byte(text)) {
		return nil, errors.New("is not JSON")
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return readToken(dec, at, 0)
}

func readToken(dec *json.Decoder, at place, depth int) (*value, error) {
	token, err := dec.Token()
	switch {
	case errors.Is(err, io.EOF):
		return nil, io.ErrUnexpectedEOF
	case err != nil:
		return nil, err
	case depth > maxDepth:
		return nil, fmt.Errorf("is nested more than %d deep", maxDepth)
	}
	v := &value{text: "null", place: at}
	switch t := token.(type) {
	case bool:
		*v = *boolValue(t)
	case string:
		*v = *textValue(t)
	case json.Number:
		*v = *number(t.String())
	case json.Delim:
		return readNested(dec, t, at, depth)
	}
	v.place = at
	return v, nil
}

// number is one of JSON: whole unless it has a point or an exponent.
func number(text string) *value {
	v := &value{kind: floatKind, text: text}
	if !strings.ContainsAny(text, ".eE") {
		v.setWhole(wholeNumber(text))
		return v
	}
	v.real, _ = json.Number(text).Float64() // out of range is an infinity
	return v
}

func readNested(dec *json.Decoder, open json.Delim, at place, depth int) (*value, error) {
	v := &value{kind: listKind, place: at}
	if open == '{' {
		v.kind = objectKind
	}
	entries := collector{v: v}
	for dec.More() {
		key := ""
		if open == '{' {
			token, err := dec.Token()
			if err != nil {
				return nil, err
			}
			key, _ = token.(string) // JSON has no other keys
		}
		item, err := readToken(dec, at, depth+1)
		if err != nil {
			return nil, err
		}
		if open == '{' {
			entries.put(member{key: key, keyKind: textKind, value: item, place: at})
		} else {
			v.items = append(v.items, item)
		}
	}
	_, err := dec.Token()
	return v, err
}

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
		return empty(nullKind)
	}
	v := empty(listKind)
	for _, text := range t {
		v.items = append(v.items, textValue(text))
	}
	return v
}

func (Texts) typeText() string { return "string or list of string" }

package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// json is the value as JSON, the members of mappings in their order.
func (v *value) json() []byte {
	var buf bytes.Buffer
	writeJSON(&buf, v)
	return buf.Bytes()
}

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

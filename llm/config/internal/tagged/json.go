package tagged

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// JSON returns the value as JSON. The members of mappings keep their order.
func (v *Value) JSON() []byte {
	var buf bytes.Buffer
	writeJSON(&buf, v)
	return buf.Bytes()
}

func writeJSON(buf *bytes.Buffer, v *Value) {
	switch v.Kind {
	case NullKind:
		buf.WriteString("null")
	case BoolKind:
		fmt.Fprint(buf, v.yes)
	case IntKind:
		fmt.Fprint(buf, jsonInt(v))
	case FloatKind:
		buf.WriteString(jsonFloat(v))
	case TextKind, DateKind:
		writeString(buf, v.Text)
	case ListKind:
		buf.WriteByte('[')
		for i, item := range v.Items {
			writeComma(buf, i)
			writeJSON(buf, item)
		}
		buf.WriteByte(']')
	case ObjectKind:
		buf.WriteByte('{')
		for i, m := range v.Members {
			writeComma(buf, i)
			writeString(buf, m.Key)
			buf.WriteByte(':')
			writeJSON(buf, m.Value)
		}
		buf.WriteByte('}')
	}
}

func writeComma(buf *bytes.Buffer, i int) {
	if i > 0 {
		buf.WriteByte(',')
	}
}

func jsonInt(v *Value) string {
	if n := wholeNumber(v.Text); v.huge && n != nil {
		return n.String()
	}
	return fmt.Sprint(v.whole)
}

// jsonFloat returns a number with a point. Infinities and NaN, which JSON cannot hold, become strings.
func jsonFloat(v *Value) string {
	text := floatText(v.real)
	if strings.ContainsAny(text, "aI") || strings.Contains(text, "inf") {
		return `"` + text + `"`
	}
	return text
}

func writeString(buf *bytes.Buffer, text string) {
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text)        // a string is always encoded
	buf.Truncate(buf.Len() - 1) // the line end
}

// ReadJSON reads one JSON value. All of it gets the position at.
func ReadJSON(text string, at Position) (*Value, error) {
	if !json.Valid([]byte(text)) {
		return nil, errors.New("is not JSON")
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return readJSONValue(dec, at, 0)
}

func readJSONValue(dec *json.Decoder, at Position, depth int) (*Value, error) {
	token, err := dec.Token()
	switch {
	case errors.Is(err, io.EOF):
		return nil, io.ErrUnexpectedEOF
	case err != nil:
		return nil, err
	case depth > maxDepth:
		return nil, fmt.Errorf("is nested more than %d deep", maxDepth)
	}
	v := &Value{Text: "null", Position: at}
	switch t := token.(type) {
	case bool:
		*v = *BoolValue(t)
	case string:
		*v = *TextValue(t)
	case json.Number:
		*v = *jsonNumber(t.String())
	case json.Delim:
		return readJSONNested(dec, t, at, depth)
	}
	v.Position = at
	return v, nil
}

// jsonNumber reads a number of JSON, which is whole unless it has a point or an exponent.
func jsonNumber(text string) *Value {
	v := &Value{Kind: FloatKind, Text: text}
	if !strings.ContainsAny(text, ".eE") {
		v.setWhole(wholeNumber(text))
		return v
	}
	v.real, _ = json.Number(text).Float64() // out of range is an infinity
	return v
}

func readJSONNested(dec *json.Decoder, open json.Delim, at Position, depth int) (*Value, error) {
	v := &Value{Kind: ListKind, Position: at}
	if open == '{' {
		v.Kind = ObjectKind
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
		item, err := readJSONValue(dec, at, depth+1)
		if err != nil {
			return nil, err
		}
		if open == '{' {
			entries.put(Member{Key: key, keyKind: TextKind, Value: item, Position: at})
		} else {
			v.Items = append(v.Items, item)
		}
	}
	_, err := dec.Token()
	return v, err
}

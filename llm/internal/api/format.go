package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Types of a Format.
const (
	JSONSchema = "json_schema" // an answer that fits a schema
	JSONObject = "json_object" // any JSON object
)

// DefaultFormatName is the name of a schema that has none; inference-perf sends the same name.
const DefaultFormatName = "structured_output"

// Format asks for structured output, as the response_format of OpenAI's API.
type Format struct {
	Type   string          // JSONSchema or JSONObject; "" means JSONSchema
	Name   string          // name of the schema; "" means DefaultFormatName
	Schema json.RawMessage // a JSON object; nil with JSONObject
}

// Encode returns the JSON of the field. The schema's keys keep their order.
func (f Format) Encode() (json.RawMessage, error) {
	switch f.Type {
	case JSONObject:
		if f.Name != "" || f.Schema != nil {
			return nil,
				errors.New(`type "json_object" takes neither name nor jsonSchema: leave them out, or use type ` +
					`"json_schema"`)
		}
		return json.RawMessage(`{"type":"json_object"}`), nil
	case JSONSchema, "":
	default:
		return nil, fmt.Errorf(`unknown type %q, known are json_schema, json_object`, f.Type)
	}
	if f.Schema == nil {
		return nil, errors.New(`type "json_schema" needs a jsonSchema`)
	}
	if !json.Valid(f.Schema) || !bytes.HasPrefix(bytes.TrimLeft(f.Schema, " \t\r\n"), []byte("{")) {
		return nil, errors.New("jsonSchema is not a JSON object")
	}
	if f.Name == "" {
		f.Name = DefaultFormatName
	}
	type named struct {
		Name   string          `json:"name"`
		Schema json.RawMessage `json:"schema"`
	}
	return encode(struct {
		Type   string `json:"type"`
		Schema named  `json:"json_schema"`
	}{JSONSchema, named{f.Name, f.Schema}})
}

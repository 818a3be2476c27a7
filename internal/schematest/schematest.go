// Package schematest compares documents and Go types with the JSON Schemas of this project's files. It serves tests
// alone: a schema that no test uses is soon out of date.
package schematest

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// node is a schema or a part of one.
type node = map[string]any

// Schema is a JSON Schema of draft 2020-12. It never changes and may be used concurrently.
type Schema struct {
	compiled    *jsonschema.Schema
	root        node
	definitions node
}

// Load reads the schema at path. It returns an error if the schema itself is not valid.
func Load(path string) (*Schema, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", path, err)
	}
	root, _ := document.(node)
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(path, document); err != nil {
		return nil, fmt.Errorf("schema %s: %w", path, err)
	}
	compiled, err := compiler.Compile(path)
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", path, err)
	}
	definitions, _ := root["$defs"].(node)
	return &Schema{compiled, root, definitions}, nil
}

// Validate returns an error that names where a JSON document breaks the schema.
func (s *Schema) Validate(document []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		return fmt.Errorf("not a JSON document: %w", err)
	}
	return s.compiled.Validate(value)
}

// resolve follows references. It returns the schema they lead to, the name of the last definition on the way, and
// whether null is allowed.
func (s *Schema) resolve(n node) (resolved node, name string, null bool) {
	for {
		if branches, ok := n["anyOf"].([]any); ok {
			for _, branch := range branches {
				b, _ := branch.(node)
				if b["type"] == "null" {
					null = true
					continue
				}
				n = b
			}
		}
		ref, ok := n["$ref"].(string)
		if !ok {
			break
		}
		name = strings.TrimPrefix(ref, "#/$defs/")
		n, _ = s.definitions[name].(node)
	}
	return n, name, null || has(n, "null")
}

// has reports whether a schema allows a type, alone or among others.
func has(n node, name string) bool {
	switch types := n["type"].(type) {
	case string:
		return types == name
	case []any:
		for _, t := range types {
			if t == name {
				return true
			}
		}
	}
	return false
}

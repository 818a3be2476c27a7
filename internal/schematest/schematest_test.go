package schematest

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// small is a schema with an example of each kind of part.
const small = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"type": "object", "additionalProperties": false, "required": ["n", "list"],
	"properties": {
		"n": {"type": "integer"},
		"list": {"type": "array", "items": {"type": "string"}},
		"maybe": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/part"}]},
		"open": {"type": "object"}
	},
	"$defs": {"part": {"type": "object", "additionalProperties": false, "required": ["x"], "properties": {"x": {"type": "number"}}}}
}`

func load(t *testing.T, text string) *Schema {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{`{`: "unexpected EOF",
		`{"type": "whole"}`: "not valid against metaschema"} {
		path := filepath.Join(t.TempDir(), "s.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	if _, err := Load("nowhere.json"); !os.IsNotExist(err) {
		t.Errorf("no file: got %v", err)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	s := load(t, small)
	for document, want := range map[string]string{
		`{"n": 1, "list": ["a"], "maybe": {"x": 1.5}}`: "",
		`{"n": 1, "list": [], "maybe": null}`:          "",
		`{"n": 1.5, "list": []}`:                       "at '/n'",
		`{"n": NaN, "list": []}`:                       "not a JSON document",
		`{"n": 1, "list": []} {}`:                      "not a JSON document",
	} {
		if err := s.Validate([]byte(document)); (err == nil) != (want == "") || err != nil &&
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", document, err, want)
		}
	}
}

func TestAccepted(t *testing.T) {
	t.Parallel()
	s := load(t, small)
	document := []byte(`{"n": 1, "list": ["a"], "maybe": {"x": 1.5}, "open": {"y": 2}}`)
	for _, tt := range []struct {
		loose Loose
		want  []string
	}{
		{Loose{[]string{"/open"}, []string{"may*", "/open"}}, nil},
		{Loose{[]string{"open"}, nil}, []string{"/maybe: missing", "/open: missing"}},
		{Loose{nil, []string{"/maybe", "/open"}}, []string{
			"/open: map[string]interface {}", "/open/y: bool", "/open/y: []interface {}",
			"/open/y: map[string]interface {}", "/open/y: string", "/open/y: missing", "/open: an unknown key",
		}},
	} {
		got, err := s.Accepted(document, tt.loose)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%+v: got %q, %v, want %q", tt.loose, got, err, tt.want)
		}
	}
	if _, err := s.Accepted([]byte(`{}`), Loose{}); err == nil ||
		!strings.HasPrefix(err.Error(), "before it was broken: ") {
		t.Errorf("a broken document: got %v", err)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	s := load(t, small)
	type part struct {
		X float64 `json:"x"`
	}
	type good struct {
		N     int            `json:"n"`
		List  []string       `json:"list"`
		Maybe *part          `json:"maybe"`
		Open  map[string]any `json:"open,omitempty"`
	}
	type other struct {
		N     float64  `json:"n,omitempty"`
		List  []int    `json:"list"`
		Maybe *part    `json:"maybe,omitempty"`
		More  struct{} `json:"more"`
	}
	lacking := Types{Lacking: []string{"maybe"}}
	for _, tt := range []struct {
		typ   reflect.Type
		types Types
		want  []string
	}{
		{reflect.TypeFor[good](), lacking, nil},
		{reflect.TypeFor[good](), Types{}, []string{".maybe: required: got false, want true"}},
		{reflect.TypeFor[good](), Types{Beside: []string{"z"}, Lacking: lacking.Lacking}, nil},
		{reflect.TypeFor[good](), Types{Null: []reflect.Type{reflect.TypeFor[int]()}, Lacking: lacking.Lacking},
			[]string{`.n: null is allowed: false, and written: true`}},
		{reflect.TypeFor[good](), Types{Own: map[reflect.Type]string{reflect.TypeFor[part](): "whole"},
			Lacking: lacking.Lacking}, []string{`.maybe: got definition "part", want "whole"`}},
		{reflect.TypeFor[other](), Types{}, []string{
			".list[]: got type string, want integer", ".maybe: null is allowed: true, and a nil pointer left out: true",
			".more: is not in the schema",
			".n: got type integer, want number", ".n: required: got true, want false",
			".open: is in the schema, and never written",
		}},
	} {
		got := s.Compare("", tt.typ, tt.types)
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%v, %+v:\ngot  %q\nwant %q", tt.typ, tt.types, got, tt.want)
		}
	}
	if got := s.Compare("parts", reflect.TypeFor[part](), Types{}); !slices.Equal(got,
		[]string{"parts: has no schema"}) {
		t.Errorf("an unknown definition: got %q", got)
	}
}

// TestSchemasDescribeEverything checks that every part of a schema has a description, because readers cannot understand
// a part without one. A reference is described where it points.
func TestSchemasDescribeEverything(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../../docs/schema/*.schema.json")
	if err != nil || len(paths) != 14 {
		t.Fatalf("schemas %q, %v", paths, err)
	}
	for _, path := range paths {
		s, err := Load(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if id, _ := s.root["$id"].(string); filepath.Base(id) != filepath.Base(path) {
			t.Errorf("%s has the $id %q", path, id)
		}
		used := map[string]bool{}
		described(t, filepath.Base(path), s.root, used)
		for name := range s.definitions {
			if !used[name] {
				t.Errorf("%s: definition %s is not used", path, name)
			}
		}
	}
}

// described checks the descriptions of a schema and records the definitions that it uses.
func described(t *testing.T, path string, n node, used map[string]bool) {
	t.Helper()
	ref, isRef := n["$ref"].(string)
	used[strings.TrimPrefix(ref, "#/$defs/")] = true
	if text, _ := n["description"].(string); text == "" && !isRef {
		t.Errorf("%s has no description", path)
	}
	for _, keyword := range []string{"properties", "patternProperties", "$defs"} {
		parts, _ := n[keyword].(node)
		for name, part := range parts {
			if p, _ := part.(node); !isRef { // a reference may have nothing but conditions beside it
				described(t, path+"."+name, p, used)
			}
		}
	}
	for _, keyword := range []string{"items", "additionalProperties"} {
		if p, ok := n[keyword].(node); ok {
			described(t, path+"."+keyword, p, used)
		}
	}
	for _, keyword := range []string{"anyOf", "allOf"} {
		branches, _ := n[keyword].([]any)
		for _, branch := range branches {
			b, _ := branch.(node)
			for _, p := range []node{b, sub(b, "then")} {
				if ref, ok := p["$ref"].(string); ok {
					used[strings.TrimPrefix(ref, "#/$defs/")] = true
				}
			}
		}
	}
}

func sub(n node, key string) node {
	p, _ := n[key].(node)
	return p
}

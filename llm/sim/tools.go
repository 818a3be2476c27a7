package sim

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// tool is what an answer calls, if it calls a tool.
type tool struct {
	name   string // "" if no tool can be called
	schema gjson.Result
	forced bool // the request demands a call
}

// readTool returns the tool that the choice among tools, which have the form of a chat, allows: the one that it names,
// or else the first.
func readTool(tools, choice gjson.Result) (tool, error) {
	kind, name := choice.Str, choice.Get("function.name").Str
	if choice.IsObject() {
		kind = choice.Get("type").Str
		if name == "" {
			name = choice.Get("name").Str
		}
	}
	if kind == "none" {
		return tool{}, nil
	}
	t := tool{forced: kind == "required" || kind == "any" || name != ""}
	tools.ForEach(func(_, given gjson.Result) bool {
		function := given.Get("function")
		if its := function.Get("name").Str; its != "" && (name == "" || name == its) {
			t.name, t.schema = its, function.Get("parameters")
		}
		return t.name == ""
	})
	switch {
	case !t.forced || t.name != "":
		return t, nil
	case name != "":
		return tool{}, fmt.Errorf("tool_choice names %q, which is not among the tools", name)
	}
	return tool{}, fmt.Errorf("tool_choice is %.50s, and there are no tools", choice.Raw)
}

// calls decides whether an answer calls the tool. Equal prompts have equal answers, whenever they come.
func (o *Options) calls(a *ask) bool {
	share := o.ToolCalls
	if a.tool.forced {
		share = 1 - o.ToolRefusals
	}
	switch {
	case a.tool.name == "" || share <= 0:
		return false
	case share >= 1:
		return true
	}
	return rand.New(rand.NewPCG(uint64(o.Seed), a.hash)).Float64() < share // repeatable by design
}

// call is an answer that calls a tool.
type call struct {
	id, name string
	tokens   []string // of its arguments
}

// newCall returns the call of a tool, with the arguments that its schema requires.
func newCall(a *ask, tokens Tokenizer) *call {
	c := &call{id: "call_" + hashText(a.hash), name: a.tool.name}
	text := string(appendExample(nil, a.tool.schema, "object", maxSchemaDepth))
	if tokens == nil {
		c.tokens = strings.SplitAfter(text, " ")
	} else {
		c.tokens = pieces(text, tokens.Count(text))
	}
	return c
}

func hashText(hash uint64) string { return fmt.Sprintf("%016x", hash) }

// arguments returns the first n tokens of the arguments.
func (c *call) arguments(n int) string { return strings.Join(c.tokens[:n], "") }

// pieces cuts a text into n pieces of about the same length, or as many as it has characters.
func pieces(text string, n int) (list []string) {
	runes := []rune(text)
	n = min(max(n, 1), len(runes))
	for i := range n {
		list = append(list, string(runes[i*len(runes)/n:(i+1)*len(runes)/n]))
	}
	return list
}

// Bounds of an example: how deep it follows a schema, the items of each of its lists, and about its length in bytes.
const (
	maxSchemaDepth = 16
	maxItems       = 16
	maxExample     = 64 << 10
)

// appendExample appends a value that a JSON schema allows, as far as it states types, required properties, and lists
// of allowed values. A schema without a type is that of the usual type.
func appendExample(dst []byte, schema gjson.Result, usual string, depth int) []byte {
	for _, name := range [...]string{"const", "enum.0", "default"} {
		if value := schema.Get(name); value.Exists() && json.Valid([]byte(value.Raw)) {
			return append(dst, value.Raw...)
		}
	}
	for _, name := range [...]string{"anyOf.0", "oneOf.0", "allOf.0"} {
		if one := schema.Get(name); one.IsObject() && depth > 0 {
			return appendExample(dst, one, usual, depth-1)
		}
	}
	kind := schema.Get("type")
	if kind.IsArray() {
		kind = kind.Get("0")
	}
	if kind.Str != "" {
		usual = kind.Str
	}
	switch usual {
	case "object":
		return appendObject(dst, schema, depth)
	case "array":
		return appendArray(dst, schema, depth)
	case "integer", "number":
		n := schema.Get("minimum").Num
		if !(n > 1 && n < 1<<53) {
			n = 1
		}
		return append(dst, strconv.FormatFloat(n, 'f', -1, 64)...)
	case "boolean":
		return append(dst, "true"...)
	case "null":
		return append(dst, "null"...)
	}
	return append(dst, `"simulated"`...)
}

// appendObject appends an object with the properties that are required.
func appendObject(dst []byte, schema gjson.Result, depth int) []byte {
	dst = append(dst, '{')
	if depth > 0 {
		properties := schema.Get("properties").Map()
		for i, name := range schema.Get("required").Array() {
			if len(dst) > maxExample {
				break
			}
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(appendQuoted(dst, name.Str), ": "...)
			dst = appendExample(dst, properties[name.Str], "string", depth-1)
		}
	}
	return append(dst, '}')
}

// appendArray appends a list of as many items as are required.
func appendArray(dst []byte, schema gjson.Result, depth int) []byte {
	dst = append(dst, '[')
	if depth > 0 {
		for i := range int(min(schema.Get("minItems").Num, maxItems)) {
			if len(dst) > maxExample {
				break
			}
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendExample(dst, schema.Get("items"), "string", depth-1)
		}
	}
	return append(dst, ']')
}

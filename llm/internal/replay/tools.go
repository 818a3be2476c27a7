package replay

import (
	"encoding/json"
	"errors"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// roomForTools is the least room for an answer that is a tool call, and roomFactor that by the tokens recorded.
const (
	roomForTools = 4096
	roomFactor   = 4
)

// choose sets how an answer ends and whether it may call tools. A recorded tool call ends by itself, so that its
// arguments are whole, and so does a text that could have been one.
func (r *Rules) choose(a *Ask, tools *toolset) {
	recorded := a.Call.Answer.ToolCalls
	if len(recorded) > 0 || len(tools.names) > 0 {
		a.IgnoreEOS = new(bool)
	}
	if len(tools.names) == 0 {
		return
	}
	if len(recorded) > 0 && r.RoomForTools {
		a.MaxTokens = max(roomFactor*a.MaxTokens, roomForTools)
	}
	switch {
	case r.AsRecorded:
	case len(recorded) == 0:
		a.ToolChoice = json.RawMessage(`"none"`)
	case len(recorded) == 1 && tools.names[recorded[0].Name]:
		choice := api.AppendQuoted([]byte(`{"type":"function","function":{"name":`), recorded[0].Name)
		a.ToolChoice = append(choice, "}}"...)
	default:
		a.ToolChoice = json.RawMessage(`"required"`)
	}
}

// takes reports whether an answer can stand where a tool call was recorded. A text can if the model had the choice:
// then the recorded results of tools follow it, though it called none.
func (r *Rules) takes(live *workload.Answer) bool {
	if len(live.ToolCalls) == 0 {
		return r.AsRecorded && !r.UseRecorded
	}
	return !r.UseRecorded || readable(live.ToolCalls)
}

// readable reports whether the arguments of all calls are JSON.
func readable(calls []workload.ToolCall) bool {
	for _, call := range calls {
		if !json.Valid([]byte(call.Arguments)) {
			return false
		}
	}
	return true
}

// toolset is the tools of a call in the form in which they are sent.
type toolset struct {
	list  json.RawMessage
	names map[string]bool
}

// toolset returns tools in the form in which they are sent. Those of a session are mostly the same.
func (m *prompts) toolset(tools json.RawMessage) (*toolset, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if known := m.tools[string(tools)]; known != nil {
		return known, nil
	}
	made, err := normalTools(tools)
	if err != nil {
		return nil, err
	}
	if m.tools == nil {
		m.tools = map[string]*toolset{}
	}
	m.tools[string(tools)] = made
	return made, nil
}

// normalTools returns tools with their functions in an object of their own, and of their schemas what servers read.
func normalTools(tools json.RawMessage) (*toolset, error) {
	set := &toolset{names: map[string]bool{}}
	list := gjson.ParseBytes(tools)
	if len(tools) == 0 || list.Type == gjson.Null {
		return set, nil
	}
	if !json.Valid(tools) || !list.IsArray() { // which bounds the depth, too
		return nil, errors.New("its tools are no list in JSON")
	}
	list.ForEach(func(_, tool gjson.Result) bool {
		if function := tool.Get("function"); function.IsObject() {
			tool = function
		}
		name := tool.Get("name").String()
		set.names[name] = true
		set.list = append(set.list, ',')
		set.list = appendTool(set.list, name, tool)
		return true
	})
	if len(set.list) > 0 {
		set.list[0] = '['
		set.list = append(set.list, ']')
	}
	return set, nil
}

func appendTool(dst []byte, name string, tool gjson.Result) []byte {
	dst = api.AppendQuoted(append(dst, `{"type":"function","function":{"name":`...), name)
	if description := tool.Get("description"); description.Type == gjson.String {
		dst = append(append(dst, `,"description":`...), description.Raw...)
	}
	schema := tool.Get("parameters")
	if !schema.Exists() {
		schema = tool.Get("input_schema")
	}
	dst = append(dst, `,"parameters":`...)
	if schema.IsObject() {
		dst = appendSchema(dst, schema)
	} else {
		dst = append(dst, `{"type":"object","properties":{}}`...)
	}
	return append(dst, "}}"...)
}

// appendSchema appends a schema, or a value in one, as the servers' engines of tool calls read it: without keywords
// that they do not know, and with those that they want.
func appendSchema(dst []byte, v gjson.Result) []byte {
	switch {
	case v.IsArray():
		return appendMembers(dst, v, '[', ']', func(dst []byte, _, v gjson.Result) []byte {
			return appendSchema(dst, v)
		})
	case !v.IsObject():
		return append(dst, v.Raw...)
	}
	kind, properties := v.Get("type"), v.Get("properties")
	dst = appendMembers(dst, v, '{', '}', appendKeyword)
	missing := ""
	if !kind.Exists() {
		missing = `"type":"string"`
	} else if kind.Str == "object" && !properties.Exists() {
		missing = `"properties":{}`
	}
	if missing == "" {
		return dst
	}
	if dst = dst[:len(dst)-1]; dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(append(dst, missing...), '}')
}

// appendKeyword appends a keyword of a schema with its value, or nothing.
func appendKeyword(dst []byte, key, v gjson.Result) []byte {
	switch key.Str {
	default:
		return dst
	case "type", "description", "enum", "properties", "required", "items", "allOf", "$ref", "const",
		"additionalProperties":
	}
	dst = append(append(dst, key.Raw...), ':')
	switch {
	case key.Str == "additionalProperties" && !v.IsBool():
		return append(dst, "false"...)
	case key.Str == "properties" && v.IsObject():
		return appendMembers(dst, v, '{', '}', func(dst []byte, name, v gjson.Result) []byte {
			return appendSchema(append(append(dst, name.Raw...), ':'), v)
		})
	}
	return appendSchema(dst, v)
}

// appendMembers appends what member appends of each member of a value, with commas between.
func appendMembers(dst []byte, v gjson.Result, open, end byte,
	member func(dst []byte, key, v gjson.Result) []byte) []byte {
	dst = append(dst, open)
	from := len(dst)
	v.ForEach(func(key, v gjson.Result) bool {
		before := len(dst)
		if before > from {
			dst = append(dst, ',')
		}
		comma := len(dst)
		if dst = member(dst, key, v); len(dst) == comma {
			dst = dst[:before]
		}
		return true
	})
	return append(dst, end)
}

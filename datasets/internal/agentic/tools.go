package agentic

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// tool is a function that agents can call.
type tool struct {
	Name       string      `json:"name"`
	About      string      `json:"about"`
	Parameters []parameter `json:"parameters"`
	Result     template    `json:"result"`
}

// parameter is a parameter of a tool, with the value that calls of it have.
type parameter struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"` // string, integer or boolean
	About    string   `json:"about"`
	Enum     []string `json:"enum,omitempty"` // of which calls have any
	Value    template `json:"value"`
	Optional bool     `json:"optional,omitempty"`
}

// definitionBytes is the length to which notes on its use extend the definition of a tool: about the length of
// inference-perf's definitions, which it takes for 380 tokens at most.
const definitionBytes = 1200

// definition returns the definition of a tool as OpenAI's chat has it.
func (t *tool) definition(name string, notes []string) json.RawMessage {
	about := t.About
	for i := range notes {
		d := encode(t.schema(name, about))
		note := notes[(i+len(t.Name)*7)%len(notes)]
		if len(d)+len(note) > definitionBytes {
			return d
		}
		about += " " + note
	}
	return encode(t.schema(name, about))
}

// schema returns the parts of a definition.
func (t *tool) schema(name, about string) any {
	type property struct {
		Type        string   `json:"type"`
		Description string   `json:"description"`
		Enum        []string `json:"enum,omitempty"`
	}
	type parameters struct {
		Type       string              `json:"type"`
		Properties map[string]property `json:"properties"`
		Required   []string            `json:"required"`
	}
	type function struct {
		Name        string     `json:"name"`
		Description string     `json:"description"`
		Parameters  parameters `json:"parameters"`
	}
	p := parameters{Type: "object", Properties: map[string]property{}, Required: []string{}}
	for _, x := range t.Parameters {
		p.Properties[x.Name] = property{Type: x.Type, Description: x.About, Enum: x.Enum}
		if !x.Optional {
			p.Required = append(p.Required, x.Name)
		}
	}
	return struct {
		Type     string   `json:"type"`
		Function function `json:"function"`
	}{"function", function{name, about, p}}
}

// call returns a call of the tool about a scene, and its arguments by name.
func (t *tool) call(id, name string, th *theme, s scene, rng *rand.Rand) (workload.ToolCall, map[string]string) {
	given := make(map[string]string, len(t.Parameters))
	var b strings.Builder
	for i, p := range t.Parameters {
		var value string
		if len(p.Enum) > 0 {
			value = p.Enum[below(rng, len(p.Enum))]
		} else {
			value = string(p.Value.write(nil, th, s, rng, given))
		}
		given[p.Name] = value
		b.WriteByte("{,"[min(i, 1)])
		fmt.Fprintf(&b, "%q:", p.Name)
		if p.Type == "string" {
			b.Write(encode(value))
		} else {
			b.WriteString(value)
		}
	}
	b.WriteByte('}')
	return workload.ToolCall{ID: id, Name: name, Arguments: b.String()}, given
}

// toolAt returns tool number i of the catalog with its name there. A catalog that is longer than the theme's list has
// further versions of its tools.
func (t *theme) toolAt(i int) (*tool, string) {
	x := &t.Tools[i%len(t.Tools)]
	if version := i/len(t.Tools) + 1; version > 1 {
		return x, fmt.Sprintf("%s_v%d", x.Name, version)
	}
	return x, x.Name
}

// catalog returns the definitions of n tools; nil if there are none.
func (t *theme) catalog(n int) json.RawMessage {
	if n == 0 {
		return nil
	}
	return joined(t.definitions(n))
}

// catalogWithDispatch returns the definitions of n tools and of the one that hands work to a sub-agent.
func (t *theme) catalogWithDispatch(n int) json.RawMessage {
	d := &t.shared.Dispatch
	return joined(append(t.definitions(n), d.definition(d.Name, t.shared.Notes)))
}

func (t *theme) definitions(n int) []json.RawMessage {
	list := make([]json.RawMessage, n, n+1)
	for i := range list {
		if i < len(t.defined) {
			list[i] = t.defined[i]
			continue
		}
		x, name := t.toolAt(i)
		list[i] = x.definition(name, t.shared.Notes)
	}
	return list
}

func joined(list []json.RawMessage) json.RawMessage {
	size := 2
	for _, x := range list {
		size += len(x) + 1
	}
	all := append(make([]byte, 0, size), '[')
	for i, x := range list {
		if i > 0 {
			all = append(all, ',')
		}
		all = append(all, x...)
	}
	return append(all, ']')
}

// callTools makes a call's answer one that calls tools. The tools come in turn.
func (b *builder) callTools(c *workload.Call, step int) {
	rng := b.random(c.ID, "arguments")
	for i := range max(1, b.options.Parallel(b.random(c.ID, "parallel"))) {
		t, name := b.theme.toolAt((step + i) % b.tools)
		call, _ := t.call(b.callID(i), name, b.theme, b.scene, rng)
		c.Answer.ToolCalls = append(c.Answer.ToolCalls, call)
	}
	c.MaxTokens = b.callTokens(c.Answer.ToolCalls)
}

// dispatch makes a call's answer one that hands work to n sub-agents, and returns what they are told.
func (b *builder) dispatch(c *workload.Call, n int) (tasks []string) {
	rng := b.random(c.ID, "arguments")
	d := &b.theme.shared.Dispatch
	for i := range n {
		task := string(b.theme.pick(b.theme.Tasks, rng).write(nil, b.theme, b.scene, rng, nil))
		tasks = append(tasks, task)
		named := scene{"task": task}
		call, _ := d.call(b.callID(i), d.Name, b.theme, named, rng)
		c.Answer.ToolCalls = append(c.Answer.ToolCalls, call)
	}
	c.MaxTokens = b.callTokens(c.Answer.ToolCalls)
	return tasks
}

// callID returns the id of call number i of a tool by the answer of the next call of the session. Nearly all have nine
// letters and digits, as some chat templates demand.
func (b *builder) callID(i int) string {
	place := len(b.session.Calls)
	if place > 999 || i > 99 {
		return fmt.Sprintf("call-%d-%d", place, i)
	}
	return fmt.Sprintf("call%03d%02d", place, i)
}

// callTokens returns the limit of an answer that calls tools.
func (b *builder) callTokens(calls []workload.ToolCall) int {
	type function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	}
	type call struct {
		ID       string   `json:"id"`
		Type     string   `json:"type"`
		Function function `json:"function"`
	}
	list := make([]call, len(calls))
	for i, c := range calls {
		list[i] = call{c.ID, "function", function{c.Name, c.Arguments}}
	}
	return b.options.Measure.JSON(string(encode(list))) + callRoom
}

// results returns what the tools return that a call's answer has called.
func (b *builder) results(call int) (messages []workload.Message) {
	c := &b.session.Calls[call]
	rng := b.random(c.ID, "results")
	for _, x := range c.Answer.ToolCalls {
		text := b.theme.toolNamed(x.Name).Result.write(nil, b.theme, b.scene, rng, arguments(x))
		messages = append(messages, workload.Message{
			Role: "tool", Text: string(text), ToolCallID: x.ID, Name: x.Name,
		})
	}
	return messages
}

// arguments returns the arguments of a call as texts.
func arguments(c workload.ToolCall) map[string]string {
	var values map[string]any
	d := json.NewDecoder(strings.NewReader(c.Arguments))
	d.UseNumber()
	if err := d.Decode(&values); err != nil {
		panic(fmt.Sprintf("made-up arguments %s: %v", c.Arguments, err)) // they were written by call
	}
	texts := make(map[string]string, len(values))
	for name, value := range values {
		texts[name] = fmt.Sprint(value)
	}
	return texts
}

// encode returns a value as JSON, with <, > and & as they are.
func encode(v any) json.RawMessage {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // the values are texts
	}
	return json.RawMessage(strings.TrimSuffix(b.String(), "\n"))
}

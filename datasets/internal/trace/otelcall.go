package trace

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// recorded returns the call of a span. Its instants are in microseconds.
func (s *span) recorded(known remarks) (c recorded, err error) {
	if c.start, c.end, err = s.times(); err != nil {
		return c, err
	}
	c.order = c.start
	if c.messages, err = s.prompt(known); err != nil {
		return c, fmt.Errorf("%s: %w", inputMessages, err)
	}
	output, err := s.output()
	if err != nil {
		return c, err
	}
	c.call = workload.Call{
		ID: s.id, Model: s.attributes["gen_ai.request.model"].String(), Attributes: s.others(),
		Tools: tools(s.attributes["gen_ai.tool.definitions"]),
	}
	c.call.PromptTokens, _ = s.attributes.number("gen_ai.usage.prompt_tokens", "gen_ai.usage.input_tokens")
	s.addAnswer(&c, output)
	_, schema := s.attributes["gen_ai.request.output_schema"]
	c.call.Structured = schema || s.attributes["gen_ai.output.type"].Str == "json"
	c.call.UserFacing = !c.call.Structured && !s.endsInTools() &&
		(len(c.call.Answer.ToolCalls) == 0 || c.call.Tools == nil)
	return c, nil
}

// prompt returns the messages of the prompt, with the instructions as the first.
func (s *span) prompt(known remarks) (turns []*remark, err error) {
	list, err := structured(s.attributes[inputMessages])
	if err != nil {
		return nil, err
	}
	if turns, err = known.read(list); err != nil {
		return nil, err
	}
	if len(turns) == 0 {
		return nil, errors.New("there is no message")
	}
	if instructions := s.attributes["gen_ai.system_instructions"]; !empty(instructions) {
		var c content
		if v, err := structured(instructions); err == nil && v.IsArray() {
			c.readParts(v)
		} else {
			c.texts = []string{instructions.String()}
		}
		first := &remark{role: "system", text: c.text(), sent: c.messages("system", gjson.Result{})}
		turns = append([]*remark{first}, turns...)
	}
	return turns, nil
}

// structured returns a value that may be written as a text of JSON.
func structured(v gjson.Result) (gjson.Result, error) {
	if v.Type != gjson.String {
		return v, nil
	}
	if !gjson.Valid(v.Str) {
		return v, errors.New("it is not JSON")
	}
	return gjson.Parse(v.Str), nil
}

// output returns the recorded answer; nil if there is none.
func (s *span) output() (*content, error) {
	for _, name := range []string{"gen_ai.output.text", "gen_ai.completion", "gen_ai.output"} {
		if v := s.attributes[name]; v.Type == gjson.String {
			return &content{texts: []string{v.Str}}, nil
		}
	}
	const name = "gen_ai.output.messages"
	if empty(s.attributes[name]) {
		return nil, nil
	}
	list, err := structured(s.attributes[name])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	messages := list.Array()
	if !list.IsArray() || len(messages) == 0 {
		return nil, nil
	}
	if len(messages) > 1 {
		return nil, fmt.Errorf("%s: there are %d messages, and a call has one answer", name, len(messages))
	}
	c := contentOf(messages[0])
	return &c, nil
}

// addAnswer sets the recorded answer of a call, and the limit, which is the number of its tokens.
func (s *span) addAnswer(c *recorded, output *content) {
	a := &c.call.Answer
	a.Failed = s.failed
	a.Took = time.Duration(c.end-c.start) * time.Microsecond
	length := 0
	if output != nil {
		a.Text, a.Reasoning = strings.Join(output.texts, ""), strings.Join(output.reasoning, "")
		a.ToolCalls = output.calls
		c.answer = &answer{text: output.text(), parts: output.pieces}
		length = output.length()
		if len(output.pieces) > 0 {
			for _, call := range output.calls {
				c.answer.ids = append(c.answer.ids, call.ID)
			}
		}
	}
	tokens, ok := s.attributes.number("gen_ai.usage.completion_tokens", "gen_ai.usage.output_tokens")
	if !ok {
		tokens = max(1, length/4)
	}
	a.Tokens, c.call.MaxTokens = tokens, tokens
}

// length estimates the number of characters of an answer.
func (c *content) length() int {
	const frame = 33 // of a call of a tool: the marks of a chat template
	n := utf8.RuneCountInString(strings.Join(c.texts, "\n"))
	for i, call := range c.calls {
		if i > 0 || len(c.texts) > 0 {
			n++
		}
		n += frame + utf8.RuneCountInString(call.Name) + utf8.RuneCountInString(call.Arguments)
	}
	return n
}

// endsInTools reports whether the answer ended in order to call tools.
func (s *span) endsInTools() bool {
	reasons := s.attributes["gen_ai.response.finish_reasons"]
	for _, reason := range reasons.Array() {
		if reason.Str == "tool_use" || reason.Str == "tool_calls" {
			return true
		}
	}
	return false
}

// others returns the attributes that headers and labels can be made of.
func (s *span) others() map[string]string {
	out := map[string]string{}
	for name, v := range s.attributes {
		if !inMessages[name] && v.Exists() && v.Type != gjson.Null {
			out[name] = v.String()
		}
	}
	return out
}

// tools returns the definitions of tools as OpenAI's chat has them; nil if there are none.
func tools(attribute gjson.Result) []byte {
	list, err := structured(attribute)
	if err != nil || empty(list) {
		return nil
	}
	out := []byte{'['}
	for _, v := range list.Array() {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, tool(v)...)
	}
	return append(out, ']')
}

// tool returns the definition of a tool, which may have the fields of its function at its top.
func tool(v gjson.Result) string {
	if v.Get("function").Exists() || !v.Get("name").Exists() {
		return v.Raw
	}
	fields := []string{`"name":` + v.Get("name").Raw}
	if d := v.Get("description"); d.Exists() {
		fields = append(fields, `"description":`+d.Raw)
	}
	if p := either(v, "parameters", "input_schema"); p.Exists() {
		fields = append(fields, `"parameters":`+p.Raw)
	}
	return `{"type":"function","function":{` + strings.Join(fields, ",") + `}}`
}

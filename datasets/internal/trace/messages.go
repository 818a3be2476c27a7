package trace

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// readMessages reads the messages of a chat as OpenAI's API has them: an array, or a text that holds one, as in a cell
// of a table.
func readMessages(list gjson.Result) ([]workload.Message, error) {
	if list.Type == gjson.String && gjson.Valid(list.Str) {
		list = gjson.Parse(list.Str)
	}
	if !list.IsArray() {
		return nil, errors.New("messages must be a list")
	}
	var messages []workload.Message
	var err error
	list.ForEach(func(_, value gjson.Result) bool {
		var m workload.Message
		if m, err = readMessage(value); err != nil {
			err = fmt.Errorf("message %d: %w", len(messages)+1, err)
			return false
		}
		messages = append(messages, m)
		return true
	})
	if err == nil && len(messages) == 0 {
		err = errors.New("messages has none")
	}
	return messages, err
}

// readMessage reads a message.
func readMessage(value gjson.Result) (m workload.Message, err error) {
	if !value.IsObject() {
		return m, errors.New("it is not an object")
	}
	value.ForEach(func(name, field gjson.Result) bool {
		switch name.Str {
		case "role":
			m.Role = field.Str
		case "content":
			err = readContent(&m, field)
		case "reasoning", "reasoning_content":
			m.Reasoning = field.String()
		case "tool_calls":
			m.ToolCalls, err = readToolCalls(field)
		case "tool_call_id":
			m.ToolCallID = field.String()
		case "name":
			m.Name = field.String()
		}
		return err == nil
	})
	if err == nil && m.Role == "" {
		err = errors.New("it has no role")
	}
	return m, err
}

// readContent reads the content of a message: a text, a list of parts, or null.
func readContent(m *workload.Message, content gjson.Result) error {
	switch {
	case content.Type == gjson.String:
		m.Text = content.Str
	case content.IsArray():
		m.Content = json.RawMessage(content.Raw)
	case content.Type != gjson.Null:
		return fmt.Errorf("its content must be a text or a list, got %.40s", content.Raw)
	}
	return nil
}

// readToolCalls reads the calls of tools of a message.
func readToolCalls(list gjson.Result) (calls []workload.ToolCall, err error) {
	if list.Type == gjson.Null {
		return nil, nil
	}
	if !list.IsArray() {
		return nil, errors.New("its tool_calls must be a list")
	}
	list.ForEach(func(_, value gjson.Result) bool {
		function := value.Get("function")
		c := workload.ToolCall{
			ID: value.Get("id").String(), Name: function.Get("name").String(),
			Arguments: function.Get("arguments").String(),
		}
		if c.Name == "" {
			err = errors.New("one of its tool_calls has no function name")
			return false
		}
		calls = append(calls, c)
		return true
	})
	return calls, err
}

// readTools returns definitions of tools, or nil without any.
func readTools(tools gjson.Result) (json.RawMessage, error) {
	if tools.Type == gjson.String && gjson.Valid(tools.Str) {
		tools = gjson.Parse(tools.Str)
	}
	switch {
	case !tools.Exists() || tools.Type == gjson.Null:
		return nil, nil
	case !tools.IsArray():
		return nil, fmt.Errorf("tools must be a list, got %.40s", tools.Raw)
	case len(tools.Array()) == 0:
		return nil, nil
	}
	return json.RawMessage(tools.Raw), nil
}

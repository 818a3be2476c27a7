package trace

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// readBody makes a call of the body of a request: of a chat, or of a completion with one prompt. The body is an object,
// or a text that holds one. Fields of the given names are left out.
func readBody(body gjson.Result, without ...string) (c workload.Call, err error) {
	if body.Type == gjson.String && gjson.Valid(body.Str) {
		body = gjson.Parse(body.Str)
	}
	if !body.IsObject() {
		return c, fmt.Errorf("the body must be an object, got %.40s", body.Raw)
	}
	var messages []workload.Message
	params := []byte{'{'}
	body.ForEach(func(name, value gjson.Result) bool {
		switch name.Str {
		case "messages":
			messages, err = readMessages(value)
		case "prompt":
			messages, err = readPrompt(value)
		case "tools":
			c.Tools, err = readTools(value)
		case "max_tokens", "max_completion_tokens":
			if given(value) {
				c.MaxTokens, err = tokens(value, name.Str)
			}
		case "model":
			c.Model = value.String()
		case "stream", "stream_options":
		default:
			if slices.Contains(without, name.Str) {
				return true
			}
			if len(params) > 1 {
				params = append(params, ',')
			}
			params = append(append(append(params, name.Raw...), ':'), value.Raw...)
		}
		return err == nil
	})
	if err == nil && len(messages) == 0 {
		err = errors.New("the body has neither messages nor a prompt")
	}
	if len(params) > 1 {
		c.Params = json.RawMessage(append(params, '}'))
	}
	c.Prompt = []workload.Part{{Messages: messages}}
	return c, err
}

// readPrompt returns the prompt of a completion as a message.
func readPrompt(prompt gjson.Result) ([]workload.Message, error) {
	if prompt.IsArray() && len(prompt.Array()) == 1 {
		prompt = prompt.Array()[0]
	}
	if prompt.Type != gjson.String {
		return nil, fmt.Errorf("the prompt must be one text, got %.40s", prompt.Raw)
	}
	return []workload.Message{{Role: "user", Text: prompt.Str}}, nil
}

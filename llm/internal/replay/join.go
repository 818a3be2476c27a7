package replay

import (
	"encoding/json"
	"strings"

	"github.com/tidwall/gjson"
)

// Join returns the texts of a chat as the prompt of a completion, as data sets join them.
func Join(messages json.RawMessage) string {
	var texts []string
	add := func(text string) {
		if text != "" {
			texts = append(texts, text)
		}
	}
	for _, message := range gjson.ParseBytes(messages).Array() {
		content := message.Get("content")
		if content.Type == gjson.String {
			add(content.Str)
			continue
		}
		for _, part := range content.Array() {
			add(part.Get("text").Str)
		}
	}
	return strings.Join(texts, " ")
}

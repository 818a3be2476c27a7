package llm

import (
	"maps"
	"strconv"
	"strings"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/datasets"
)

// drawnParts is the symbol under which the content of a message has the parts that it was made of.
var drawnParts = sobek.NewSymbol("parts")

// partsOf returns the content of a message with media as OpenAI's chat has it, which clients of other APIs convert.
func partsOf(rt *sobek.Runtime, parts []datasets.Part) (*sobek.Object, error) {
	var list []any
	for _, p := range parts {
		if p.Media == nil {
			list = append(list, map[string]any{"type": "text", "text": p.Text})
			continue
		}
		for _, file := range filesOf(p.Media) {
			list = append(list, partOf(p.Media, file))
		}
	}
	content := rt.NewArray(list...)
	return content, content.DefineDataPropertySymbol(drawnParts, rt.ToValue(&parts), sobek.FLAG_FALSE, sobek.FLAG_FALSE,
		sobek.FLAG_FALSE)
}

func filesOf(m *datasets.Media) []string {
	if m.URLs != nil {
		return m.URLs
	}
	return m.Files
}

// partOf returns the part of a file in base64, or of an address.
func partOf(m *datasets.Media, file string) map[string]any {
	kind, mime := m.PartType()
	switch {
	case m.URLs != nil:
		return map[string]any{"type": kind + "_url", kind + "_url": map[string]any{"url": file}}
	case m.Kind == datasets.Audio:
		return map[string]any{"type": "input_audio", "input_audio": map[string]any{"data": file, "format": m.Format}}
	}
	url := "data:" + mime + ";base64," + file
	return map[string]any{"type": kind + "_url", kind + "_url": map[string]any{"url": url}}
}

// unchanged returns the messages of an item with media, and the parts of the last, if the script has changed nothing of
// them: they can then be sent without being written as JSON, which takes long for megabytes. Otherwise it returns no
// parts.
func unchanged(v sobek.Value) (list []datasets.Message, parts []datasets.Part) {
	messages, ok := v.(*sobek.Object)
	if !ok || messages.ClassName() != "Array" {
		return nil, nil
	}
	n := int(messages.Get("length").ToInteger())
	for i := range n {
		message, ok := messages.Get(strconv.Itoa(i)).(*sobek.Object)
		if !ok || len(message.Keys()) != 2 {
			return nil, nil
		}
		role, isText := export(message.Get("role")).(string)
		if !isText {
			return nil, nil
		}
		m := datasets.Message{Role: role}
		if content, isObject := message.Get("content").(*sobek.Object); isObject && i == n-1 {
			parts = partsWithin(content)
		} else if m.Content, isText = export(message.Get("content")).(string); !isText {
			return nil, nil
		}
		list = append(list, m)
	}
	return list, parts
}

// partsWithin returns the parts that the content of a message was made of, or nil if they were changed.
func partsWithin(content *sobek.Object) []datasets.Part {
	hidden := content.GetSymbol(drawnParts)
	if hidden == nil || content.ClassName() != "Array" {
		return nil
	}
	parts, ok := hidden.Export().(*[]datasets.Part)
	if !ok {
		return nil
	}
	now, _ := content.Export().([]any)
	for _, p := range *parts {
		if p.Media == nil {
			if len(now) == 0 || !maps.Equal(flat(now[0]), map[string]string{"type": "text", "text": p.Text}) {
				return nil
			}
			now = now[1:]
			continue
		}
		for _, file := range filesOf(p.Media) {
			if len(now) == 0 || !isPart(p.Media, file, now[0]) {
				return nil
			}
			now = now[1:]
		}
	}
	if len(now) > 0 {
		return nil
	}
	return *parts
}

// isPart reports whether a value is the part of a file.
func isPart(m *datasets.Media, file string, value any) bool {
	own, ok := value.(map[string]any)
	kind, mime := m.PartType()
	name := kind + "_url"
	if m.Kind == datasets.Audio && m.URLs == nil {
		name = "input_audio"
	}
	if !ok || len(own) != 2 || own["type"] != name {
		return false
	}
	inner := flat(own[name])
	if name == "input_audio" {
		return len(inner) == 2 && inner["format"] == m.Format && inner["data"] == file
	}
	url, begin := inner["url"], ""
	if m.URLs == nil {
		begin = "data:" + mime + ";base64,"
	}
	return len(inner) == 1 && len(url) == len(begin)+len(file) && strings.HasPrefix(url, begin) &&
		strings.HasSuffix(url, file)
}

// flat returns an object of texts, or nil if it is none.
func flat(value any) map[string]string {
	object, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	texts := map[string]string{}
	for name, inner := range object {
		text, isText := inner.(string)
		if !isText {
			return nil
		}
		texts[name] = text
	}
	return texts
}

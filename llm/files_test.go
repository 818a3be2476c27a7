package llm

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	logtest "github.com/sirupsen/logrus/hooks/test"
)

// initLog catches the log of the init context.
func (v *vu) initLog() *logtest.Hook {
	log, hook := logtest.NewNullLogger()
	v.VU.InitEnvField.Logger = log
	return hook
}

func messagesOf(hook *logtest.Hook) string {
	var lines []string
	for _, e := range hook.AllEntries() {
		lines = append(lines, e.Message)
	}
	return strings.Join(lines, "\n")
}

// The server gets the fields of a file that are meant for it unchanged. Other fields are named in the log once.
func TestRecordsAreSentUnchanged(t *testing.T) {
	t.Parallel()
	const chat = `[{"role":"user","content":"w?","name":"u","9":1,"a":{"__proto__":-1.5}},{"role":"assistant","content":null,"tool_calls":[{"id":"c","function":{"name":"w","arguments":"{\"b\": 1}"}}],"reasoning_content":"é🙂"},{"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"20"}]}]`
	const params = `"tools":[{"type":"function","function":{"name":"w","parameters":{"type":"object","properties":{}}}}],"temperature":0.25,"ignore_eos":false,"logit_bias":{},"seed":9007199254740991`
	v := newVU(t, New())
	hook := v.initLog()
	v.write(t, "/scripts/a.jsonl", "\ufeff"+`{"id":1,"note":1,"messages":`+chat+`,`+params+
		`,"max_completion_tokens":3}`+"\r\n"+`{"id":2,"note":2,"prompt":"p","messages":null,"top_p":null}`)
	v.run(t, `
		const data = new Dataset({type: 'jsonl', path: './a.jsonl'}), again = new Dataset({type: 'jsonl', path: './a.jsonl'});
		const client = new Client({baseURL: 'sim:?ttft=0s&itl=0s', text: true, extraBody: {temperature: 1, top_k: 5}});`)
	v.start(t)
	v.run(t, `client.send(data.at(0)); client.send(data.at(1)); client.send({...data.at(0), extraBody: `+
		`{...data.at(0).extraBody, tools: null, top_k: null, min_p: undefined}})`)
	all, _ := v.records()
	var bodies []map[string]any
	for _, r := range all {
		var body map[string]any
		if err := json.Unmarshal([]byte(r.RequestBody), &body); err != nil {
			t.Fatalf("%s: %v", r.RequestBody, err)
		}
		delete(body, "model")
		delete(body, "stream_options")
		bodies = append(bodies, body)
	}
	for i, want := range []string{
		`{"messages":` + chat + `,` + params + `,"max_tokens":3,"stream":true,"top_k":5}`,
		`{"messages":[{"role":"user","content":"p"}],"max_tokens":30,"ignore_eos":true,"stream":true,"temperature":1,"top_k":5}`,
		`{"messages":` + chat +
			`,"temperature":0.25,"ignore_eos":false,"logit_bias":{},"seed":9007199254740991,"max_tokens":3,"stream":true}`,
	} {
		var body map[string]any
		if err := json.Unmarshal([]byte(want), &body); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(bodies[i], body) {
			t.Errorf("request %d: got %v\nwant %v", i, bodies[i], body)
		}
	}
	// in the order of JavaScript
	ordered := strings.Replace(chat, `"role":"user","content":"w?","name":"u","9":1`,
		`"9":1,"role":"user","content":"w?","name":"u"`, 1)
	if !strings.Contains(all[0].RequestBody, ordered) {
		t.Errorf("keys are in another order: got %s, want %s", all[0].RequestBody, ordered)
	}
	if got, want := messagesOf(hook),
		"data set /scripts/a.jsonl: 2 records; left out: the field note (2)"; got != want {
		t.Errorf("logged %q, want %q", got, want)
	}
}

// The tools of a record are counted as part of its prompt.
func TestToolsOfRecordsAreCounted(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.model(t, "/scripts/model",
		`{"chat_template": "{% if tools %}{{ tools | tojson }}{% endif %}{{ messages[0].content }}"}`)
	v.run(t, `const client = new Client({baseURL: 'sim:?ttft=0s&itl=0s', tokenizer: './model'}), tools = [{b: 1, a: 2}];`)
	v.start(t)
	v.run(t, `client.send({messages: [{role: 'user', content: 'a'}]}); client.send({messages: [{role: 'user', content: 'a'}], extraBody: {tools}});
		client.send({messages: [{role: 'user', content: '[{"b": 1, "a": 2}]a'}]});`)
	all, _ := v.records()
	if plain, tools, written := *all[0].Prompt, *all[1].Prompt, *all[2].Prompt; tools <= plain || tools != written {
		t.Errorf("got %d tokens, %d with tools, %d with their text", plain, tools, written)
	}
}

func TestExtraBodyOfARequest(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.run(t, fastSim)
	v.start(t)
	for code, want := range map[string]string{
		`client.chat('a', {extraBody: [1]})`: `request option "extraBody": must be an object, ` +
			`got an array`,
		`client.chat('a', {extraBody: () => 1})`: `request option "extraBody": must be an object`,
		`client.chat('a', {extraBody: 1})`:       `request option "extraBody": must be an object, got 1`,
		`client.chat('a', {extraBody: {stream: false}})`: `request option "extraBody": field "stream" is ` +
			`set by the request itself`,
		`client.send({prompt: 'a', extraBody: {model: 'x'}})`:     `field "model" is set by the request itself`,
		`const o = {}; o.o = o; client.chat('a', {extraBody: o})`: `field "o"`,
	} {
		if _, err := v.RunOnEventLoop(code); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", code, err, want)
		}
	}
}

// A trace is read once per process, and the log says once how its instants were read. Each script has its own list.
func TestTraceLogsHowItReadInstants(t *testing.T) {
	t.Parallel()
	root := New()
	v := newVU(t, root)
	hook := v.initLog()
	v.write(t, "/scripts/t.csv", "\ufeffid;timestamp\r\n1;1700000000000\r\n2;1700000000250\r\n")
	if got := v.run(t,
		`const a = trace('./t.csv'); a[0] = 7; a.length + ' ' + trace('./t.csv').join(' ')`).String(); got != "2 0 0.25" {
		t.Errorf("got %s", got)
	}
	if got, want := messagesOf(hook),
		`trace /scripts/t.csv: 2 instants over 0.25 s; the column "timestamp" is read as epochs in milliseconds`; got != want {
		t.Errorf("logged %q, want %q", got, want)
	}
}

// Prompts do not contain the byte order mark of the corpus.
func TestCorpusWithAMark(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.model(t, "/scripts/model", "")
	v.write(t, "/scripts/c.txt", "\ufeff"+strings.Repeat("one two three\r\n", 50))
	v.write(t, "/scripts/d.txt", "\xff\xfeo\x00")
	v.run(t, `const options = {type: 'synthetic', tokenizer: './model', api: 'completion', inputDistribution: 60, `+
		`outputDistribution: 2};`)
	if got := v.run(t,
		`const d = new Dataset({...options, corpusFilePath: './c.txt'}); [0, 1, 2, 3].map((i) => `+
			`d.at(i).prompt).join()`).String(); strings.Contains(got, "\ufeff") {
		t.Errorf("got %q", got)
	}
	if _, err := v.RunOnEventLoop(`new Dataset({...options, corpusFilePath: './d.txt'})`); err == nil ||
		!strings.Contains(err.Error(), "corpus /scripts/d.txt: the file is UTF-16") {
		t.Errorf("got %v", err)
	}
}

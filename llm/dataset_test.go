package llm

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	logtest "github.com/sirupsen/logrus/hooks/test"
	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/lib/fsext"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func (v *vu) write(t *testing.T, path, content string) {
	t.Helper()
	if err := fsext.WriteFile(v.files, path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Prompts made to a length have that length at the server, and the record holds the asked length.
func TestGeneratedDatasets(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.model(t, "/scripts/model", "")
	v.run(t, `
		const common = {tokenizer: './model', api: 'completion', seed: 3}, lengths = {inputDistribution: {type: 'uniform', min: 20, max: 60}, outputDistribution: 2};
		const sets = [
			new Dataset({type: 'random', ...common, ...lengths}),
			new Dataset({type: 'synthetic', ...common, ...lengths}),
			new Dataset({type: 'shared_prefix', ...common, sharedPrefix: {numUniqueSystemPrompts: 2, numUsersPerSystemPrompt: 3, systemPromptLen: 30, questionLen: {mean: 20, stdDev: 5}, outputLen: 2}}),
			new Dataset({type: 'random', ...common, ...lengths, salt: 'x'}),
			new Dataset({type: 'random', ...common, ...lengths, salt: false}),
		];
		const client = new Client({baseURL: 'sim:?ttft=0s&itl=0s&tokenizer=./model', api: 'completion', tokenizer: './model'});`)
	if got := v.run(t,
		`[sets[0].length, sets[1].length, sets[2].length, new Set(sets.map((s) => s.at(1).prompt)).size, `+
			`sets[0].at(4).prompt === sets[0].at(4).prompt].join(' ')`).String(); got != "  6 5 true" {
		t.Errorf("lengths, different prompts, equal items: %q", got)
	}
	v.start(t)
	v.run(t, `for (const s of sets) for (let i = 0; i < 4; i++) client.send(s.at(i))`)
	all, others := v.records()
	for i, r := range all {
		usage := r.Counts().ServerPrompt
		if r.PromptAsked < 20 || usage != r.PromptAsked || *r.Prompt != usage || r.MaxTokens != 2 {
			t.Errorf("request %d: asked %d, server %d, client %v, answer %d", i, r.PromptAsked, usage, r.Prompt,
				r.MaxTokens)
		}
	}
	if len(all) != 20 {
		t.Errorf("%d requests", len(all))
	}
	made := others[1].(*record.Client).Generated
	if len(made) != 5 || made[0].Salt == "" || made[2].Salt != "" ||
		made[3] != (record.Generated{Type: "random", Seed: 3, Salt: "x"}) {
		t.Errorf("the client line has %+v", made)
	}
}

// Client and server count prompts that are written by the chat template in the same way. Lengths may come from a trace.
func TestRandomOfATraceWithATemplate(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.model(t, "/scripts/model", chatTemplate)
	v.model(t, "/scripts/plain", "")
	v.write(t, "/scripts/azure.csv",
		"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,374,4\n2023-11-16 "+
			"18:17:04.0319600,96,1\n")
	v.write(t, "/scripts/short.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,3,4\n")
	v.write(t, "/scripts/mooncake.jsonl", `{"timestamp": 0, "input_length": 5, "output_length": 5, "hash_ids": [1]}`+
		"\n")
	v.run(t, `
		const common = {type: 'random', tokenizer: './model', api: 'completion', trace: './azure.csv'};
		const chats = new Dataset({...common, useChatTemplate: true}), plain = new Dataset(common);
		const client = new Client({baseURL: 'sim:?ttft=0s&itl=0s&tokenizer=./model', api: 'completion', tokenizer: './model', text: true});`)
	if got := v.run(t,
		`[chats.length, plain.length, chats.at(0).prompt.split('<|')[1], plain.at(1).addSpecialTokens].join(' ')`).String(); got != "2 2 begin_of_text|> " {
		t.Errorf("lengths and prompts: %q", got)
	}
	for code, want := range map[string]string{
		`new Dataset({...common, useChatTemplate: true, api: 'chat'})`:                  `Dataset option "useChatTemplate": needs api: 'completion'`,
		`new Dataset({...common, inputDistribution: 5})`:                                `Dataset option "trace": has the lengths: leave the distributions out`,
		`new Dataset({...common, useChatTemplate: true, tokenizer: './plain'})`:         "useChatTemplate: ",
		`new Dataset({...common, trace: './short.csv', useChatTemplate: true})`:         "/scripts/short.csv: line 2 of the trace: a prompt of 3 tokens cannot be made: the chat template alone has",
		`new Dataset({...common, trace: './mooncake.jsonl'})`:                           "/scripts/mooncake.jsonl: this is a Mooncake trace",
		`trace('./mooncake.jsonl')`:                                                     "/scripts/mooncake.jsonl: this is a Mooncake trace",
		`new Dataset({type: 'jsonl', path: './mooncake.jsonl'})`:                        "/scripts/mooncake.jsonl:1: this is a Mooncake trace",
		`new Dataset({...common, trace: './none.csv'})`:                                 "trace /scripts/none.csv does not exist",
		`new Dataset({type: 'synthetic', tokenizer: './model', useChatTemplate: true})`: "type synthetic does not use it",
	} {
		if _, err := v.RunOnEventLoop(code); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", code, err, want)
		}
	}
	v.start(t)
	v.run(t, `for (const s of [chats, plain]) for (let i = 0; i < 2; i++) client.send(s.at(i))`)
	all, _ := v.records()
	for i, r := range all {
		want := []int{374, 96}[i%2]
		usage := r.Counts().ServerPrompt
		if r.PromptAsked != want || usage != want || *r.Prompt != want || r.MaxTokens != []int{4, 1}[i%2] {
			t.Errorf("request %d: asked %d, server %d, client %d, want %d; answer %d", i, r.PromptAsked, usage,
				*r.Prompt, want, r.MaxTokens)
		}
		if bare := strings.Contains(string(r.RequestBody), `"add_special_tokens":false`); bare != (i < 2) {
			t.Errorf("request %d: %s", i, r.RequestBody)
		}
	}
	if len(all) != 4 {
		t.Errorf("%d requests", len(all))
	}
}

// A chat of a generated prompt has no asked length, because the server counts its template too.
func TestGeneratedChats(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.model(t, "/scripts/model", "")
	got := v.run(t, `const item = new Dataset({type: 'random', tokenizer: './model', inputDistribution: 20, outputDistribution: 2}).at(0);
		[item.messages.length, item.messages[0].role, new Tokenizer('./model').count(item.messages[0].content), item.promptTokens, item.maxTokens].join(' ')`).String()
	if got != "1 user 20  2" {
		t.Errorf("got %q", got)
	}
}

func TestDatasetFiles(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.write(t, "/scripts/set/a.jsonl", `{"prompt": "a", "max_tokens": 3}`)
	v.write(t, "/scripts/set/b.csv", "prompt,max_tokens\nb,4\n")
	v.write(t, "/scripts/set/notes.md", "none of it")
	v.write(t, "/scripts/set/._a.jsonl", "\x00\x05\x16\x07")
	v.write(t, "/scripts/none/notes.md", "none of it")
	if got := v.run(t,
		`const set = new Dataset({type: 'jsonl', path: './set', api: 'completion'}), one = new Dataset({type: 'jsonl', path: './set', files: 'b*', api: 'completion'});
		[set.length, set.at(0).prompt, set.at(1).prompt, set.at(1).maxTokens, one.length, one.at(0).prompt].join(' ')`).String(); got != "2 a b 4 1 b" {
		t.Errorf("got %q", got)
	}
	for code, want := range map[string]string{
		`new Dataset({type: 'jsonl', path: './none'})`:                                                           "no file in it that can be read",
		`new Dataset({type: 'cnn_dailymail', path: './set/a.jsonl'})`:                                            `/scripts/set/a.jsonl:1: the record has no text`,
		`new Dataset({type: 'random'})`:                                                                          `Dataset option "tokenizer": is missing`,
		`new Dataset({type: 'random', tokenizer: 'x'})`:                                                          `Dataset option "inputDistribution": is missing`,
		`new Dataset({type: 'random', inputDistribution: {mean: 5}})`:                                            `Dataset option "inputDistribution": mean 5 is outside of min 10 and max 1024`,
		`new Dataset({type: 'random', inputDistribution: {type: 'cauchy'}})`:                                     `unknown type "cauchy", known are normal`,
		`new Dataset({type: 'random', inputDistribution: {sigma: 5}})`:                                           `unknown distribution option "sigma"`,
		`new Dataset({type: 'random', inputDistribution: -1})`:                                                   "must be at least 0",
		`new Dataset({type: 'shareGPT', salt: 'x', path: 'y'})`:                                                  `Dataset option "salt": type shareGPT does not use it`,
		`new Dataset({type: 'random', salt: 1})`:                                                                 `Dataset option "salt": must be a text, or false`,
		`new Dataset({type: 'shared_prefix', sharedPrefix: {groups: 1}})`:                                        `unknown sharedPrefix option "groups"`,
		`new Dataset({type: 'jsonl', path: './set', api: 'completion', inputDistribution: {min: 50, mean: 50}})`: "none of 2 records has the lengths asked for",
	} {
		if _, err := v.RunOnEventLoop(code); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", code, err, want)
		}
	}
}

// Only min and max choose records, whatever the type and the mean. The length of a chat is the sum of its texts'
// lengths.
func TestLengthsOfRecords(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.model(t, "/scripts/model", "")
	v.write(t, "/scripts/set.jsonl", strings.Join([]string{
		// 4 tokens, the special one included
		`{"messages": [{"role": "user", "content": "a a a"}], "max_tokens": 3}`,
		// 9
		`{"messages": [{"role": "system", "content": "a a a"}, {"role": "user", "content": "a a a a"}], ` +
			`"max_tokens": 5}`,
		// 11
		`{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "a"}, {"role": "user", ` +
			`"content": "a a a a a a"}], "max_tokens": 9}`,
	}, "\n"))
	for lengths, want := range map[string]string{
		``:                                     "3 5 9",
		`inputDistribution: {min: 4, max: 9}`:  "3 5",
		`inputDistribution: {min: 5, max: 10}`: "5",
		`inputDistribution: {min: 10, max: 11, mean: 5000}`:                  "9",
		`inputDistribution: {type: 'fixed', mean: 7, min: 4, max: 9}`:        "3 5",
		`inputDistribution: {type: 'lognormal', mean: 7000, min: 4, max: 9}`: "3 5",
		`inputDistribution: 9`:                 "5",
		`outputDistribution: {min: 4, max: 5}`: "5",
		`inputDistribution: {min: 4, max: 10}, outputDistribution: {min: 4, max: 10}`: "5",
	} {
		code := `(() => { const set = new Dataset({type: 'jsonl', tokenizer: './model', path: './set.jsonl', ` +
			lengths + `}); return Array.from({length: set.length}, (_, i) => set.at(i).maxTokens).join(' '); })()`
		if got := v.run(t, code).String(); got != want {
			t.Errorf("%s: answers of the records kept are %q, want %q", lengths, got, want)
		}
	}
	for lengths, want := range map[string]string{
		`inputDistribution: {min: 9, max: 4}`:     `Dataset option "inputDistribution": min 9 is above max 4`,
		`outputDistribution: {type: 'x', min: 1}`: `Dataset option "outputDistribution": unknown type "x"`,
		`inputDistribution: {min: 500, max: 510}`: "none of 3 records has the lengths asked for",
		`inputDistribution: {min: 1, max: 20000000000}`: `Dataset option "inputDistribution": min and max must be ` +
			`from 0 to`,
	} {
		if _, err := v.RunOnEventLoop(`new Dataset({type: 'jsonl', path: './set.jsonl', ` + lengths +
			`})`); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", lengths, err, want)
		}
	}
}

// Files that are too large for archives are opened directly and streamed: a single file, or all files of a folder
// together.
func TestLargeDatasetsAreStreamed(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	log, hook := logtest.NewNullLogger()
	v.VU.InitEnvField.Logger = log
	dir := t.TempDir()
	for name, size := range map[string]int64{"a.jsonl": 40 << 20, "b.jsonl": 40 << 20, "one.json": 80 << 20} {
		path := filepath.Join(dir, name)
		if name == "one.json" {
			path = filepath.Join(t.TempDir(), name)
			v.run(t, fmt.Sprintf("const one = %q", path))
		}
		if err := os.WriteFile(path, []byte(`{"prompt": "`+name+`"}`+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil { // the rest is not JSON, and is not read
			t.Fatal(err)
		}
	}
	v.run(t, fmt.Sprintf("const folder = %q", dir))
	if got := v.run(t,
		`[folder, one].map((path) => new Dataset({type: 'jsonl', path, api: 'completion'})).map((d) => d.length + `+
			`d.at(0).prompt).join(' ')`).String(); got != "nulla.jsonl nullone.json" {
		t.Errorf("got %q", got)
	}
	said := 0
	for _, e := range hook.AllEntries() {
		if strings.Contains(e.Message, "has more than 64 MiB: an archive of this test does not carry it") {
			said++
		}
	}
	if said != 2 {
		t.Errorf("%d lines say what archives do not carry, want 2", said)
	}
	if _, err := v.RunOnEventLoop(`new Dataset({type: 'jsonl', path: folder, files: 'a*'})`); err == nil ||
		!strings.Contains(err.Error(), "does not exist") {
		t.Errorf("what an archive should carry and does not: %v", err)
	}
}

// A data set of the hub is found by its name, and its files by a pattern.
func TestDatasetOfTheHub(t *testing.T) {
	t.Parallel()
	commit := strings.Repeat("a", 40)
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Repo-Commit", commit)
		switch name := strings.TrimPrefix(r.URL.Path, "/datasets/org/set/resolve/main/"); {
		case r.URL.Path == "/api/datasets/org/set/revision/main":
			_, _ = fmt.Fprint(w,
				`{"siblings": [{"rfilename": "README.md"}, {"rfilename": "data/train-0.jsonl"}, {"rfilename": `+
					`"data/train-1.jsonl"}, {"rfilename": "test.jsonl"}]}`)
		case strings.HasPrefix(name, "data/"):
			w.Header().Set("ETag", `"`+strings.ReplaceAll(name, "/", "-")+`"`)
			_, _ = fmt.Fprintf(w, `{"prompt": %q}`, name)
		default:
			w.Header().Set("X-Error-Code", "RepoNotFound")
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer hub.Close()
	root := New()
	v := newVU(t, root)
	cache := t.TempDir()
	env := func(name string) (string, bool) {
		v, ok := map[string]string{"HF_ENDPOINT": hub.URL, "HF_HUB_CACHE": cache}[name]
		return v, ok
	}
	v.VU.InitEnvField.LookupEnv = env
	for name, value := range root.NewModuleInstance(v.VU).Exports().Named { // with the environment
		if err := v.VU.Runtime().Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if got := v.run(t,
		`const set = new Dataset({type: 'jsonl', path: 'org/set', files: 'data/train-*', api: 'completion'}); `+
			`[set.length, set.at(0).prompt, set.at(1).prompt].join(' ')`).String(); got != "2 data/train-0.jsonl data/train-1.jsonl" {
		t.Errorf("got %q", got)
	}
	if _, err := v.RunOnEventLoop(`new Dataset({type: 'jsonl', path: 'org/other'})`); err == nil ||
		!strings.Contains(err.Error(),
			"there is no such file here, and on the hub: hub: org/other: no such repository") {
		t.Errorf("unknown: %v", err)
	}
	if _, err := v.RunOnEventLoop(`new Dataset({type: 'jsonl', path: 'org/set', files: 'x*'})`); err == nil ||
		!strings.Contains(err.Error(), `matches "x*"; it has README.md`) {
		t.Errorf("no match: %v", err)
	}
}

// Instances without a common run id make different prompts, and warn once.
func TestInstancesNeedARunID(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		segment, id, salt string
		want              int
	}{{"0:1/2", "", "", 1}, {"0:1/2", "x", "", 0}, {"0:1/2", "", ", salt: false", 0}, {"", "", "", 0}} {
		root := New()
		v := newVU(t, root)
		v.VU.InitEnvField.LookupEnv = func(name string) (string, bool) { return tt.id, name == record.RunIDEnv }
		v.model(t, "/scripts/model", "")
		if err := v.VU.Runtime().Set("Dataset", root.NewModuleInstance(v.VU).Exports().Named["Dataset"]); err != nil {
			t.Fatal(err)
		}
		v.run(t, `const data = new Dataset({type: 'random', tokenizer: './model', inputDistribution: 20, `+
			`outputDistribution: 5`+tt.salt+`})`)
		v.start(t)
		got := v.saidOn(t, tt.segment, "set K6_LLM_RUN_ID to the same text for all")
		if got != tt.want {
			t.Errorf("segment %q, id %q%s: warned %d times, want %d", tt.segment, tt.id, tt.salt, got, tt.want)
		}
	}
}

// All VUs share one copy: equal options, which each VU reads anew, are the same data set.
func TestDatasetIsOpenedOnce(t *testing.T) {
	t.Parallel()
	root := New()
	const code = `new Dataset({type: 'random', tokenizer: './model', seed: 1, salt: 'x', inputDistribution: {type: 'uniform', min: 20, max: 30}, outputDistribution: 5, api: 'completion'});
		new Dataset({type: 'random', tokenizer: './model', seed: 2, salt: 'x', inputDistribution: {type: 'uniform', min: 20, max: 30}, outputDistribution: 5, api: 'completion'})`
	for range 3 {
		v := newVU(t, root)
		v.model(t, "/scripts/model", "")
		v.run(t, code)
	}
	if n := len(root.process.Inputs.Generated()); n != 2 {
		t.Errorf("opened %d times, want 2", n)
	}
}

// saidOn takes three items as an instance of a segment ("" means the whole test), and counts the log lines that contain
// a text.
func (v *vu) saidOn(t *testing.T, segment, text string) (times int) {
	t.Helper()
	if segment != "" {
		var err error
		if v.state.Options.ExecutionSegment, err = lib.NewExecutionSegmentFromString(segment); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		v.run(t, `data.next()`)
		v.iter++
	}
	for _, e := range v.log.AllEntries() {
		if strings.Contains(e.Message, text) {
			times++
		}
	}
	return times
}

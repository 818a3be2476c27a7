package llm

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/lib/fsext"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func (v *vu) write(t *testing.T, path, content string) {
	t.Helper()
	if err := fsext.WriteFile(v.files, path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Prompts that are made to a length have it at the server, and the record says what was asked for.
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
	if got := v.run(t, `[sets[0].length, sets[1].length, sets[2].length, new Set(sets.map((s) => s.at(1).prompt)).size, sets[0].at(4).prompt === sets[0].at(4).prompt].join(' ')`).String(); got != "  6 5 true" {
		t.Errorf("lengths, different prompts, equal items: %q", got)
	}
	v.start(t)
	v.run(t, `for (const s of sets) for (let i = 0; i < 4; i++) client.send(s.at(i))`)
	all, others := v.records()
	for i, r := range all {
		usage, _ := r.UsageTokens("prompt_tokens")
		if r.PromptAsked < 20 || usage != r.PromptAsked || *r.Prompt != usage || r.MaxTokens != 2 {
			t.Errorf("request %d: asked %d, server %d, client %v, answer %d", i, r.PromptAsked, usage, r.Prompt, r.MaxTokens)
		}
	}
	if len(all) != 20 {
		t.Errorf("%d requests", len(all))
	}
	made := others[1].(*record.Client).Generated
	if len(made) != 5 || made[0].Salt == "" || made[2].Salt != "" || made[3] != (record.Generated{Type: "random", Seed: 3, Salt: "x"}) {
		t.Errorf("the client line has %+v", made)
	}
}

// A chat of a generated prompt says nothing of a length: the server counts its template, too.
func TestGeneratedChats(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.model(t, "/scripts/model", "")
	got := v.run(t, `const item = new Dataset({type: 'random', tokenizer: './model', inputDistribution: 20, outputDistribution: 2}).at(0);
		[item.messages.length, item.messages[0].role, new Tokenizer('./model').count(item.messages[0].content), item.promptTokens, item.maxTokens].join(' ')`).String()
	if got != "1 user 19  2" {
		t.Errorf("got %q", got)
	}
}

func TestDatasetFiles(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.write(t, "/scripts/set/a.jsonl", `{"prompt": "a", "max_tokens": 3}`)
	v.write(t, "/scripts/set/b.csv", "prompt,max_tokens\nb,4\n")
	v.write(t, "/scripts/set/notes.md", "none of it")
	v.write(t, "/scripts/none/notes.md", "none of it")
	if got := v.run(t, `const set = new Dataset({type: 'jsonl', path: './set', api: 'completion'}), one = new Dataset({type: 'jsonl', path: './set', files: 'b*', api: 'completion'});
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

// A data set of the hub is found by its name, and its files by their pattern.
func TestDatasetOfTheHub(t *testing.T) {
	t.Parallel()
	commit := strings.Repeat("a", 40)
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Repo-Commit", commit)
		switch name := strings.TrimPrefix(r.URL.Path, "/datasets/org/set/resolve/main/"); {
		case r.URL.Path == "/api/datasets/org/set/revision/main":
			_, _ = fmt.Fprint(w, `{"siblings": [{"rfilename": "README.md"}, {"rfilename": "data/train-0.jsonl"}, {"rfilename": "data/train-1.jsonl"}, {"rfilename": "test.jsonl"}]}`)
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
	if got := v.run(t, `const set = new Dataset({type: 'jsonl', path: 'org/set', files: 'data/train-*', api: 'completion'}); [set.length, set.at(0).prompt, set.at(1).prompt].join(' ')`).String(); got != "2 data/train-0.jsonl data/train-1.jsonl" {
		t.Errorf("got %q", got)
	}
	if _, err := v.RunOnEventLoop(`new Dataset({type: 'jsonl', path: 'org/other'})`); err == nil || !strings.Contains(err.Error(), "there is no such file here, and on the hub: hub: org/other: no such repository") {
		t.Errorf("unknown: %v", err)
	}
	if _, err := v.RunOnEventLoop(`new Dataset({type: 'jsonl', path: 'org/set', files: 'x*'})`); err == nil || !strings.Contains(err.Error(), `matches "x*"; it has README.md`) {
		t.Errorf("no match: %v", err)
	}
}

// Each turn carries what was said before, the server's own answers included; a session's turns never overlap.
func TestConversations(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.model(t, "/scripts/model", "")
	v.write(t, "/scripts/talk.json", `[{"conversations": [{"from": "human", "value": "one"}, {"from": "gpt", "value": "x"}, {"from": "human", "value": "two"}, {"from": "gpt", "value": "y"}]}]`)
	v.run(t, `
		const talk = new Dataset({type: 'shareGPT', path: './talk.json', turns: 'all', sessions: 1});
		const shared = new Dataset({type: 'shared_prefix', tokenizer: './model', turns: 3, sessions: 2, sharedPrefix: {numUniqueSystemPrompts: 1, numUsersPerSystemPrompt: 4, enableMultiTurnChat: true}});
		const replay = new Dataset({type: 'conversation_replay', tokenizer: './model', api: 'completion', conversationReplay: {numConversations: 3, sharedSystemPromptLen: 30, turnsPerConversation: 2, inputTokensPerTurn: 8, outputTokensPerTurn: 3}});
		const client = new Client({baseURL: 'sim:?ttft=0s&itl=0s'});`)
	if got := v.run(t, `[talk.length, talk.at(0).messages.length, shared.length, shared.at(1).messages[0].role, replay.length, replay.at(0).prompt.split(' ').length].join(' ')`).String(); got != "1 1 4 system 3 37" {
		t.Errorf("got %q", got)
	}
	v.start(t)
	turn := func(set string) string {
		t.Helper()
		v.iter++
		return v.run(t, `(() => { const item = `+set+`.next(), said = (item.messages || []).map((m) => m.role[0] + ':' + m.content).join('|'); const r = client.send(item); return [item.sessionID, item.turn, said, r.text].join('/'); })()`).String()
	}
	first, second, third := turn("talk"), turn("talk"), turn("talk")
	answer := first[strings.LastIndex(first, "/")+1:]
	if want := "session-0/1/u:one|a:" + answer + "|u:two/"; !strings.HasPrefix(first, "session-0/0/u:one/") || !strings.HasPrefix(second, want) || answer == "" {
		t.Errorf("turns %q, %q; want %q", first, second, want)
	}
	if !strings.HasPrefix(third, "session-1/0/u:one/") {
		t.Errorf("the conversation begins again with %q", third)
	}
	var ids []string
	for range 4 {
		ids = append(ids, strings.SplitN(turn("shared"), "/s:", 2)[0])
	}
	if got := strings.Join(ids, " "); got != "session-0/0 session-1/0 session-0/1 session-1/1" {
		t.Errorf("turns came as %s", got)
	}
	all, _ := v.records()
	if r := all[1]; r.SessionID != "session-0" || r.Turn != 1 || r.Failed() {
		t.Errorf("record %+v", r)
	}
	v.iter++
	v.run(t, `talk.next()`) // taken, and never sent
	v.iter++
	if got := v.run(t, `talk.next().sessionID`).String(); got != "session-2" {
		t.Errorf("after a turn that was not sent: %s", got)
	}
	for code, want := range map[string]string{
		`new Dataset({type: 'shareGPT', path: './talk.json', turns: 2})`:                                  "must be 'all'",
		`new Dataset({type: 'shareGPT', path: './talk.json', sessions: 2})`:                               "single requests have none",
		`new Dataset({type: 'shared_prefix', tokenizer: './model', turns: 2})`:                            "needs sharedPrefix: {enableMultiTurnChat: true}",
		`new Dataset({type: 'cnn_dailymail', path: './talk.json', turns: 'all'})`:                         "type cnn_dailymail does not use it",
		`new Dataset({type: 'conversation_replay', tokenizer: './model', conversationReplay: {seed: 1}})`: `unknown conversationReplay option "seed"`,
	} {
		if _, err := v.RunOnEventLoop(code); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", code, err, want)
		}
	}
}

// Instances share the conversations: each leads its own, and together they lead each once.
func TestConversationsAreDivided(t *testing.T) {
	t.Parallel()
	seen := map[int64]int{}
	open := 0
	for _, segment := range []string{"0:1/3", "1/3:2/3", "2/3:1"} {
		es, err := lib.NewExecutionSegmentFromString(segment)
		if err != nil {
			t.Fatal(err)
		}
		sequence, err := lib.NewExecutionSegmentSequenceFromString("0,1/3,2/3,1")
		if err != nil {
			t.Fatal(err)
		}
		c := &conversations{Sessions: datasets.Sessions{Open: 7}}
		if err := c.divide(&lib.State{Options: lib.Options{ExecutionSegment: es, ExecutionSegmentSequence: &sequence}}); err != nil {
			t.Fatal(err)
		}
		open += c.Open
		for k := range int64(10) {
			seen[c.Number(k)]++
		}
	}
	if open != 7 {
		t.Errorf("%d are open at once, want 7", open)
	}
	for n := range int64(30) {
		if seen[n] != 1 {
			t.Errorf("conversation %d is led %d times", n, seen[n])
		}
	}
}

// All VUs share one copy: equal options, read anew by each, are the same data set.
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
	if n := len(root.salts.list()); n != 2 {
		t.Errorf("opened %d times, want 2", n)
	}
}

package llm

import (
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// listener is a simulator that keeps the prompts.
type listener struct {
	*sim.Server
	mu      sync.Mutex
	prompts []string
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	if messages := gjson.GetBytes(body, "messages.#.content"); messages.Exists() {
		l.mu.Lock()
		l.prompts = append(l.prompts, messages.Raw)
		l.mu.Unlock()
	}
	l.Server.ServeHTTP(w, r)
}

// sentWith sends items of a data set with the salts of their stages, and returns their prompts and the log.
func sentWith(t *testing.T, native bool, data string, salts ...string) (prompts []string, log string) {
	t.Helper()
	simulator, err := sim.New(sim.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{Server: simulator}
	sendTo(t, l, "send", native, "", data, salts, func(v *vu) {
		for _, entry := range v.log.AllEntries() {
			log += entry.Message + "\n"
		}
		if made := v.root.process.Inputs.Generated(); len(made) > 1 {
			t.Errorf("the records tell of %v", made)
		}
	})
	return l.prompts, log
}

// The system prompt of a group is another with each salt, and the prompts of a script are those of native iterations.
func TestStageSalts(t *testing.T) {
	t.Parallel()
	const (
		prefixes = `type: 'shared_prefix', tokenizer: './model', sharedPrefix: {numUniqueSystemPrompts: 1, ` +
			`numUsersPerSystemPrompt: 9, systemPromptLen: 20, questionLen: 5, outputLen: 2`
		replay = `type: 'conversation_replay', tokenizer: './model', sessions: 2, conversationReplay: ` +
			`{numConversations: 9, sharedSystemPromptLen: 20, turnsPerConversation: 9, inputTokensPerTurn: 4, ` +
			`outputTokensPerTurn: 2}`
	)
	for _, data := range []string{prefixes + `}`, prefixes + `, enableMultiTurnChat: true}, sessions: 2`, replay} {
		begin := func(prompt string) string { return gjson.Get(prompt, "0").Str[:20] }
		script, log := sentWith(t, false, data, "", "", "a", "a", "b", "b")
		if native, _ := sentWith(t, true, data, "", "", "a", "a", "b", "b"); !reflect.DeepEqual(native, script) {
			t.Errorf("%s: native iterations send %q, a script %q", data, native, script)
		}
		if log != "" {
			t.Errorf("%s: the log says %s", data, log)
		}
		if len(script) != 6 {
			t.Fatalf("%s: %d prompts", data, len(script))
		}
		for i := 0; i < 6; i += 2 {
			if begin(script[i]) != begin(script[i+1]) {
				t.Errorf("%s: one salt has several prefixes: %q", data, script[i:i+2])
			}
			if i > 0 && begin(script[i]) == begin(script[i-2]) {
				t.Errorf("%s: two salts have one prefix: %q", data, script[i-2:i+1])
			}
			if gjson.Get(script[i], "#").Int() != 2 {
				t.Errorf("%s: a conversation goes on with another salt: %q", data, script[i])
			}
		}
		if without, _ := sentWith(t, true, data, "", ""); !reflect.DeepEqual(without, script[:2]) {
			t.Errorf("%s: salts change the prompts that have none: %q, want %q", data, script[:2], without)
		}
	}
}

// Items of a file are the same with every salt. That they repeat in a run with salts is said once.
func TestFilesRepeatUnderSalts(t *testing.T) {
	t.Parallel()
	const repeat = " repeat: the server's prefix cache may make later probes faster. Name a longer file or a " +
		"generated data set\n"
	for _, tt := range []struct{ data, salts, want string }{
		{`type: 'jsonl', path: 'many.jsonl'`, "----", ""},
		{`type: 'jsonl', path: 'many.jsonl'`, "aab", ""},
		{`type: 'jsonl', path: 'many.jsonl'`, "aabbc", "the 13 prompts of many.jsonl" + repeat},
		{`type: 'mock'`, "aabbc", ""},
		{`type: 'shareGPT', path: 'talk.json', turns: 'all', sessions: 2`, "aab",
			"the 2 conversations of talk.json" + repeat},
		{`type: 'shareGPT', path: 'talk.json', turns: 'all', sessions: 2`, "aa", ""},
	} {
		salts := strings.Split(strings.ReplaceAll(tt.salts, "-", " "), "")
		for i := range salts {
			salts[i] = strings.TrimSpace(salts[i])
		}
		for _, native := range []bool{false, true} {
			if _, log := sentWith(t, native, tt.data, salts...); log != tt.want {
				t.Errorf("%s, salts %s, native %t: the log says %q, want %q", tt.data, tt.salts, native, log, tt.want)
			}
		}
	}
}

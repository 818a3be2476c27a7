package llm

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// Each turn carries all earlier messages, including the server's own answers. Turns of a session never overlap.
func TestConversations(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.model(t, "/scripts/model", "")
	v.write(t, "/scripts/talk.json",
		`[{"conversations": [{"from": "human", "value": "one"}, {"from": "gpt", "value": "x"}, {"from": "human", `+
			`"value": "two"}, {"from": "gpt", "value": "y"}]}]`)
	v.run(t, `
		const talk = new Dataset({type: 'shareGPT', path: './talk.json', turns: 'all', sessions: 1});
		const shared = new Dataset({type: 'shared_prefix', tokenizer: './model', turns: 3, sessions: 2, sharedPrefix: {numUniqueSystemPrompts: 1, numUsersPerSystemPrompt: 4, enableMultiTurnChat: true}});
		const replay = new Dataset({type: 'conversation_replay', tokenizer: './model', api: 'completion', conversationReplay: {numConversations: 3, sharedSystemPromptLen: 30, turnsPerConversation: 2, inputTokensPerTurn: 8, outputTokensPerTurn: 3}});
		const client = new Client({baseURL: 'sim:?ttft=0s&itl=0s'});`)
	const short = `new Dataset({type: 'conversation_replay', tokenizer: './model', conversationReplay: ` +
		`{maxModelLen: 9000}})`
	if _, err := v.RunOnEventLoop(short); err == nil ||
		!strings.Contains(err.Error(),
			"maxModelLen (max_model_len of a configuration) must be at least 9327, the tokens of the shortest first "+
				"prompt and its answer, got 9000") {
		t.Errorf("got %v", err)
	}
	if got := v.run(t,
		`[talk.length, talk.at(0).messages.length, shared.length, shared.at(1).messages[0].role, replay.length, `+
			`replay.at(0).prompt.split(' ').length].join(' ')`).String(); got != "1 1 4 system 3 37" {
		t.Errorf("got %q", got)
	}
	v.start(t)
	turn := func(set string) string {
		t.Helper()
		v.iter++
		return v.run(t,
			`(() => { const item = `+set+`.next(), said = (item.messages || []).map((m) => m.role[0] + ':' + `+
				`m.content).join('|'); const r = client.send(item); return [item.sessionID, item.turn, said, `+
				`r.text].join('/'); })()`).String()
	}
	first, second, third := turn("talk"), turn("talk"), turn("talk")
	answer := first[strings.LastIndex(first, "/")+1:]
	if want := "session-0/1/u:one|a:" + answer + "|u:two/"; !strings.HasPrefix(first, "session-0/0/u:one/") ||
		!strings.HasPrefix(second, want) || answer == "" {
		t.Errorf("turns %q, %q; want %q", first, second, want)
	}
	if !strings.HasPrefix(third, "session-1/0/u:one/") {
		t.Errorf("the conversation begins again with %q", third)
	}
	var ids []string
	for range 4 {
		ids = append(ids, strings.SplitN(turn("shared"), "/s:", 2)[0])
	}
	if got := strings.Join(ids, " "); got != "2-session-0/0 2-session-1/0 2-session-0/1 2-session-1/1" {
		t.Errorf("turns came as %s", got)
	}
	all, _ := v.records()
	if r := all[1]; r.SessionID != "session-0" || r.Turn != 1 || r.Failed() {
		t.Errorf("record %+v", r)
	}
	v.iter++
	v.run(t, `talk.next()`) // a turn that is never sent
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

// A VU that holds conversations from two data sets at once keeps their answers apart.
func TestTwoSetsOfConversations(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	for _, name := range []string{"a", "b"} {
		v.write(t, "/scripts/"+name+".json", `{"conversations": [{"from": "human", "value": "`+name+
			`1"}, {"from": "gpt", "value": "x"}, {"from": "human", "value": "`+name+
			`2"}, {"from": "gpt", "value": "y"}]}`)
	}
	v.run(t, `const [a, b] = ['a', 'b'].map((name) => new Dataset({type: 'shareGPT', path: './' + name + '.json', `+
		`turns: 'all', sessions: 1})), client = new Client({baseURL: 'sim:?ttft=0s&itl=0s'});`)
	v.start(t)
	const both = `(() => { const items = [a.next(), b.next()]; const answers = [client.send(items[0]).text, client.send(items[1]).text];
		return JSON.stringify([items.map((i) => i.sessionID + '/' + i.turn), items.map((i) => i.messages.map((m) => m.content)), answers]); })()`
	read := func() (ids []string, said [][]string, answers []string) {
		t.Helper()
		if err := json.Unmarshal([]byte(v.run(t, both).String()), &[]any{&ids, &said, &answers}); err != nil {
			t.Fatal(err)
		}
		v.iter++
		return ids, said, answers
	}
	_, _, answers := read()
	ids, said, _ := read()
	if want := [][]string{{"a1", answers[0], "a2"}, {"b1", answers[1], "b2"}}; !reflect.DeepEqual(said, want) {
		t.Errorf("second turns carry %q, want %q", said, want)
	}
	if got := strings.Join(ids, " "); got != "session-0/1 2-session-0/1" {
		t.Errorf("second turns are %s", got)
	}
}

package replay

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// brief writes messages in short: role, text, {reasoning}, function(arguments)#id, and #id of a result.
func brief(messages json.RawMessage) string {
	var texts []string
	gjson.ParseBytes(messages).ForEach(func(_, m gjson.Result) bool {
		text := m.Get("role").Str[:1] + ":" + m.Get("content").String()
		if r := m.Get("reasoning_content").Str; r != "" && r == m.Get("reasoning").Str {
			text += "{" + r + "}"
		}
		for _, c := range m.Get("tool_calls").Array() {
			text += " " + c.Get("function.name").Str + "(" + c.Get("function.arguments").Str + ")#" + c.Get("id").Str
		}
		if id := m.Get("tool_call_id"); id.Exists() {
			text += " #" + id.Str
		}
		texts = append(texts, text)
		return true
	})
	return strings.Join(texts, " | ")
}

func own(messages ...workload.Message) workload.Part { return workload.Part{Messages: messages} }

func user(text string) workload.Message { return workload.Message{Role: "user", Text: text} }

func result(id, text string) workload.Message {
	return workload.Message{Role: "tool", ToolCallID: id, Text: text}
}

func tool(id, name, arguments string) workload.ToolCall {
	return workload.ToolCall{ID: id, Name: name, Arguments: arguments}
}

// tools are calls of tools without arguments, with the ids l1, l2 and so on.
func tools(names ...string) (calls []workload.ToolCall) {
	for i, name := range names {
		calls = append(calls, tool(fmt.Sprint("l", i+1), name, "{}"))
	}
	return calls
}

// agent is a session of two calls: the first recorded calls of tools, the second has their results.
func agent(results ...workload.Message) *workload.Session {
	calls := []workload.ToolCall{tool("r1", "ls", `{"p":"/"}`), tool("r2", "cat", `{}`), tool("r3", "ls", `{}`)}
	return session(
		workload.Call{ID: "a", Prompt: []workload.Part{own(user("go"))},
			Answer: workload.Answer{Text: "calling", ToolCalls: calls}},
		workload.Call{ID: "b", After: []workload.Edge{{Call: 0, Causal: true}}, Prompt: []workload.Part{
			{Kind: workload.Sent, Count: -1}, {Kind: workload.Answered}, own(results...)}})
}

func TestLiveAnswersReplaceRecordedOnes(t *testing.T) {
	t.Parallel()
	results := []workload.Message{result("r1", "one"), result("r2", "two"), result("r3", "three"), user("on")}
	malformed := agent(results...)
	malformed.Calls[0].Answer.ToolCalls[1].Arguments = `{"p":`
	text := session(call("a", 0), workload.Call{ID: "b", After: []workload.Edge{{}}, Prompt: []workload.Part{
		{Kind: workload.Sent, Count: -1}, {Kind: workload.Answered, Messages: []workload.Message{{Role: "assistant",
			Text: "recorded", Reasoning: "hm"}}}, own(user("more"))}})
	quote := session(call("a", 0), workload.Call{ID: "b", After: []workload.Edge{{}}, Prompt: []workload.Part{
		own(user("x")),
		{Kind: workload.Quoted, Before: "<", After: ">", Messages: []workload.Message{user("<recorded>")}}}})
	quote.Calls[0].Answer.Text = "recorded"
	useRecorded := func(r *Rules) { r.UseRecorded = true }
	recorded := func(r *Rules) { r.Recorded = true }
	recordedCalls := `u:go | a:calling ls({"p":"/"})#r1 cat({})#r2 ls({})#r3 | ` +
		"t:one #r1 | t:two #r2 | t:three #r3 | u:on"
	for _, tt := range []struct {
		name    string
		session *workload.Session
		rules   func(*Rules)
		live    Got // answer of a
		want    string
		cause   string // of the session's failure, before b
		instead string
	}{
		{"a text", text, nil, Got{Text: "live"}, "u:ask a | a:live | u:more", "", "[]"},
		{"a text with reasoning", text, nil, Got{Text: "live", Reasoning: "so"}, "u:ask a | a:live{so} | u:more", "",
			"[]"},
		{"nothing", text, nil, Got{}, "u:ask a | a: | u:more", "", "[]"},
		{"the recorded text", text, recorded, Got{Text: "live"}, "u:ask a | a:recorded{hm} | u:more", "", "[]"},
		{"a quoted text", quote, nil, Got{Text: "live"}, "u:x | u:<live>", "", "[]"},
		{"the recorded text quoted", quote, recorded, Got{Text: "live"}, "u:x | u:<recorded>", "", "[]"},
		{"the same calls of tools", agent(results...), nil,
			Got{ToolCalls: tools("ls", "cat", "ls")},
			"u:go | a: ls({})#l1 cat({})#l2 ls({})#l3 | t:one #l1 | t:two #l2 | t:three #l3 | u:on", "", "[]"},
		{"in another order", agent(results...), nil,
			Got{Text: "ok", ToolCalls: tools("cat", "ls", "ls")},
			"u:go | a:ok cat({})#l1 ls({})#l2 ls({})#l3 | t:one #l2 | t:two #l1 | t:three #l3 | u:on", "", "[]"},
		{"fewer", agent(results...), nil, Got{ToolCalls: tools("ls")},
			"u:go | a: ls({})#l1 | t:one #l1 | t:two #r2 | t:three #r3 | u:on", "", "[]"},
		{"another", agent(results...), nil, Got{ToolCalls: tools("rm")},
			"u:go | a: rm({})#l1 | t:one #r1 | t:two #r2 | t:three #r3 | u:on", "", "[]"},
		{"without ids", agent(results...), nil,
			Got{ToolCalls: []workload.ToolCall{tool("", "ls", "{}"), tool("", "cat", "{}"), tool("", "ls", "{}")}},
			"u:go | a: ls({})#call_1_0 cat({})#call_1_1 ls({})#call_1_2 | t:one #call_1_0 | t:two #call_1_1 | " +
				"t:three #call_1_2 | u:on", "", "[]"},
		{"results that name no recorded call, by their order",
			agent(result("x1", "one"), result("x2", "two"), result("x3", "three")), nil,
			Got{ToolCalls: tools("cat", "ls", "ls")},
			"u:go | a: cat({})#l1 ls({})#l2 ls({})#l3 | t:one #l2 | t:two #l1 | t:three #l3", "", "[]"},
		{"a call that is no JSON goes as it is", agent(results[0]), nil,
			Got{ToolCalls: []workload.ToolCall{tool("l1", "ls", `{"p":</x>`)}},
			`u:go | a: ls({"p":</x>)#l1 | t:one #l1`, "", "[]"},
		{"a call that is no JSON is replaced", agent(results...), useRecorded,
			Got{ToolCalls: []workload.ToolCall{tool("l1", "ls", `{"p":</x>`)}}, recordedCalls, "", "[a]"},
		{"a text where a call was recorded", agent(results...), nil, Got{Text: "no"}, "",
			record.SessionToolCallExpected, "[]"},
		{"a text where a call was recorded, though the model had the choice", agent(results[0], user("on")),
			func(r *Rules) { r.AsRecorded = true }, Got{Text: "no"}, "u:go | a:no | t:one #r1 | u:on", "", "[]"},
		{"a text of a model that had the choice is replaced", agent(results...),
			func(r *Rules) { r.AsRecorded, r.UseRecorded = true, true }, Got{Text: "no"}, recordedCalls, "", "[a]"},
		{"a text where a call was recorded is replaced", agent(results...), useRecorded, Got{Text: "no"},
			recordedCalls, "", "[a]"},
		{"what was recorded is no JSON either", malformed, useRecorded, Got{Text: "no"}, "",
			record.SessionMalformedFallback, "[]"},
		{"recorded calls", agent(results...), recorded, Got{Text: "no"}, recordedCalls, "", "[]"},
	} {
		s := asks(0)
		s.answer = func(a *Ask) Got {
			if a.Call.ID == "a" {
				return tt.live
			}
			return Got{}
		}
		r := play(t, s, tt.rules, Turn{Session: tt.session})
		if r.ErrorType != tt.cause || fmt.Sprint(r.Substituted) != tt.instead {
			t.Errorf("%s: got %s: %s, substituted %v, want %q, %s", tt.name, r.ErrorType, r.Error, r.Substituted,
				tt.cause, tt.instead)
		}
		if tt.cause == "" {
			if got := brief(s.find(t, "b").Messages); got != tt.want {
				t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
			}
		} else if !strings.HasPrefix(r.Error, `trace.jsonl:3: session "s", call "b": `) || r.Sent != 1 {
			t.Errorf("%s: got %q and %d sent, want an error that names call b, which is not sent", tt.name, r.Error,
				r.Sent)
		}
	}
}

// What a call sent is repeated as it was sent, with live answers and their ids, by all that go on from it.
func TestContextsGoOn(t *testing.T) {
	t.Parallel()
	after := func(calls ...int) (list []workload.Edge) {
		for _, c := range calls {
			list = append(list, workload.Edge{Call: c})
		}
		return list
	}
	sent := func(call, count int) workload.Part {
		return workload.Part{Kind: workload.Sent, Call: call, Count: count}
	}
	answered := func(call int) workload.Part { return workload.Part{Kind: workload.Answered, Call: call} }
	s := agent(result("r1", "one"))
	s.Calls = append(s.Calls,
		workload.Call{ID: "c", After: after(1), Prompt: []workload.Part{sent(1, -1), answered(1), own(user("c"))}},
		workload.Call{ID: "d", After: after(1),
			Prompt: []workload.Part{sent(1, 2), own(result("r2", "two"), user("d"))}},
		workload.Call{ID: "e", After: after(2, 3), Prompt: []workload.Part{own(user("e")), sent(0, -1), answered(2)}},
		workload.Call{ID: "f", After: after(4), Prompt: []workload.Part{sent(4, 0), sent(1, 1), own(user("f"))}})
	srv := asks(0)
	srv.answer = func(a *Ask) Got {
		if a.Call.ID == "a" {
			return Got{ToolCalls: tools("cat", "ls")}
		}
		return Got{Text: "answer " + a.Call.ID}
	}
	r := play(t, srv, nil, Turn{Session: s})
	if r.ErrorType != "" {
		t.Fatal(r.Error)
	}
	for id, want := range map[string]string{
		"b": "u:go | a: cat({})#l1 ls({})#l2 | t:one #l2",
		"c": "u:go | a: cat({})#l1 ls({})#l2 | t:one #l2 | a:answer b | u:c",
		"d": "u:go | a: cat({})#l1 ls({})#l2 | t:two #l1 | u:d",
		"e": "u:e | u:go | a:answer c",
		"f": "u:go | u:f",
	} {
		if got := brief(srv.find(t, id).Messages); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", id, got, want)
		}
	}
}

func TestMessagesAreThoseOfOpenAI(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		message workload.Message
		mark    string
		want    string
	}{
		{workload.Message{Role: "user", Text: "a \"b\"\n"}, "", `{"role":"user","content":"a \"b\"\n"}`},
		{workload.Message{Role: "user"}, "[x] ", `{"role":"user","content":"[x] "}`},
		{workload.Message{Role: "user", Content: []byte(`[{"type":"text","text":"a"}]`)}, "",
			`{"role":"user","content":[{"type":"text","text":"a"}]}`},
		{workload.Message{Role: "user", Content: []byte(`[{"type":"text","text":"a"}]`)}, "[x] ",
			`{"role":"user","content":[{"type":"text","text":"[x] "},{"type":"text","text":"a"}]}`},
		{workload.Message{Role: "user", Content: []byte(`[]`)}, "[x] ",
			`{"role":"user","content":[{"type":"text","text":"[x] "}]}`},
		{workload.Message{Role: "assistant", Reasoning: "r"}, "",
			`{"role":"assistant","content":"","reasoning_content":"r","reasoning":"r"}`},
		{workload.Message{Role: "assistant",
			ToolCalls: []workload.ToolCall{tool("1", "f", `{"a":1}`), tool("2", "g", "")}}, "[x] ",
			`{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f",` +
				`"arguments":"{\"a\":1}"}},{"id":"2","type":"function","function":{"name":"g","arguments":""}}]}`},
		{workload.Message{Role: "tool", Text: "t", ToolCallID: "1", Name: "f"}, "",
			`{"role":"tool","tool_call_id":"1","content":"t"}`},
	} {
		if got := encode(&tt.message, tt.mark); string(got) != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestMarksKeepTheCacheFromKnowing(t *testing.T) {
	t.Parallel()
	chain := func() *workload.Session {
		return session(call("a", 0), workload.Call{ID: "b", After: []workload.Edge{{}}, Prompt: []workload.Part{
			{Kind: workload.Sent, Count: -1}, {Kind: workload.Answered}, own(user("more"))}})
	}
	prompt := func(change func(*Rules), t1 Turn) string {
		s := asks(0)
		if t1.Session == nil {
			t1.Session = chain()
		}
		if r := play(t, s, change, t1); r.ErrorType != "" {
			t.Fatal(r.Error)
		}
		return brief(s.find(t, "b").Messages)
	}
	random := func(r *Rules) { r.RandomID = true }
	bySession := func(r *Rules) { r.Mark = MarkSession }
	byPass := func(r *Rules) { r.Mark = MarkPass }
	duplicate, made := chain(), chain()
	made.Origin = ""
	duplicate.Duplicate = true
	for _, tt := range []struct {
		name         string
		rules        func(*Rules)
		turn, other  Turn
		want         string // with # for a digit
		same, seeded bool   // the other turn, and the turn with another seed, have the same marks
	}{
		{"none", nil, Turn{}, Turn{Number: 1}, "u:ask a | a:answer of a | u:more", true, true},
		{"a random id", random, Turn{}, Turn{Number: 1},
			"u:[SESS:################] ask a | a:answer of a | u:[SESS:################] more", false, false},
		{"a duplicate", nil, Turn{Session: duplicate}, Turn{Session: duplicate, Number: 1},
			"u:[SESS:################] ask a | a:answer of a | u:[SESS:################] more", false, false},
		{"the second pass, made up", nil, Turn{Session: made, Pass: 1}, Turn{Session: made, Pass: 1, Number: 1},
			"u:ask a | a:answer of a | u:more", true, true},
		{"the second pass", nil, Turn{Pass: 1}, Turn{Pass: 1, Number: 1},
			"u:[SESS:################] ask a | a:answer of a | u:[SESS:################] more", false, false},
		{"by session", bySession, Turn{Pass: 1}, Turn{Pass: 1, Number: 1},
			"u:[############] ask a | a:answer of a | u:more", false, false},
		{"by pass", byPass, Turn{Pass: 1}, Turn{Pass: 1, Number: 1},
			"u:[############] ask a | a:answer of a | u:more", true, false},
		{"by pass, another", byPass, Turn{Pass: 1}, Turn{Pass: 2},
			"u:[############] ask a | a:answer of a | u:more", false, false},
	} {
		got := prompt(tt.rules, tt.turn)
		if len(got) != len(tt.want) || digits(got) != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
		if again := prompt(tt.rules, tt.turn); again != got {
			t.Errorf("%s: got %s and then %s", tt.name, got, again)
		}
		if other := prompt(tt.rules, tt.other); (other == got) != tt.same {
			t.Errorf("%s: got %s, and %s of another turn, want the same: %v", tt.name, got, other, tt.same)
		}
		seeded := prompt(func(r *Rules) {
			if tt.rules != nil {
				tt.rules(r)
			}
			r.Seed = 7
		}, tt.turn)
		if (seeded == got) != tt.seeded {
			t.Errorf("%s: got %s, and %s of another seed, want the same: %v", tt.name, got, seeded, tt.seeded)
		}
	}
}

// digits returns a text with # for each digit between brackets.
func digits(text string) string {
	inside := false
	return strings.Map(func(r rune) rune {
		if r == '[' || r == ':' && inside {
			inside = true
		} else if r == ']' {
			inside = false
		} else if inside && strings.ContainsRune("0123456789abcdef", r) {
			return '#'
		}
		return r
	}, text)
}

// texts makes a word of each hash.
type texts struct{ scopes []string }

func (x *texts) Text(scope string, blocks []workload.Block) (string, error) {
	x.scopes = append(x.scopes, scope)
	var text strings.Builder
	for _, b := range blocks {
		text.WriteString(strings.Repeat(fmt.Sprint("w", b.Hash, " "), b.Tokens))
	}
	return text.String(), nil
}

func TestBlocksBecomeText(t *testing.T) {
	t.Parallel()
	for _, scope := range []string{"", "session"} {
		s := session(workload.Call{ID: "a", Prompt: []workload.Part{own(workload.Message{Role: "user",
			Blocks: []workload.Block{{Hash: 7, Tokens: 2}, {Hash: 8, Tokens: 1}}})}})
		s.Scope = scope
		srv, x := asks(0), &texts{}
		p := &Player{Rules: DefaultRules(), Texts: x}
		r := p.Play(t.Context(), Turn{Session: s}, srv.send)
		want := ""
		if scope != "" {
			want = "session:s"
		}
		if got := brief(srv.find(t, "a").Messages); got != "u:w7 w7 w8 " || r.ErrorType != "" || x.scopes[0] != want {
			t.Errorf("scope %q: got %q, %s, scope %q, want %q", scope, got, r.Error, x.scopes, want)
		}
	}
}

func TestTooLongForTheModel(t *testing.T) {
	t.Parallel()
	s := session(call("a", 0), workload.Call{ID: "b", MaxTokens: 10, After: []workload.Edge{{}},
		Prompt: []workload.Part{{Kind: workload.Sent, Count: -1}, {Kind: workload.Answered},
			own(user(strings.Repeat("w ", 20)))}})
	s.Calls[1].Answer.ToolCalls = []workload.ToolCall{tool("1", "f", "{}")}
	s.Calls[1].Tools = []byte(`[{"name":"f"}]`)
	count := func(messages, tools json.RawMessage) int { return len(messages) + len(tools) }
	for _, tt := range []struct {
		most  int
		count func(messages, tools json.RawMessage) int
		limit int // of call b
		want  string
	}{
		{0, nil, 4096, ""},
		{35, nil, 10, ""}, // 2 + 3 + 20 words
		{50, nil, 25, ""}, // the room for tools is what there is
		{9000, nil, 4096, ""},
		{34, nil, 0, `trace.jsonl:3: session "s", call "b": a prompt of 25 tokens with an answer of 10 is longer ` +
			`than the 34 that the model can read: leave the session out, or serve the model with a longer context`},
		{100, count, 0, `trace.jsonl:3: session "s", call "b": a prompt of 241 tokens with an answer of 10 is longer ` +
			`than the 100 that the model can read: leave the session out, or serve the model with a longer context`},
	} {
		srv := asks(0)
		p := &Player{Rules: DefaultRules(), Count: tt.count}
		p.Rules.MaxModelLen = tt.most
		r := p.Play(t.Context(), Turn{Session: s}, srv.send)
		if r.Error != tt.want || (r.ErrorType == record.SessionTooLong) != (tt.want != "") {
			t.Errorf("%d: got %s: %s, want %s", tt.most, r.ErrorType, r.Error, tt.want)
		} else if tt.want == "" && srv.find(t, "b").MaxTokens != tt.limit {
			t.Errorf("%d: got a limit of %d, want %d", tt.most, srv.find(t, "b").MaxTokens, tt.limit)
		}
	}
}

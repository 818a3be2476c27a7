package datasets

import (
	"fmt"
	"slices"
	"testing"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// The last messages of prompts tell which calls answer the user, and what the waits are.
func TestTracePeople(t *testing.T) {
	t.Parallel()
	const (
		user   = `{"role": "user", "content": "x"}`
		called = `{"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]}`
		result = `{"role": "tool", "tool_call_id": "1", "content": "r"}`
	)
	bodyOf := func(ts int, messages string) string {
		return fmt.Sprintf(`{"ts": %d, "session": "a", "body": {"messages": [%s]}}`, ts, messages)
	}
	for name, tt := range map[string]struct {
		lines string
		want  []string
	}{
		"a log of prompts": {
			`{"ts": 0, "session": "a", "prompt": "x"}` + "\n" + `{"ts": 5, "session": "a", "prompt": "x"}`,
			[]string{"user", "user think"},
		},
		"a log of single prompts": {`{"ts": 0, "prompt": "x"}`, []string{"user"}},
		"a log of lengths": {
			`{"ts": 0, "session": "a", "input_tokens": 5}` + "\n" + `{"ts": 5, "session": "a", "input_tokens": 5}`,
			[]string{"", ""},
		},
		"a log of messages": {
			`{"ts": 0, "session": "a", "messages": [` + user + `]}` + "\n" +
				`{"ts": 1, "session": "a", "messages": [` + user + "," + called + "," + result + `]}` + "\n" +
				`{"ts": 2, "session": "a", "messages": [` + user + `]}`,
			[]string{"", "user tool", "user think"},
		},
		"bodies": {
			bodyOf(0, user) + "\n" + bodyOf(1, user+","+called+","+result) + "\n" + bodyOf(2, user),
			[]string{"", "user tool", "user think"},
		},
		"a completion": {`{"ts": 0, "body": {"prompt": "x"}}`, []string{"user"}},
		"Mooncake": {
			`{"timestamp": 0, "session_id": "a", "input_length": 5, "output_length": 1}` + "\n" +
				`{"delay": 5, "session_id": "a", "text_input": "x", "output_length": 1}`,
			[]string{"user", "user think"},
		},
		"Mooncake with tools": {
			`{"timestamp": 0, "session_id": "a", "messages": [` + user + `], "output_length": 1}` + "\n" +
				`{"delay": 5, "session_id": "a", "messages": [` + user + "," + called + "," + result + `]}`,
			[]string{"", "user tool"},
		},
		"BurstGPT": {
			`{"Timestamp": 0, "Session ID": "a", "Request tokens": 5, "Response tokens": 1, ` +
				`"Log Type": "Conversation log"}` + "\n" +
				`{"Timestamp": 1, "Session ID": "a", "Request tokens": 5, "Response tokens": 1, "Log Type": "API log"}`,
			[]string{"user think", ""},
		},
	} {
		w, err := OpenTrace([]File{seekable("t.jsonl", tt.lines)}, TraceOptions{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s, err := w.Session(0)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := facing(s.Calls); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

// A sub-agent answers the tool that runs it.
func TestTraceInsideTool(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		`"name":"execute_tool delegate","attributes":{"gen_ai.operation.name":"execute_tool"}`: {"", "user"},
		`"name":"delegate","attributes":{"gen_ai.operation.name":"execute_tool"}`:              {"", "user"},
		`"name":"agent.tool_execution","attributes":{}`:                                        {"", "user"},
		`"name":"invoke_agent a","attributes":{"gen_ai.operation.name":"invoke_agent"}`:        {"user", "user"},
	} {
		text := `{"spans":[{"span_id":"x","start_time":"2026-01-01T00:00:00Z",` + name + `},` +
			chatSpan(`"span_id":"a","parent_span_id":"x",`+hello) + "," +
			chatSpan(`"span_id":"b",`+hello[:len(hello)-1]+`,"gen_ai.output.text":"x"}`) + `]}`
		w, err := OpenTrace([]File{seekable("t.json", text)}, TraceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := w.Session(0)
		if err != nil {
			t.Fatal(err)
		}
		for i := range s.Calls {
			s.Calls[i].Pause = ""
		}
		if got := facing(s.Calls); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// facing tells of each call whether it answers the user, and what its wait is.
func facing(calls []workload.Call) (list []string) {
	for _, c := range calls {
		text := map[bool]string{true: "user"}[c.UserFacing]
		if c.Pause != "" {
			text += " " + string(c.Pause)
		}
		list = append(list, text)
	}
	return list
}

// The prompts of Mooncake's later turns are whole if their hashes begin with those of the turn before, and otherwise go
// on with it. Their lengths are known in either case.
func TestMooncakeTurns(t *testing.T) {
	t.Parallel()
	turn := func(input int, hashes string) string {
		return fmt.Sprintf(`{"timestamp": %d, "session_id": "a", "input_length": %d, "output_length": 20, `+
			`"hash_ids": [%s]}`, input, input, hashes) + "\n"
	}
	for _, tt := range []struct {
		first, second string
		whole         bool
		length        int
	}{
		{turn(1218, "1, 2, 3"), turn(1715, "1, 2, 3, 4"), true, 1715},
		{turn(1218, "1, 2, 3"), turn(1715, "1, 2, 5, 6"), true, 1715}, // the block that was filled has another hash
		{turn(1218, "1, 2, 3"), turn(1715, "1, 9, 3, 4"), false, 1218 + 20 + 1715},
		{turn(1218, "1, 2, 3"), turn(1500, "5, 6, 7"), false, 1218 + 20 + 1500},
		{turn(1218, "1"), turn(1500, "1, 2, 3"), true, 1500}, // the hashes cover a part
		{turn(100, "1"), turn(600, "1, 2"), true, 600},
		{turn(100, "1"), turn(600, "3, 2"), false, 100 + 20 + 600},
		{turn(100, ""), turn(600, ""), false, 100 + 20 + 600},
		{turn(100, ""), turn(600, "1, 2"), false, 100 + 20 + 600},
		{turn(1024, "1, 2"), turn(1030, "1"), false, 1024 + 20 + 1030},
	} {
		w, err := OpenTrace([]File{seekable("t.jsonl", tt.first+tt.second)}, TraceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := w.Session(0)
		if err != nil {
			t.Fatal(err)
		}
		c := s.Calls[1]
		if whole := len(c.Prompt) == 1; whole != tt.whole || c.PromptTokens != tt.length || c.After[0].Causal == whole {
			t.Errorf("%s%s: got %+v, want whole %v and %d tokens", tt.first, tt.second, c, tt.whole, tt.length)
		}
	}
}

package datasets

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// chatSpan returns a span of a call with fields of its own, as JSON.
func chatSpan(fields string) string {
	return `{"name":"chat m","start_time":"2026-01-01T00:00:01Z","end_time":"2026-01-01T00:00:02Z",` + fields + `}`
}

const hello = `"attributes":{"gen_ai.input.messages":"[{\"role\":\"user\",\"content\":\"Hello\"}]"}`

// Invalid traces are refused in one line that names the file, the session and the call.
func TestInvalidAgentTraces(t *testing.T) {
	t.Parallel()
	spans := func(list ...string) string { return `{"session_id":"s","spans":[` + strings.Join(list, ",") + `]}` }
	wekaRequests := func(list ...string) string {
		return `{"id":"w","block_size":64,"requests":[` + strings.Join(list, ",") + `]}`
	}
	round := func(index, input, prefix int, more string) string {
		return fmt.Sprintf(`{"session_id":"r","round_index":%d,"input_tokens_total":%d,"prefix_tokens":%d,"output_tokens":1%s}`,
			index, input, prefix, more)
	}
	for _, tt := range []struct{ name, text, want string }{
		{"truncated file", spans(chatSpan(`"span_id":"a",` + hello))[:100], "t.jsonl:1: the file ends within a value"},
		{"span without messages", spans(chatSpan(`"span_id":"a","attributes":{}`)),
			`t.jsonl:1: span "a" has no gen_ai.input.messages: instrumentations record messages only if told to`},
		{"no message", spans(chatSpan(`"span_id":"a","attributes":{"gen_ai.input.messages":"[ ]"}`)),
			`t.jsonl:1: session "s": span "a": gen_ai.input.messages: there is no message`},
		{"messages that are no JSON", spans(chatSpan(`"span_id":"a","attributes":{"gen_ai.input.messages":"[{"}`)),
			`t.jsonl:1: session "s": span "a": gen_ai.input.messages: it is not JSON`},
		{"no call", spans(`{"span_id":"a","name":"GET /","start_time":"2026-01-01T00:00:01Z","attributes":{}}`),
			"t.jsonl:1: no span is a call of a model that succeeded: gen_ai.operation.name must be chat"},
		{"end before start", spans(`{"span_id":"a","name":"chat m","start_time":"2026-01-01T00:00:03Z",` +
			`"end_time":"2026-01-01T00:00:02Z",` + hello + `}`), `t.jsonl:1: span "a": it ends before it starts`},
		{"no instant", spans(`{"span_id":"a","name":"chat m","start_time":"yesterday",` + hello + `}`),
			`t.jsonl:1: span "a": "yesterday" is neither a time such as 2023-11-16 18:17:03.97996 nor a number`},
		{"an end in another age", spans(`{"span_id":"a","name":"chat m","start_time":"2026-01-01T00:00:03Z",` +
			`"end_time":"9999-01-01T00:00:02Z",` + hello + `}`),
			`t.jsonl:1: span "a": the instant is not of this age: years are from 1824 to 2116`},
		{"cycle of parents", spans(chatSpan(`"span_id":"a","parent_span_id":"b",`+hello),
			chatSpan(`"span_id":"b","parent_span_id":"a",`+hello)), `t.jsonl:1: session "s": span "a" is inside itself`},
		{"tool call without id", spans(chatSpan(`"span_id":"a","attributes":{"gen_ai.input.messages":` +
			`[{"role":"assistant","parts":[{"type":"tool_call","name":"f"}]}]}`)),
			`t.jsonl:1: session "s": span "a": gen_ai.input.messages: message 1: a call of the tool "f" has no id, ` +
				`so that its result cannot be told`},
		{"two answers", spans(chatSpan(`"span_id":"a","attributes":{"gen_ai.input.messages":[{"role":"user"}],` +
			`"gen_ai.output.messages":[{},{}]}`)),
			`t.jsonl:1: session "s": span "a": gen_ai.output.messages: there are 2 messages, and a call has one answer`},
		{"kind of request", wekaRequests(`{"type":"z","t":0}`),
			`t.jsonl:1: session "w": request 1: its type must be n, s or subagent, got "z"`},
		{"times that run back", wekaRequests(`{"type":"n","t":5,"in":64,"out":1,"hash_ids":[1]}`,
			`{"type":"n","t":4,"in":64,"out":1,"hash_ids":[1]}`),
			`t.jsonl:1: session "w": request 2: it begins before the request before it`},
		{"request without length", wekaRequests(`{"type":"subagent","t":0,"agent_id":"x","requests":[{"type":"n","t":0}]}`),
			`t.jsonl:1: session "w": request 1, sub-agent "x": request 1: no in`},
		{"request without prompt", wekaRequests(`{"type":"n","t":0,"in":0,"out":1}`),
			`t.jsonl:1: session "w", call "event_000_parent_turn_0": it has no message`},
		{"two traces of one id", wekaRequests() + "\n" + wekaRequests(),
			`t.jsonl:2: session "w" is in t.jsonl:1, too: ids must differ`},
		{"round twice", round(0, 9, 0, "") + "\n" + round(0, 9, 0, ""), "t.jsonl:2: round 0 is in t.jsonl:1, too"},
		{"prefix longer than prompt", round(0, 9, 10, ""),
			"t.jsonl:1: prefix_tokens must be at most input_tokens_total, got 10 and 9"},
		{"instant of a round", round(0, 9, 0, `,"timing_events":[{"timestamp":"2026-06-01T05:40:20Z"},{"timestamp":"x"}]`),
			`t.jsonl:1: "x" in timing_events is no instant`},
		{"missing conversation", dagLine("a", `"forks":["b"]`),
			`t.jsonl:1: conversation "a", turn 0: it leads to "b", which is no conversation of the trace`},
		{"cycle of conversations", dagLine("a", `"forks":["b"]`) + "\n" + dagLine("b", `"spawns":["a"]`),
			`t.jsonl:1: conversation "b", turn 0: conversation "a" leads to itself: a, b`},
		{"two roots", dagLine("a", `"spawns":["c"]`) + "\n" + dagLine("b", `"spawns":["c"]`) + "\n" + dagLine("c", `"delay":0`),
			`t.jsonl:1: conversations "a" and "b" lead to the same ones: give each tree its own`},
		{"join in the past", dagLine("a", `"spawns":[{"children":["b"],"join_at":9}]`) + "\n" + dagLine("b", `"delay":0`),
			`t.jsonl:1: conversation "a", turn 0: join_at must be a later turn of its 1, got 9`},
		{"field of a turn", dagLine("a", `"temperature":1`),
			`t.jsonl:1: conversation "a", turn 0: unknown field "temperature": what the request has besides goes into extra`},
	} {
		w, err := OpenTrace([]File{seekable("t.jsonl", tt.text)}, TraceOptions{IncludeErrors: true})
		if err == nil {
			_, err = w.Session(0)
		}
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s:\n got %v\nwant %s", tt.name, err, tt.want)
		}
		valid := "\n" + spans(chatSpan(`"span_id":"a",`+hello))
		if !strings.HasPrefix(tt.text, `{"session_id":"s"`) || tt.name == "truncated file" {
			continue
		}
		skip := TraceOptions{SkipInvalid: true, IncludeErrors: true}
		w, err = OpenTrace([]File{seekable("t.jsonl", tt.text+valid)}, skip)
		if err != nil || w.Counts().Sessions != 1 || w.Counts().Skipped != 1 || w.Counts().Faults[0] != tt.want {
			t.Errorf("%s: got %v, want one session skipped for %s", tt.name, err, tt.want)
		}
	}
}

// Sessions that are named by their files have names of their own, also if the files have one name.
func TestSessionsOfFilesOfOneName(t *testing.T) {
	t.Parallel()
	text := `{"spans":[` + chatSpan(`"span_id":"a",`+hello) + `]}`
	var files []File
	for _, name := range []string{"a/run.json", "b/run.json", "b/other.json"} {
		files = append(files, seekable(name, text))
	}
	w, err := OpenTrace(files, TraceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"a/run.json", "b/run.json", "other"} {
		if s, err := w.Session(int64(i)); err != nil || s.ID != want {
			t.Errorf("session %d: got %v, %v, want the id %s", i, s, err, want)
		}
	}
}

// dagLine returns a conversation of one turn.
func dagLine(id, fields string) string {
	return `{"session_id":"` + id + `","turns":[{"messages":[{"role":"user","content":"x"}],` + fields + `}]}`
}

// Calls that failed when they were recorded are left out unless they are asked for.
func TestIncludeErrors(t *testing.T) {
	t.Parallel()
	text := `{"spans":[` + chatSpan(`"span_id":"a","status":{"code":"STATUS_CODE_ERROR"},`+hello) + `,` +
		chatSpan(`"span_id":"b","x":1,`+hello[:len(hello)-1]+`,"gen_ai.output.text":"x"}`) + `]}`
	for include, want := range map[bool]int{true: 2, false: 1} {
		w, err := OpenTrace([]File{seekable("t.json", text)}, TraceOptions{IncludeErrors: include})
		if err != nil {
			t.Fatal(err)
		}
		s, err := w.Session(0)
		if err != nil || len(s.Calls) != want || w.Counts().Calls != int64(want) ||
			s.Calls[0].Answer.Failed != include {
			t.Errorf("includeErrors %v: got %+v, %v, want %d calls", include, s, err, want)
		}
	}
}

// A filter leaves out and counts sessions, and its error names the session.
func TestTraceFilter(t *testing.T) {
	t.Parallel()
	text := dagLine("a", `"max_tokens":5`) + "\n" + dagLine("b", `"model":"x"`)
	open := func(filter string) (*Traced, error) {
		return OpenTrace([]File{seekable("t.jsonl", text)}, TraceOptions{Filter: filter, SkipInvalid: true})
	}
	w, err := open(`lambda t: "x" in t["models"] and t["num_turns"] == 1`)
	if err != nil || w.Counts().Sessions != 1 || w.Counts().Filtered != 1 {
		t.Fatalf("got %v", err)
	}
	if s, err := w.Session(0); err != nil || s.ID != "b" {
		t.Errorf("got %v, %v, want session b", s, err)
	}
	const want = `the filter fails for session "a": key "y" not in dict`
	if _, err := open(`lambda t: t["y"]`); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A batch of OTLP that is packed, and so copied span by span, makes the sessions of one that is not.
func TestPackedBatches(t *testing.T) {
	t.Parallel()
	plain, err := os.ReadFile(samples + "/otlp.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(plain)
	_ = w.Close()
	var got [2]string
	for i, f := range []File{seekable("t.jsonl", string(plain)), seekable("t.jsonl.gz", packed.String())} {
		w, err := OpenTrace([]File{f}, TraceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got[i] = describeWorkload(w)
	}
	if got[0] != got[1] || !strings.Contains(got[0], "event_001_3") {
		t.Errorf("got\n%s, packed\n%s", got[0], got[1])
	}
}

// Gaps between calls of agents are shortened, too.
func TestIdleGapsOfAgents(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"otel.json", "weka.jsonl", "tracelab.jsonl", "dag.jsonl"} {
		o := TraceOptions{IdleGapCap: 1e8, IncludeErrors: true}
		w, err := OpenTrace([]File{disk(filepath.Join(samples, file))}, o)
		if err != nil {
			t.Fatal(err)
		}
		s, err := w.Session(0)
		if err != nil {
			t.Fatal(err)
		}
		longest := time.Duration(0)
		for _, c := range s.Calls {
			longest = max(longest, c.Wait)
		}
		if longest > 1e8 {
			t.Errorf("%s: got a wait of %v, want none above 100ms", file, longest)
		}
	}
}

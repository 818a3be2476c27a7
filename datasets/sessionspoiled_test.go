package datasets

import (
	"slices"
	"strings"
	"testing"
)

// A conversation that lacks a record is left out as a whole, and counted once.
func TestTraceSpoiledSessions(t *testing.T) {
	t.Parallel()
	const (
		burst = "Timestamp,Session ID,Request tokens,Response tokens\n"
		span  = `{"traceId":"a","spanId":"1","name":"chat m","startTimeUnixNano":"1000000000",` +
			`"endTimeUnixNano":"2000000000","attributes":[{"key":"gen_ai.input.messages",` +
			`"value":{"stringValue":"[{\"role\":\"user\",\"content\":\"x\"}]"}}]}`
		noStart = `{"traceId":"a","spanId":"2","name":"chat m","attributes":[{"key":"gen_ai.input.messages","value":` +
			`{"stringValue":"[]"}}]}`
	)
	other := `{"traceId":"b"` + span[len(`{"traceId":"a"`):]
	for _, tt := range []struct {
		name, file, text string
		skipped          int64
		fault            string
		left             []string
	}{
		{"no instant", "t.csv", "time,session,prompt\n1,a,x\n2,b,x\nn/a,a,x\n4,a,x\n5,b,x\n", 1,
			`t.csv:4: "n/a" is neither a time`, []string{"b"}},
		{"a row cut short", "t.csv", "time,session,prompt,n\n1,a,x,1\n2,b,x,1\n3,b,x\n4,b\n5,a,x,1\n", 1,
			"t.csv:4: wrong number of fields: 3, and 4 names in the head line", []string{"a"}},
		{"a row too long", "t.csv", "time,session,prompt\n1,a,x\n2,b,x\n3,b,x,y\n", 1,
			"t.csv:4: wrong number of fields: 4, and 3 names in the head line", []string{"a"}},
		{"a row cut before its session", "t.csv", "time,session,prompt\n1,a,x\n2,b,x\n3\n", 1,
			"t.csv:4: wrong number of fields: 1, and 3 names in the head line", []string{"a", "b"}},
		{"the first row", "t.csv", "time,session,prompt\nsoon,a,x\n2,b,x\n3,a,x\n", 1,
			`t.csv:2: "soon" is neither a time`, []string{"b"}},
		{"BurstGPT", "t.csv", burst + "1,a,5,1\n2,b,5,1\n,a,5,1\n4,b,5,many\n5,c,5,1\n", 2,
			"t.csv:4: no Timestamp", []string{"c"}},
		{"chats", "t.jsonl", "" +
			`{"chat_id":1,"parent_chat_id":-1,"timestamp":1,"input_length":1,"output_length":1}` + "\n" +
			`{"chat_id":2,"parent_chat_id":1,"input_length":1,"output_length":1}` + "\n" +
			`{"chat_id":3,"parent_chat_id":2,"timestamp":2,"input_length":1,"output_length":1}` + "\n" +
			`{"chat_id":4,"parent_chat_id":-1,"timestamp":3,"input_length":1,"output_length":1}` + "\n", 1,
			"t.jsonl:2: no timestamp", []string{"4"}},
		{"a span of a batch", "t.jsonl", `{"resourceSpans":[{"scopeSpans":[{"spans":[` + span + "," + noStart +
			"," + other + `]}]}]}`, 1, `t.jsonl:1: span "2": it has no start`, []string{"b"}},
	} {
		w, err := OpenTrace([]File{seekable(tt.file, tt.text)}, TraceOptions{SkipInvalid: true})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var left []string
		for i := range w.counts.Sessions {
			s, err := w.Session(i)
			if err != nil {
				t.Fatal(err)
			}
			left = append(left, s.ID)
		}
		c := w.Counts()
		if !slices.Equal(left, tt.left) || c.Skipped != tt.skipped || len(c.Faults) == 0 ||
			!strings.HasPrefix(c.Faults[0], tt.fault) {
			t.Errorf("%s: got %q, %+v, want %q, %d for %s", tt.name, left, c, tt.left, tt.skipped, tt.fault)
		}
	}
	const all = "time,session,prompt\n1,a,x\nsoon,a,x\n"
	_, err := OpenTrace([]File{seekable("t.csv", all)}, TraceOptions{SkipInvalid: true})
	const want = `t.csv: no valid record in it: t.csv:3: "soon" is neither a time`
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("nothing left: got %v", err)
	}
}

// What is wrong with a whole trace is told when it is opened, with what can be done.
func TestTraceOfAnotherFormat(t *testing.T) {
	t.Parallel()
	const moon = `{"timestamp":1,"input_length":5,"output_length":1}`
	const columns = "say in workload.columns which of its fields (chat_ref, received_at, user_text) hold time, " +
		"prompt, messages, input_tokens, output_tokens, session"
	const own = "received_at,chat_ref,user_text\n1,a,x\n"
	const use = ": use type workload_replay with that as workload.format"
	for _, tt := range []struct{ name, format, text, want string }{
		{"t.jsonl", "weka", moon, "t.jsonl:1: no id: the record looks like one of format mooncake, not weka" + use},
		{"t.jsonl", "bailian", moon,
			"t.jsonl:1: no chat_id: the record looks like one of format mooncake, not bailian" + use},
		{"t.jsonl", "tracelab", `{"session_id":"a","prompt":"x"}`,
			"t.jsonl:1: no round_index: the record looks like one of format log, not tracelab" + use},
		{"t.csv", "azure", own, "t.csv:2: no TIMESTAMP: the record does not look like one of format azure"},
		{"t.csv", "azure", "Timestamp,Request tokens,Response tokens\n1,2,3\n",
			"t.csv:2: no TIMESTAMP: the record looks like one of format burstgpt, not azure" + use},
		{"t.csv", "azure", "TIMESTAMP,ContextTokens,GeneratedTokens\n,2,3\n", "t.csv:2: no TIMESTAMP"},
		{"t.csv", "", own, "t.csv:2: the record is of no known format: " + columns + ", or name workload.format: " +
			"otel, weka, tracelab, dag, bailian, mooncake, azure, burstgpt, bodies, log"},
		{"t.csv", "log", own, "t.csv:2: it has no prompt, messages or input_tokens: " + columns},
		{"t.jsonl", "mooncake", `{"timestamp":1}`, "t.jsonl:1: it has none of input_length, text_input, messages and " +
			"payload: the record does not look like one of format mooncake"},
	} {
		_, err := OpenTrace([]File{seekable(tt.name, tt.text)}, TraceOptions{Format: tt.format})
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s of %s:\n got %v\nwant %s", tt.text, tt.format, err, tt.want)
		}
	}
	_, err := OpenTrace([]File{ofLengths(15)}, TraceOptions{Share: 0.01})
	const want = "no session is left of the trace: a share of 1% draws none of its 15: give a larger one, or another " +
		"seed"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

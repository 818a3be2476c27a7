package convert

import "testing"

func TestCallOutputOfReplayedCalls(t *testing.T) {
	t.Parallel()
	const call = `{"role":"assistant","tool_calls":[{"id":"c1","type":"function",` +
		`"function":{"name":"f","arguments":"{\"a\":1}"}}]}`
	for _, tt := range []struct{ name, body, text, message string }{
		{"nothing kept", "", "null", "null"},
		{"no chat", `{"output":"x"}`, "null", "null"},
		{"whole", `{"choices":[{"message":{"role":"assistant","content":"hi \"é\""}}]}`, `"hi \"é\""`,
			`{"role":"assistant","content":"hi \"é\""}`},
		{"streamed", "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"so\"}}]}\r\n\r\n" +
			"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n" +
			"data: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n\n" + "data: [DONE]\n\n", `"soab"`, `{"role":"assistant","content":"ab","reasoning_content":"so"}`},
		{"a tool call", `{"choices":[{"message":{"content":null,"tool_calls":[{"id":"c1","type":"function",` +
			`"function":{"name":"f","arguments":"{\"a\":1}"}}]}}]}`, "null", call},
		{"a streamed tool call", `data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1",` +
			`"function":{"name":"f","arguments":""}}]}}]}` + "\n\n" +
			`data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]}}]}` + "\n\n" +
			`data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}}]}` + "\n\n",
			"null", call},
		{"an index out of range", `data: {"choices":[{"delta":{"tool_calls":[{"index":9999999999,"id":"x"}]}}]}`, "null",
			"null"},
	} {
		if text, message := callOutput(tt.body); string(text) != tt.text || string(message) != tt.message {
			t.Errorf("%s: got %s and %s, want %s and %s", tt.name, text, message, tt.text, tt.message)
		}
	}
}

func FuzzCallOutput(f *testing.F) {
	f.Add(`data: {"choices":[{"delta":{"content":"a","tool_calls":[{"index":-1},{"index":1,"id":7}]}}]}`)
	f.Add(`{"choices":[{"message":{"content":{"x":[]},"tool_calls":{"a":{"function":"b"}}}}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		if text, message := callOutput(body); len(text) == 0 || len(message) == 0 {
			t.Errorf("%q: got %q and %q", body, text, message)
		}
	})
}

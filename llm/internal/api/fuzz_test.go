package api

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checkPieces checks that the pieces of a delta cover its text, and that each name and argument follows a call.
func checkPieces(t *testing.T, data []byte, d *Delta) {
	t.Helper()
	size, called := 0, false
	for _, p := range d.Pieces {
		size += p.Size
		called = called || p.Kind == PieceCall || p.Kind == PieceServer
		if !called && p.Kind != PieceReasoning {
			t.Errorf("%q: a piece of kind %d before any call", data, p.Kind)
		}
	}
	if size != len(d.Aside) {
		t.Errorf("%q: pieces of %d bytes for %q", data, size, d.Aside)
	}
}

// A chat of any form becomes valid JSON, and an event of any form is read without an end.
func FuzzDialects(f *testing.F) {
	streams, err := filepath.Glob("../client/testdata/[mr]e*/*.txt")
	if err != nil || len(streams) == 0 {
		f.Fatalf("no streams: %v", err)
	}
	for _, path := range streams {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if data, isData := strings.CutPrefix(strings.TrimSpace(line), "data: "); isData {
				f.Add([]byte(data))
			}
		}
	}
	f.Add([]byte(`[{"role":"system","content":["a"]},3,{"tool_calls":[{}]},{"role":"tool","content":[{"text":"b"}]}]`))
	f.Add([]byte(`[{"type":"function","function":{"name":"f"}},{"role":"user","content":[{"type":"text"},{"type":"image_url"}]}]`))
	f.Add([]byte(`{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"a","function":{"name":"f","arguments":"{"}},{},7]}}]}`))
	f.Add([]byte(`{"choices":[{"message":{"tool_calls":[{}],"reasoning":"a"},"delta":{"function_call":{"name":"f"}}}]}`))
	f.Add([]byte(`{"content_block":{"type":"server_tool_use","thinking":"a","name":"f","input":{"a":1}},"index":2}`))
	f.Add([]byte(`{"output":[{"type":"mcp_call"},{"type":"function_call","call_id":"1","arguments":"{}"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, dialect := range []Dialect{Chat, Messages, Responses} {
			var d Delta
			_ = dialect.Decode(data, &d)
			checkPieces(t, data, &d)
			if dialect == Chat {
				continue // its tools go as they are
			}
			body, err := dialect.Body(&Request{Messages: data, Extra: Extra{"tools": data, "tool_choice": data}})
			if json.Valid(data) && (err != nil || !json.Valid(body)) {
				t.Errorf("%s: %q: got %s, %v", dialect.Name(), data, body, err)
			}
		}
	})
}

package api

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, dialect := range []Dialect{Messages, Responses} {
			var d Delta
			_ = dialect.Decode(data, &d)
			body, err := dialect.Body(&Request{Messages: data, Extra: Extra{"tools": data, "tool_choice": data}})
			if json.Valid(data) && (err != nil || !json.Valid(body)) {
				t.Errorf("%s: %q: got %s, %v", dialect.Name(), data, body, err)
			}
		}
	})
}

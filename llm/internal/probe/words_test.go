package probe

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
)

// The tokens of a word are learned in the best way that a server has.
func TestTokensPerWord(t *testing.T) {
	t.Parallel()
	count := func(_ map[string]json.RawMessage, n int) string { return fmt.Sprintf(`{"count":%d}`, n) }
	ids := func(fields map[string]json.RawMessage, n int) string { // of llama.cpp
		if fields["content"] == nil {
			return `{"tokens":[]}`
		}
		return `{"tokens":[` + strings.TrimSuffix(strings.Repeat("1,", n), ",") + `]}`
	}
	list := func(_ map[string]json.RawMessage, n int) string { // of TGI
		return `[` + strings.TrimSuffix(strings.Repeat(`{"id":1},`, n), ",") + `]`
	}
	for _, tt := range []struct {
		name    string
		server  fake
		perWord float64
		around  int
		how     string
	}{
		{"vLLM", fake{perWord: 2, tokenize: count}, 2, -1, "2.00 tokens a word, by the server's /tokenize"},
		{"llama.cpp", fake{perWord: 3, tokenize: ids}, 3, -1, "3.00 tokens a word, by the server's /tokenize"},
		{"TGI", fake{tokenize: list}, 1, -1, "1.00 tokens a word, by the server's /tokenize"},
		{"usage", fake{perWord: 2, template: 11}, 2, 11, "about 2.00 tokens a word, by the usage of two requests"},
		{"usage of streams", fake{perWord: 2, noUsage: true}, 1.3, -1,
			"assumed 1.3 tokens a word: the server reports no usage"},
	} {
		for _, kind := range []string{"random", "synthetic"} {
			opts := Options{URL: tt.server.start(t)}
			found := run(t, opts)
			got, err := TokensPerWord(t.Context(), opts, found, kind)
			if err != nil || math.Abs(got.PerWord-tt.perWord) > 1e-9 || got.Around != tt.around || got.How != tt.how {
				t.Errorf("%s, %s: got %+v, %v; want %v, %d, %s", tt.name, kind, got, err, tt.perWord, tt.around, tt.how)
			}
		}
	}
}

func FuzzCountTokens(f *testing.F) {
	for _, answer := range []string{`{"count":3,"max_model_len":9,"tokens":[1,2,3]}`, `{"tokens":[1,2,3]}`,
		`[{"id":1,"text":"a","start":0,"stop":1}]`, `{"count":-1}`, `{"count":1e300}`, `{"count":2.5}`, `{"tokens":7}`,
		`[`, `{}`, ``, `<html>`, `{"error":"no"}`} {
		f.Add([]byte(answer), 13)
	}
	f.Fuzz(func(t *testing.T, answer []byte, size int) {
		n, err := countTokens(answer, size)
		if err == nil && (n < 1 || n > size+maxSpecial) {
			t.Errorf("%q for a text of %d bytes: %d tokens", answer, size, n)
		}
		if err != nil && n != 0 {
			t.Errorf("%q: %d tokens and %v", answer, n, err)
		}
	})
}

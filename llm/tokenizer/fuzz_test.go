package tokenizer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Any file parses or is refused with an error, and what parses encodes any text.
func FuzzParse(f *testing.F) {
	for _, name := range names(f) {
		data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, v := range variants {
		f.Add([]byte(file(`"` + v.section + `":` + v.json)))
	}
	for _, text := range []string{
		strings.Repeat(`{"model":`, 500),
		file(`"pre_tokenizer":` + strings.Repeat(`{"type":"Sequence","pretokenizers":[`, 60) + strings.Repeat("]}",
			60)),
		file(`"added_tokens":[{"id":1e308,"content":"\u0000\u202e"},{"id":-1,"content":""}]`), "\xff\xfe{\x00",
		`{"model":{"type":"BPE","vocab":{"a":9223372036854775807},"merges":[["a"],"a a a"]}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tok, err := Parse(data)
		if err != nil {
			return
		}
		for _, text := range []string{"Hello wörld 12\n e\u0301<s>", " a\xffb  ", strings.Repeat("ab ", 30)} {
			tok.Decode(tok.EncodeSpecial(text), true)
		}
	})
}

// Whatever the text, the counts agree with the ids, the second result equals the first, and byte-level ids decode to
// the text.
func FuzzEncode(f *testing.F) {
	for _, text := range lines[string](f, "testdata/texts.jsonl") {
		f.Add(text)
	}
	f.Add("\xff\xe2\x82 \xf0\x9f\x98 \xed\xa0\x80")
	var toks []*Tokenizer
	for _, name := range names(f) {
		toks = append(toks, load(f, name))
	}
	gpt2 := load(f, "bpe-gpt2")
	f.Fuzz(func(t *testing.T, text string) {
		for i, tok := range toks {
			ids := tok.Encode(text)
			if again := tok.Encode(text); !slices.Equal(ids, again) {
				t.Fatalf("tokenizer %d: %v, then %v", i, ids, again)
			}
			if n := tok.Count(text); n != len(ids) {
				t.Fatalf("tokenizer %d: Count %d of %d ids", i, n, len(ids))
			}
			if a, b := tok.CountSpecial(text), len(tok.EncodeSpecial(text)); a != b {
				t.Fatalf("tokenizer %d: CountSpecial %d of %d ids", i, a, b)
			}
		}
		if got, want := gpt2.Decode(gpt2.Encode(text), false), string(appendValid(nil, []byte(text))); got != want {
			t.Fatalf("decoded %q, want %q", got, want)
		}
	})
}

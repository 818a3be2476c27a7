package tokenizer

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
)

// largeFile is a tokenizer.json of a 262,144-piece byte-pair vocabulary with
// half a million merges, the size of the largest published ones.
func largeFile() []byte {
	const pieces, merges = 262_144, 514_000
	r := rand.New(rand.NewPCG(1, 2))
	tokens, ids := []string{"<unk>", "▁"}, map[string]bool{"<unk>": true, "▁": true}
	for c := '!'; c < 0x3000 && len(tokens) < 4000; c++ {
		if c != '"' && c != '\\' && c != '<' {
			tokens = append(tokens, string(c))
			ids[string(c)] = true
		}
	}
	var list bytes.Buffer
	n := 0
	merge := func(a, b string) {
		if n++; n > 1 {
			list.WriteByte(',')
		}
		fmt.Fprintf(&list, `["%s","%s"]`, a, b)
	}
	for len(tokens) < pieces {
		a, b := tokens[1+r.IntN(min(len(tokens)-1, 30_000))], tokens[2+r.IntN(200)]
		if b == "▁" || len(a) > 14 || ids[a+b] {
			continue
		}
		tokens, ids[a+b] = append(tokens, a+b), true
		merge(a, b)
	}
	for n < merges { // further ways to make the same tokens
		token := tokens[4000+r.IntN(pieces-4000)]
		if cut := 1 + r.IntN(len(token)-1); ids[token[:cut]] && ids[token[cut:]] {
			merge(token[:cut], token[cut:])
		}
	}
	var vocab bytes.Buffer
	for i, token := range tokens {
		if i > 0 {
			vocab.WriteByte(',')
		}
		fmt.Fprintf(&vocab, `"%s":%d`, token, i)
	}
	return fmt.Appendf(nil,
		`{"added_tokens":[],"normalizer":{"type":"Replace","pattern":{"String":" "},"content":"▁"},"pre_tokenizer":null,"post_processor":null,"decoder":null,
		"model":{"type":"BPE","unk_token":"<unk>","fuse_unk":true,"byte_fallback":true,"vocab":{%s},"merges":[%s]}}`,
		vocab.Bytes(), list.Bytes())
}

func BenchmarkLoad(b *testing.B) {
	data := largeFile()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}

// A loaded vocabulary keeps its own tables and nothing of the file.
func TestLoadedSize(t *testing.T) {
	data := largeFile()
	size := len(data)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	tok, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	data = nil
	runtime.GC()
	runtime.ReadMemStats(&after)
	kept := int64(after.HeapAlloc) - int64(before.HeapAlloc) + int64(size) // data itself has been freed by now
	t.Logf("file %.1f MB, kept %.1f MB", float64(size)/1e6, float64(kept)/1e6)
	if kept > 60<<20 {
		t.Errorf("a tokenizer of %d pieces keeps %d bytes", tok.Len(), kept)
	}
}

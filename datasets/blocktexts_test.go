package datasets_test

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
	"github.com/seed-307b789f/xk6-llm/scripts/data"
)

// read returns the counter of a tokenizer.json.
func read(t testing.TB, file []byte) *tokenizer.Counter {
	t.Helper()
	c, err := tokenizer.ReadCounter(func(name string) ([]byte, error) {
		if name != tokenizer.TokenizerFile {
			return nil, fs.ErrNotExist
		}
		return file, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A text of blocks has as many tokens as they have, for every family of tokenizers.
func TestBlockTextsCounted(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../llm/tokenizer/testdata/*-*.json")
	if err != nil || len(files) < 8 {
		t.Fatal(files, err)
	}
	tokenizers := map[string][]byte{"sample": data.Tokenizer}
	for _, f := range files {
		if tokenizers[filepath.Base(f)], err = os.ReadFile(f); err != nil {
			t.Fatal(err)
		}
	}
	tried := 0
	for name, file := range tokenizers {
		counter := read(t, file)
		texts, err := datasets.NewBlockTexts(counter, 0, 7)
		if err != nil {
			continue // a vocabulary of a test without words
		}
		tried++
		var blocks []workload.Block
		want := 0
		for i, n := range []int{512, 512, 16, 1, 77, 1000} {
			blocks = append(blocks, workload.Block{Hash: uint64(i), Tokens: n})
			want += n
			text, err := texts.Text("", blocks)
			if got := counter.Count(text); err != nil || got != want {
				t.Errorf("%s: %d blocks: got %d tokens, %v, want %d", name, i+1, got, err, want)
			}
		}
	}
	if tried < 4 {
		t.Errorf("only %d tokenizers have words", tried)
	}
}

// Equal hashes are equal texts within a scope, a block cut short is the beginning of the whole, and everything else
// makes another text.
func TestBlockTextsEqual(t *testing.T) {
	t.Parallel()
	text := func(seed int64, scope string, blocks ...workload.Block) string {
		t.Helper()
		texts, err := datasets.NewBlockTexts(nil, 1.3, seed)
		if err != nil {
			t.Fatal(err)
		}
		s, err := texts.Text(scope, blocks)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	a, b := workload.Block{Hash: 1, Tokens: 100}, workload.Block{Hash: 2, Tokens: 100}
	both := text(1, "", a, b)
	if got := text(1, "", a) + " " + text(1, "", b); got != both {
		t.Errorf("blocks alone are %q, and together %q", got, both)
	}
	for n := range 100 {
		if short := text(1, "", workload.Block{Hash: 1, Tokens: n}); !strings.HasPrefix(both, short) {
			t.Errorf("%d tokens: %q is not the beginning of %q", n, short, both)
		}
	}
	for name, other := range map[string]string{
		"seed": text(2, "", a), "scope": text(1, "s", a), "hash": text(1, "", b),
	} {
		if strings.HasPrefix(both, other[:20]) {
			t.Errorf("another %s makes the same text", name)
		}
	}
}

// Without a tokenizer the number of words is right on average, also for small blocks.
func TestBlockTextsEstimated(t *testing.T) {
	t.Parallel()
	for _, perWord := range []float64{1, 1.3, 2.5} {
		texts, err := datasets.NewBlockTexts(nil, perWord, 1)
		if err != nil {
			t.Fatal(err)
		}
		var blocks []workload.Block
		for i := range uint64(5000) {
			blocks = append(blocks, workload.Block{Hash: i, Tokens: 16})
		}
		text, err := texts.Text("", blocks)
		got, want := float64(len(strings.Fields(text))), 5000*16/perWord
		if err != nil || math.Abs(got-want) > 0.005*want {
			t.Errorf("%v tokens a word: got %v words, %v, want %v", perWord, got, err, want)
		}
	}
	for _, perWord := range []float64{0, -1, math.NaN()} {
		if _, err := datasets.NewBlockTexts(nil, perWord, 1); err == nil {
			t.Errorf("%v tokens a word: got no error", perWord)
		}
	}
	texts, _ := datasets.NewBlockTexts(nil, 10, 1)
	if text, err := texts.Text("", []workload.Block{{Tokens: 1}}); text == "" || err != nil {
		t.Errorf("one token: got %q, %v, want a word", text, err)
	}
	if text, err := texts.Text("", []workload.Block{{Tokens: 1 << 30}}); err == nil {
		t.Errorf("too many tokens: got %d bytes", len(text))
	}
}

func BenchmarkBlockTexts(b *testing.B) {
	counter := read(b, data.Tokenizer)
	texts, err := datasets.NewBlockTexts(counter, 0, 1)
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{16, 512} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			blocks := make([]workload.Block, 100_000/size)
			for i := range blocks {
				blocks[i] = workload.Block{Hash: uint64(i), Tokens: size}
			}
			for b.Loop() {
				text, err := texts.Text("", blocks)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(text)))
			}
		})
	}
}

package datasets

import (
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// Equal hashes are equal texts within a scope, of just as many words; one that is cut is the beginning of the whole.
func TestBlockTexts(t *testing.T) {
	t.Parallel()
	texts, err := NewBlockTexts(nil, 1, 7)
	if err != nil {
		t.Fatal(err)
	}
	text := func(scope string, blocks ...workload.Block) string {
		t.Helper()
		made, err := texts.Text(scope, blocks)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	whole := text("", workload.Block{Hash: 1, Tokens: 64}, workload.Block{Hash: 2, Tokens: 64})
	cut := text("", workload.Block{Hash: 1, Tokens: 64}, workload.Block{Hash: 2, Tokens: 10})
	if n := len(strings.Fields(whole)); n != 128 {
		t.Errorf("two blocks of 64 tokens have %d words", n)
	}
	if n := len(strings.Fields(cut)); n != 74 || !strings.HasPrefix(whole, cut+" ") {
		t.Errorf("a block cut to 10 tokens makes %d words, and %q", n, cut)
	}
	if again := text("", workload.Block{Hash: 2, Tokens: 64}); !strings.HasSuffix(whole, " "+again) {
		t.Error("a hash has another text behind another block")
	}
	if other := text("session", workload.Block{Hash: 1, Tokens: 64}); strings.HasPrefix(whole, other) {
		t.Error("a hash has the same text in another scope")
	}
}

func BenchmarkBlockTexts(b *testing.B) {
	texts, err := NewBlockTexts(nil, 1, 7)
	if err != nil {
		b.Fatal(err)
	}
	blocks := make([]workload.Block, 200)
	for i := range blocks {
		blocks[i] = workload.Block{Hash: uint64(i), Tokens: 512}
	}
	b.SetBytes(200 * 512)
	for b.Loop() {
		_, _ = texts.Text("", blocks)
	}
}

package datasets

import (
	"math"
	"strings"
	"testing"
)

// Without a tokenizer a prompt has as many words as make its length.
func TestEstimatedLengths(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		perWord       float64
		length, words int
	}{{1, 100, 100}, {1.3, 512, 394}, {2.5, 1000, 400}, {0.5, 10, 20}, {4, 1, 1}} {
		g := Generated{TokensPerWord: tt.perWord, Salt: "x", Input: Constant(tt.length), Output: Constant(7)}
		random, err := NewRandom(Random{Generated: g})
		if err != nil {
			t.Fatal(err)
		}
		synthetic, err := NewSynthetic(g, Corpus)
		if err != nil {
			t.Fatal(err)
		}
		for name, set := range map[string]Set{"random": random, "synthetic": synthetic} {
			for i := range int64(20) {
				item, err := set.At(i)
				if err != nil {
					t.Fatal(err)
				}
				text := item.Messages[0].Content
				if got := len(strings.Fields(text)); got != tt.words {
					t.Errorf("%s of %d tokens at %v a word: %d words, want %d: %q", name, tt.length, tt.perWord, got,
						tt.words, text)
				}
				if item.PromptTokens != 0 || item.MaxTokens != 7 {
					t.Errorf("%s: %d prompt tokens and an answer of %d, want 0 for unknown, and 7", name,
						item.PromptTokens, item.MaxTokens)
				}
			}
		}
	}
}

func TestEstimateRefuses(t *testing.T) {
	t.Parallel()
	for _, perWord := range []float64{-1, 65, math.NaN(), math.Inf(1)} {
		if err := CheckTokensPerWord(perWord); err == nil {
			t.Errorf("%v tokens a word: no error", perWord)
		}
		g := Generated{TokensPerWord: perWord, Input: Constant(9), Output: Constant(9)}
		if _, err := NewRandom(Random{Generated: g}); err == nil {
			t.Errorf("random prompts of %v tokens a word: no error", perWord)
		}
	}
	g := Generated{TokensPerWord: 2, Input: Constant(9), Output: Constant(9)}
	_, err := NewSynthetic(g, "too short")
	want := "the corpus has 2 words, too few for the longest prompt of about 9 tokens"
	if err == nil || err.Error() != want {
		t.Errorf("a corpus of two words: got %v, want %s", err, want)
	}
}

// A sample has the words asked for, and a shorter one begins a longer one.
func TestSamples(t *testing.T) {
	t.Parallel()
	for name, sample := range map[string]func(n int) string{
		"random": SampleRandom, "synthetic": func(n int) string { return SampleSynthetic(Corpus, n) },
	} {
		short, long := sample(100), sample(200)
		if a, b := len(strings.Fields(short)), len(strings.Fields(long)); a != 100 || b != 200 {
			t.Errorf("%s: %d and %d words, want 100 and 200", name, a, b)
		}
		if !strings.HasPrefix(long, short+" ") {
			t.Errorf("%s: %q does not begin %q", name, short, long)
		}
	}
	if got := SampleSynthetic("a corpus", 5); len(strings.Fields(got)) != 5 {
		t.Errorf("a sample of a short corpus: %q, want five words", got)
	}
	if words := commonWords(); len(words) != 1000 || words[0] != "the" {
		t.Errorf("%d common words from %q, want 1000 from the", len(words), words[0])
	}
}

package datasets

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// maxPerWord bounds the number of tokens of a word: no tokenizer has more tokens than a text has bytes.
const maxPerWord = 64

// CheckTokensPerWord returns an error if a word cannot have so many tokens on average.
func CheckTokensPerWord(n float64) error {
	if !(n > 0 && n <= maxPerWord) {
		return fmt.Errorf("must be above 0 and at most %d, got %v", maxPerWord, n)
	}
	return nil
}

// newEstimate returns a lexicon of common words that estimates lengths by the tokens of a word.
func newEstimate(perWord float64) (*lexicon, error) {
	if err := CheckTokensPerWord(perWord); err != nil {
		return nil, fmt.Errorf("tokens of a word: %w", err)
	}
	return &lexicon{tokenizer: wordCounter{}, words: commonWords(), overheadName: "it has", perWord: perWord}, nil
}

// wordCounter is a Tokenizer for which each word is a token.
type wordCounter struct{}

// Count returns the number of words.
func (wordCounter) Count(text string) (n int) {
	for range strings.FieldsSeq(text) {
		n++
	}
	return n
}

// CountSpecial returns the number of words.
func (c wordCounter) CountSpecial(text string) int { return c.Count(text) }

// Words returns up to n common words.
func (wordCounter) Words(n int) ([]string, error) {
	words := commonWords()
	return words[:min(n, len(words))], nil
}

// commonWords are the short words that are the most frequent in [Corpus]: nearly all are one token each for the usual
// tokenizers.
var commonWords = sync.OnceValue(func() []string {
	const most, longest = 1000, 8
	times := map[string]int{}
	for word := range strings.FieldsSeq(Corpus) {
		if len(word) <= longest && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") == "" {
			times[word]++
		}
	}
	words := slices.SortedFunc(maps.Keys(times), func(a, b string) int {
		return cmp.Or(times[b]-times[a], strings.Compare(a, b))
	})
	return words[:min(most, len(words))]
})

// SampleRandom returns the first n words of a text such as random prompts have without a tokenizer, to learn how many
// tokens they are.
func SampleRandom(n int) string {
	l := &lexicon{words: commonWords()}
	return string(l.appendWords(nil, stream(0, "", "sample", 0), n))
}

// SampleSynthetic returns the first n words of a text that has pieces from all over a corpus, to learn how many tokens
// the words of synthetic prompts are.
func SampleSynthetic(corpus string, n int) string {
	const piece = 40
	words := strings.Fields(corpus)
	if len(words) == 0 {
		return ""
	}
	rng := stream(0, "", "sample", 0)
	var sample []string
	for len(sample) < n {
		from := below(rng, max(1, len(words)-piece))
		sample = append(sample, words[from:min(from+piece, len(words))]...)
	}
	return strings.Join(sample[:n], " ")
}

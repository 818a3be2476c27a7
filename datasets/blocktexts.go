package datasets

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// blockTexts makes the texts of blocks: words that are one token each. Nothing is kept, because a text is made faster
// than it is found.
type blockTexts struct {
	words   []string
	mean    float64 // bytes of a word, with a space
	perWord float64 // tokens of a word
	seed    int64
}

// NewBlockTexts returns texts of blocks of which only hashes are known. With a tokenizer, the text of some blocks has
// as many tokens as they have together, without special tokens; without one, t is nil, and it has as many words as are
// so many tokens on average. A block's text depends on the seed, the scope and the hash alone.
func NewBlockTexts(t Tokenizer, tokensPerWord float64, seed int64) (workload.Texts, error) {
	from, err := newLexicon(t, AsChat)
	if t == nil {
		from, err = newEstimate(tokensPerWord)
	}
	if err != nil {
		return nil, err
	}
	b := &blockTexts{words: from.words, perWord: 1, seed: seed}
	if from.perWord > 0 {
		b.perWord = from.perWord
	}
	for _, word := range b.words {
		b.mean += float64(len(word)+1) / float64(len(b.words))
	}
	return b, nil
}

// maxBlockTokens limits the tokens of one prompt.
const maxBlockTokens = 1 << 26

// Text returns the text of blocks in a scope.
func (b *blockTexts) Text(scope string, blocks []workload.Block) (string, error) {
	tokens := 0
	for _, block := range blocks {
		if tokens += block.Tokens; tokens > maxBlockTokens {
			return "", fmt.Errorf("a prompt of more than %d tokens", maxBlockTokens)
		}
	}
	in := fnv.New64a()
	_, _ = in.Write([]byte(scope))
	space := in.Sum64() ^ uint64(b.seed)*0x9e3779b97f4a7c15 // so that neither hides in the other
	text := make([]byte, 0, int(float64(tokens)/b.perWord*b.mean*1.02)+64)
	var rng rand.PCG
	for _, block := range blocks {
		rng.Seed(space, block.Hash)
		for range b.count(block.Tokens, rng.Uint64()) {
			text = b.appendWord(text, rng.Uint64())
		}
	}
	if len(text) == 0 && tokens > 0 {
		text = b.appendWord(text, rng.Uint64()) // servers refuse an empty prompt
	}
	return view(text), nil
}

// count returns the number of words of a block. What is less than a word becomes one in as many of the draws, so that
// the mean is right.
func (b *blockTexts) count(tokens int, draw uint64) int {
	whole, part := math.Modf(float64(tokens) / b.perWord)
	if float64(draw>>11)/(1<<53) < part {
		whole++
	}
	return int(whole)
}

// appendWord appends a word, with a space before it except at the beginning.
func (b *blockTexts) appendWord(text []byte, draw uint64) []byte {
	if len(text) > 0 {
		text = append(text, ' ')
	}
	return append(text, b.words[draw%uint64(len(b.words))]...)
}

package datasets

import (
	"strconv"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// BlockTexts makes texts of blocks of which only hashes are known, of random words. It may be used concurrently.
type BlockTexts struct {
	lexicon *lexicon
	seed    int64
}

var _ workload.Texts = new(BlockTexts)

// NewBlockTexts returns texts of words that are one token each for a tokenizer. Without a tokenizer, a word has perWord
// tokens.
func NewBlockTexts(t Tokenizer, perWord float64, seed int64) (*BlockTexts, error) {
	l, err := newEstimate(perWord)
	if t != nil {
		l, err = newLexicon(t, AsChat)
	}
	return &BlockTexts{l, seed}, err
}

// Text returns the text of blocks in a scope. A block is the beginning of every longer one with its hash.
func (b *BlockTexts) Text(scope string, blocks []workload.Block) (string, error) {
	var text []byte
	for _, block := range blocks {
		if block.Tokens < 1 {
			continue
		}
		rng := stream(b.seed, scope, "block "+strconv.FormatUint(block.Hash, 16), 0)
		text = b.lexicon.appendWords(text, rng, b.lexicon.counted(block.Tokens))
	}
	return string(text), nil
}

package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
)

// Tokenizer is what generated prompts are measured by. It may be used concurrently.
type Tokenizer interface {
	// Count is the number of tokens of a text, without special tokens around it.
	Count(text string) int
	// CountSpecial is likewise, with them: what the server counts for a prompt.
	CountSpecial(text string) int
	// Words are up to n words of which each is one token at the beginning of a text and, behind a space, after another.
	Words(n int) ([]string, error)
}

// maxWords is how large a part of the vocabulary random prompts are made of: few enough that counting them is fast.
const maxWords = 1 << 12

// lexicon makes texts of an exact number of tokens: of words that are one token each, so that their number is the
// text's.
type lexicon struct {
	tokenizer Tokenizer
	words     []string
	around    int    // special tokens around a text, or those of what else is
	frame     string // says so, before their number
}

func newLexicon(t Tokenizer) (*lexicon, error) {
	if t == nil {
		return nil, errors.New("a tokenizer is needed: prompts have an exact number of tokens")
	}
	words, err := t.Words(maxWords)
	if err != nil {
		return nil, err
	}
	return &lexicon{t, words, t.CountSpecial(words[0]) - t.Count(words[0]), "special tokens alone are"}, nil
}

// reaches reports why no text of a length can be made, nil if one can.
func (l *lexicon) reaches(length int) error {
	if length <= l.around {
		return fmt.Errorf("a prompt of %d tokens cannot be made: %s %d", length, l.frame, l.around)
	}
	return nil
}

// appendWords appends n random words, with a space before each but the first of a text.
func (l *lexicon) appendWords(dst []byte, rng *rand.Rand, n int) []byte {
	for range n {
		if len(dst) > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, l.words[below(rng, len(l.words))]...)
	}
	return dst
}

// tries is how often a text that came out too long or too short is mended.
const tries = 20

// exact makes text, to which whole words were appended behind byte fixed, have length tokens with the special ones.
// Texts of words that are a token each have it at once; should the tokenizer join some across a space, words are taken
// or added.
func (l *lexicon) exact(text []byte, fixed int, rng *rand.Rand, length int) (string, error) {
	for range tries {
		made := string(text)
		n := l.tokenizer.CountSpecial(made)
		if n == length {
			return made, nil
		}
		text = l.appendWords(text, rng, length-n)
		for ; n > length; n-- {
			i := bytes.LastIndexByte(text, ' ')
			if i <= fixed {
				break
			}
			text = text[:i]
		}
	}
	return "", fmt.Errorf("no prompt of %d tokens came about in %d tries", length, tries)
}

// text is random words of length tokens, with the special ones.
func (l *lexicon) text(rng *rand.Rand, length int) (string, error) {
	return l.exact(l.appendWords(nil, rng, length-l.around), 0, rng, length)
}

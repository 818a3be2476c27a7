package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// Tokenizer measures generated prompts. It may be used concurrently.
type Tokenizer interface {
	// Count returns the number of tokens of a text, without special tokens around it.
	Count(text string) int
	// CountSpecial returns the number of tokens of a text with special tokens around it, as the server counts a prompt.
	CountSpecial(text string) int
	// Words returns up to n words, each of which is one token at the beginning of a text and, after a space, behind
	// another word.
	Words(n int) ([]string, error)
}

// bare counts texts without special tokens around them.
type bare struct{ Tokenizer }

// CountSpecial returns the number of tokens of the text alone.
func (b bare) CountSpecial(text string) int { return b.Count(text) }

// maxWords is the size of the part of the vocabulary that random prompts are made from: small enough that counting them
// is fast.
const maxWords = 1 << 12

// lexicon makes texts of an exact number of tokens. Its words are one token each, so that a text has as many tokens as
// words.
type lexicon struct {
	tokenizer    Tokenizer
	words        []string
	overhead     int    // tokens around a text: special tokens, or those of a frame
	overheadName string // the overhead in words, for messages that state its number

	// perWord is the estimated number of tokens of a word, where the tokenizer counts words; 0 if it counts tokens
	perWord float64
}

// counted returns what the tokenizer must count for a text of length tokens: at least one word if it counts words.
func (l *lexicon) counted(length int) int {
	if l.perWord == 0 {
		return length
	}
	return max(1, int(math.Round(float64(length)/l.perWord)))
}

// newLexicon returns the words that a tokenizer has for prompts of a form. The lengths of a chat are those of its
// texts: what its template writes around them, special tokens included, comes on top.
func newLexicon(t Tokenizer, form Form) (*lexicon, error) {
	if t == nil {
		return nil, errors.New("a tokenizer is needed: prompts have an exact number of tokens")
	}
	if form == AsChat {
		t = bare{t}
	}
	words, err := t.Words(maxWords)
	if err != nil {
		return nil, err
	}
	return &lexicon{
		tokenizer: t, words: words, overhead: t.CountSpecial(words[0]) - t.Count(words[0]),
		overheadName: "special tokens alone are",
	}, nil
}

// checkLength returns an error if no text of a length can be made.
func (l *lexicon) checkLength(length int) error {
	if length <= l.overhead {
		return fmt.Errorf("a prompt of %d tokens cannot be made: %s %d", length, l.overheadName, l.overhead)
	}
	return nil
}

// appendWords appends n random words, with a space before each except the first of a text.
func (l *lexicon) appendWords(dst []byte, rng *rand.Rand, n int) []byte {
	for range n {
		if len(dst) > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, l.words[below(rng, len(l.words))]...)
	}
	return dst
}

// tries is the number of times that a text of the wrong length is mended.
const tries = 20

// exactText changes text, a beginning of fixed bytes with whole words after it, until it has length tokens including
// special tokens. Text whose words are one token each has that length at once; if the tokenizer joins words across a
// space, words are removed or added.
func (l *lexicon) exactText(text []byte, fixed int, rng *rand.Rand, length int) (string, error) {
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

// randomText returns random words of length tokens, including special tokens.
func (l *lexicon) randomText(rng *rand.Rand, length int) (string, error) {
	n := l.counted(length)
	return l.exactText(l.appendWords(nil, rng, n-l.overhead), 0, rng, n)
}

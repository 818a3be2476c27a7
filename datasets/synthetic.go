package datasets

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Corpus is the built-in text of synthetic prompts: the first books of Isaac Newton's Opticks (1730), which is in the
// public domain, without its figures and tables.
//
//go:embed corpus.txt
var Corpus string

// saltWords is the number of words that begin a salted synthetic prompt: enough that no block of a prefix cache begins
// alike.
const saltWords = 4

// Synthetic is endless: item i is a piece of a text that begins at a random word. Its length is exact, or about that
// without a tokenizer.
type Synthetic struct {
	Generated
	lexicon *lexicon
	text    string // words with one space between
	starts  []int  // offset of each word in text
	tokens  []int  // tokens of all words before each word, counted after another word; one entry more than starts
	first   []int  // tokens of each word at the beginning of a text
}

// NewSynthetic checks the options. White space in corpus becomes single spaces. The corpus is tokenized once.
func NewSynthetic(g Generated, corpus string) (*Synthetic, error) {
	if err := g.validate(); err != nil {
		return nil, err
	}
	l, err := g.newLexicon()
	if err != nil {
		return nil, err
	}
	if err := g.checkShortest(l); err != nil {
		return nil, err
	}
	s := &Synthetic{Generated: g, lexicon: l, tokens: []int{0}}
	var b strings.Builder
	known := map[string][2]int{}
	ahead := l.words[0] + " "
	for word := range strings.FieldsSeq(corpus) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		s.starts = append(s.starts, b.Len())
		b.WriteString(word)
		counts, ok := known[word]
		if !ok {
			counts = [2]int{l.tokenizer.Count(ahead+word) - 1, l.tokenizer.Count(word)}
			known[word] = counts
		}
		s.tokens = append(s.tokens, s.tokens[len(s.tokens)-1]+counts[0])
		s.first = append(s.first, counts[1])
	}
	s.text = b.String()
	return s, s.checkLongest(g.Input.Max)
}

// checkLongest reports a text that is shorter than the longest prompt.
func (s *Synthetic) checkLongest(length int) error {
	total := s.tokens[len(s.tokens)-1]
	switch {
	case total >= s.lexicon.counted(length):
		return nil
	case s.lexicon.perWord == 0:
		return fmt.Errorf("the corpus has %d tokens, fewer than the longest prompt of %d", total, length)
	}
	return fmt.Errorf("the corpus has %d words, too few for the longest prompt of about %d tokens", total, length)
}

// At returns item number i.
func (s *Synthetic) At(i int64) (Item, error) {
	length, output, rng := s.draw("synthetic", i, Distribution.Draw)
	whole := s.lexicon.counted(length)
	want := whole - s.lexicon.overhead
	text := make([]byte, 0, want*6)
	if s.Salt != "" {
		text = s.lexicon.appendWords(text, rng, min(saltWords, want))
		want -= min(saltWords, want)
	}
	fixed := len(text)
	if slice, n := s.randomSlice(rng, want, fixed == 0); n > 0 {
		if fixed > 0 {
			text = append(text, ' ')
		}
		text = append(text, slice...)
		want -= n
	}
	text = s.lexicon.appendWords(text, rng, want) // where a last word of several tokens did not fit
	prompt, err := s.lexicon.exactText(text, fixed, rng, whole)
	return s.item(prompt, length, output), err
}

// randomSlice returns a random piece of whole words that have up to n tokens, and the number of their tokens. begins
// reports that the piece begins the text.
func (s *Synthetic) randomSlice(rng *rand.Rand, n int, begins bool) (text string, tokens int) {
	// a piece that begins later would reach the end of the text
	last, _ := slices.BinarySearch(s.tokens, s.tokens[len(s.tokens)-1]-n)
	from := below(rng, last+1)
	if from >= len(s.starts) {
		return "", 0
	}
	before := s.tokens[from]
	if begins {
		before = s.tokens[from+1] - s.first[from]
	}
	end, found := slices.BinarySearch(s.tokens, before+n)
	if !found {
		end--
	}
	if end <= from {
		return "", 0
	}
	to := len(s.text)
	if end < len(s.starts) {
		to = s.starts[end] - 1
	}
	return s.text[s.starts[from]:to], s.tokens[end] - before
}

// Len reports that the set is endless.
func (s *Synthetic) Len() (int64, bool) { return 0, false }

package datasets

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
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

// Generated are the options of generated sets.
type Generated struct {
	Form      Form
	Tokenizer Tokenizer // needed
	Seed      int64
	// Salt goes into the choice of every text, so that a server that kept the prefixes of an earlier run's prompts
	// cannot use them, but not into lengths: runs of one seed ask for the same work. "" makes the same prompts in every
	// run.
	Salt string
	// Input and Output are the lengths of prompts, with special tokens, and of answers.
	Input, Output Distribution
}

func (g Generated) validate() error {
	if err := g.Input.Validate(); err != nil {
		return fmt.Errorf("input distribution: %w", err)
	}
	if err := g.Output.Validate(); err != nil {
		return fmt.Errorf("output distribution: %w", err)
	}
	return nil
}

// reaches names the distribution if its lengths cannot be made.
func (g Generated) reaches(l *lexicon) error {
	if err := l.reaches(g.Input.Min); err != nil {
		return fmt.Errorf("input distribution: %w", err)
	}
	return nil
}

// draw draws the lengths of item i, by length, and gives the generator of its text. An unsalted text goes on with the
// numbers that its lengths were drawn by.
func (g Generated) draw(purpose string, i int64,
	length func(Distribution, *rand.Rand) int) (input, output int, text *rand.Rand) {
	text = stream(g.Seed, "", purpose, i)
	input, output = length(g.Input, text), length(g.Output, text)
	if g.Salt != "" {
		text = stream(g.Seed, g.Salt, purpose, i)
	}
	return input, output, text
}

// item makes an item of a prompt.
func (g Generated) item(prompt string, tokens, output int) Item {
	item := Item{PromptTokens: tokens, MaxTokens: output}
	if g.Form == AsChat {
		item.Messages = []Message{{Role: "user", Content: prompt}}
	} else {
		item.Prompt = prompt
	}
	return item
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

// Corpus is the built-in text of synthetic prompts: the first books of Isaac Newton's Opticks (1730), which is in the
// public domain, without its figures and tables.
//
//go:embed corpus.txt
var Corpus string

// saltWords begin a salted synthetic prompt: enough that no block of a prefix cache begins alike.
const saltWords = 4

// Synthetic is endless: item i is a piece of a text, from a random word on. Its length is exact.
type Synthetic struct {
	Generated
	lexicon *lexicon
	text    string // words with one space between
	starts  []int  // of each word in text
	tokens  []int  // of the words before each, as they stand after another word; one more than starts
	first   []int  // of each word as it stands at the beginning of a text
}

// NewSynthetic checks the options. White space in corpus is made single spaces. The corpus is tokenized once.
func NewSynthetic(g Generated, corpus string) (*Synthetic, error) {
	if err := g.validate(); err != nil {
		return nil, err
	}
	l, err := newLexicon(g.Tokenizer)
	if err != nil {
		return nil, err
	}
	if err := g.reaches(l); err != nil {
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
			counts = [2]int{g.Tokenizer.Count(ahead+word) - 1, g.Tokenizer.Count(word)}
			known[word] = counts
		}
		s.tokens = append(s.tokens, s.tokens[len(s.tokens)-1]+counts[0])
		s.first = append(s.first, counts[1])
	}
	s.text = b.String()
	if total := s.tokens[len(s.tokens)-1]; total < g.Input.Max {
		return nil, fmt.Errorf("the corpus has %d tokens, fewer than the longest prompt of %d", total, g.Input.Max)
	}
	return s, nil
}

// At is item number i.
func (s *Synthetic) At(i int64) (Item, error) {
	length, output, rng := s.draw("synthetic", i, Distribution.Draw)
	want := length - s.lexicon.around
	text := make([]byte, 0, want*6)
	if s.Salt != "" {
		text = s.lexicon.appendWords(text, rng, min(saltWords, want))
		want -= min(saltWords, want)
	}
	fixed := len(text)
	if slice, n := s.slice(rng, want, fixed == 0); n > 0 {
		if fixed > 0 {
			text = append(text, ' ')
		}
		text = append(text, slice...)
		want -= n
	}
	text = s.lexicon.appendWords(text, rng, want) // a last word of several tokens did not fit
	prompt, err := s.lexicon.exact(text, fixed, rng, length)
	return s.item(prompt, length, output), err
}

// slice is a random piece of whole words that have up to n tokens, and how many they have; begins says that nothing
// stands before it.
func (s *Synthetic) slice(rng *rand.Rand, n int, begins bool) (text string, tokens int) {
	last, _ := slices.BinarySearch(s.tokens, s.tokens[len(s.tokens)-1]-n) // from there on the text ends too early
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

// Len says that there is no end.
func (s *Synthetic) Len() (int64, bool) { return 0, false }

// SharedPrefix is Groups system prompts with Questions each: item i asks one of the questions behind its group's system
// prompt. Both lengths are exact, and so is their sum.
type SharedPrefix struct {
	Form      Form
	Tokenizer Tokenizer
	Seed      int64
	Salt      string

	Groups    int          // different system prompts
	Questions int          // of each group
	System    Distribution // length of a system prompt, with the special tokens of the whole prompt
	Question  Distribution
	Output    Distribution

	lexicon *lexicon
	order   []int
	systems []func() (systemPrompt, error) // of each group, made at its first use
}

type systemPrompt struct {
	text   string
	tokens int
}

// NewSharedPrefix checks the options.
func NewSharedPrefix(s SharedPrefix) (*SharedPrefix, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	var err error
	if s.lexicon, err = newLexicon(s.Tokenizer); err != nil {
		return nil, err
	}
	if err := s.lexicon.reaches(s.System.Min); err != nil {
		return nil, fmt.Errorf("system prompt: %w", err)
	}
	s.shuffle("shared_prefix order")
	for group := range s.Groups {
		s.systems = append(s.systems, sync.OnceValues(func() (systemPrompt, error) { return s.system(group) }))
	}
	return &s, nil
}

func (s *SharedPrefix) validate() error {
	const most = 1 << 20
	if s.Groups < 1 || s.Questions < 1 || s.Groups > most || s.Questions > most/s.Groups {
		return fmt.Errorf("groups and questions must be positive, and their product at most %d, got %d and %d", most,
			s.Groups, s.Questions)
	}
	for name, d := range map[string]Distribution{"system prompt": s.System, "question": s.Question,
		"output": s.Output} {
		if err := d.Validate(); err != nil {
			return fmt.Errorf("%s length: %w", name, err)
		}
	}
	return nil
}

// shuffle orders the questions, for a purpose of its own.
func (s *SharedPrefix) shuffle(purpose string) {
	for i := range s.Groups * s.Questions {
		s.order = append(s.order, i)
	}
	mix(s.order, stream(s.Seed, s.Salt, purpose, 0))
}

// At is item number i; past the last question it begins again.
func (s *SharedPrefix) At(i int64) (Item, error) {
	entry := s.order[i%int64(len(s.order))]
	system, err := s.systems[entry/s.Questions]()
	if err != nil {
		return Item{}, err
	}
	rng := stream(s.Seed, s.Salt, "shared_prefix question", int64(entry))
	question, output := s.Question.Draw(rng), s.Output.Draw(rng)
	text := s.lexicon.appendWords([]byte(system.text), rng, question)
	prompt, err := s.lexicon.exact(text, len(system.text), rng, system.tokens+question)
	if err != nil {
		return Item{}, err
	}
	item := Item{PromptTokens: system.tokens + question, MaxTokens: output}
	if s.Form == AsCompletion {
		item.Prompt = prompt
		return item, nil
	}
	item.Messages = []Message{{Role: "system", Content: system.text}}
	if question > 0 {
		item.Messages = append(item.Messages, Message{Role: "user", Content: prompt[len(system.text)+1:]})
	}
	return item, nil
}

// system makes the system prompt of a group.
func (s *SharedPrefix) system(group int) (systemPrompt, error) {
	rng := stream(s.Seed, s.Salt, "shared_prefix group", int64(group))
	n := s.System.Draw(rng)
	prompt, err := s.lexicon.text(rng, n)
	return systemPrompt{prompt, n}, err
}

// Len is the number of questions.
func (s *SharedPrefix) Len() (int64, bool) { return int64(len(s.order)), true }

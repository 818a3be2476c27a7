package datasets

import (
	"fmt"
	"math/rand/v2"
)

// Generated holds the options that generated sets share.
type Generated struct {
	Form      Form
	Tokenizer Tokenizer // nil makes prompts of about the length, by TokensPerWord
	// TokensPerWord is the mean number of tokens of a word. It has no effect beside a tokenizer.
	TokensPerWord float64
	Seed          int64
	// Salt goes into the choice of every text, so that a server that kept the prefixes of an earlier run's prompts
	// cannot use them. It does not go into lengths: runs of one seed ask for the same work. "" makes the same prompts
	// in every run.
	Salt string
	// Input and Output are the lengths of prompts and of answers. Those of completions include special tokens, unless
	// they are estimated; those of chats are the texts alone.
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

// estimated reports that lengths are met on average.
func (g Generated) estimated() bool { return g.Tokenizer == nil && g.TokensPerWord != 0 }

// newLexicon returns the words that the prompts are made of.
func (g Generated) newLexicon() (*lexicon, error) {
	if g.estimated() {
		return newEstimate(g.TokensPerWord)
	}
	return newLexicon(g.Tokenizer, g.Form)
}

// checkShortest reports an input distribution whose shortest length cannot be made.
func (g Generated) checkShortest(l *lexicon) error {
	if err := l.checkLength(g.Input.Min); err != nil {
		return fmt.Errorf("input distribution: %w", err)
	}
	return nil
}

// draw draws the lengths of item i by the function length, and returns the random numbers for its text. Without a salt
// the text continues with the numbers that the lengths were drawn from.
func (g Generated) draw(purpose string, i int64,
	length func(Distribution, *rand.Rand) int) (input, output int, text *rand.Rand) {
	text = stream(g.Seed, "", purpose, i)
	input, output = length(g.Input, text), length(g.Output, text)
	if g.Salt != "" {
		text = stream(g.Seed, g.Salt, purpose, i)
	}
	return input, output, text
}

// item returns an item with a prompt in the form of the set.
func (g Generated) item(prompt string, tokens, output int) Item {
	item := Item{PromptTokens: tokens, MaxTokens: output}
	if g.estimated() {
		item.PromptTokens = 0
	}
	if g.Form == AsChat {
		item.Messages = []Message{{Role: "user", Content: prompt}}
	} else {
		item.Prompt = prompt
	}
	return item
}

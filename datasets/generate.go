package datasets

import (
	"fmt"
	"math/rand/v2"
)

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

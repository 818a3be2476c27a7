package datasets

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
)

// SharedPrefix has Groups system prompts with Questions questions each: item i asks one of the questions behind the
// system prompt of its group. Both lengths are exact, and so is their sum.
type SharedPrefix struct {
	Form      Form
	Tokenizer Tokenizer
	Seed      int64
	Salt      string

	Groups    int          // different system prompts
	Questions int          // questions of each group
	System    Distribution // length of a system prompt, with the special tokens of a whole completion
	Question  Distribution
	Output    Distribution

	lengthSalt string // goes into lengths; Salt has a further salt too, if the set is salted further
	lexicon    *lexicon
	order      []int
	systems    []func() (systemPrompt, error) // the system prompt of each group, made at its first use
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
	if s.lexicon, err = newLexicon(s.Tokenizer, s.Form); err != nil {
		return nil, err
	}
	if err := s.lexicon.checkLength(s.System.Min); err != nil {
		return nil, fmt.Errorf("system prompt: %w", err)
	}
	s.lengthSalt = s.Salt
	s.shuffle("shared_prefix order")
	s.openGroups()
	return &s, nil
}

// openGroups prepares the system prompts of all groups.
func (s *SharedPrefix) openGroups() {
	s.systems = make([]func() (systemPrompt, error), s.Groups)
	for group := range s.systems {
		s.systems[group] = sync.OnceValues(func() (systemPrompt, error) { return s.system(group) })
	}
}

// streams returns the random numbers of lengths and of texts.
func (s *SharedPrefix) streams(purpose string, number int) (lengths, texts *rand.Rand) {
	return streams(s.Seed, s.lengthSalt, s.Salt, purpose, int64(number))
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

// shuffle orders the questions by the random numbers of a purpose.
func (s *SharedPrefix) shuffle(purpose string) {
	for i := range s.Groups * s.Questions {
		s.order = append(s.order, i)
	}
	shuffleWith(s.order, stream(s.Seed, s.Salt, purpose, 0))
}

// At returns item number i; past the last question it begins again.
func (s *SharedPrefix) At(i int64) (Item, error) {
	p, err := s.split(i)
	if err != nil {
		return Item{}, err
	}
	if s.Form == AsCompletion {
		p.item.Prompt = p.prompt
		return p.item, nil
	}
	p.item.Messages = []Message{{Role: "system", Content: p.prefix}}
	if p.question != "" {
		p.item.Messages = append(p.item.Messages, Message{Role: "user", Content: p.question})
	}
	return p.item, nil
}

// prefixed is a prompt that begins like those of its group.
type prefixed struct {
	group                    int
	prompt, prefix, question string // one space is between prefix and question
	item                     Item   // without its text
}

// split returns item number i in its pieces.
func (s *SharedPrefix) split(i int64) (prefixed, error) {
	entry := s.order[i%int64(len(s.order))]
	group := entry / s.Questions
	system, err := s.systems[group]()
	if err != nil {
		return prefixed{}, err
	}
	lengths, texts := s.streams("shared_prefix question", entry)
	question, output := s.Question.Draw(lengths), s.Output.Draw(lengths)
	text := s.lexicon.appendWords([]byte(system.text), texts, question)
	prompt, err := s.lexicon.exactText(text, len(system.text), texts, system.tokens+question)
	if err != nil {
		return prefixed{}, err
	}
	p := prefixed{group: group, prompt: prompt, prefix: system.text,
		item: Item{PromptTokens: system.tokens + question, MaxTokens: output}}
	if question > 0 {
		p.question = strings.TrimPrefix(prompt[len(system.text):], " ")
	}
	return p, nil
}

// system makes the system prompt of a group.
func (s *SharedPrefix) system(group int) (systemPrompt, error) {
	lengths, texts := s.streams("shared_prefix group", group)
	n := s.System.Draw(lengths)
	prompt, err := s.lexicon.randomText(texts, n)
	return systemPrompt{text: prompt, tokens: n}, err
}

// Len returns the number of questions.
func (s *SharedPrefix) Len() (int64, bool) { return int64(len(s.order)), true }

func (s *SharedPrefix) groups() int { return s.Groups }

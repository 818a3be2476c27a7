package input

import (
	"bytes"
	"fmt"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

// SaltedByRun reports whether the run's id is the salt, so that prompts differ from run to run. This is the default of
// the types random and synthetic. The other types test prefixes that the server has seen, and inference-perf's prompts
// are the same in every run.
func (o *DatasetOptions) SaltedByRun() bool {
	return o.Salt == nil && (o.Kind == "random" || o.Kind == "synthetic") && o.Prompts == OwnPrompts
}

// openGenerated opens a data set of generated prompts.
func (s *Source) openGenerated(o *DatasetOptions) (datasets.Set, error) {
	g := datasets.Generated{Form: o.form(), TokensPerWord: o.TokensPerWord}
	var counter *tokenizer.Counter
	if o.TokensPerWord == 0 {
		var err error
		if counter, err = s.Counter(o.Tokenizer); err != nil {
			return nil, fmt.Errorf("%w%s", err, orEstimate(o))
		}
		g.Tokenizer = counter
	}
	if o.Kind == "conversation_replay" {
		g.Seed = config.DefaultConversationReplay().Seed
	}
	if o.Seed != nil {
		g.Seed = *o.Seed
	}
	g.Salt = s.salt(o)
	set, err := s.generate(o, counter, g)
	if err != nil {
		return nil, fmt.Errorf("data set of type %s: %w", o.Kind, err)
	}
	s.Shared.generated.add(o.Kind, g.Seed, g.Salt)
	return set, nil
}

// salt returns the salt of prompts and of their media.
func (s *Source) salt(o *DatasetOptions) string {
	switch {
	case o.Salt != nil:
		return *o.Salt
	case o.SaltedByRun():
		return s.RunID()
	}
	return ""
}

func (s *Source) generate(o *DatasetOptions, counter *tokenizer.Counter,
	g datasets.Generated) (datasets.Set, error) {
	switch o.Kind {
	case "shared_prefix":
		return o.sharedPrefix(counter, g)
	case "conversation_replay":
		return o.replayed(counter, g)
	}
	if o.Trace == "" {
		g.Input, g.Output = *o.Input, datasets.Constant(1)
		if o.Output != nil {
			g.Output = *o.Output
		}
	}
	if o.Kind == "synthetic" {
		return s.synthetic(o, counter, g)
	}
	return s.random(o, counter, g)
}

func (s *Source) synthetic(o *DatasetOptions, counter *tokenizer.Counter,
	g datasets.Generated) (datasets.Set, error) {
	if o.hasMedia() && o.Prompts == OriginalPrompts { // inference-perf's texts beside media are random
		return s.random(o, counter, g)
	}
	pieces := func(text string) (datasets.Set, error) {
		if o.Prompts == OriginalPrompts {
			return datasets.NewOriginalSynthetic(counter, g, text)
		}
		return datasets.NewSynthetic(g, text)
	}
	if o.Corpus == "" {
		return pieces(datasets.Corpus)
	}
	data, abs, err := s.ReadText("corpus", o.Corpus)
	if err != nil {
		return nil, err
	}
	set, err := pieces(string(data))
	if err != nil {
		return nil, fmt.Errorf("corpus %s: %w", abs, err)
	}
	return set, nil
}

func (s *Source) random(o *DatasetOptions, counter *tokenizer.Counter,
	g datasets.Generated) (datasets.Set, error) {
	r := datasets.Random{Generated: g}
	words := func() (datasets.Set, error) {
		if o.Prompts == OriginalPrompts {
			return datasets.NewOriginalRandom(counter, r)
		}
		return datasets.NewRandom(r)
	}
	var err error
	if o.Template {
		if r.Before, r.After, err = counter.Frame(); err != nil {
			return nil, fmt.Errorf("useChatTemplate: %w", err)
		}
	}
	if o.Trace == "" {
		return words()
	}
	data, abs, err := s.ReadTrace(o.Trace)
	if err != nil {
		return nil, err
	}
	if r.Trace, err = datasets.ReadLengths(bytes.NewReader(data), abs); err != nil {
		return nil, err
	}
	set, err := words()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", abs, err)
	}
	return set, nil
}

func (o *DatasetOptions) sharedPrefix(counter *tokenizer.Counter, g datasets.Generated) (datasets.Set, error) {
	p := o.Shared
	prefixes := datasets.SharedPrefix{
		Form: g.Form, Tokenizer: g.Tokenizer, Seed: g.Seed, Salt: g.Salt, Groups: int(p.Groups),
		Questions: int(p.Questions),
		System:    p.System, Question: p.Question, Output: p.Output,
	}
	if o.Prompts == OriginalPrompts {
		return datasets.NewOriginalSharedPrefix(counter, prefixes)
	}
	set, err := datasets.NewSharedPrefix(prefixes)
	if err != nil || !p.MultiTurn {
		return set, err
	}
	turns := defaultTurns
	if o.Turns > 0 {
		turns = int(o.Turns)
	}
	return o.conversations(set.Conversations(turns)), nil
}

func (o *DatasetOptions) replayed(counter *tokenizer.Counter, g datasets.Generated) (datasets.Set, error) {
	r := o.Replay
	set, err := datasets.NewReplay(datasets.Replay{
		Form: g.Form, Tokenizer: g.Tokenizer, Seed: g.Seed, Salt: g.Salt, Conversations: int(r.Conversations),
		System: int(r.System), Dynamic: r.Dynamic, Turns: r.Turns, Input: r.Input, Output: r.Output, Pause: r.Pause,
	})
	if err != nil {
		return nil, err
	}
	c := o.conversations(set)
	return c, c.keepWithin(int(r.Limit), set, counter)
}

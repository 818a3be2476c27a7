package llm

import (
	"bytes"
	"fmt"
	"os"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

// saltedByRun reports whether prompts differ from run to run unless a script says otherwise. Those of the other types
// are about prefixes that a server has seen, and inference-perf's are the same in every run.
func (o *datasetOptions) saltedByRun() bool {
	return o.salt == nil && (o.kind == "random" || o.kind == "synthetic") && o.prompts == ownPrompts
}

// openGenerated opens a set that makes its prompts.
func (m *ModuleInstance) openGenerated(o *datasetOptions) (datasets.Set, error) {
	counter, err := m.counter(o.tokenizer)
	if err != nil {
		return nil, err
	}
	g := datasets.Generated{Form: o.form(), Tokenizer: counter}
	if o.kind == "conversation_replay" {
		g.Seed = config.DefaultConversationReplay().Seed
	}
	if o.seed != nil {
		g.Seed = *o.seed
	}
	switch {
	case o.salt != nil:
		g.Salt = *o.salt
	case o.saltedByRun():
		g.Salt = samples.ProcessRunID(os.Args, m.lookupEnv)
	}
	set, err := m.generate(o, counter, g)
	if err != nil {
		return nil, fmt.Errorf("data set of type %s: %w", o.kind, err)
	}
	m.root.salts.note(o.kind, g.Seed, g.Salt)
	return set, nil
}

func (m *ModuleInstance) generate(o *datasetOptions, counter *tokenizer.Counter,
	g datasets.Generated) (datasets.Set, error) {
	switch o.kind {
	case "shared_prefix":
		return o.sharedPrefix(counter, g)
	case "conversation_replay":
		return o.replayed(counter, g)
	}
	if o.trace == "" {
		g.Input, g.Output = *o.input, *o.output
	}
	if o.kind == "synthetic" {
		return m.synthetic(o, counter, g)
	}
	return m.random(o, counter, g)
}

func (m *ModuleInstance) synthetic(o *datasetOptions, counter *tokenizer.Counter,
	g datasets.Generated) (datasets.Set, error) {
	pieces := func(text string) (datasets.Set, error) {
		if o.prompts == originalPrompts {
			return datasets.NewOriginalSynthetic(counter, g, text)
		}
		return datasets.NewSynthetic(g, text)
	}
	if o.corpus == "" {
		return pieces(datasets.Corpus)
	}
	data, abs, err := m.readText("corpus", o.corpus)
	if err != nil {
		return nil, err
	}
	set, err := pieces(string(data))
	if err != nil {
		return nil, fmt.Errorf("corpus %s: %w", abs, err)
	}
	return set, nil
}

func (m *ModuleInstance) random(o *datasetOptions, counter *tokenizer.Counter,
	g datasets.Generated) (datasets.Set, error) {
	r := datasets.Random{Generated: g}
	words := func() (datasets.Set, error) {
		if o.prompts == originalPrompts {
			return datasets.NewOriginalRandom(counter, r)
		}
		return datasets.NewRandom(r)
	}
	var err error
	if o.template {
		if r.Before, r.After, err = counter.Frame(); err != nil {
			return nil, fmt.Errorf("useChatTemplate: %w", err)
		}
	}
	if o.trace == "" {
		return words()
	}
	data, abs, err := readTraceFile(m, o.trace)
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

func (o *datasetOptions) sharedPrefix(counter *tokenizer.Counter, g datasets.Generated) (datasets.Set, error) {
	s := o.shared
	prefixes := datasets.SharedPrefix{
		Form: g.Form, Tokenizer: g.Tokenizer, Seed: g.Seed, Salt: g.Salt, Groups: int(s.groups),
		Questions: int(s.questions),
		System:    s.system, Question: s.question, Output: s.output,
	}
	if o.prompts == originalPrompts {
		return datasets.NewOriginalSharedPrefix(counter, prefixes)
	}
	set, err := datasets.NewSharedPrefix(prefixes)
	if err != nil || !s.multiTurn {
		return set, err
	}
	turns := defaultTurns
	if o.turns > 0 {
		turns = int(o.turns)
	}
	return o.lead(set.Conversations(turns)), nil
}

func (o *datasetOptions) replayed(counter *tokenizer.Counter, g datasets.Generated) (datasets.Set, error) {
	r := o.replay
	set, err := datasets.NewReplay(datasets.Replay{
		Tokenizer: g.Tokenizer, Seed: g.Seed, Salt: g.Salt, Conversations: int(r.conversations), System: int(r.system),
		Dynamic: r.dynamic,
		Turns:   r.turns, Input: r.input, Output: r.output, Pause: r.pause,
	})
	if err != nil {
		return nil, err
	}
	c := o.lead(set)
	return c, c.keepWithin(int(r.limit), set, counter)
}

package input

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/llm/config"
)

// agentic makes up sessions of agents.
func (p opening) agentic() (workload.Source, error) {
	options := p.o.Session.Agentic.options()
	options.TokensPerWord = p.o.TokensPerWord
	if p.o.Seed != nil {
		options.Seed = *p.o.Seed
	}
	if p.counter != nil {
		options.Tokenizer = p.counter
	}
	source, err := datasets.NewAgentic(options)
	if err != nil {
		return nil, fmt.Errorf("data set of type %s: %w", p.o.Kind, err)
	}
	p.from.Shared.generated.add(p.o.Kind, options.Seed, "")
	return source, nil
}

// options returns the options of the data set, without those that all data sets have.
func (a *Agentic) options() datasets.AgenticOptions {
	o := datasets.DefaultAgenticOptions()
	o.Sessions, o.SystemPrompt = a.Sessions, int(a.System)
	o.MaxDepth, o.MaxCalls, o.Fanout = int(a.MaxDepth), int(a.MaxCalls), a.Fanout
	for _, given := range []struct{ from, to *datasets.Distribution }{
		{a.Input, &o.Input}, {a.Output, &o.Output}, {a.Turns, &o.Rounds}, {a.ToolLoop, &o.Loop},
		{a.SubAgents, &o.SubAgents}, {a.Tools, &o.Tools}, {a.Parallel, &o.Parallel}, {a.ToolLatency, &o.ToolTime},
		{a.ThinkTime, &o.ThinkTime}, {a.CompactTo, &o.Target},
	} {
		if given.from != nil {
			*given.to = *given.from
		}
	}
	o.Trigger = a.CompactAt
	if a.Themes != nil {
		o.Themes = nil
		for _, name := range slices.Sorted(maps.Keys(a.Themes)) {
			o.Themes = append(o.Themes, datasets.AgenticTheme{Name: name, Weight: a.Themes[name]})
		}
	}
	return o
}

// check checks that the model can read the longest session, and that compaction has both of its lengths.
func (a *Agentic) check() error {
	if (a.CompactAt == nil) != (a.CompactTo == nil) {
		return invalid("syntheticAgentic", errors.New("contextCompaction needs triggerTokens and targetTokens"))
	}
	o := a.options()
	most := func(d datasets.Distribution) float64 { return float64(d.Most()) }
	needed := config.AgenticCeilings{
		System: float64(o.SystemPrompt), Tools: most(o.Tools), Turns: most(o.Rounds), Input: most(o.Input),
		Loop: most(o.Loop), Output: most(o.Output), Parallel: most(o.Parallel),
	}.Context()
	if a.MaxModelLen > 0 && needed > float64(a.MaxModelLen) {
		return invalid("syntheticAgentic", fmt.Errorf("maxModelLen must be at least %v, which the longest session may "+
			"need, got %d", needed, a.MaxModelLen))
	}
	return nil
}

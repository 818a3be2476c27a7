package input

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/replay"
)

// openSessions opens a data set of sessions.
func (s *Source) openSessions(o *DatasetOptions) (*Sessions, error) {
	player, err := s.player(o)
	if err != nil {
		return nil, err
	}
	source, err := s.openWorkload(o)
	if err != nil {
		return nil, err
	}
	set := &Sessions{Source: source, Player: player, kind: o.Kind}
	if n := s.Shared.conversations.Add(1); n > 1 {
		set.prefix = fmt.Sprintf("%d-", n)
	}
	s.Log.Info(set.opened(plain.Terminal(cmp.Or(o.Path, o.Kind))))
	return set, nil
}

// player returns what replays the sessions. Without a tokenizer, a word is a token.
func (s *Source) player(o *DatasetOptions) (*replay.Player, error) {
	p := &replay.Player{Rules: o.Session.Rules}
	if o.Seed != nil {
		p.Rules.Seed = *o.Seed
	}
	var words datasets.Tokenizer
	if o.Tokenizer != "" {
		counter, err := s.Counter(o.Tokenizer)
		if err != nil {
			return nil, err
		}
		p.Tokenizer, words = counter, counter
		p.Count = func(messages json.RawMessage) int {
			n, _ := counter.CountChat(messages, nil) // without a template, the tokens of the texts
			return n
		}
	}
	var err error
	p.Texts, err = datasets.NewBlockTexts(words, cmp.Or(o.TokensPerWord, 1), 0)
	return p, err
}

// openWorkload opens the sessions themselves.
func (s *Source) openWorkload(o *DatasetOptions) (workload.Source, error) {
	switch o.Kind {
	case otelReplay, wekaReplay, workloadReplay:
		return s.openTrace(o)
	case agentic:
		return s.openAgentic(o)
	}
	turns := *o
	turns.Session = defaultSessionOptions()
	set, err := s.open(&turns)
	if err != nil {
		return nil, err
	}
	return scriptSessions{set.(*Conversations).Scripts}, nil // Check lets no other set be sessions
}

// findTrace returns the files of a trace: those of findFiles, or, where the options have a list of patterns, what these
// match, in the folder or the repository of the options if they have one.
func (s *Source) findTrace(o *DatasetOptions) (files []datasets.File, err error) {
	if o.Session.Files == nil {
		files, _, err = s.findFiles(o)
		return files, err
	}
	if o.Path == "" {
		files, _, err = s.findPatterns(o.Session.Files)
		return files, err
	}
	for _, pattern := range o.Session.Files {
		one := *o
		one.Files = pattern
		found, _, err := s.findFiles(&one)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	return files, nil
}

// openTrace opens the files of a trace.
func (s *Source) openTrace(o *DatasetOptions) (workload.Source, error) {
	files, err := s.findTrace(o)
	if err != nil {
		return nil, err
	}
	options := o.Session.Workload
	options.Shuffle = o.Seed
	if o.Seed != nil {
		options.Seed = *o.Seed
	}
	switch o.Kind {
	case otelReplay:
		options.Format = "otel"
	case wekaReplay:
		options.Format = "weka"
	}
	source, err := datasets.OpenTrace(files, options)
	if err != nil {
		return nil, fmt.Errorf("data set of type %s: %w", o.Kind, err)
	}
	return source, nil
}

// opened tells what a data set of the name has, and what was left out of it.
func (s *Sessions) opened(name string) string {
	var c workload.Counts
	if counted, ok := s.Source.(workload.Counted); ok {
		c = counted.Counts()
	} else if n, finite := s.Len(); finite {
		c.Sessions = n
	}
	text := fmt.Sprintf("data set %s: %d sessions", name, c.Sessions)
	if c.Calls > 0 {
		text += fmt.Sprintf(", %d calls", c.Calls)
	}
	if starts := s.Starts(); len(starts) > 0 {
		span := time.Duration(starts[len(starts)-1] * float64(time.Second))
		text += fmt.Sprintf(", beginning within %v", span.Round(time.Millisecond))
	}
	if c.Filtered > 0 {
		text += fmt.Sprintf(", %d filtered out", c.Filtered)
	}
	if c.Skipped > 0 {
		text += fmt.Sprintf(", %d invalid and skipped", c.Skipped)
	}
	if len(c.Faults) > 0 {
		text += ": " + plain.Terminal(c.Faults[0])
	}
	return text
}

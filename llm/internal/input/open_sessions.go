package input

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/replay"
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

// opening opens a data set of sessions.
type opening struct {
	from    *Source
	o       *DatasetOptions
	counter *tokenizer.Counter // nil without a tokenizer: a token is a word
}

// openSessions opens a data set of sessions.
func (s *Source) openSessions(o *DatasetOptions) (*Sessions, error) {
	p := opening{from: s, o: o}
	if o.Tokenizer != "" {
		var err error
		if p.counter, err = s.Counter(o.Tokenizer); err != nil {
			return nil, err
		}
	}
	player, err := p.player()
	if err != nil {
		return nil, err
	}
	source, err := p.workload(&player.Rules)
	if err != nil {
		return nil, err
	}
	set := &Sessions{Source: source, Player: player, kind: o.Kind}
	if n := s.Shared.conversations.Add(1); n > 1 {
		set.prefix = fmt.Sprintf("%d-", n)
	}
	name := o.Path
	if name == sampleName {
		name = ""
	}
	s.Log.Info(set.opened(plain.Terminal(cmp.Or(name, o.Kind))))
	return set, nil
}

// player returns what replays the sessions.
func (p opening) player() (*replay.Player, error) {
	player := &replay.Player{Rules: p.o.Session.Rules, Joined: p.o.API.Input() == api.InputPrompt}
	if player.Rules.RoomForTools = p.o.Kind != agentic; p.o.Session.RoomForTools != nil {
		player.Rules.RoomForTools = *p.o.Session.RoomForTools
	}
	if p.o.Seed != nil {
		player.Rules.Seed = *p.o.Seed
	}
	var words datasets.Tokenizer
	if p.counter != nil {
		player.Tokenizer, words = p.counter, p.counter
		player.Count = counting(p.counter, player.Joined)
	}
	var err error
	player.Texts, err = datasets.NewBlockTexts(words, cmp.Or(p.o.TokensPerWord, 1), 0)
	return player, err
}

// counting returns a count of the tokens of prompts, which are chats or their texts joined.
func counting(counter *tokenizer.Counter, joined bool) func(messages, tools json.RawMessage) int {
	if joined {
		return func(messages, _ json.RawMessage) int { return counter.CountSpecial(replay.Join(messages)) }
	}
	return func(messages, tools json.RawMessage) int { return chatTokens(counter, messages, tools) }
}

// workload opens the sessions themselves. A prompt of a conversation that is too long loses its oldest turns, as where
// each turn is an arrival.
func (p opening) workload(rules *replay.Rules) (workload.Source, error) {
	switch p.o.Kind {
	case otelReplay, wekaReplay, workloadReplay:
		return p.trace()
	case agentic:
		return p.agentic()
	}
	turns := *p.o
	turns.Session = defaultSessionOptions()
	set, err := p.from.open(&turns)
	if err != nil {
		return nil, err
	}
	c := set.(*Conversations) // Check lets no other set be sessions
	rules.DropOldest = true
	if rules.MaxModelLen == 0 {
		rules.MaxModelLen = c.limit
	}
	return datasets.Conversations{Scripts: c.Scripts}, nil
}

// files returns the files of a trace: those of findFiles, or, where the options have a list of patterns, what these
// match, in the folder or the repository of the options if they have one.
func (p opening) files() (files []datasets.File, err error) {
	if p.o.Path == sampleName {
		p.from.Log.Infof("the data set is the built-in sample of %s: set path (DATASET in our scripts) to send your "+
			"own", p.o.Kind)
		sample, err := sampleTrace(p.o)
		return []datasets.File{sample}, err
	}
	if p.o.Session.Files == nil {
		files, _, err = p.from.findFiles(p.o)
		return files, err
	}
	if p.o.Path == "" {
		files, _, err = p.findPatterns(p.o.Session.Files)
		return files, err
	}
	for _, pattern := range p.o.Session.Files {
		one := *p.o
		one.Files = pattern
		found, _, err := p.from.findFiles(&one)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	return files, nil
}

// trace opens the files of a trace.
func (p opening) trace() (workload.Source, error) {
	o := p.o
	files, err := p.files()
	if err != nil {
		return nil, err
	}
	p.from.Shared.files.data(files)
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
	if n, _ := source.Len(); options.Duplicates > 0 && n > options.Duplicates {
		p.from.Log.Warnf("duplicates: none of the trace's %s is repeated, because they are more than %d: entries "+
			"keeps fewer", number(n, "session"), options.Duplicates)
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
	text := fmt.Sprintf("data set %s: %s", name, number(c.Sessions, "session"))
	if c.Calls > 0 {
		text += ", " + number(c.Calls, "call")
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

// number returns a number of things in words.
func number(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

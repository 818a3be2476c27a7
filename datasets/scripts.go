package datasets

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"
)

// ScriptList holds conversations in memory.
type ScriptList struct {
	Counts  Counts
	scripts []Script
}

// Script returns conversation number i; past the end it begins again.
func (l *ScriptList) Script(i int64) (Script, error) { return l.scripts[i%int64(len(l.scripts))], nil }

// Len returns the number of conversations.
func (l *ScriptList) Len() (int64, bool) { return int64(len(l.scripts)), true }

// ReadScripts reads whole conversations from files: every turn of the user that has an answer in the file is asked,
// with the length of that answer. A seed shuffles the conversations.
func ReadScripts(files []File, kind Kind, opts Options) (*ScriptList, error) {
	if kind != ShareGPT && kind != BillSum && kind != InfinityInstruct {
		return nil, errors.New("records of this type are no conversations")
	}
	r := newReader(files, kind, opts)
	defer r.close()
	l := new(ScriptList)
	for {
		var turns []turn
		err := r.record(func(record []byte) (err error) {
			turns, err = r.decoder.readTurns(record)
			return err
		})
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if s := opts.script(turns, &r.counts); len(s.Turns) > 0 {
			l.scripts = append(l.scripts, s)
			r.counts.Kept++
		} else {
			r.counts.Empty++
		}
	}
	l.Counts = r.counts
	if len(l.scripts) == 0 {
		return nil, r.noItemError()
	}
	if opts.Seed != nil {
		shuffle(l.scripts, *opts.Seed)
	}
	return l, nil
}

// script returns the user's part of a conversation, and counts the turns that are neither asked nor answers.
func (o Options) script(turns []turn, c *Counts) Script {
	var s Script
	used := 0
	for i, t := range turns {
		switch {
		case role(t.from) == "system" && s.System == "" && len(s.Turns) == 0:
			s.System = strings.Clone(t.value)
			used++
		case role(t.from) == "user" && i+1 < len(turns) && role(turns[i+1].from) == "assistant":
			s.Turns = append(s.Turns, Turn{Text: strings.Clone(t.value), MaxTokens: o.tokens(turns[i+1].value)})
			used += 2
		}
	}
	c.Turns += int64(len(turns) - used)
	return s
}

// Replay makes conversations. Their system prompts share the same beginning, and each has an end of its own. Lengths
// are exact: the first request's prompt has System tokens, including the special tokens of a completion, then Dynamic
// and Input tokens.
type Replay struct {
	Form      Form
	Tokenizer Tokenizer
	Seed      int64
	Salt      string

	Conversations int
	System        int          // tokens of the system prompt that all conversations share
	Dynamic       Distribution // tokens of each conversation's own system prompt
	Turns         Distribution // turns of a conversation
	Input, Output Distribution // tokens of a turn and of its answer
	// Pause is the time between an answer and the next turn, in milliseconds.
	Pause Distribution

	lengthSalt string // goes into lengths; Salt has a further salt too, if the conversations are salted further
	lexicon    *lexicon
	shared     string
}

// NewReplay checks the options.
func NewReplay(r Replay) (*Replay, error) {
	if r.Conversations < 1 {
		return nil, fmt.Errorf("the number of conversations must be positive, got %d", r.Conversations)
	}
	for name, d := range map[string]Distribution{"dynamic system prompt": r.Dynamic, "turns": r.Turns, "input": r.Input,
		"output": r.Output, "pause": r.Pause} {
		if err := d.Validate(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if r.Turns.Least() < 1 || r.Input.Least() < 1 {
		return nil, fmt.Errorf("turns and input of a turn must be at least 1, got %d and %d", r.Turns.Least(),
			r.Input.Least())
	}
	var err error
	if r.lexicon, err = newLexicon(r.Tokenizer, r.Form); err != nil {
		return nil, err
	}
	if r.System > 0 {
		if err := r.lexicon.checkLength(r.System); err != nil {
			return nil, fmt.Errorf("system prompt: %w", err)
		}
	}
	r.lengthSalt = r.Salt
	return &r, r.share()
}

// share makes the beginning that all system prompts share.
func (r *Replay) share() (err error) {
	if r.System > 0 {
		r.shared, err = r.lexicon.randomText(stream(r.Seed, r.Salt, "conversation_replay system", 0), r.System)
	}
	return err
}

// Script returns conversation number i; past the last it begins again.
func (r *Replay) Script(i int64) (Script, error) {
	lengths, texts := streams(r.Seed, r.lengthSalt, r.Salt, "conversation_replay", i%int64(r.Conversations))
	s := Script{System: string(r.lexicon.appendWords([]byte(r.shared), texts, r.Dynamic.Draw(lengths)))}
	for range r.Turns.Draw(lengths) {
		s.Turns = append(s.Turns, r.turn(lengths, texts))
	}
	return s, nil
}

// Shortest returns a conversation of one turn with the smallest lengths that can be drawn.
func (r *Replay) Shortest() Script {
	rng := stream(r.Seed, r.Salt, "conversation_replay shortest", 0)
	return Script{
		System: string(r.lexicon.appendWords([]byte(r.shared), rng, r.Dynamic.Least())),
		Turns:  []Turn{{Text: string(r.lexicon.appendWords(nil, rng, r.Input.Least())), MaxTokens: r.Output.Least()}},
	}
}

func (r *Replay) turn(lengths, texts *rand.Rand) Turn {
	text := r.lexicon.appendWords(nil, texts, r.Input.Draw(lengths))
	return Turn{Text: string(text), MaxTokens: r.Output.Draw(lengths),
		Pause: time.Duration(r.Pause.Draw(lengths)) * time.Millisecond}
}

// Len returns the number of conversations.
func (r *Replay) Len() (int64, bool) { return int64(r.Conversations), true }

// Conversations turns each question's user into a conversation of the given number of turns, behind the system prompt
// of the group.
func (s *SharedPrefix) Conversations(turns int) Scripts {
	return sharedConversations{SharedPrefix: s, turns: turns}
}

type sharedConversations struct {
	*SharedPrefix
	turns int
}

// Script returns the conversation of entry i, in the shuffled order.
func (s sharedConversations) Script(i int64) (Script, error) {
	entry := s.order[i%int64(len(s.order))]
	system, err := s.systems[entry/s.Questions]()
	script := Script{System: system.text}
	lengths, texts := s.streams("shared_prefix conversation", entry)
	for range s.turns {
		text := s.lexicon.appendWords(nil, texts, max(1, s.Question.Draw(lengths)))
		script.Turns = append(script.Turns, Turn{Text: string(text), MaxTokens: s.Output.Draw(lengths)})
	}
	return script, err
}

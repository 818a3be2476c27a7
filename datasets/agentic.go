package datasets

import (
	"errors"
	"fmt"
	"math"

	"github.com/seed-307b789f/xk6-llm/datasets/internal/agentic"
	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// AgenticOptions are the options of sessions that are made up: agents that call tools and hand work to sub-agents.
// DefaultAgenticOptions has the defaults.
type AgenticOptions struct {
	Tokenizer Tokenizer // nil estimates lengths by TokensPerWord
	// TokensPerWord is the mean number of tokens of a word. It has no effect beside a tokenizer.
	TokensPerWord float64
	Seed          int64
	Sessions      int64

	Input        Distribution // tokens of the message that opens a round or a sub-agent's work; its text may need more
	Output       Distribution // limit of an answer, in tokens
	SystemPrompt int          // tokens of the system prompt; 0 sends none
	Rounds       Distribution // requests of the user in a session
	Loop         Distribution // answers of an agent that call tools, before its last one
	Tools        Distribution // tools of a session's agents; without any there are no loops
	Parallel     Distribution // tool calls of an answer
	Fanout       float64      // the probability that an agent hands work to sub-agents
	SubAgents    Distribution // that it hands work to
	MaxDepth     int          // of sub-agents within sub-agents
	MaxCalls     int          // of a session
	ToolTime     Distribution // milliseconds that tools run
	ThinkTime    Distribution // milliseconds between the answer of a round and the next round

	// Trigger is the length in tokens from which a transcript is replaced by a summary of Target tokens when the next
	// round begins; nil never replaces it.
	Trigger *Distribution
	Target  Distribution

	Themes []AgenticTheme
}

// AgenticTheme is a theme of made-up sessions, and its weight in the choice of a session's theme: generic,
// db2_latency_incident, research_rag or code_change_task.
type AgenticTheme struct {
	Name   string
	Weight float64
}

// DefaultAgenticOptions returns the defaults of inference-perf. Sessions, Input, Output and a way to count tokens have
// none.
func DefaultAgenticOptions() AgenticOptions {
	return AgenticOptions{
		Seed: 42, SystemPrompt: 1000, Rounds: Constant(1), Loop: Constant(2), Tools: Constant(8), Parallel: Constant(1),
		SubAgents: Distribution{Type: Uniform, Min: 2, Max: 4}, MaxDepth: 2, MaxCalls: 64, ToolTime: Constant(1000),
		ThinkTime: Constant(10000),
		Themes: []AgenticTheme{
			{"generic", 0.25}, {"db2_latency_incident", 0.25}, {"research_rag", 0.25}, {"code_change_task", 0.25},
		},
	}
}

// agenticSource makes up sessions.
type agenticSource struct {
	generator *agentic.Generator
	sessions  int64
}

// NewAgentic returns sessions of agents that are made up as they are asked for. Their graphs are those of
// inference-perf's synthetic_agentic.
func NewAgentic(o AgenticOptions) (workload.Source, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	generator, err := agentic.New(o.drawn(func(d Distribution) agentic.Draw { return d.Draw }))
	if err != nil {
		return nil, err
	}
	return &agenticSource{generator: generator, sessions: o.Sessions}, nil
}

// drawn returns the options for the generator, with the function by which numbers are drawn.
func (o *AgenticOptions) drawn(by func(Distribution) agentic.Draw) agentic.Options {
	options := agentic.Options{
		Seed: o.Seed, Rounds: by(o.Rounds), Input: by(o.Input), Output: by(o.Output), SystemPrompt: o.SystemPrompt,
		Loop: by(o.Loop), Tools: by(o.Tools), Parallel: by(o.Parallel), Fanout: o.Fanout, SubAgents: by(o.SubAgents),
		MaxDepth: o.MaxDepth, MaxCalls: o.MaxCalls, ToolTime: by(o.ToolTime), ThinkTime: by(o.ThinkTime),
		Measure: o.measure(),
	}
	if o.Trigger != nil {
		options.Compaction = &agentic.Compaction{Trigger: by(*o.Trigger), Target: by(o.Target)}
	}
	for _, t := range o.Themes {
		options.Themes = append(options.Themes, agentic.Weight{Theme: t.Name, Weight: t.Weight})
	}
	return options
}

// maxTools bounds the catalog of an agent, whose definitions have about 1,200 bytes each.
const maxTools = 1000

// maxSessionCalls bounds the calls of a session, which is in memory as a whole.
const maxSessionCalls = 100_000

func (o *AgenticOptions) validate() error {
	distributions := []struct {
		name string
		of   *Distribution
	}{
		{"input", &o.Input}, {"output", &o.Output}, {"rounds", &o.Rounds}, {"tool loop", &o.Loop}, {"tools", &o.Tools},
		{"parallel tool calls", &o.Parallel}, {"sub-agents", &o.SubAgents}, {"tool time", &o.ToolTime},
		{"think time", &o.ThinkTime}, {"compaction trigger", o.Trigger}, {"compaction target", &o.Target},
	}
	for _, d := range distributions {
		if d.of == nil || d.of == &o.Target && o.Trigger == nil {
			continue
		}
		if err := d.of.Validate(); err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
	}
	switch {
	case o.Sessions < 1:
		return fmt.Errorf("the number of sessions must be positive, got %d", o.Sessions)
	case o.MaxCalls < 1 || o.MaxCalls > maxSessionCalls:
		return fmt.Errorf("a session must have from 1 to %d calls, got %d", maxSessionCalls, o.MaxCalls)
	case o.Tools.Most() > maxTools:
		return fmt.Errorf("an agent must have at most %d tools, got %d", maxTools, o.Tools.Most())
	case o.Parallel.Most() > maxTools:
		return fmt.Errorf("an answer must call at most %d tools, got %d", maxTools, o.Parallel.Most())
	case !(o.Fanout >= 0 && o.Fanout <= 1):
		return fmt.Errorf("the probability of a fan-out must be from 0 to 1, got %v", o.Fanout)
	case o.MaxDepth < 0 || o.SystemPrompt < 0 || o.SystemPrompt > maxLength:
		return fmt.Errorf("the depth and the system prompt must not be negative or huge, got %d and %d", o.MaxDepth,
			o.SystemPrompt)
	case o.Tokenizer == nil && o.TokensPerWord == 0:
		return errors.New("a tokenizer is needed, or the number of tokens of a word: messages have lengths in tokens")
	case o.Tokenizer == nil:
		return CheckTokensPerWord(o.TokensPerWord)
	}
	return nil
}

// usualPerWord is about the number of tokens that tokenizers have for a word of English text, by which a text is cut
// before it is counted.
const usualPerWord = 1.3

// measure returns how texts are counted.
func (o *AgenticOptions) measure() agentic.Measure {
	if o.Tokenizer != nil {
		return agentic.Measure{Prose: o.Tokenizer.Count, JSON: o.Tokenizer.Count, PerWord: usualPerWord}
	}
	return agentic.Measure{
		Prose: func(text string) int {
			return int(math.Round(float64(wordCounter{}.Count(text)) * o.TokensPerWord))
		},
		JSON:    func(text string) int { return (len(text) + 3) / 4 },
		PerWord: o.TokensPerWord,
	}
}

// Session returns session number i.
func (s *agenticSource) Session(i int64) (*workload.Session, error) {
	return s.generator.Session(i), nil
}

// Len returns the number of sessions.
func (s *agenticSource) Len() (int64, bool) { return s.sessions, true }

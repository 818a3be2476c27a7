package input

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/internal/replay"
)

// What an iteration sends of a data set.
const (
	UnitTurn    = "turn"    // one request
	UnitSession = "session" // all requests of a session, see package replay
)

// The types of data sets that are sessions by themselves.
const (
	otelReplay     = "otel_trace_replay"
	wekaReplay     = "weka_trace_replay"
	workloadReplay = "workload_replay"
	agentic        = "synthetic_agentic"
)

// sessionKinds are those types.
var sessionKinds = []string{otelReplay, agentic, wekaReplay, workloadReplay}

// Columns are the names of what a column of a log can hold.
var Columns = []string{"body", "headers", "input_tokens", "messages", "output_tokens", "prompt", "session", "time"}

// SessionOptions are the options of data sets of sessions.
type SessionOptions struct {
	Unit     string   // UnitTurn or UnitSession; "" means that of the type
	Files    []string // several of DatasetOptions.Files; without a path, files by patterns such as traces/**/*.json
	Workload datasets.TraceOptions
	Rules    replay.Rules
	// RoomForTools is that of Rules, if it is given. inference-perf's default depends on the type.
	RoomForTools *bool
	Agentic      Agentic
}

// Agentic holds inference-perf's options of made-up sessions of agents. Lengths are in tokens, times in milliseconds;
// nil means inference-perf's default.
type Agentic struct {
	Sessions, System, MaxDepth, MaxCalls, MaxModelLen int64
	Fanout                                            float64
	Themes                                            map[string]float64 // nil means equal shares of all

	Input, Output, Turns, ToolLoop, SubAgents, Tools, Parallel, ToolLatency, ThinkTime *datasets.Distribution

	CompactAt, CompactTo *datasets.Distribution // tokens at which a transcript is replaced by a summary, and of that
}

// DefaultAgentic returns the defaults, which are those of inference-perf.
func DefaultAgentic() Agentic { return Agentic{System: 1000, MaxDepth: 2, MaxCalls: 64} }

func defaultSessionOptions() *SessionOptions {
	return &SessionOptions{
		Workload: datasets.TraceOptions{IncludeErrors: true}, Rules: replay.DefaultRules(), Agentic: DefaultAgentic(),
	}
}

// whole reports whether iterations send whole sessions.
func (o *DatasetOptions) whole() bool {
	return slices.Contains(sessionKinds, o.Kind) || o.Session.Unit == UnitSession
}

// sessionUses returns the options that a type of sessions takes, and nil for other types.
func (o *DatasetOptions) sessionUses() []string {
	switch o.Kind {
	case otelReplay, wekaReplay, workloadReplay:
		return []string{"path", "files", "workload", "replay", "unit", "tokenizer", "tokensPerWord"}
	case agentic:
		return []string{"syntheticAgentic", "replay", "unit", "tokenizer", "tokensPerWord"}
	}
	return nil
}

// checkSession checks the options of sessions.
func (o *DatasetOptions) checkSession(given map[string]bool) error {
	alone := slices.Contains(sessionKinds, o.Kind)
	switch {
	case o.Session.Files != nil && !alone && o.Kind != visionArena:
		return invalid("files", errors.New("must be a text: only traces of sessions and visionarena have several"))
	case alone && o.Session.Unit == UnitTurn:
		return invalid("unit", fmt.Errorf("must be 'session': the calls of %s depend on each other", o.Kind))
	case o.whole() && !o.API.Input().Generates():
		return invalid("api", fmt.Errorf("'%s' sends texts, not sessions", o.API.Name()))
	case given["tokensPerWord"] && o.Tokenizer != "":
		return invalid("tokensPerWord", errors.New("takes the place of a tokenizer: leave one of the two out"))
	case alone:
		return o.checkTrace()
	case o.Session.Unit == UnitSession && o.Turns == 0 && !o.Shared.MultiTurn && o.Kind != "conversation_replay":
		return invalid("unit", errors.New("single requests are no sessions: set turns"))
	case given["replay"] && !o.whole():
		return invalid("replay", errors.New("needs unit: 'session'"))
	case given["sessions"] && o.whole():
		return invalid("sessions", errors.New("leave it out with unit: 'session': the load says how many are open"))
	}
	return nil
}

// checkTrace checks the options of a type that is sessions by itself.
func (o *DatasetOptions) checkTrace() error {
	w := &o.Session.Workload
	switch {
	case o.Kind != agentic && o.Path == "" && o.Session.Files == nil:
		return invalid("path", fmt.Errorf("is missing: %s reads a trace", o.Kind))
	case w.Format != "" && o.Kind != workloadReplay:
		return invalid("workload", fmt.Errorf("format: %s has its own, use type workload_replay", o.Kind))
	case o.Kind == agentic && o.Session.Agentic.Sessions == 0:
		return invalid("syntheticAgentic", errors.New("numSessions is missing: how many sessions there are"))
	case o.Kind == agentic && (o.Session.Agentic.Input == nil || o.Session.Agentic.Output == nil):
		return invalid("syntheticAgentic", errors.New("needs inputTokensPerTurn and outputTokensPerTurn"))
	case o.Kind == agentic && o.Tokenizer == "" && o.TokensPerWord == 0:
		return invalid("tokenizer", errors.New("is missing: messages have lengths in tokens; or give tokensPerWord"))
	case o.Kind == agentic:
		return o.Session.Agentic.check()
	}
	return nil
}

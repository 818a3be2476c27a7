package config

import (
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"
)

// SyntheticAgentic makes sessions of agents that call tools. Where a distribution is nil, the comment beside it states
// the default.
type SyntheticAgentic struct {
	Replay `key:",inline" default:"{override_tool_call_max_tokens: false}"`

	Sessions   int64         `key:"num_sessions,required" check:"above 0"`
	Input      *Distribution `key:"input_tokens_per_turn,required"`
	Output     *Distribution `key:"output_tokens_per_turn,required"`
	Turns      Distribution  `key:"turns_per_session" default:"{type: fixed, mean: 1, min: 1, max: 1}"`
	Fanout     float64       `key:"fanout_probability" default:"0.0" check:"from 0 to 1"`
	Themes     ThemeMix      `key:"theme_mix" default:"{generic: 0.25, db2_latency_incident: 0.25, research_rag: 0.25, code_change_task: 0.25}"`
	Seed       int64         `key:"seed" default:"42" check:"at least 0"`
	Shared     int64         `key:"shared_system_prompt_len" default:"1000" check:"at least 0"` // tokens
	ToolLoop   *Distribution `key:"tool_loop_depth" default:"null"`                             // 2
	SubAgents  *Distribution `key:"sub_agents_per_spawn" default:"null"`                        // uniform from 2 to 4
	MaxDepth   int64         `key:"max_depth" default:"2" check:"at least 0"`                   // nesting of sub-agents
	MaxEvents  int64         `key:"max_events_per_session" default:"64" check:"above 0"`
	Tools      *Distribution `key:"tool_catalog_size_per_agent" default:"null"`   // 8
	Parallel   *Distribution `key:"parallel_tool_calls_per_step" default:"null"`  // 1
	ToolWait   *Distribution `key:"tool_call_latency_sec" default:"null"`         // seconds; 1
	ThinkTime  *Distribution `key:"user_think_time_sec" default:"null"`           // seconds; 10
	ModelLimit *int64        `key:"max_model_len" default:"null" check:"above 0"` // tokens; nil: not checked
	Compaction *Compaction   `key:"context_compaction" default:"null"`
}

// Compaction shortens a context once it has grown. Its unknown keys are ignored, with a warning.
type Compaction struct {
	Trigger *Distribution `key:"trigger_tokens,required"`
	Target  *Distribution `key:"target_tokens,required"`
}

// IgnoresUnknown turns unknown keys into warnings.
func (Compaction) IgnoresUnknown() {}

// Check applies the rules that hold between the keys.
func (s *SyntheticAgentic) Check(at *tagged.Section) {
	s.Replay.Check(at)
	for _, fixed := range []struct {
		name  string
		asIs  bool
		value string
	}{
		{"inject_random_session_id", !s.RandomSessionID, "false"},
		{"duplicate_sessions_target", s.DuplicateSessions == nil, "null"},
		{"skip_invalid_files", !s.SkipInvalidFiles, "false"},
		{"include_errors", s.IncludeErrors, "true"},
	} {
		if at.Valid(fixed.name) && !fixed.asIs {
			at.Fault(fixed.name, "must stay %s for %s", fixed.value, AgenticData)
		}
	}
	if at.Valid("") && s.ModelLimit != nil && s.maxContext() > float64(*s.ModelLimit) {
		at.Fault("max_model_len", "must be at least %v, which the longest session may need, got %d", s.maxContext(),
			*s.ModelLimit)
	}
}

// maxContext returns an upper bound on a context in tokens.
func (s *SyntheticAgentic) maxContext() float64 {
	ceiling := func(d *Distribution, otherwise float64) float64 {
		if d == nil {
			return otherwise
		}
		return d.Ceiling()
	}
	return AgenticCeilings{
		System: float64(s.Shared), Tools: ceiling(s.Tools, 8), Turns: s.Turns.Ceiling(), Input: ceiling(s.Input, 0),
		Loop: ceiling(s.ToolLoop, 2), Output: ceiling(s.Output, 0), Parallel: ceiling(s.Parallel, 1),
	}.Context()
}

// AgenticCeilings are the greatest numbers that can be drawn for a made-up session of an agent.
type AgenticCeilings struct {
	System, Tools, Turns, Input, Loop, Output, Parallel float64
}

// tokensPerTool is the number of tokens that inference-perf assumes for the definition of a tool.
const tokensPerTool = 380

// Context returns an upper bound on the session's contexts in tokens, computed as inference-perf computes it: system
// prompt and tools, then each turn with its tool loop, then the last answer.
func (c AgenticCeilings) Context() float64 {
	turn := c.Input + c.Loop*(c.Output+c.Parallel*c.Output)
	return c.System + tokensPerTool*c.Tools + c.Turns*turn + c.Output
}

// ThemeMix holds the themes of sessions in the order given.
type ThemeMix []ThemeWeight

// ThemeWeight is a theme and its weight in the choice of themes.
type ThemeWeight struct {
	Name   string
	Weight float64
}

// themes returns the themes that are built into inference-perf.
func themes() []string {
	return []string{"generic", "db2_latency_incident", "research_rag", "code_change_task"}
}

// Decode reads the value of a key.
func (m *ThemeMix) Decode(d *tagged.Decoder, v *tagged.Value, path string) {
	if v.Kind != tagged.ObjectKind {
		d.Faults.AddType(v, path, "a mapping of themes to weights", true)
		return
	}
	*m = ThemeMix{}
	var sum float64
	faults := d.Faults.Count()
	for _, e := range v.Members {
		at := path + "." + e.Key
		if !slices.Contains(themes(), e.Key) {
			// inference-perf notices this only after it has started.
			d.Faults.AddAt(e.Position, at, "unknown theme%s", tagged.Suggest(e.Key, themes()))
			continue
		}
		weight := themeWeight(d, e.Value, at)
		sum += weight
		*m = append(*m, ThemeWeight{Name: e.Key, Weight: weight})
	}
	if d.Faults.Count() == faults && !(sum > 0) {
		d.Faults.Add(v, path, "must name a theme with a weight above 0")
	}
}

// themeWeight reads a number, or {weight}, whose unknown keys are ignored.
func themeWeight(d *tagged.Decoder, v *tagged.Value, path string) float64 {
	if v.Kind == tagged.ObjectKind {
		for _, e := range v.Members {
			if e.Key != "weight" {
				d.Faults.Warn(e.Position, path+"."+e.Key, "unknown key, ignored")
			}
		}
		inner := v.Member("weight")
		if inner == nil {
			d.Faults.Add(v, path+".weight", "is required")
			return 0
		}
		v, path = inner, path+".weight"
	}
	x, ok := v.Float()
	switch {
	case !ok:
		d.Faults.AddType(v, path, "a number", false)
	case x < 0:
		d.Faults.Add(v, path, "must be at least 0, got %v", x)
	}
	return x
}

// Encode returns the value to write.
func (m ThemeMix) Encode(*tagged.Writer) *tagged.Value {
	v := &tagged.Value{Kind: tagged.ObjectKind}
	for _, theme := range m {
		v.Members = append(v.Members, tagged.Member{Key: theme.Name, Value: tagged.FloatValue(theme.Weight)})
	}
	return v
}

// TypeText names the type in the list of keys.
func (ThemeMix) TypeText() string { return "map of themes to float" }

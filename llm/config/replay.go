package config

import "github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"

// Replay holds the keys that all kinds of data in sessions share.
type Replay struct {
	// inference-perf reads UseStaticModel, StaticModel, ModelMapping and DefaultMaxTokens and ignores them: its
	// requests name server.model_name or an adapter.
	UseStaticModel   bool              `key:"use_static_model" default:"false"`
	StaticModel      string            `key:"static_model_name" default:""`
	ModelMapping     map[string]string `key:"model_mapping,null" default:"null"`
	DefaultMaxTokens int64             `key:"default_max_tokens" default:"1000" check:"above 0"`

	// leave room for tool calls: at least 4096 tokens
	OverrideToolCallMaxTokens bool   `key:"override_tool_call_max_tokens" default:"true"`
	RandomSessionID           bool   `key:"inject_random_session_id" default:"false"` // to defeat prefix caches
	DuplicateSessions         *int64 `key:"duplicate_sessions_target" default:"null" check:"above 0"`
	// milliseconds
	MaxWait int64 `key:"max_wait_ms" default:"15000" check:"at least 0"`
	// 0 means no limit
	PredecessorTimeout float64  `key:"predecessor_wait_timeout_sec" default:"3600" check:"seconds at least 0"`
	IncludeErrors      bool     `key:"include_errors" default:"true"`
	SkipInvalidFiles   bool     `key:"skip_invalid_files" default:"false"`
	ToolChoice         ToolMode `key:"tool_choice_mode" default:"force_recorded"`
	BadToolCalls       BadTools `key:"bad_tool_call_handling" default:"none"`
}

// Check applies the rules that hold between the keys.
func (r *Replay) Check(at *tagged.Section) {
	if !at.Valid("use_static_model", "static_model_name", "model_mapping") {
		return
	}
	switch {
	case r.UseStaticModel && r.StaticModel == "":
		at.Fault("static_model_name", "is required by use_static_model")
	case r.StaticModel != "" && !r.UseStaticModel && len(r.ModelMapping) == 0:
		at.Fault("static_model_name", "needs use_static_model: true or a model_mapping")
	}
}

// ToolMode tells whether a request asks for a recorded tool call by name.
type ToolMode string

// Choices returns the values that the key accepts.
func (ToolMode) Choices() []string { return []string{"force_recorded", "as_recorded"} }

// BadTools is the reaction to a server that calls no tool where the trace has a tool call.
type BadTools string

// Choices returns the values that the key accepts.
func (BadTools) Choices() []string { return []string{"none", "use_recorded"} }

// Source is the origin of traces. Exactly one of its fields is set.
type Source struct {
	Directory string     `key:"trace_directory,null" default:"null"`
	Files     []string   `key:"trace_files,null" default:"null"` // with *, ? and **
	Hub       *HFDataset `key:"hf_dataset_path" default:"null"`
}

// Check applies the rules that hold between the keys.
func (s *Source) Check(at *tagged.Section) {
	if !at.Valid("trace_directory", "trace_files", "hf_dataset_path") {
		return
	}
	n := 0
	for _, given := range []bool{s.Directory != "", len(s.Files) > 0, s.Hub != nil} {
		if given {
			n++
		}
	}
	if n != 1 {
		at.Fault("", "needs exactly one of trace_directory, trace_files and hf_dataset_path, got %d", n)
	}
}

// OTelReplay replays traces of OpenTelemetry.
type OTelReplay struct {
	Source `key:",inline"`
	Replay `key:",inline"`
	Filter string `key:"filter,null" default:"null"` // a lambda of Python over a trace

	NoOutputSubstitution bool `key:"disable_output_substitution" default:"false"`
	// request header by attribute
	HeaderMap map[string]string `key:"attribute_to_header_map,null" default:"null"`
	LabelMap  map[string]string `key:"attribute_to_label_map,null" default:"null"` // label by attribute
}

// Check applies the rules that hold between the keys.
func (o *OTelReplay) Check(at *tagged.Section) {
	o.Source.Check(at)
	o.Replay.Check(at)
	if !o.NoOutputSubstitution || !at.Valid("disable_output_substitution", "inject_random_session_id",
		"duplicate_sessions_target") {
		return
	}
	if o.RandomSessionID {
		at.Fault("disable_output_substitution", "does not go with inject_random_session_id")
	}
	if o.DuplicateSessions != nil {
		at.Fault("disable_output_substitution", "does not go with duplicate_sessions_target")
	}
}

// WekaReplay replays traces that consist of hashes of token blocks.
type WekaReplay struct {
	Source     `key:",inline"`
	Replay     `key:",inline"`
	IdleGapCap float64 `key:"trace_idle_gap_cap_seconds" default:"60.0"` // 0 or less: no cap

	// inference-perf reads IgnoreDelays and ThinkTimeOnly and ignores them.
	IgnoreDelays  bool `key:"ignore_trace_delays" default:"false"`
	ThinkTimeOnly bool `key:"use_think_time_only" default:"false"`

	BlockSize int64  `key:"default_block_size" default:"64" check:"above 0"`   // tokens
	Entries   int64  `key:"num_dataset_entries" default:"100" check:"above 0"` // read from a data set of the hub
	Filter    string `key:"filter,null" default:"null"`                        // a lambda of Python over a trace
	Workers   *int64 `key:"datagen_workers" default:"null" check:"at least 1"` // nil: one per CPU
}

// Check applies the rules that hold between the keys.
func (w *WekaReplay) Check(at *tagged.Section) {
	w.Source.Check(at)
	w.Replay.Check(at)
}

// Workload is a trace of calls in sessions, in one of several formats.
type Workload struct {
	Format string `key:"format,null" default:"null"` // "": found out by the first record
	// File is a file, a folder or a pattern with *, ? and **. It may be left out for data.path.
	File      string            `key:"file,null" default:"null"`
	BlockSize *int64            `key:"block_size" default:"null" check:"above 0"` // tokens; nil: that of the format
	Columns   map[string]string `key:"columns,null" default:"null"`               // of a log, by what they hold
	Scope     BlockScope        `key:"scope" default:""`                          // "": that of the format
	Filter    string            `key:"filter,null" default:"null"`                // a lambda of Python over a session
	Share     *float64          `key:"share" default:"null" check:"from 0 to 1"`  // of the sessions to keep; nil: all
	Entries   *int64            `key:"num_dataset_entries" default:"null" check:"above 0"`
	Session   Replay            `key:"session"`
}

// BlockScope is where blocks with equal hashes are equal texts.
type BlockScope string

// Choices returns the values that the key accepts.
func (BlockScope) Choices() []string { return []string{"", "trace", "session"} }

// checkWorkload requires one source of the trace.
func (data *Data) checkWorkload(at *tagged.Section) {
	w := data.Workload
	switch {
	case w == nil && data.Path == "":
		at.Fault("workload", "is required by data.type %q: give file, or data.path", data.Type)
	case w == nil:
	case w.File == "" && data.Path == "":
		at.Fault("workload.file", "is missing: give it, or data.path")
	case w.File != "" && data.Path != "":
		at.Fault("workload.file", "is given although data.path is too: leave one out")
	case w.Share != nil && *w.Share == 0:
		at.Fault("workload.share", "must be above 0")
	}
}

// HFDataset is a data set of the Hugging Face hub, with options for loading it.
type HFDataset struct {
	Path    string
	Options Object // all keys except path; nil if only a path was given
}

// Decode reads the value of a key.
func (h *HFDataset) Decode(d *tagged.Decoder, v *tagged.Value, path string) {
	if v.Kind == tagged.TextKind {
		h.Path = v.Text
		return
	}
	name := v.Member("path")
	switch {
	case v.Kind != tagged.ObjectKind:
		d.Faults.AddType(v, path, "a string or a mapping with a path", false)
	case name == nil:
		d.Faults.Add(v, path+".path", "is required")
	case name.Kind != tagged.TextKind:
		d.Faults.AddType(name, path+".path", "a string", false)
	default:
		h.Path = name.Text
		h.Options.Decode(d, v.Without("path"), path)
	}
}

// Encode returns the value to write.
func (h HFDataset) Encode(*tagged.Writer) *tagged.Value {
	if h.Options == nil {
		return tagged.TextValue(h.Path)
	}
	v := h.Options.read()
	v.Members = append([]tagged.Member{{Key: "path", Value: tagged.TextValue(h.Path)}}, v.Members...)
	return v.Redacted()
}

// OverriddenAsJSON marks a type whose overrides are JSON.
func (HFDataset) OverriddenAsJSON() {}

// TypeText names the type in the list of keys.
func (HFDataset) TypeText() string { return "string or map" }

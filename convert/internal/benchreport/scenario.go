package benchreport

// Scenario describes what was measured, and under which load.
type Scenario struct {
	Stack []Component `yaml:"stack,omitempty"`
	Load  *Load       `yaml:"load,omitempty"`
}

// Component is a part of what was measured. Label is unique in a report.
type Component struct {
	Metadata     ComponentMetadata `yaml:"metadata"`
	Standardized Generic           `yaml:"standardized"`
	Native       Native            `yaml:"native"`
}

// ComponentMetadata names a component. ConfigID is a hash of what is known of its configuration.
type ComponentMetadata struct {
	SchemaVersion string `yaml:"schema_version"`
	Label         string `yaml:"label"`
	ConfigID      string `yaml:"cfg_id"`
	Description   string `yaml:"description,omitempty"`
}

// Generic is a component of the kind generic, for which the schema asks only for a tool and its version. The kind of
// inference engines asks for replicas, accelerators and parallelism, which a client cannot know.
type Generic struct {
	Kind        string   `yaml:"kind"`
	Tool        string   `yaml:"tool"`
	ToolVersion string   `yaml:"tool_version"`
	Model       *Model   `yaml:"model,omitempty"`
	Endpoints   []string `yaml:"endpoints,omitempty"` // URLs without secrets
}

// Model is the model that was asked for.
type Model struct {
	Name string `yaml:"name"`
}

// Native is a configuration in the form of the tool that it belongs to.
type Native struct {
	Args   map[string]any `yaml:"args,omitempty"`
	Config any            `yaml:"config,omitempty"`
}

// Load describes the load of one stage.
type Load struct {
	Metadata     LoadMetadata     `yaml:"metadata"`
	Standardized LoadStandardized `yaml:"standardized"`
	Native       Native           `yaml:"native"`
}

// LoadMetadata identifies a load. ConfigID is a hash of its configuration.
type LoadMetadata struct {
	SchemaVersion string `yaml:"schema_version"`
	ConfigID      string `yaml:"cfg_id,omitempty"`
}

// Sources of prompts.
const (
	SourceRandom  = "random"  // from a vocabulary
	SourceUnknown = "unknown" // the records do not tell
)

// LoadStandardized describes a load in the terms that all tools share.
type LoadStandardized struct {
	Tool         string          `yaml:"tool"`
	ToolVersion  string          `yaml:"tool_version"`
	Parallelism  int             `yaml:"parallelism"` // instances of the load generator, from 1
	Source       string          `yaml:"source"`
	Stage        int             `yaml:"stage"`
	InputLength  SequenceLength  `yaml:"input_seq_len"`
	OutputLength *SequenceLength `yaml:"output_seq_len,omitempty"` // nil unless it is enforced
	MultiTurn    *MultiTurn      `yaml:"multi_turn,omitempty"`
	Rate         *float64        `yaml:"rate_qps,omitempty"`    // above 0
	Concurrency  *int64          `yaml:"concurrency,omitempty"` // from 1
}

// Distributions of lengths.
const (
	Fixed = "fixed"
	Other = "other"
)

// SequenceLength describes lengths in tokens.
type SequenceLength struct {
	Distribution string  `yaml:"distribution"`
	Value        float64 `yaml:"value"` // the mean of a distribution other than fixed
	Min          *int64  `yaml:"min,omitempty"`
	Max          *int64  `yaml:"max,omitempty"`
}

// MultiTurn says that requests are turns of sessions.
type MultiTurn struct {
	Enabled bool `yaml:"enabled"`
}

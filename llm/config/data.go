package config

import "github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"

// Data is the source of the prompts.
type Data struct {
	Type   DataType `key:"type" default:"mock"`
	Path   string   `key:"path,null" default:"null"`             // a file or a folder, for the types that read files
	Corpus string   `key:"corpus_file_path,null" default:"null"` // a text file to cut prompts from

	Input  *Distribution `key:"input_distribution" default:"null"`  // prompt tokens
	Output *Distribution `key:"output_distribution" default:"null"` // completion tokens

	SharedPrefix       *SharedPrefix       `key:"shared_prefix" default:"null"`
	Multimodal         *Multimodal         `key:"multimodal" default:"null"`
	Trace              *Trace              `key:"trace" default:"null"` // lengths, for random
	OTel               *OTelReplay         `key:"otel_trace_replay" default:"null"`
	Weka               *WekaReplay         `key:"weka_trace_replay" default:"null"`
	ConversationReplay *ConversationReplay `key:"conversation_replay" default:"null"`
	VisionArena        *VisionArena        `key:"visionarena" default:"null"`
	SyntheticAgentic   *SyntheticAgentic   `key:"synthetic_agentic" default:"null"`

	// Workload is a trace of any format. inference-perf 0.7.0 has no such section.
	Workload *Workload `key:"workload,omit" default:"null"`

	UseChatTemplate bool `key:"use_chat_template" default:"false"` // for random
}

// DataType is a kind of data.
type DataType string

// The kinds of data.
const (
	MockData             DataType = "mock"
	ShareGPT             DataType = "shareGPT"
	SyntheticData        DataType = "synthetic"
	RandomData           DataType = "random"
	SharedPrefixData     DataType = "shared_prefix"
	CNNDailyMail         DataType = "cnn_dailymail"
	InfinityInstruct     DataType = "infinity_instruct"
	BillSumConversations DataType = "billsum_conversations"
	OTelTraceReplay      DataType = "otel_trace_replay"
	WekaTraceReplay      DataType = "weka_trace_replay"
	ConversationData     DataType = "conversation_replay"
	VisionArenaData      DataType = "visionarena"
	AgenticData          DataType = "synthetic_agentic"

	// PromptsData is a file of prompts. inference-perf does not know it.
	PromptsData DataType = "prompts"
	// WorkloadData is a trace of any format. inference-perf 0.7.0 does not know it.
	WorkloadData DataType = "workload_replay"
	// SoundData is sounds to write down. inference-perf 0.7.0 does not know it.
	SoundData DataType = "sound"
)

// Choices returns the values that the key accepts.
func (DataType) Choices() []string {
	return []string{
		string(MockData), string(ShareGPT), string(SyntheticData), string(RandomData), string(SharedPrefixData),
		string(CNNDailyMail),
		string(InfinityInstruct), string(BillSumConversations), string(OTelTraceReplay), string(WekaTraceReplay),
		string(ConversationData), string(VisionArenaData), string(AgenticData),
		string(PromptsData), string(WorkloadData), string(SoundData),
	}
}

// sessionTypes names the kinds of data that come in sessions.
const sessionTypes = `"otel_trace_replay", "weka_trace_replay", "synthetic_agentic" or "workload_replay"`

// Sessions reports whether the data comes in sessions, which only load.type trace_session_replay sends.
func (t DataType) Sessions() bool {
	return t == OTelTraceReplay || t == WekaTraceReplay || t == AgenticData || t == WorkloadData
}

// Check applies the rules that hold between the keys.
func (data *Data) Check(at *tagged.Section) {
	if !at.Valid("type") {
		return
	}
	if at.Valid("use_chat_template") && data.UseChatTemplate && data.Type != RandomData {
		at.Fault("use_chat_template", "is only for data.type %q, got %q", RandomData, data.Type)
	}
	if at.Valid("visionarena") && data.Type == VisionArenaData && data.VisionArena == nil {
		at.Fault("visionarena", "is required by data.type %q", data.Type)
	}
	if at.Valid("synthetic_agentic") && data.Type == AgenticData && data.SyntheticAgentic == nil {
		at.Fault("synthetic_agentic", "is required by data.type %q", data.Type)
	}
	if at.Valid("workload", "path") && data.Type == WorkloadData {
		data.checkWorkload(at)
	}
	if at.Valid("conversation_replay") && data.Type == ConversationData && data.ConversationReplay != nil {
		data.ConversationReplay.checkModelLength(at, "conversation_replay.max_model_len")
	}
}

// SharedPrefix makes groups of prompts that start alike. Lengths are in tokens.
type SharedPrefix struct {
	Groups         int64         `key:"num_unique_system_prompts" also:"num_groups" default:"10" check:"above 0"`
	UsersPerGroup  int64         `key:"num_users_per_system_prompt" also:"num_prompts_per_group" default:"10" check:"above 0"`
	SystemPrompt   Length        `key:"system_prompt_len" default:"100"`
	Question       Length        `key:"question_len" default:"50"`
	Output         Length        `key:"output_len" default:"50"`
	Seed           *int64        `key:"seed" default:"null" check:"at least 0"` // nil: a different seed each time
	QuestionLegacy *Distribution `key:"question_distribution" default:"null"`   // older form of question_len
	OutputLegacy   *Distribution `key:"output_distribution" default:"null"`     // older form of output_len
	MultiTurn      bool          `key:"enable_multi_turn_chat" default:"false"`
	Multimodal     *Multimodal   `key:"multimodal" default:"null"` // media of the prefix
}

// Check applies the rules that hold between the keys.
func (p *SharedPrefix) Check(at *tagged.Section) {
	for _, pair := range []struct {
		name, legacy string
		length       Length
		old          *Distribution
	}{
		{"question_len", "question_distribution", p.Question, p.QuestionLegacy},
		{"output_len", "output_distribution", p.Output, p.OutputLegacy},
	} {
		if at.Valid(pair.name, pair.legacy) && pair.old != nil && pair.length.Distribution != nil {
			at.Fault(pair.legacy, "is given although %s is a distribution too: leave one out", pair.name)
		}
	}
}

// QuestionLength returns question_len or its older form, which wins over a number.
func (p *SharedPrefix) QuestionLength() Length { return p.Question.orLegacy(p.QuestionLegacy) }

// OutputLength returns output_len or its older form, which wins over a number.
func (p *SharedPrefix) OutputLength() Length { return p.Output.orLegacy(p.OutputLegacy) }

// ConversationReplay makes conversations. [DefaultConversationReplay] returns what a nil distribution stands for.
type ConversationReplay struct {
	Seed          int64         `key:"seed" default:"42" check:"at least 0"`
	Conversations int64         `key:"num_conversations" default:"200" check:"above 0"`
	SystemPrompt  int64         `key:"shared_system_prompt_len" default:"8359" check:"at least 0"` // tokens
	DynamicPrompt *Distribution `key:"dynamic_system_prompt_len" default:"null"`                   // tokens
	Turns         *Distribution `key:"turns_per_conversation" default:"null"`
	Input         *Distribution `key:"input_tokens_per_turn" default:"null"`
	Output        *Distribution `key:"output_tokens_per_turn" default:"null"`
	ToolLatency   *Distribution `key:"tool_call_latency_sec" default:"null"`         // seconds
	MaxModelLen   *int64        `key:"max_model_len" default:"null" check:"above 0"` // tokens
}

// checkModelLength checks what can be known without a tokenizer: the model must be able to read the shortest first
// prompt and its answer, and a prompt of one token beside the longest answer. inference-perf sends prompts that are cut
// down to nothing.
func (r *ConversationReplay) checkModelLength(at *tagged.Section, key string) {
	c := r.withDefaults()
	limit := *c.MaxModelLen
	first := c.SystemPrompt + c.DynamicPrompt.least() + c.Input.least() + c.Output.least()
	longest := int64(c.Output.Ceiling()) + 1
	switch {
	case first > limit:
		at.Fault(key, "must be at least %d, the tokens of the shortest first prompt and its answer, got %d", first,
			limit)
	case longest > limit:
		at.Fault(key, "must be at least %d, the tokens of the longest answer and of a prompt of one word, got %d",
			longest, limit)
	}
}

// VisionArena is a data set of conversations about images.
type VisionArena struct {
	Dataset   string  `key:"hf_dataset_name" default:"lmarena-ai/VisionArena-Chat"`
	Split     string  `key:"hf_split" default:"train"`
	Files     Texts   `key:"hf_data_files,null" default:"null"` // nil: all
	Rows      int64   `key:"num_rows" default:"1000" check:"above 0"`
	MaxImages int64   `key:"max_images_per_request" default:"1" check:"above 0"`
	Insertion *Amount `key:"insertion_point" default:"0.0"` // where in the text, from 0 to 1; nil: anywhere
}

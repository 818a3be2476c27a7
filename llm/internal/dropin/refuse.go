// Package dropin maps a configuration of inference-perf to the options of this module: which keys are refused, which
// do nothing here, and what the others become.
package dropin

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/price"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/breaker"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Refused returns an error that names every part of a configuration that this module does not support, and what to do
// instead. It returns nil if everything is supported.
func Refused(c *config.Config) error {
	var faults []error
	refuse := func(when bool, key, reason string) {
		if when {
			faults = append(faults, fmt.Errorf("%s: %s", key, reason))
		}
	}
	refuse(c.Server == nil, "server", "is missing: give base_url, or type: mock for the simulator")
	refuse(c.Data.Type == config.VisionArenaData && !sendsMessages(c.API.Type), "api.type", "must be chat, "+
		"anthropic_messages or responses for data.type "+string(c.Data.Type)+", whose requests have images, got "+
		string(c.API.Type))
	refuse(c.Data.Type == config.VisionArenaData && c.Data.VisionArena != nil && c.Data.VisionArena.Files == nil &&
		slices.Contains(loaders, c.Data.VisionArena.Dataset), "data.visionarena.hf_data_files",
		"is missing: which files are read")
	refuse(c.Data.Type == config.SoundData && c.API.Type != config.Transcription, "api.type",
		"must be transcription for data.type sound, got "+string(c.API.Type))
	refuse(c.API.Type == config.Transcription && c.Data.Type != config.SoundData && c.Own.Dataset["type"] == nil &&
		c.Own.Data.Parts == nil,
		"data.type", "must be sound for api.type transcription, got "+string(c.Data.Type)+": data.path names a file "+
			"of sound or a folder, and without it sounds are made up")
	refuse(c.Data.Type.Sessions() && !sendsMessages(c.API.Type), "api.type", "must be chat, anthropic_messages or "+
		"responses for data.type "+string(c.Data.Type)+", got "+string(c.API.Type))
	refuse(c.Data.Type == config.OTelTraceReplay && c.Data.OTel == nil, "data.otel_trace_replay",
		"is missing: give trace_directory, trace_files or hf_dataset_path")
	refuse(c.Data.Type == config.WekaTraceReplay && c.Data.Weka == nil, "data.weka_trace_replay",
		"is missing: give trace_directory, trace_files or hf_dataset_path")
	refuse(c.Data.Type == config.AgenticData && mapping{config: c}.tokenizer() == "" &&
		c.Own.Dataset["tokensPerWord"] == nil, "tokenizer.pretrained_model_name_or_path", "is missing: messages have "+
		"lengths in tokens; or give x-llm: {dataset: {tokensPerWord: 1.3}}")
	refusedBesideMix(c, refuse)
	refuse(c.Own.Data.Behaviour == config.InferencePerf && !hasOriginal(c.Data), "x-llm.data",
		"inference-perf is known for random, synthetic, mock and, without enable_multi_turn_chat, shared_prefix: "+
			"leave it out for this data")
	refuse((c.Server != nil && (c.Server.CertPath == "") != (c.Server.KeyPath == "")), "server.cert_path",
		"and key_path are needed both")
	faults = append(faults, refusedMedia(c)...)
	faults = append(faults, unclear(c)...)
	faults = append(faults, withheld(c)...)
	faults = append(faults, misplaced(c.Data)...)
	return errors.Join(append(faults, unreadable(c.CircuitBreakers)...)...)
}

// sendsMessages reports whether the requests of an API are messages of a conversation.
func sendsMessages(kind config.APIType) bool {
	dialect, err := api.ByName(string(kind))
	return err == nil && dialect.Input() == api.InputMessages
}

// unclear names the objectives that cannot be read, and those that no request of the API can be judged by.
func unclear(c *config.Config) (faults []error) {
	of := record.Request{API: string(c.API.Type)}
	for _, o := range []struct{ key, text string }{{"x-llm.slo", c.Own.SLO}, {"x-llm.gate", c.Own.Gate}} {
		list, err := slo.Parse(o.text)
		if err == nil {
			err = cmp.Or(slo.APIFault(list, of.API, of.Generates()), checkLabels(c.Own, list))
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", o.key, err))
		}
	}
	if _, err := price.ParseBoth(c.Own.Price, c.Own.PriceRatio); err != nil {
		faults = append(faults, fmt.Errorf("x-llm.%w", err))
	}
	return faults
}

// checkLabels names a label of an objective that no request of the configuration will have.
func checkLabels(own config.Own, list []slo.Objective) error {
	if own.Load["tags"] != nil { // which can have a label, too
		return nil
	}
	var known []string
	for _, options := range append([]config.ScriptOptions{own.Client, own.Load}, own.Data.Parts...) {
		if label := options.Text("label"); label != "" {
			known = append(known, label)
		}
	}
	slices.Sort(known)
	return slo.CheckNames("label", slo.Labels(list), slices.Compact(known))
}

// withheld names the keys whose values a configuration holds as ***, and the flags that set them.
func withheld(c *config.Config) (faults []error) {
	for _, key := range c.Withheld() {
		flag := "--" + key
		if name, isHeader := strings.CutPrefix(key, "api.headers."); isHeader {
			flag = fmt.Sprintf(`--api.headers '{%q: "…"}'`, name)
		}
		faults = append(faults, fmt.Errorf("%s: *** stands for a secret that was left out: give it by %s", key, flag))
	}
	return faults
}

// misplaced names the distributions of lengths whose means lie outside of their bounds.
func misplaced(d config.Data) (faults []error) {
	for _, l := range append(drawn(d), drawnOfMedia(d)...) {
		s := l.distribution
		if s == nil || s.Type == config.Uniform || s.Type == config.Fixed {
			continue
		}
		if s.Mean < float64(s.Min) || s.Mean > float64(s.Max) {
			faults = append(faults, fmt.Errorf("data.%s.mean: must be from min (%d) to max (%d), got %v%s", l.key,
				s.Min, s.Max, s.Mean, leftOut(s)))
		}
	}
	return faults
}

// leftOut says how a mean that was probably left out is mended.
func leftOut(s *config.Distribution) string {
	if s.Mean == config.DefaultDistribution().Mean {
		return ", which it is if it is left out: set it, or write type: uniform"
	}
	return ""
}

// length is a distribution of a configuration, together with its key below data.
type length struct {
	key          string
	distribution *config.Distribution
}

// drawn lists the distributions from which the lengths of prompts are drawn.
func drawn(d config.Data) []length {
	switch p, r := d.SharedPrefix, d.ConversationReplay; {
	case d.Type == config.SyntheticData || d.Type == config.RandomData && d.Trace == nil:
		return []length{{"input_distribution", d.Input}, {"output_distribution", d.Output}}
	case d.Type == config.SharedPrefixData && p != nil:
		return []length{
			{"shared_prefix.system_prompt_len", p.SystemPrompt.Distribution},
			{"shared_prefix.question_len", p.Question.Distribution},
			{"shared_prefix.question_distribution", p.QuestionLegacy},
			{"shared_prefix.output_len", p.Output.Distribution}, {"shared_prefix.output_distribution", p.OutputLegacy},
		}
	case d.Type == config.AgenticData && d.SyntheticAgentic != nil:
		return drawnOfAgents(d.SyntheticAgentic)
	case d.Type == config.ConversationData && r != nil:
		return []length{
			{"conversation_replay.dynamic_system_prompt_len", r.DynamicPrompt},
			{"conversation_replay.turns_per_conversation", r.Turns},
			{"conversation_replay.input_tokens_per_turn", r.Input}, {"conversation_replay.output_tokens_per_turn",
				r.Output},
			{"conversation_replay.tool_call_latency_sec", r.ToolLatency},
		}
	}
	return nil
}

func drawnOfAgents(s *config.SyntheticAgentic) (list []length) {
	all := []length{
		{"input_tokens_per_turn", s.Input}, {"output_tokens_per_turn", s.Output}, {"turns_per_session", &s.Turns},
		{"tool_loop_depth", s.ToolLoop}, {"sub_agents_per_spawn", s.SubAgents},
		{"tool_catalog_size_per_agent", s.Tools}, {"parallel_tool_calls_per_step", s.Parallel},
		{"tool_call_latency_sec", s.ToolWait}, {"user_think_time_sec", s.ThinkTime},
	}
	if c := s.Compaction; c != nil {
		all = append(all, length{"context_compaction.trigger_tokens", c.Trigger},
			length{"context_compaction.target_tokens", c.Target})
	}
	for _, l := range all {
		list = append(list, length{"synthetic_agentic." + l.key, l.distribution})
	}
	return list
}

// unreadable names the breakers whose expressions cannot be read, including those that the load does not use.
func unreadable(list []config.CircuitBreaker) (faults []error) {
	for i, b := range list {
		if _, err := breaker.New(breaker.Definition{Name: b.Name, Matches: b.Metrics.Matches,
			Rules: b.Metrics.Rules}); err != nil {
			faults = append(faults, fmt.Errorf("circuit_breakers[%d]: %w", i, err))
		}
	}
	return faults
}

// hasOriginal reports whether this module can make the prompts exactly as inference-perf makes them. For mock data it
// always can.
func hasOriginal(d config.Data) bool {
	switch d.Type {
	case config.MockData, config.RandomData, config.SyntheticData:
		return true
	case config.SharedPrefixData:
		return d.SharedPrefix == nil || !d.SharedPrefix.MultiTurn
	}
	return false
}

// noEffect lists the keys that are accepted and have no effect here: set reports whether a configuration sets the key,
// and why states the reason.
var noEffect = slices.Concat(ownNoEffect, replayNoEffect)

// without is a key without effect.
type without struct {
	key string
	set func(c, usual *config.Config) bool
	why string
}

// ownNoEffect holds those of them that are not about sessions.
var ownNoEffect = []without{
	{"load.num_workers", func(c, _ *config.Config) bool { return c.Load.NumWorkers != nil },
		"one process serves all processors; several machines are execution segments of k6"},
	{"load.worker_max_concurrency", func(c, u *config.Config) bool {
		return c.Load.WorkerConcurrency != u.Load.WorkerConcurrency
	}, "k6 begins with as many VUs as the rate asks for, and adds what it needs"},
	{"load.worker_max_tcp_connections", func(c, u *config.Config) bool {
		return c.Load.WorkerConnections != u.Load.WorkerConnections
	}, "each request in flight has a connection"},
	{"tokenizer.trust_remote_code", func(c, _ *config.Config) bool {
		return c.Tokenizer != nil && c.Tokenizer.TrustRemoteCode != nil
	}, "tokenizers are read, never run"},
	{"tokenizer.load_timeout", func(c, _ *config.Config) bool {
		return c.Tokenizer != nil && c.Tokenizer.LoadTimeout != nil && *c.Tokenizer.LoadTimeout != 300
	}, "loading takes a second"},
	{"data.input_distribution.total_count", func(c, _ *config.Config) bool {
		return c.Data.Input != nil && c.Data.Input.TotalCount != nil
	}, "prompts are made as they are needed"},
	{"data.output_distribution.total_count", func(c, _ *config.Config) bool {
		return c.Data.Output != nil && c.Data.Output.TotalCount != nil
	}, "prompts are made as they are needed"},
}

// takesFormat reports whether requests have a field for structured output.
func takesFormat(c *config.Config) bool {
	dialect, err := api.ByName(string(c.API.Type))
	if err == nil {
		_, err = dialect.Body(&api.Request{Format: json.RawMessage("{}")})
	}
	return err == nil
}

// Remarks returns one line for each key that a configuration sets without effect, with the reason. Call it before
// [config.Config.Settle], which fills in keys that the user did not set.
func Remarks(c *config.Config) (list []string) {
	usual, err := config.Parse([]byte("load: {stages: [{rate: 1, duration: 1}]}"))
	if err != nil {
		return nil
	}
	for _, n := range noEffect {
		if n.set(c, usual) {
			list = append(list, fmt.Sprintf("%s has no effect here: %s", n.key, n.why))
		}
	}
	return slices.Concat(list, loading(c), clockRemarks(c), unused(c))
}

// unused returns one line for each key that belongs to a type of data or of load other than the configured one.
func unused(c *config.Config) (list []string) {
	d := c.Data
	files := []config.DataType{config.ShareGPT, config.CNNDailyMail, config.InfinityInstruct,
		config.BillSumConversations, config.PromptsData}
	lengths := append([]config.DataType{config.RandomData, config.SyntheticData}, files...)
	files = append(files, config.WorkloadData, config.VisionArenaData, config.SoundData)
	for _, k := range []struct {
		key string
		set bool
		by  []config.DataType
	}{
		{"path", d.Path != "", files},
		{"corpus_file_path", d.Corpus != "", []config.DataType{config.SyntheticData}},
		{"input_distribution", d.Input != nil, lengths},
		{"output_distribution", d.Output != nil, lengths},
		{"trace", d.Trace != nil, []config.DataType{config.RandomData}},
		{"shared_prefix", d.SharedPrefix != nil, []config.DataType{config.SharedPrefixData}},
		{"conversation_replay", d.ConversationReplay != nil, []config.DataType{config.ConversationData}},
		{"otel_trace_replay", d.OTel != nil, []config.DataType{config.OTelTraceReplay}},
		{"weka_trace_replay", d.Weka != nil, []config.DataType{config.WekaTraceReplay}},
		{"visionarena", d.VisionArena != nil, []config.DataType{config.VisionArenaData}},
		{"synthetic_agentic", d.SyntheticAgentic != nil, []config.DataType{config.AgenticData}},
		{"workload", d.Workload != nil, []config.DataType{config.WorkloadData}},
	} {
		if k.set && !slices.Contains(k.by, d.Type) {
			list = append(list, fmt.Sprintf("data.%s has no effect: data.type %s does not use it", k.key, d.Type))
		}
	}
	if d.Type == config.SharedPrefixData && hasMedia(d) && c.API.Type == config.Completion {
		list = append(list, "api.type: requests with media are sent as chats, as inference-perf sends them")
	}
	if d.Type == config.RandomData && d.Trace != nil && (d.Input != nil || d.Output != nil) {
		list = append(list,
			"data.input_distribution and output_distribution have no effect: the lengths are those of data.trace")
	}
	for _, k := range []struct {
		set bool
		api api.Dialect
	}{{c.API.Embeddings != nil, api.Embeddings}, {c.API.Rerank != nil, api.Rerank}} {
		if k.set && string(c.API.Type) != k.api.Name() {
			list = append(list, fmt.Sprintf("api.%s has no effect: api.type %s does not use it", k.api.Name(),
				c.API.Type))
		}
	}
	if c.API.ResponseFormat != nil && !takesFormat(c) {
		list = append(list, fmt.Sprintf("api.response_format has no effect: api.type %s has no field for it",
			c.API.Type))
	}
	if c.Load.Trace != nil && c.Load.Type != config.TraceReplay {
		list = append(list, fmt.Sprintf("load.trace has no effect: load.type %s does not use it", c.Load.Type))
	}
	for _, b := range c.CircuitBreakers {
		if !slices.Contains(c.Load.CircuitBreakers, b.Name) {
			list = append(list, fmt.Sprintf("circuit breaker %q has no effect: load.circuit_breakers does not name it",
				b.Name))
		}
	}
	return list
}

package dropin

import "github.com/seed-307b789f/xk6-llm/llm/config"

// api returns the configuration's API. inference-perf sends its shared prefixes as completions whatever api.type is,
// and those with media as chats.
func (m mapping) api() string {
	if m.config.Data.Type == config.SharedPrefixData && hasMedia(m.config.Data) {
		if m.config.API.Type == config.Completion {
			return string(config.Chat)
		}
		return string(m.config.API.Type)
	}
	if m.config.Own.Data.Behaviour == config.InferencePerf && m.config.Data.Type == config.SharedPrefixData {
		return string(config.Completion)
	}
	return string(m.config.API.Type)
}

// dataset returns the options of Dataset.
func (m mapping) dataset() Map {
	data := m.config.Data
	o := Map{"type": string(data.Type), "api": m.api()}
	inputCount(m, o)
	if m.config.Own.Data.Parts != nil {
		addMix(m, o)
		return o
	}
	if data.Type == config.MockData {
		mediaOptions(m, o)
		return o
	}
	o.set("prompts", string(config.InferencePerf), m.config.Own.Data.Behaviour == config.InferencePerf)
	o.set("tokenizer", m.tokenizer(), m.tokenizer() != "" && data.Type != config.SoundData)
	o.set("path", m.dataPath(), data.Path != "" && data.Type != config.VisionArenaData)
	if data.Type.Sessions() {
		sessionOptions(m, o)
		return o
	}
	switch data.Type {
	case config.SharedPrefixData:
		m.sharedPrefix(o)
		mediaOptions(m, o)
		return o
	case config.ConversationData:
		m.replay(o)
		return o
	case config.VisionArenaData:
		m.arena(o)
		return o
	case config.SoundData:
		o["seed"] = *m.config.Load.BaseSeed
		return o
	case config.RandomData, config.SyntheticData:
		o["seed"] = *m.config.Load.BaseSeed
		o.set("corpusFilePath", m.path(data.Corpus), data.Corpus != "" && data.Type == config.SyntheticData)
		o.set("useChatTemplate", true, data.UseChatTemplate)
		if data.Trace != nil {
			o["trace"] = m.path(data.Trace.File)
			mediaOptions(m, o)
			return o
		}
	}
	mediaOptions(m, o)
	length := lengthOption
	if data.Type != config.RandomData && data.Type != config.SyntheticData {
		length = boundsOption
	}
	o.set("inputDistribution", length(data.Input), data.Input != nil)
	o.set("outputDistribution", length(data.Output), data.Output != nil)
	usualLengths(data, o)
	return o
}

// dataPath returns the path of the data.
func (m mapping) dataPath() string { return m.path(m.config.Data.Path) }

// lengthOption returns a distribution as an option of Dataset. A fixed distribution becomes its mean, which
// inference-perf does not bring within its bounds.
func lengthOption(s *config.Distribution) any {
	if s == nil {
		return nil
	}
	if s.Type == config.Fixed {
		return int64(s.Mean)
	}
	return boundsOption(s)
}

// boundsOption returns a distribution whose type has no effect: its min and max choose the records of a file.
func boundsOption(s *config.Distribution) any {
	if s == nil {
		return nil
	}
	return Map{"type": string(s.Type), "mean": s.Mean, "stdDev": s.StdDev, "skew": s.Skew, "min": s.Min,
		"max": s.Max}
}

func (m mapping) sharedPrefix(o Map) {
	s := m.config.Data.SharedPrefix
	if s == nil {
		defaults := config.DefaultSharedPrefix()
		s = &config.SharedPrefix{Groups: defaults.Groups, UsersPerGroup: defaults.UsersPerGroup}
	}
	lengths := func(l config.Length) any {
		if l.Distribution != nil {
			return lengthOption(l.Distribution)
		}
		return l.N
	}
	o["sharedPrefix"] = Map{
		"numUniqueSystemPrompts": s.Groups, "numUsersPerSystemPrompt": s.UsersPerGroup,
		"systemPromptLen": lengths(s.SystemPrompt),
		"questionLen":     lengths(s.QuestionLength()), "outputLen": lengths(s.OutputLength()),
		"enableMultiTurnChat": s.MultiTurn,
	}
	o["seed"] = *m.config.Load.BaseSeed
	if s.Seed != nil {
		o["seed"] = *s.Seed
	}
}

func (m mapping) replay(o Map) {
	r := m.config.Data.ConversationReplay
	if r == nil {
		return
	}
	o["seed"] = r.Seed
	replay := Map{"numConversations": r.Conversations, "sharedSystemPromptLen": r.SystemPrompt}
	for name, distribution := range map[string]*config.Distribution{
		"dynamicSystemPromptLen": r.DynamicPrompt, "turnsPerConversation": r.Turns, "inputTokensPerTurn": r.Input,
		"outputTokensPerTurn": r.Output,
	} {
		replay.set(name, lengthOption(distribution), distribution != nil)
	}
	if r.MaxModelLen != nil {
		replay["maxModelLen"] = *r.MaxModelLen
	}
	replay.set("toolCallLatencySec", secondsOption(r.ToolLatency), r.ToolLatency != nil)
	o["conversationReplay"] = replay
}

// secondsOption returns a distribution of seconds as an option of Dataset. A fixed one keeps its fraction.
func secondsOption(s *config.Distribution) any {
	if s != nil && s.Type == config.Fixed {
		return s.Mean
	}
	return lengthOption(s)
}

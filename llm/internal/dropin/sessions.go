package dropin

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/llm/config"
)

// textless are the formats of traces that have lengths or hashes in place of texts, which take a tokenizer to make.
var textless = []string{"azure", "bailian", "burstgpt", "mooncake", "tracelab", "weka"}

// format returns the format of a workload in lower case, as options have it.
func format(w *config.Workload) string {
	if w == nil {
		return ""
	}
	return strings.ToLower(w.Format)
}

// needsTokenizer reports whether sessions of the data are made with a tokenizer.
func needsTokenizer(d config.Data) bool {
	switch d.Type {
	case config.WekaTraceReplay, config.AgenticData:
		return true
	case config.WorkloadData:
		return slices.Contains(textless, format(d.Workload))
	}
	return false
}

// sessionOptions sets the options of data in sessions.
func sessionOptions(m mapping, o Map) {
	d := m.config.Data
	workload, rules := Map{}, Map{}
	switch {
	case d.Type == config.OTelTraceReplay && d.OTel != nil:
		traceFiles(m, o, d.OTel.Source)
		replayRules(workload, rules, d.OTel.Replay)
		workload.set("filter", d.OTel.Filter, d.OTel.Filter != "")
		rules.set("answers", "recorded", d.OTel.NoOutputSubstitution)
		rules.set("headers", attributes(d.OTel.HeaderMap), len(d.OTel.HeaderMap) > 0)
		rules.set("labels", attributes(d.OTel.LabelMap), len(d.OTel.LabelMap) > 0)
	case d.Type == config.WekaTraceReplay && d.Weka != nil:
		traceFiles(m, o, d.Weka.Source)
		replayRules(workload, rules, d.Weka.Replay)
		wekaOptions(o, workload, d.Weka)
	case d.Type == config.WorkloadData:
		workloadOptions(m, o, workload, rules)
	case d.Type == config.AgenticData:
		replayRules(workload, rules, d.SyntheticAgentic.Replay)
		o["seed"], o["syntheticAgentic"] = d.SyntheticAgentic.Seed, agentic(d.SyntheticAgentic)
	}
	if speed := m.config.Own.Speed; speed != nil {
		rules["speed"] = *speed
	}
	o.set("workload", workload, len(workload) > 0)
	o["replay"] = rules
	if m.config.Own.Clock == config.StageClock &&
		(d.Type == config.OTelTraceReplay || d.Type == config.WekaTraceReplay) {
		o["seed"] = *m.config.Load.BaseSeed // shuffles the sessions
	}
}

// traceFiles sets the files of a trace.
func traceFiles(m mapping, o Map, s config.Source) {
	switch {
	case s.Directory != "":
		o["path"], o["files"] = m.path(s.Directory), "*.json"
	case s.Hub != nil:
		o["path"] = s.Hub.Path
		files, _ := dataFiles(s.Hub)
		o.set("files", files, files != "")
	default:
		paths := []any{}
		for _, name := range s.Files {
			paths = append(paths, m.path(name))
		}
		o["files"] = paths
	}
}

// dataFiles returns the files to read of a data set on the hub, "" for all, and whether it has further options.
func dataFiles(h *config.HFDataset) (files string, more bool) {
	var options map[string]json.RawMessage
	_ = json.Unmarshal(h.Options, &options) // an object, or nothing
	for name, value := range options {
		if name != "data_files" || json.Unmarshal(value, &files) != nil {
			more = true
		}
	}
	return files, more
}

// replayRules sets the options that all data in sessions has: how it is read, and how it is replayed.
func replayRules(workload, rules Map, r config.Replay) {
	workload.set("includeErrors", false, !r.IncludeErrors)
	workload.set("skipInvalid", true, r.SkipInvalidFiles)
	if n := r.DuplicateSessions; n != nil {
		workload["duplicates"] = *n
	}
	rules["toolChoice"], rules["badToolCalls"] = string(r.ToolChoice), string(r.BadToolCalls)
	rules["toolCallMaxTokens"] = r.OverrideToolCallMaxTokens
	rules["maxWait"] = r.MaxWait
	if r.MaxWait == 0 {
		rules["maxWait"] = noWait
	}
	rules.set("predecessorTimeout", milliseconds(r.PredecessorTimeout), r.PredecessorTimeout > 0)
	rules.set("randomSessionID", true, r.RandomSessionID)
}

// noWait bounds waits to nothing: 0 is no bound.
const noWait = "1ns"

// wekaOptions sets what Weka's traces have besides.
func wekaOptions(o, workload Map, w *config.WekaReplay) {
	workload["blockSize"] = w.BlockSize
	workload.set("idleGapCap", milliseconds(w.IdleGapCap), w.IdleGapCap > 0)
	workload.set("filter", w.Filter, w.Filter != "")
	if w.Hub != nil {
		workload["entries"] = w.Entries
		o.set("files", "traces.jsonl", o["files"] == nil)
	}
}

// workloadOptions sets the options of a trace of any format.
func workloadOptions(m mapping, o, workload, rules Map) {
	w := m.config.Data.Workload
	if w == nil {
		w = new(config.DefaultWorkload())
	}
	isPattern := strings.ContainsAny(w.File, "*?[")
	o.set("path", m.path(w.File), w.File != "" && !isPattern)
	o.set("files", []any{m.path(w.File)}, isPattern)
	replayRules(workload, rules, w.Session)
	workload.set("format", format(w), w.Format != "")
	workload.set("columns", attributes(w.Columns), len(w.Columns) > 0)
	workload.set("scope", string(w.Scope), w.Scope != "")
	workload.set("filter", w.Filter, w.Filter != "")
	if w.BlockSize != nil {
		workload["blockSize"] = *w.BlockSize
	}
	if w.Entries != nil {
		workload["entries"] = *w.Entries
	}
	if w.Share != nil {
		workload["share"] = *w.Share
		o["seed"] = *m.config.Load.BaseSeed // draws them
	}
}

// attributes returns texts by name as an option.
func attributes(texts map[string]string) Map {
	o := Map{}
	for name, text := range texts {
		o[name] = text
	}
	return o
}

// agentic returns the options of made-up sessions.
func agentic(s *config.SyntheticAgentic) Map {
	themes := Map{}
	for _, theme := range s.Themes {
		themes[theme.Name] = theme.Weight
	}
	o := Map{
		"numSessions": s.Sessions, "turnsPerSession": lengthOption(&s.Turns), "fanoutProbability": s.Fanout,
		"themeMix": themes, "sharedSystemPromptLen": s.Shared, "maxDepth": s.MaxDepth,
		"maxEventsPerSession": s.MaxEvents,
	}
	for name, d := range map[string]*config.Distribution{
		"inputTokensPerTurn": s.Input, "outputTokensPerTurn": s.Output, "toolLoopDepth": s.ToolLoop,
		"subAgentsPerSpawn": s.SubAgents, "toolCatalogSizePerAgent": s.Tools, "parallelToolCallsPerStep": s.Parallel,
	} {
		o.set(name, lengthOption(d), d != nil)
	}
	for name, d := range map[string]*config.Distribution{
		"toolCallLatencySec": s.ToolWait, "userThinkTimeSec": s.ThinkTime,
	} {
		o.set(name, secondsOption(d), d != nil)
	}
	if s.ModelLimit != nil {
		o["maxModelLen"] = *s.ModelLimit
	}
	if c := s.Compaction; c != nil {
		o["contextCompaction"] = Map{"triggerTokens": lengthOption(c.Trigger), "targetTokens": lengthOption(c.Target)}
	}
	return o
}

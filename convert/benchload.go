package convert

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/seed-307b789f/xk6-llm/convert/internal/benchreport"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/digest"
	"github.com/seed-307b789f/xk6-llm/internal/version"
)

// unknownVersion takes the place of a text that the schema requires and nobody knows.
const unknownVersion = "unknown"

// serverComponent describes the server as far as a client knows it.
func serverComponent(r *run.Run, l *Lifecycle, requests []*run.Request) benchreport.Component {
	c := benchreport.Component{
		Metadata: benchreport.ComponentMetadata{SchemaVersion: "0.0.1", Label: serverLabel,
			Description: "what was measured, as the load generator knows it"},
		Standardized: benchreport.Generic{Kind: "generic", Tool: unknownVersion, ToolVersion: unknownVersion},
	}
	if s := l.Additions.Server; s != nil {
		for _, source := range s.Sources {
			if source.Engine != "" {
				c.Standardized.Tool = source.Engine
			}
		}
	}
	if r.Simulated() {
		c.Standardized.Tool = "xk6-llm-simulator"
	}
	if model := modelOf(requests); model != "" {
		c.Standardized.Model = &benchreport.Model{Name: model}
	}
	for _, client := range r.Clients {
		c.Standardized.Endpoints = append(c.Standardized.Endpoints, textsOf(client.Options["baseURL"])...)
	}
	slices.Sort(c.Standardized.Endpoints)
	c.Standardized.Endpoints = slices.Compact(c.Standardized.Endpoints)
	c.Metadata.ConfigID = hashOf(c.Standardized)
	return c
}

// textsOf returns the texts of an option that is one or a list of them.
func textsOf(option any) (texts []string) {
	list, are := option.([]any)
	if !are {
		list = []any{option}
	}
	for _, each := range list {
		if text, is := each.(string); is && text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

// hashOf returns a hash of a value's JSON. Values of this file have one.
func hashOf(value any) string {
	text, _ := json.Marshal(value)
	return digest.Bytes(text)[:32]
}

// benchmarkLoad describes the load of a stage.
func benchmarkLoad(p *Report, stage int, requests []*run.Request, config []byte) *benchreport.Load {
	asked := p.run.StagePlan()[stage]
	load := &benchreport.Load{Standardized: benchreport.LoadStandardized{
		Tool: "xk6-llm", ToolVersion: toolVersion(p.run), Parallelism: max(1, len(p.run.Runs)), Stage: stage,
		Source: sourceOfPrompts(p.run), InputLength: lengthsOf(requests, promptLength),
	}}
	if enforced := lengthsOf(requests, limitOf); enforced.Value > 0 {
		load.Standardized.OutputLength = &enforced
	}
	if asked.Rate != nil && asked.MeanRate() > 0 && asked.Concurrency == nil {
		load.Standardized.Rate = new(asked.MeanRate())
	}
	if asked.Concurrency != nil && *asked.Concurrency > 0 {
		load.Standardized.Concurrency = asked.Concurrency
	}
	if slices.ContainsFunc(requests, func(q *run.Request) bool { return q.InSession }) {
		load.Standardized.MultiTurn = &benchreport.MultiTurn{Enabled: true}
	}
	load.Metadata.SchemaVersion = "0.0.1"
	var settings any
	if yaml.Unmarshal(config, &settings) == nil && settings != nil {
		load.Native.Config = settings
		load.Metadata.ConfigID = hashOf(string(bytes.TrimSpace(config)))
	}
	return load
}

// toolVersion returns the version of the extension that sent the load.
func toolVersion(r *run.Run) string {
	for _, each := range r.Runs {
		if v := each.Versions["xk6-llm"]; v != "" {
			return v
		}
	}
	return version.Version()
}

// sourceOfPrompts tells where prompts come from if all data sets of the run make them.
func sourceOfPrompts(r *run.Run) string {
	made := false
	for _, c := range r.Clients {
		made = made || len(c.Generated) > 0
		for _, g := range c.Generated {
			if !slices.Contains([]string{"random", "synthetic", "shared_prefix"}, g.Type) {
				return benchreport.SourceUnknown
			}
		}
	}
	if made {
		return benchreport.SourceRandom
	}
	return benchreport.SourceUnknown
}

func promptLength(q *run.Request) int64 { return max(0, int64(q.PromptTokens)) }

// limitOf returns the number of output tokens that was asked for, 0 if the answer may be of any length.
func limitOf(q *run.Request) int64 { return int64(q.MaxTokens) }

// lengthsOf describes the lengths of requests, in tokens.
func lengthsOf(requests []*run.Request, of func(*run.Request) int64) benchreport.SequenceLength {
	least, most, sum := int64(math.MaxInt64), int64(0), 0.0
	for _, q := range requests {
		n := of(q)
		least, most, sum = min(least, n), max(most, n), sum+float64(n)
	}
	if least == most {
		return benchreport.SequenceLength{Distribution: benchreport.Fixed, Value: float64(most)}
	}
	return benchreport.SequenceLength{Distribution: benchreport.Other, Value: sum / float64(len(requests)),
		Min: new(least), Max: new(max(1, most))}
}

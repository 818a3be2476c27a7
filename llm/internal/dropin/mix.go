package dropin

import (
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// addMix adds the parts of a mix, which take over the other options.
func addMix(m mapping, o Map) {
	o["type"], o["seed"] = "mix", *m.config.Load.BaseSeed
	o.set("tokenizer", m.tokenizer(), m.tokenizer() != "")
	var parts []any
	for _, own := range m.config.Own.Data.Parts {
		part := Map{}
		m.add(part, own)
		parts = append(parts, part)
	}
	o["parts"] = parts
}

// mixNeedsTokenizer reports whether a part of a mix makes prompts that have no tokenizer of their own.
func mixNeedsTokenizer(c *config.Config) bool {
	for _, part := range c.Own.Data.Parts {
		switch config.DataType(part.Text("type")) {
		case config.RandomData, config.SyntheticData, config.SharedPrefixData:
			if part["tokenizer"] == nil && part["tokensPerWord"] == nil {
				return true
			}
		}
	}
	return false
}

// refusedBesideMix names the parts of a configuration that tell of other data than the mix.
func refusedBesideMix(c *config.Config, refuse func(when bool, key, reason string)) {
	if c.Own.Data.Parts == nil {
		return
	}
	refuse(c.Data.Type != config.MockData, "data.type", "leave it out: x-llm.data.parts are the data, got "+
		string(c.Data.Type))
	refuse(c.Data.Multimodal != nil || c.Own.Media != nil, "x-llm.data.parts", "have their own media: write it into "+
		"the parts, such as {media: {image: {count: 1}}}")
}

// inputCount adds the option of the API for the number of texts in a request.
func inputCount(m mapping, o Map) {
	switch a := m.config.API; {
	case m.api() == api.Embeddings.Name() && a.Embeddings != nil:
		o["batchSize"] = a.Embeddings.BatchSize
	case m.api() == api.Rerank.Name() && a.Rerank != nil:
		o["documentCount"] = a.Rerank.DocumentCount
	}
}

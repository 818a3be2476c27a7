package sim

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/tidwall/gjson"
)

// inputs is what a request asks of a server besides text: vectors of texts, or scores of documents.
type inputs struct {
	texts      []string
	query      string
	dimensions int // 0 means the server's
	base64     bool
	top        int // 0 means all
}

// DefaultDimensions is the length of a vector.
const DefaultDimensions = 384

// embeddingsEndpoint returns the endpoint of OpenAI's embeddings.
func embeddingsEndpoint() *endpoint {
	return &endpoint{path: "/v1/embeddings", prompt: embeddingsTokens, fault: openAIFault, whole: wholeVectors,
		atOnce: true}
}

// rerankEndpoints returns the endpoints of vLLM and Cohere, and of TEI.
func rerankEndpoints() []*endpoint {
	return []*endpoint{
		{path: "/v1/rerank", prompt: rerankTokens, fault: openAIFault, whole: wholeScores, atOnce: true},
		{path: "/rerank", prompt: rerankTokens, fault: teiFault, whole: bareScores, atOnce: true},
	}
}

// embeddingsTokens counts the tokens of all texts.
func embeddingsTokens(w *wireRequest, tokens Tokenizer) (n int, err error) {
	if w.inputs.texts, err = textsOf("input", w.input); err != nil {
		return 0, err
	}
	count := counting(tokens, w.special)
	for _, text := range w.inputs.texts {
		n += count(text)
	}
	return n, nil
}

// rerankTokens counts the query once per document, as a model reads the two together.
func rerankTokens(w *wireRequest, tokens Tokenizer) (n int, err error) {
	if w.inputs.query == "" {
		return 0, errors.New("query is missing")
	}
	if w.inputs.texts, err = textsOf("documents", w.documents); err != nil {
		return 0, err
	}
	count := counting(tokens, w.special)
	for _, text := range w.inputs.texts {
		n += count(w.inputs.query) + count(text)
	}
	return n, nil
}

// textsOf reads a text or a list of texts.
func textsOf(name string, v gjson.Result) (list []string, err error) {
	if v.Type == gjson.String {
		return []string{v.Str}, nil
	}
	if !v.IsArray() || len(v.Array()) == 0 {
		return nil, fmt.Errorf("%s must be a string or an array of strings, not empty", name)
	}
	for i, text := range v.Array() {
		if text.Type != gjson.String {
			return nil, fmt.Errorf("%s[%d] must be a string", name, i)
		}
		list = append(list, text.Str)
	}
	return list, nil
}

// answered returns how many vectors or scores the answer has: as many as it should, but for the option wrong-count.
func (g *generation) answered() int {
	n := len(g.ask.inputs.texts)
	if top := g.ask.inputs.top; top > 0 {
		n = min(n, top)
	}
	return max(0, n+g.s.opts.WrongCount)
}

// wholeVectors returns the answer of vectors.
func wholeVectors(g *generation, _ string) any {
	type entry struct {
		Object    string `json:"object"`
		Index     int    `json:"index"`
		Embedding any    `json:"embedding"`
	}
	data := make([]entry, g.answered())
	for i := range data {
		vector := make([]float32, cmp.Or(g.ask.inputs.dimensions, DefaultDimensions))
		for k := range vector {
			vector[k] = g.rng.Float32()*2 - 1
		}
		data[i] = entry{"embedding", i, vector}
		if g.ask.inputs.base64 {
			data[i].Embedding = packed(vector)
		}
	}
	return map[string]any{"object": "list", "model": g.ask.model, "data": data, "usage": inputUsage(&g.truth)}
}

// packed returns numbers as little-endian bytes in base64.
func packed(vector []float32) string {
	raw := make([]byte, 0, 4*len(vector))
	for _, x := range vector {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// inputUsage returns the usage of an answer without tokens, in the form of vLLM.
func inputUsage(r *Truth) any {
	return map[string]any{"prompt_tokens": r.PromptTokens, "total_tokens": r.PromptTokens, "completion_tokens": 0}
}

// score is the score of one document; each API has a name of its own for it.
type score struct {
	Index     int      `json:"index"`
	Score     *float64 `json:"score,omitempty"`
	Relevance *float64 `json:"relevance_score,omitempty"`
}

// scores returns scores of documents drawn at random, the best first.
func (g *generation) scores() []score {
	list := make([]score, max(g.answered(), len(g.ask.inputs.texts)))
	for i := range list {
		list[i] = score{Index: i, Score: new(g.rng.Float64())}
	}
	slices.SortFunc(list, func(a, b score) int { return cmp.Compare(*b.Score, *a.Score) })
	return list[:g.answered()]
}

// bareScores returns the answer of TEI.
func bareScores(g *generation, _ string) any { return g.scores() }

// wholeScores returns the answer of vLLM and Cohere.
func wholeScores(g *generation, _ string) any {
	list := g.scores()
	for i := range list {
		list[i].Score, list[i].Relevance = nil, list[i].Score
	}
	return map[string]any{"id": g.truth.ID, "model": g.ask.model, "results": list, "usage": inputUsage(&g.truth)}
}

// teiFault returns an error in TEI's form.
func teiFault(_ int, message string) any {
	return json.RawMessage(append(appendQuoted([]byte(`{"error":`), message), `,"error_type":"Validation"}`...))
}

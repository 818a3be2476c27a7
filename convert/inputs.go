package convert

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Inputs sums up the successes of an API whose requests have inputs and generate no text: the texts of embeddings, or
// the documents of a rerank. Rates are over the same time as [Throughput].
type Inputs struct {
	Requests    int           `json:"requests"`
	RequestRate Maybe         `json:"requests_per_sec"`
	Total       Maybe         `json:"inputs"` // null if the number of any request is unknown
	Rate        Maybe         `json:"inputs_per_sec"`
	TokenRate   Maybe         `json:"input_tokens_per_sec"`
	PerRequest  *Distribution `json:"inputs_per_request"`
	Latency     *Distribution `json:"request_latency"`
	Bytes       *Distribution `json:"bytes_received"` // of the bodies of the answers
	// VectorLengths lists the lengths that vectors have, the most frequent first; of embeddings alone.
	VectorLengths []VectorLength `json:"vector_lengths,omitempty"`
	Scores        *Distribution  `json:"scores_per_request,omitempty"` // of rerank alone
	ByBatch       []Batch        `json:"by_batch"`
}

// VectorLength is a length of vectors, and how many answers have it.
type VectorLength struct {
	Length   int `json:"length"`
	Requests int `json:"requests"`
}

// Batch sums up the requests whose numbers of inputs lie in a range.
type Batch struct {
	From     int           `json:"inputs_from"`
	To       int           `json:"inputs_to"`
	Requests int           `json:"requests"`
	Latency  *Distribution `json:"request_latency"`
}

// allInputs returns the figures of each API whose requests have inputs, also if all of them failed, and nil if there is
// none.
func allInputs(g *subset) map[string]Inputs {
	groups := map[string][]*run.Request{}
	for _, q := range g.all {
		if !q.TakesInputs {
			continue
		}
		api := cmp.Or(q.API, "unknown") // other tools may not tell
		if !q.Failed() {
			groups[api] = append(groups[api], q)
		} else if groups[api] == nil {
			groups[api] = []*run.Request{}
		}
	}
	if len(groups) == 0 {
		return nil
	}
	out := map[string]Inputs{}
	for api, requests := range groups {
		out[api] = inputsOf(g, requests)
	}
	return out
}

// inputsOf returns the figures of the requests of one API.
func inputsOf(g *subset, requests []*run.Request) Inputs {
	total := g.total(requests, inputCount)
	return Inputs{
		Requests: len(requests), RequestRate: perSecond(g, float64(len(requests))),
		Total: Maybe(total), Rate: perSecond(g, total), TokenRate: perSecond(g, g.total(requests, inputTokens)),
		PerRequest: g.sum(requests, inputCount), Latency: g.sum(requests, requestLatency),
		Bytes: g.sum(requests, bytesReceived), VectorLengths: vectorLengths(requests),
		Scores: g.sum(requests, scoreCount), ByBatch: byBatch(g, requests),
	}
}

func inputCount(_ *subset, q *run.Request) float64 { return orUnknown(q.Details().Inputs) }

func scoreCount(_ *subset, q *run.Request) float64 { return orUnknown(q.Details().Scores) }

// bytesReceived is unknown for tools that do not keep the size of an answer.
func bytesReceived(g *subset, q *run.Request) float64 {
	n := q.Details().BytesReceived
	if n == 0 && g.run.Origin != "" {
		return unknown
	}
	return float64(n)
}

func orUnknown(n int32) float64 {
	if n == none {
		return unknown
	}
	return float64(n)
}

// vectorLengths counts the answers by the length of their vectors.
func vectorLengths(requests []*run.Request) (list []VectorLength) {
	counts := map[int]int{}
	for _, q := range requests {
		if n := q.Details().VectorLength; n != none {
			counts[int(n)]++
		}
	}
	for _, length := range sortedKeys(counts) {
		list = append(list, VectorLength{Length: length, Requests: counts[length]})
	}
	slices.SortStableFunc(list, func(a, b VectorLength) int { return cmp.Compare(b.Requests, a.Requests) })
	return list
}

// mostBatches is how many numbers of inputs have a batch of their own.
const mostBatches = 20

// byBatch groups requests by their numbers of inputs, or by the powers of two between which these lie if there are too
// many.
func byBatch(g *subset, requests []*run.Request) []Batch {
	sizes := map[int][]*run.Request{}
	for _, q := range requests {
		if n := q.Details().Inputs; n != none {
			sizes[int(n)] = append(sizes[int(n)], q)
		}
	}
	list := []Batch{}
	groups := sizes
	if len(sizes) > mostBatches {
		groups = map[int][]*run.Request{}
		for n, of := range sizes {
			power := bits.Len(uint(n))
			groups[power] = append(groups[power], of...)
		}
	}
	for _, key := range sortedKeys(groups) {
		of := groups[key]
		b := Batch{Requests: len(of), Latency: g.sum(of, requestLatency)}
		n := g.values(of, inputCount)
		b.From, b.To = int(slices.Min(n)), int(slices.Max(n))
		list = append(list, b)
	}
	return list
}

// warnOfVectors warns of vectors of several lengths, which no index of one model holds.
func (w *warner) warnOfVectors(i Inputs) {
	if len(i.VectorLengths) < 2 {
		return
	}
	var parts []string
	for _, v := range i.VectorLengths[:min(len(i.VectorLengths), mostKinds)] {
		parts = append(parts, fmt.Sprintf("%d (%s)", v.Length, plural(v.Requests, "answer")))
	}
	w.warn(true, "vectors are of %d lengths: %s", len(i.VectorLengths), strings.Join(parts, ", "))
}

// inputNames maps APIs to what their inputs are, in one word.
var inputNames = map[string]string{record.APIEmbeddings: "text", record.APIRerank: "document"}

// inputName returns what the inputs of an API are called.
func inputName(api string) string { return cmp.Or(inputNames[api], "input") }

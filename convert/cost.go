package convert

import (
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-307b789f/xk6-llm/convert/internal/rates"
	"github.com/seed-307b789f/xk6-llm/internal/price"
)

// Cost is what the successes of a group cost at the price of the deployment. A failed request costs its time, which is
// in the cost of the others.
type Cost struct {
	Currency string `json:"currency"`
	Level    Float  `json:"level"` // of the intervals
	PerHour  Float  `json:"price_per_hour"`
	Total    Float  `json:"total"` // of the group's time
	// PerRequest is the cost of a success, and PerMillion that of a million tokens if tokens of this kind alone bore
	// the whole cost: prompt, cached (of the prompts), completion, and total (of prompts and completions).
	PerRequest *Estimate            `json:"per_request"`
	PerMillion map[string]*Estimate `json:"per_million_tokens"`
	// Shared is the cost of a million tokens of each kind, prompt without the cached ones, if the kinds share the cost
	// in the ratio that was given; nil without a ratio, and for a kind of unknown number.
	Shared map[string]*Estimate `json:"shared_per_million_tokens,omitempty"`
}

// Estimate is a figure over a time, with its interval at the level of package rates.
type Estimate struct {
	Value Float  `json:"value"`
	Low   *Float `json:"low"` // null where the time is too short, or is of several loads
	High  *Float `json:"high"`
}

// leastPart is the shortest part of a time, in seconds, and latenciesInPart how many of the mean latencies a part must
// last, so that a request hardly reaches into the next.
const (
	leastPart       = 1
	latenciesInPart = 3
)

// tokensOver holds the tokens of the successes by the part of the time in which they ended. Tokens of an unknown number
// are NaN.
type tokensOver struct {
	seconds                                      float64
	prompt, cached, completion, total, successes []float64
	sharing                                      []float64 // tokens, each as often as it is dear
}

// newTokensOver returns the parts of a group's time; a single one if it is too short for more, or of several loads.
func newTokensOver(g *subset, parts int, ratio *price.Ratio) tokensOver {
	t := tokensOver{seconds: g.time}
	for _, list := range []*[]float64{&t.prompt, &t.cached, &t.completion, &t.total, &t.successes, &t.sharing} {
		*list = make([]float64, parts)
	}
	if len(g.all) == 0 {
		return t
	}
	start := g.all[0].Start
	for _, q := range g.ok {
		at := 0
		if parts > 1 {
			at = min(parts-1, max(0, int(g.run.Seconds(q.End-start)/g.time*float64(parts))))
		}
		in, out := inputTokens(g, q), outputTokens(g, q)
		cached := math.NaN()
		if q.ServerCached != none {
			cached = float64(q.ServerCached)
		}
		t.successes[at]++
		t.prompt[at], t.completion[at], t.cached[at] = t.prompt[at]+in, t.completion[at]+out, t.cached[at]+cached
		t.total[at] += in + out
		if ratio != nil {
			t.sharing[at] += ratio.Completion*out + sharedPrompt(*ratio, in, cached)
		}
	}
	return t
}

// sharedPrompt returns the tokens of a prompt, each as often as it is dear.
func sharedPrompt(r price.Ratio, in, cached float64) float64 {
	if r.Cached == r.Prompt { // even if the server does not tell how many it had cached
		return r.Prompt * in
	}
	return r.Prompt*(in-cached) + r.Cached*cached
}

// partsOf returns into how many parts a group's time is cut.
func partsOf(g *subset) int {
	stages := map[int32]bool{}
	latency := 0.0
	for _, q := range g.ok {
		stages[q.Stage] = true
		latency += g.run.Seconds(q.End-q.Start) / float64(len(g.ok))
	}
	if len(stages) != 1 || !hasTimes(g.run, g.all) || leavesOutBetweenStages(g.run) &&
		g.time != timeSpan(g.run, g.all) {
		return 1
	}
	parts := int(g.time / max(leastPart, latenciesInPart*latency))
	if parts < rates.Least {
		return 1
	}
	return min(parts, rates.Parts)
}

// newCost returns nil without a price, without a success, and if the time of the group is unknown.
func newCost(g *subset) *Cost {
	p := g.opts.Price.Price
	if p == (price.Price{}) || len(g.ok) == 0 || !(g.time > 0) {
		return nil
	}
	t := newTokensOver(g, partsOf(g), g.opts.Price.Ratio)
	c := &Cost{Currency: p.Currency, Level: rates.Level, PerHour: Float(p.PerHour),
		Total:      Float(p.PerHour * g.time / 3600),
		PerRequest: costOf(p, t.seconds, t.successes, 1), PerMillion: map[string]*Estimate{}}
	for kind, counts := range map[string][]float64{"prompt": t.prompt, "cached": t.cached, "completion": t.completion,
		"total": t.total} {
		c.PerMillion[kind] = costOf(p, t.seconds, counts, 1e6)
	}
	if r := g.opts.Price.Ratio; r != nil {
		c.Shared = map[string]*Estimate{
			"prompt": costOf(p, t.seconds, t.sharing, 1e6*r.Prompt),
			"cached": costOf(p, t.seconds, t.sharing, 1e6*r.Cached), "completion": costOf(p, t.seconds, t.sharing,
				1e6*r.Completion),
		}
	}
	return c
}

// costOf returns the cost of so many things, of which each part of the time brought a number; nil if none came, or
// their number is unknown. The interval is that of their rate (Student's t over the parts).
func costOf(p price.Price, seconds float64, counts []float64, many float64) *Estimate {
	sum := floats.Sum(counts)
	if !(sum > 0) {
		return nil
	}
	cost := p.PerHour / 3600 * seconds * many
	r := &Estimate{Value: Float(cost / sum)}
	if reach := rates.Reach(counts) * float64(len(counts)); reach < sum { // else the rate may be 0
		r.Low, r.High = new(Float(cost/(sum+reach))), new(Float(cost/(sum-reach)))
	}
	return r
}

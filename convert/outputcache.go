package convert

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-307b789f/xk6-llm/convert/internal/rates"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The bounds of the audit of repeats. That of the ratio is the one of MLPerf Inference's TEST04.
const (
	repeatRatio = 0.9  // to which the time of repeats may fall
	leastPairs  = 20   // prompts that were sent more than once
	tellingRest = 0.05 // share of the latency after the first token from which it tells how the answer was made
)

// repeats holds, for each prompt that was sent more than once, the times of the first send and the mean of those of the
// later ones. Element 0 is of the first send.
type repeats struct {
	pairs, sends int
	// latency, and what of it came after the first token; per output token if all are counted
	times, rests  [2][]float64
	cached, input [2]float64 // tokens of the prompts, of those whose cached tokens the server told
	texts         bool       // the requests ask for text
}

// auditRepeats checks whether prompts that were sent before are answered faster, as by a server that keeps answers. It
// compares the later sends of a prompt with the first one, if both were in the same stage and the first was answered
// before the others were sent.
func auditRepeats(r *run.Run) Audit {
	a := Audit{Name: "output_cache"}
	found := findRepeats(r)
	ratio, known := rates.Share(found.times[1], found.times[0])
	a.Figures = map[string]float64{"prompts_repeated": float64(found.pairs), "repeats": float64(found.sends)}
	switch {
	case found.pairs == 0:
		return a.unknown("no prompt was sent again in the same stage after it was answered, or the records do not tell")
	case found.pairs < leastPairs:
		return a.unknown("%d prompts were sent again, and %d are needed to judge by", found.pairs, leastPairs)
	case !known || math.IsNaN(ratio.High):
		return a.unknown("the %d prompts that were sent again took no time", found.pairs)
	}
	a.Figures["ratio"], a.Figures["ratio_low"], a.Figures["ratio_high"] = ratio.Value, ratio.Low, ratio.High
	if ratio.High >= repeatRatio {
		note := ""
		if r.Cut.Requests > 0 || r.WarmedUp() {
			note = ", unless requests that are left out here had sent them before"
		}
		return a.ok("prompts that were sent again take %s the time of the first send: their answers are not kept%s",
			percentRange(ratio), note)
	}
	return judgeFaster(a, found, ratio)
}

// judgeFaster tells whether repeats are faster because the server keeps answers. One that keeps the computed prompts
// is faster only until the first token.
func judgeFaster(a Audit, found repeats, ratio rates.Estimate) Audit {
	gain := fmt.Sprintf("%.0f %%", 100*(1-ratio.Value))
	share := floats.Sum(found.rests[0]) / floats.Sum(found.times[0])
	rest, known := rates.Share(found.rests[1], found.rests[0])
	switch {
	case known && share >= tellingRest && len(found.rests[0]) >= leastPairs:
		a.Figures["rest_ratio"], a.Figures["rest_ratio_low"] = rest.Value, rest.Low
		a.Figures["rest_ratio_high"] = rest.High
		if rest.High < repeatRatio {
			return a.off("repeats are %s faster, and after the first token too: the server may cache answers", gain)
		}
		return a.ok("repeats are %s faster, but only until the first token: the server caches prompts, and no answers",
			gain)
	case !found.texts, found.input[1] > 0 && moreCached(found) <= cachedShare:
		return a.off("repeats are %s faster: the server may cache answers", gain)
	}
	return a.unknown("repeats are %s faster: the server caches prompts or answers, which streams of more tokens "+
		"would tell "+
		"apart", gain)
}

// moreCached returns by which share of their prompts the repeats had more in the server's cache than the first sends.
func moreCached(found repeats) float64 {
	return found.cached[1]/found.input[1] - found.cached[0]/max(found.input[0], 1)
}

func percentRange(e rates.Estimate) string {
	return fmt.Sprintf("%.0f %% (%.0f to %.0f %%) of", 100*e.Value, 100*e.Low, 100*e.High)
}

// findRepeats pairs the successes that have the same hash and went to the same place.
func findRepeats(r *run.Run) (found repeats) {
	type sent struct {
		hash record.Hash
		at   int32
	}
	var list []sent
	for i, q := range r.Requests {
		if h := run.HashOf(q); h != 0 && !q.Failed() {
			list = append(list, sent{h, int32(i)})
		}
	}
	slices.SortFunc(list, func(a, b sent) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.at, b.at)) })
	var groups [][]*run.Request
	for len(list) > 0 {
		end := 1
		for end < len(list) && list[end].hash == list[0].hash {
			end++
		}
		if end > 1 {
			var same []*run.Request
			for _, s := range list[:end] {
				same = append(same, r.Requests[s.at])
			}
			groups = append(groups, byPlace(same)...)
		}
		list = list[end:]
	}
	// what is near in time is alike: the interval is of parts of the time
	slices.SortFunc(groups, func(a, b []*run.Request) int { return inOrder(a[0], b[0]) })
	for _, same := range groups {
		found.add(r, same)
	}
	return found
}

// inOrder compares two requests by their starts, and what tells apart those of equal starts.
func inOrder(a, b *run.Request) int {
	return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End), cmp.Compare(a.Scenario, b.Scenario),
		cmp.Compare(a.Index, b.Index), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Instance, b.Instance))
}

// byPlace divides requests by where they went: another server has not seen the prompt.
func byPlace(same []*run.Request) (groups [][]*run.Request) {
	place := func(a, b *run.Request) int {
		return cmp.Or(cmp.Compare(a.Endpoint, b.Endpoint), cmp.Compare(a.Client, b.Client), cmp.Compare(a.API, b.API))
	}
	slices.SortFunc(same, func(a, b *run.Request) int { return cmp.Or(place(a, b), inOrder(a, b)) })
	for len(same) > 0 {
		end := 1
		for end < len(same) && place(same[0], same[end]) == 0 {
			end++
		}
		groups, same = append(groups, same[:end]), same[end:]
	}
	return groups
}

// hasLatency reports whether the latency of a request is in figures.
func hasLatency(q *run.Request) bool { return !q.EndUnknown && !q.LeftOut }

// add adds the sends of a prompt, in order.
func (f *repeats) add(r *run.Run, same []*run.Request) {
	first := same[0]
	repeated := same[:0:0]
	for _, q := range same[1:] {
		if q.Stage == first.Stage && q.Scenario == first.Scenario && q.Start >= first.End && hasLatency(q) {
			repeated = append(repeated, q)
		}
	}
	if len(repeated) == 0 || r.Untimed || !hasLatency(first) {
		return
	}
	f.pairs, f.sends = f.pairs+1, f.sends+len(repeated)
	f.texts = f.texts || !first.Textless
	counted := !slices.ContainsFunc(append(repeated, first),
		func(q *run.Request) bool { return q.CompletionTokens < 1 })
	var rests [2]float64
	for which, sends := range [2][]*run.Request{{first}, repeated} {
		var time float64
		for _, q := range sends {
			latency, tokens := latencySeconds(r, q), 1.0
			if counted {
				tokens = float64(q.CompletionTokens)
			}
			time += latency / tokens / float64(len(sends))
			rests[which] += (latency - q.TTFO()) / tokens / float64(len(sends))
			if q.ServerCached != none && q.ServerPrompt != none {
				f.cached[which] += float64(q.ServerCached)
				f.input[which] += float64(q.ServerPrompt)
			}
		}
		f.times[which] = append(f.times[which], time)
	}
	if !math.IsNaN(rests[0] + rests[1]) { // all came in streams
		f.rests[0], f.rests[1] = append(f.rests[0], rests[0]), append(f.rests[1], rests[1])
	}
}

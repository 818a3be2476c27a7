package page

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/internal/gate"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// A part of a report that has no judgements, such as one of inference-perf, keeps the SLO if at least keptFrom percent
// of its successes do, and at most failedUpTo percent of its requests failed.
const (
	keptFrom   = 100 * slo.KeptFrom
	failedUpTo = 1
)

// judgements returns what became of each objective of the SLO in a part of a run.
func judgements(doc gjson.Result) []gjson.Result { return doc.Get("xk6_llm.slo").Array() }

// outcome returns what became of the SLO in a part of a run: it is broken if one objective is. It returns "" if there
// is no SLO.
func outcome(doc gjson.Result) (all slo.Outcome) {
	list := judgements(doc)
	if len(list) == 0 {
		return oldOutcome(doc)
	}
	all = slo.NoRequests
	for _, j := range list {
		switch one := slo.Outcome(j.Get("outcome").String()); one {
		case slo.Broken:
			return slo.Broken
		case slo.Kept:
			all = slo.Kept
		}
	}
	return all
}

// oldOutcome judges by the share of good requests that reports of inference-perf have.
func oldOutcome(doc gjson.Result) slo.Outcome {
	switch {
	case math.IsNaN(keptShare(doc)):
		return ""
	case keptShare(doc) >= keptFrom && !(failedShare(doc) > failedUpTo):
		return slo.Kept
	}
	return slo.Broken
}

// sloCell says whether a part kept the SLO, and if not, what broke it.
func sloCell(p part) cell {
	var c cell
	switch list := judgements(p.doc); {
	case outcome(p.doc) == "" || outcome(p.doc) == slo.NoRequests:
		return right(missing)
	case len(list) > 0:
		c = judgedCell(list)
		if together := p.doc.Get("xk6_llm.slo_kept"); together.Exists() {
			c.Text = percent(100 * keptOf(together))
		}
	case oldOutcome(p.doc) == slo.Broken && keptShare(p.doc) >= keptFrom:
		c = right(percent(failedShare(p.doc)) + " failed")
	default:
		c = right(percent(keptShare(p.doc)))
	}
	c.Class += " slo " + news(outcome(p.doc) == slo.Kept)
	return c
}

// judgedCell returns the share of the requests that kept the objective that decides: the first that is broken, else the
// one that the fewest kept. If it was broken by failures or drops, it returns their share.
func judgedCell(list []gjson.Result) cell {
	var meaning []string
	var decides gjson.Result
	least := math.Inf(1)
	for _, j := range list {
		meaning = append(meaning, plain.Terminal(fmt.Sprintf("%s: %s (%s)", j.Get("objective"), j.Get("outcome"),
			j.Get("observed"))))
		share := keptOf(j)
		broken, was := isBroken(j), isBroken(decides)
		if broken && !was || broken == was && share < least {
			decides, least = j, share
		}
	}
	text := percent(100 * least)
	if seen := decides.Get("observed").String(); isBroken(decides) && (strings.HasSuffix(seen, "failed") ||
		strings.HasSuffix(seen, "dropped")) {
		text = plain.Terminal(seen)
	}
	return cell{Text: text, Class: "n", Meaning: strings.Join(meaning, "; ")}
}

func isBroken(judgement gjson.Result) bool {
	return slo.Outcome(judgement.Get("outcome").String()) == slo.Broken
}

// keptOf returns the share of the requests that kept an objective, or all objectives together.
func keptOf(judgement gjson.Result) float64 {
	return number(judgement.Get("requests_kept")) / number(judgement.Get("requests"))
}

// keeps returns up to which load each SLO is kept, and whether the gates are. It returns nothing if there are none.
func (r *Run) keeps() (list []sentence) {
	for _, answer := range r.summary.Get("xk6_llm.slo_answers").Array() {
		s := sentence{Label: "SLO", Text: strings.TrimPrefix(plain.Terminal(answer.Get("text").String()), "SLO ")}
		s.Class = outcomeClass(answer.Get("outcome").String())
		list = append(list, s)
	}
	for _, gate := range r.summary.Get("xk6_llm.gates").Array() {
		list = append(list, gateSentence(gate))
	}
	if list == nil && oldOutcome(r.summary) != "" {
		list = append(list, r.oldAnswer())
	}
	if f := r.summary.Get("xk6_llm.fairness"); f.Exists() {
		list = append(list, sentence{Label: "Fairness", Text: plain.Terminal(fairnessOf(f).Sentence())})
	}
	return append(list, interferenceIn(r.summary)...)
}

// interferenceIn says how much the labels of a run slow each other down.
func interferenceIn(summary gjson.Result) (list []sentence) {
	for _, doc := range summary.Get("xk6_llm.interference").Array() {
		var i convert.Interference
		if json.Unmarshal([]byte(doc.Raw), &i) != nil || i.Sentence() == "" || len(list) == shortList {
			continue
		}
		list = append(list, sentence{Label: "Interference", Text: plain.Terminal(i.Sentence())})
	}
	return list
}

// fairnessOf returns how evenly the labels of a run were served.
func fairnessOf(doc gjson.Result) convert.Fairness {
	f := convert.Fairness{By: doc.Get("by").String(), Jain: convert.Maybe(number(doc.Get("jain"))),
		Attained: map[string]convert.Float{}}
	for label, share := range doc.Get("attained").Map() {
		f.Attained[label] = convert.Float(number(share))
	}
	return f
}

func outcomeClass(text string) string {
	switch slo.Outcome(text) {
	case slo.Kept, slo.Broken:
		return news(slo.Outcome(text) == slo.Kept)
	}
	return ""
}

// gateSentence returns the answer of a gate; in older reports there is only whether the requests kept it.
func gateSentence(of gjson.Result) sentence {
	s := sentence{Label: "Gate", Class: outcomeClass(of.Get("outcome").String())}
	status := gate.Status(of.Get("status").String())
	switch status {
	case "":
		s.Text = fmt.Sprintf("%s: %s (%s)", of.Get("objective"), of.Get("outcome"), of.Get("observed"))
	case gate.Inconclusive:
		s.Class = ""
	default:
		s.Class = news(status == gate.Pass)
	}
	if status != "" {
		s.Text = fmt.Sprintf("%s: %s: %s", of.Get("objective"), status, of.Get("reason"))
	}
	s.Text = plain.Terminal(s.Text)
	return s
}

// oldAnswer returns up to which load the SLO is kept in a report without judgements.
func (r *Run) oldAnswer() sentence {
	s := sentence{Label: "SLO"}
	if bounds := r.slo(); bounds != "" {
		s.Text = bounds + ": "
	}
	kept, broken := r.stages.judged()
	switch {
	case len(r.stages) < 2:
		s.Text += fmt.Sprintf("kept by %s of the answers", percent(keptShare(r.summary)))
		s.Class = news(oldOutcome(r.summary) == slo.Kept)
	case len(kept) == 0:
		s.Text += "kept by no stage"
		s.Class = news(false)
	case len(broken) == 0:
		s.Text += "kept by every stage, up to " + kept.ends()[1].load()
		s.Class = news(true)
	default:
		s.Text += fmt.Sprintf("kept by %d of %d stages, up to %s; broken from %s", len(kept), len(r.stages),
			kept.ends()[1].load(), broken.ends()[0].load())
	}
	return s
}

// judged returns the stages that keep the SLO and those that do not. Stages without an SLO are neither.
func (all stages) judged() (kept, broken stages) {
	for _, s := range all {
		switch outcome(s.doc) {
		case slo.Kept:
			kept = append(kept, s)
		case slo.Broken:
			broken = append(broken, s)
		}
	}
	return kept, broken
}

// news returns the CSS class of good or bad news.
func news(good bool) string {
	if good {
		return "good"
	}
	return "bad"
}

// bound is one limit of the SLO.
type bound struct {
	figure string // key of the figure; "" if it has no chart
	name   string
	ms     float64
	label  string // of the requests that it is about; "" means all
}

func boundsOf(b record.Bounds) (list []bound) {
	for _, limit := range []bound{{"ttft", "TTFT", b.TTFT, ""}, {"tpot", "TPOT", b.TPOT, ""},
		{"ntpot", "NTPOT", b.NTPOT, ""}, {"itl", "ITL", b.ITL, ""}, {"request", "latency", b.Latency, ""},
		{"first_audio", "first audio", b.FirstAudio, ""}} {
		if limit.ms > 0 {
			list = append(list, limit)
		}
	}
	return list
}

// takeObjectives replaces the bounds by those of the objectives that the run was judged by.
func (r *Run) takeObjectives() {
	var list []bound
	for _, j := range judgements(r.summary) {
		objectives, err := slo.Parse(j.Get("objective").String())
		if err != nil {
			continue // it names the bounds of each request, or is of a later version
		}
		for _, o := range objectives {
			for _, b := range o.Bounds {
				if slo.IsFactor(b.Latency) {
					continue // charts of latencies cannot show it
				}
				limit := bound{strings.TrimPrefix(b.Latency, "request_"), slo.Name(b.Latency), b.Limit.Seconds() * 1000,
					plain.Terminal(o.Label)}
				if limit.figure == "latency" {
					limit.figure = requestLatency.key
				}
				if !slices.Contains(list, limit) {
					list = append(list, limit)
				}
			}
		}
	}
	if list != nil {
		r.bounds = list
	}
}

// slo returns the objectives of a run, or else its bounds, as text.
func (r *Run) slo() string {
	var parts []string
	for _, j := range judgements(r.summary) {
		parts = append(parts, j.Get("objective").String())
	}
	if parts == nil {
		for _, b := range r.bounds {
			parts = append(parts, fmt.Sprintf("%s ≤ %s ms", b.name, digits(b.ms)))
		}
	}
	return strings.Join(parts, ", ")
}

package convert

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/internal/compare"
	"github.com/seed-307b789f/xk6-llm/convert/run"
)

// Interference tells how much longer the requests of a label take in a stage in which others run beside them than in
// one without these others, at about the same rate of its own.
type Interference struct {
	Label        string   `json:"label"`
	With         []string `json:"with"`             // who runs in the stage, and not in the other
	Beside       []string `json:"beside,omitempty"` // who else runs in both
	Stage        int      `json:"stage"`
	StageWithout int      `json:"stage_without"`
	Rate         Float    `json:"rate"` // of the label's requests, per second
	RateWithout  Float    `json:"rate_without"`

	TTFT    map[string]Slowdown `json:"ttft,omitempty"` // by statistic: mean, p50, p90, p99
	Latency map[string]Slowdown `json:"request_latency"`
}

// Slowdown is how many times as long a figure is, with its interval at 95 %. The interval is null if there are too few
// requests for one, and Reason says so.
type Slowdown struct {
	Ratio  Float  `json:"ratio"`
	Low    *Float `json:"low"`
	High   *Float `json:"high"`
	Reason string `json:"reason,omitempty"`
}

const interferenceDefinition = "how many times as long the figures of a label are in a stage as in stage_without, in " +
	"which those of with do not run and the label has about the same rate (within 20 %); a label runs in a stage of " +
	"another if on average at least 0.05 of its requests are in flight between that one's first start and last; " +
	"intervals at 95 % by block bootstrap"

// presence is a label in a stage, and who else was there.
type presence struct {
	label    string
	stage    int
	requests []*run.Request
	from, to int64 // the first start and the last
	rate     float64
	others   map[string]float64 // seconds of requests in flight, by label; then only of those who count
}

const (
	mostPresences   = 100  // more would take too long to look for, and nobody would read them
	fewestPresent   = 20   // requests of a label in a stage
	leastInFlight   = 0.05 // requests of a label, on average, to be there
	mostRateApart   = 0.2  // between two stages that are compared
	interferenceLot = 200  // resamples
)

// interferenceOf compares the stages of each label with and without others.
func interferenceOf(p *Report) (list []Interference) {
	if p.run.Untimed || len(p.run.Searches) > 0 || len(p.Groups.By(run.ByLabel.Name)) < 2 {
		return nil
	}
	all := presencesOf(p.run)
	for _, with := range all {
		if without := with.reference(all); without != nil {
			list = append(list, with.against(without, p))
		}
	}
	return list
}

// presencesOf returns where each label runs, by label and stage.
func presencesOf(r *run.Run) (list []*presence) {
	sent := run.Sent(r)
	groups := run.ByLabel.Groups(r, sent)
	for _, label := range sortedKeys(groups) {
		stages := run.ByStage(r, groups[label])
		for _, stage := range sortedKeys(stages) {
			requests := stages[stage]
			at := &presence{label: label, stage: stage, requests: requests, from: requests[0].Start,
				to: requests[len(requests)-1].Start, others: map[string]float64{}}
			if len(requests) >= fewestPresent && at.to > at.from {
				at.rate = float64(len(requests)-1) / r.Seconds(at.to-at.from)
				list = append(list, at)
			}
		}
	}
	if len(list) > mostPresences {
		return nil
	}
	for _, q := range sent {
		for _, at := range list {
			if at.label != q.Label && q.Start < at.to && q.End > at.from {
				at.others[q.Label] += r.Seconds(min(q.End, at.to) - max(q.Start, at.from))
			}
		}
	}
	for _, at := range list {
		for label, seconds := range at.others {
			if seconds < leastInFlight*r.Seconds(at.to-at.from) {
				delete(at.others, label)
			}
		}
	}
	return list
}

// reference returns where the same label runs at about the same rate with the fewest of the others, nil if nowhere with
// fewer.
func (at *presence) reference(all []*presence) (best *presence) {
	apart := func(other *presence) float64 { return math.Abs(at.rate-other.rate) / max(at.rate, other.rate) }
	for _, other := range all {
		if other.label != at.label || len(other.others) >= len(at.others) || apart(other) > mostRateApart {
			continue
		}
		within := true
		for label := range other.others {
			_, there := at.others[label]
			within = within && there
		}
		if within && (best == nil || cmp.Or(cmp.Compare(len(other.others), len(best.others)),
			cmp.Compare(apart(other), apart(best))) < 0) {
			best = other
		}
	}
	return best
}

// against compares where a label runs with where it runs without some of the others.
func (at *presence) against(without *presence, p *Report) Interference {
	out := Interference{Label: at.label, Stage: at.stage, StageWithout: without.stage, Rate: Float(at.rate),
		RateWithout: Float(without.rate)}
	for _, label := range sortedKeys(at.others) {
		if _, both := without.others[label]; both {
			out.Beside = append(out.Beside, label)
		} else {
			out.With = append(out.With, label)
		}
	}
	base, fresh := without.side(p), at.side(p)
	out.TTFT, out.Latency = slowdownsOf(base, fresh, "ttft"), slowdownsOf(base, fresh, "request_latency")
	return out
}

func (at *presence) side(p *Report) (s compare.Side) {
	g := divide(p.run, at.requests, p.opts)
	for _, q := range g.all {
		if !unfinished(q) {
			s.Requests = append(s.Requests, comparedRequest(g, q))
		}
	}
	return s
}

var slowdownNames = []string{"mean", "p50", "p90", "p99"}

func slowdownsOf(base, fresh compare.Side, latency string) map[string]Slowdown {
	list, err := compare.Slowdowns(base, fresh, latency,
		compare.Options{Seed: 1, Resamples: interferenceLot, Percentiles: []float64{50, 90, 99}})
	if err != nil || list == nil {
		return nil
	}
	out := map[string]Slowdown{}
	for i, s := range list {
		if math.IsNaN(s.Ratio) {
			continue
		}
		one := Slowdown{Ratio: Float(s.Ratio), Reason: s.Reason}
		if s.Interval != nil {
			one.Low, one.High = new(Float(s.Interval.Low)), new(Float(s.Interval.High))
		}
		out[slowdownNames[i]] = one
	}
	return out
}

// Sentence tells by how much the others slow the label down, by its p99; "" if that is unknown.
func (i *Interference) Sentence() string {
	var figures, without []string
	for _, of := range []struct {
		name string
		by   map[string]Slowdown
	}{{"TTFT", i.TTFT}, {"latency", i.Latency}} {
		if s, known := of.by["p99"]; known {
			figures = append(figures, fmt.Sprintf("p99 %s %s", of.name, s.text()))
			if s.Low == nil && s.Reason != "" {
				without = append(without, fmt.Sprintf("no interval of p99 %s: %s", of.name, s.Reason))
			}
		}
	}
	if figures == nil {
		return ""
	}
	var with []string
	for _, label := range i.With {
		with = append(with, GroupName{Name: label}.brief())
	}
	if len(without) == 2 && i.TTFT["p99"].Reason == i.Latency["p99"].Reason {
		without = []string{"no intervals: " + i.Latency["p99"].Reason}
	}
	text := fmt.Sprintf("%s: %s as long with %s (stage %d) as without (stage %d)", GroupName{Name: i.Label}.brief(),
		strings.Join(figures, " and "), strings.Join(with, " and "), i.Stage, i.StageWithout)
	return strings.Join(append([]string{text}, without...), "; ")
}

func (s Slowdown) text() string {
	text := fmt.Sprintf("%.3g times", float64(s.Ratio))
	if s.Low != nil {
		text += fmt.Sprintf(" [%.3g, %.3g]", float64(*s.Low), float64(*s.High))
	}
	return text
}

// interference prints how much the labels slow each other down.
func (t *table) interference(list []Interference) {
	shown := list[:min(len(list), mostRows)]
	if len(shown) > 0 {
		t.line("")
	}
	for i := range shown {
		if text := shown[i].Sentence(); text != "" {
			t.say("%s", text)
		}
	}
	if others := len(list) - len(shown); others > 0 {
		t.line("and %d other stages in which labels meet", others)
	}
}

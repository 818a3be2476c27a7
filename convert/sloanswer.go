package convert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/slo"
)

// SLOAnswer says up to which load an SLO is kept.
type SLOAnswer struct {
	Text string `json:"text"` // a sentence without a full stop
	// Outcome is kept if all stages keep the SLO, broken if none does, partly, or no requests.
	Outcome slo.Outcome `json:"outcome"`
}

// Partly is the outcome of an SLO that some stages keep and others break.
const Partly slo.Outcome = "partly"

// place is a stage on the axis of loads, and what became of the SLO there.
type place struct {
	stage    int
	load     float64 // NaN if it is unknown
	closed   bool    // load is a concurrency, else a rate
	outcome  slo.Outcome
	observed string
}

// String returns the load, such as 14.6/s or 16 at a time.
func (p place) String() string {
	switch {
	case p.load != p.load:
		return fmt.Sprintf("stage %d", p.stage)
	case p.closed:
		return fmt.Sprintf("%.0f at a time", p.load)
	}
	return Digits(p.load) + "/s"
}

// sloAnswers returns a sentence for each SLO: those of searches, the one of the options, or each of the requests' own.
func (p *Report) sloAnswers() []SLOAnswer {
	list := searchAnswers(p.run)
	for _, names := range slos(p.Summary.Additions.SLO, len(p.opts.Objectives) > 0) {
		answer := SLOAnswer{Outcome: slo.NoRequests, Text: "SLO " + sloText(names) + ": "}
		var clauses []string
		scenarios := p.placesByScenario(names)
		for _, scenario := range sortedKeys(scenarios) {
			if searched(p.run, names, scenario) {
				continue
			}
			text, outcome := clause(scenarios[scenario])
			if len(p.Scenarios) > 1 {
				text = scenario + " " + text
			}
			clauses = append(clauses, text)
			switch {
			case answer.Outcome == slo.NoRequests:
				answer.Outcome = outcome
			case outcome != answer.Outcome && outcome != slo.NoRequests:
				answer.Outcome = Partly
			}
		}
		if len(clauses) == 0 && len(scenarios) > 0 {
			continue
		}
		text := strings.Join(clauses, "; ")
		if missing := unjudged(p.Summary.Additions.SLO, names); missing != "" && answer.Outcome != slo.Broken {
			text, answer.Outcome = strings.TrimSuffix(missing+"; without that "+text, "; without that "), slo.NoRequests
		}
		answer.Text += text
		list = append(list, answer)
	}
	return list
}

// unjudged says which of the named objectives no request of the run can be judged by, while others can: then nobody
// knows whether the SLO is kept. It returns "" if there is none such.
func unjudged(judged []Judgement, names []string) string {
	var list []string
	some := false
	for _, j := range judged {
		if !slices.Contains(names, j.Objective) {
			continue
		}
		if j.Outcome != slo.NoRequests {
			some = true
			continue
		}
		list = append(list, fmt.Sprintf("%s cannot be judged (%s)", j.Objective, j.Observed))
	}
	if !some {
		return ""
	}
	return strings.Join(list, ", ")
}

// slos returns the names of the objectives of each SLO: those of the options are one together for each label, and the
// requests' own bounds are one each.
func slos(judged []Judgement, together bool) (list [][]string) {
	at := map[string]int{}
	for _, j := range judged {
		if i, known := at[j.Label]; known && together {
			list[i] = append(list[i], j.Objective)
			continue
		}
		at[j.Label] = len(list)
		list = append(list, []string{j.Objective})
	}
	return list
}

// sloText returns the objectives of one SLO as one text, with their label once.
func sloText(names []string) string {
	text := names[0]
	label := text[:strings.LastIndexByte(text, ':')+1] // objectives have no colons
	for _, name := range names[1:] {
		text += "," + strings.TrimSpace(strings.TrimPrefix(name, label))
	}
	return text
}

// placesByScenario returns the stages of each scenario that have requests which the named objectives are about.
func (p *Report) placesByScenario(names []string) map[string][]place {
	list, repeated := map[string][]place{}, RepeatedStages(p.run.Searches)
	for _, stage := range sortedKeys(p.Stages) {
		if repeated[stage] {
			continue
		}
		a := p.Stages[stage].Additions
		at := place{stage: stage, load: unknown, outcome: slo.NoRequests}
		concerned := false
		for _, j := range a.SLO {
			if slices.Contains(names, j.Objective) {
				concerned = true
				at.take(j)
			}
		}
		if !concerned {
			continue
		}
		switch l, probe := a.Load, p.run.ProbeOf(stage); {
		case probe != nil:
			at.load, at.closed = probe.Value, l.AtATime != nil
		case l.AtATime != nil:
			at.load, at.closed = float64(*l.AtATime), true
		case a.Requests.SentRate != nil:
			at.load = float64(*a.Requests.SentRate)
		case l.Asked != nil:
			at.load = float64(*l.Asked)
		}
		name := p.scenarioOf(p.Stages[stage])
		list[name] = append(list[name], at)
	}
	return list
}

// take adds the judgement by one objective: the SLO is broken if one objective is.
func (p *place) take(j Judgement) {
	if p.outcome == slo.NoRequests && j.Outcome == slo.NoRequests {
		p.observed = j.Observed
	}
	if p.outcome == slo.Broken || j.Outcome == slo.NoRequests {
		return
	}
	if p.outcome == slo.NoRequests || j.Outcome == slo.Broken {
		p.observed = j.Observed
	}
	p.outcome = j.Outcome
}

// clause says up to which of the places the SLO is kept.
func clause(all []place) (string, slo.Outcome) {
	judged := slices.DeleteFunc(slices.Clone(all), func(p place) bool { return p.outcome == slo.NoRequests })
	if len(judged) == 0 {
		return all[0].observed, slo.NoRequests
	}
	slices.SortStableFunc(judged, func(a, b place) int { return cmp.Compare(a.load, b.load) })
	mixed := slices.ContainsFunc(judged, func(p place) bool { return p.closed != judged[0].closed || p.load != p.load })
	kept := 0
	for _, p := range judged {
		if p.outcome == slo.Kept {
			kept++
		}
	}
	lowest, highest := judged[0], judged[len(judged)-1]
	switch n := len(judged); {
	case n == 1:
		return fmt.Sprintf("%s at %s (%s)", lowest.outcome, lowest, lowest.observed), lowest.outcome
	case kept == n && mixed:
		return "kept by " + allStages(n), slo.Kept
	case kept == n:
		return fmt.Sprintf("kept by %s, up to %s", allStages(n), highest), slo.Kept
	case kept == 0 && mixed:
		return "broken by " + allStages(n), slo.Broken
	case kept == 0:
		return fmt.Sprintf("broken by %s, from %s on (%s)", allStages(n), lowest, lowest.observed), slo.Broken
	case mixed || lowest.outcome == slo.Broken:
		return keptSome(judged, kept), Partly
	}
	return keptUpTo(judged), Partly
}

// keptSome names the stages that break the SLO where these are not simply those of the highest loads.
func keptSome(judged []place, kept int) string {
	at := slices.IndexFunc(judged, func(p place) bool { return p.outcome == slo.Broken })
	return fmt.Sprintf("kept by %d of %d stages, broken first at %s (%s)", kept, len(judged), judged[at],
		judged[at].observed)
}

// keptUpTo names the highest load up to which all stages keep the SLO, and the next.
func keptUpTo(judged []place) string {
	at := slices.IndexFunc(judged, func(p place) bool { return p.outcome == slo.Broken })
	best, next := judged[at-1], judged[at]
	text := fmt.Sprintf("kept up to %s (stage %d), broken at %s (%s)", best, best.stage, next, next.observed)
	if again := slices.IndexFunc(judged[at:], func(p place) bool { return p.outcome == slo.Kept }); again > 0 {
		text += fmt.Sprintf(", kept again at %s", judged[at+again])
	}
	return text
}

// allStages names all of several stages.
func allStages(n int) string {
	if n == 2 {
		return "both stages"
	}
	return fmt.Sprintf("all %d stages", n)
}

package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// scenario is a scenario of a run as it went.
type scenario struct {
	record.Scenario
	unit     string         // what its load is made of: requests, sessions or iterations
	search   *record.Search // nil if it is none; then its stages are those of its probes
	from, to float64        // seconds at which its first and last request were sent
}

// scenariosOf returns the scenarios of a run that sent requests, in the order in which they began. Scenarios that are
// the stages of one load are one.
func scenariosOf(p *convert.Report) (list []scenario) {
	spans := map[string][2]float64{}
	zero := run.FirstStart(p.Run())
	for _, q := range p.Run().Requests {
		at, name := p.Run().Seconds(q.Start-zero), run.LoadName(q.Scenario)
		span, known := spans[name]
		if !known {
			span[0] = at
		}
		spans[name] = [2]float64{span[0], at}
	}
	for _, s := range p.Run().Scenarios() {
		search := p.Run().SearchOf(s.Name)
		if search != nil {
			s.Stages = probedStages(p, search)
		}
		name := run.LoadName(s.Name)
		span, sent := spans[name]
		k := slices.IndexFunc(list, func(o scenario) bool { return o.Name == name })
		switch {
		case !sent || len(s.Stages) == 0:
		case k >= 0:
			list[k].Stages = slices.SortedStableFunc(slices.Values(slices.Concat(list[k].Stages, s.Stages)),
				func(a, b record.Stage) int { return cmp.Compare(a.Index, b.Index) })
		default:
			s.Name = name
			list = append(list, scenario{s, unit(p.Run(), s), search, span[0], span[1]})
		}
	}
	slices.SortStableFunc(list, func(a, b scenario) int { return cmp.Compare(a.from, b.from) })
	return list
}

// unit returns what the load of a scenario is made of.
func unit(r *run.Run, s record.Scenario) string {
	if slices.ContainsFunc(r.Sessions, func(of *run.Session) bool { return of.Scenario == s.Name }) {
		return convert.Sessions
	}
	if slices.ContainsFunc(r.Requests, func(q *run.Request) bool { return q.Seq > 0 && q.Scenario == s.Name }) {
		return convert.Iterations
	}
	return requests
}

// probedStages returns the stages of the probes of a search.
func probedStages(p *convert.Report, s *record.Search) (list []record.Stage) {
	plan := p.Run().StagePlan()
	for _, probe := range s.Probes {
		stage := plan[probe.Stage]
		stage.Index = probe.Stage // also of one without a line
		list = append(list, stage)
	}
	return list
}

// parallel reports whether the run has scenarios that ran at the same time.
func (r *Run) parallel() bool {
	for i, s := range r.scenarios[:max(0, len(r.scenarios)-1)] {
		if s.with(r.scenarios[i+1]) {
			return true
		}
	}
	return false
}

// with reports whether a later scenario began before this one had sent all.
func (s scenario) with(later scenario) bool { return later.from < s.to }

// plan tells the stages of a run what was asked of them, and whose they are.
func (r *Run) plan(p *convert.Report) {
	r.scenarios = scenariosOf(p)
	plans := p.Run().StagePlan()
	of := map[int]string{}
	if len(r.scenarios) > 1 {
		for _, s := range r.scenarios {
			for _, stage := range s.Stages {
				of[stage.Index] = plain.Terminal(s.Name)
			}
		}
	}
	for i, s := range r.stages {
		r.stages[i].plan, r.stages[i].scenario = plans[s.index], of[s.index]
	}
	slices.SortStableFunc(r.stages, func(a, b part) int { return r.order(a) - r.order(b) })
}

// nameScenarios tells the stages of a run whose requests are unknown whose they are, if there are several scenarios.
func (r *Run) nameScenarios() {
	names := map[string]bool{}
	for _, s := range r.stages {
		names[s.recorded()] = true
	}
	for i, s := range r.stages {
		if len(names) > 1 {
			r.stages[i].scenario = s.recorded()
		}
	}
}

// recorded returns the scenario that the report of a stage names.
func (p part) recorded() string {
	return plain.Terminal(run.LoadName(p.doc.Get("xk6_llm.load.scenario").String()))
}

// order returns the number of the scenario of a stage.
func (r *Run) order(s part) int {
	return slices.IndexFunc(r.scenarios, func(c scenario) bool { return plain.Terminal(c.Name) == s.scenario })
}

// plannedLoad returns the load that the scenarios ask for, as text.
func plannedLoad(scenarios []scenario) string {
	var text strings.Builder
	for i, s := range scenarios {
		switch {
		case i == 0:
		case scenarios[i-1].with(s):
			text.WriteString("; at the same time ")
		default:
			text.WriteString("; then ")
		}
		if len(scenarios) > 1 {
			text.WriteString(s.Name + ": ")
		}
		if s.search != nil {
			text.WriteString(searchedLoad(s.search))
			continue
		}
		text.WriteString(stagesLoad(s.Stages, s.unit))
	}
	return text.String()
}

// stagesLoad returns the load of stages that follow each other, as text. Stages of one kind and length are told in one
// breath.
func stagesLoad(stages []record.Stage, of string) string {
	amounts, unit, each := alike(stages)
	if of != requests && unit != "" {
		unit = " " + of + unit
	}
	switch {
	case len(stages) == 1 || unit == "":
		return listed(stages, of)
	case len(stages) <= shortList:
		return fmt.Sprintf("%s%s for %s each", strings.Join(texted(amounts), ", "), unit, each)
	case slices.IsSorted(amounts):
		return fmt.Sprintf("%s to %s%s in %d stages of %s", exactly(amounts[0]), exactly(amounts[len(amounts)-1]), unit,
			len(stages), each)
	default:
		return fmt.Sprintf("%d stages of %s between %s and %s%s", len(stages), each, exactly(slices.Min(amounts)),
			exactly(slices.Max(amounts)), unit)
	}
}

// shortList is the number of stages up to which each is named.
const shortList = 4

func texted(amounts []float64) (list []string) {
	for _, a := range amounts {
		list = append(list, exactly(a))
	}
	return list
}

// alike returns the loads of stages that differ in nothing else, the unit of the loads and the duration of each stage.
// The unit is "" if they do differ.
func alike(stages []record.Stage) (amounts []float64, unit, each string) {
	for i, s := range stages {
		first := stages[0]
		switch {
		case s.From != nil || s.Duration == nil || *s.Duration != *cmp.Or(first.Duration, s.Duration):
			return nil, "", ""
		case s.Rate != nil && s.Concurrency == nil && (i == 0 || unit == "/s"):
			amounts, unit = append(amounts, *s.Rate), "/s"
		case s.Concurrency != nil && s.Requests == nil && (i == 0 || unit == " at a time"):
			amounts, unit = append(amounts, float64(*s.Concurrency)), " at a time"
		default:
			return nil, "", ""
		}
		each = lasting(*s.Duration)
	}
	return amounts, unit, each
}

// listed returns the loads of stages one after the other, of many the first and the last.
func listed(stages []record.Stage, of string) string {
	if loops, counts := closedLoops(stages); len(stages) > 1 && loops != nil {
		return fmt.Sprintf("%s at a time, with %s %s", strings.Join(loops, ", "), strings.Join(counts, ", "), of)
	}
	var parts []string
	for _, s := range stages {
		if text := stageLoad(s, of); text != "" {
			parts = append(parts, text)
		}
	}
	if n := len(parts); n > shortList {
		return fmt.Sprintf("%d stages: %s, …, %s", n, strings.Join(parts[:2], ", "), parts[n-1])
	}
	return strings.Join(parts, ", then ")
}

// closedLoops returns the concurrencies of a few stages and their numbers of requests, or nil if any has none.
func closedLoops(stages []record.Stage) (loops, counts []string) {
	if len(stages) > maxNames {
		return nil, nil
	}
	for _, s := range stages {
		if s.Concurrency == nil || s.Requests == nil || s.Duration != nil {
			return nil, nil
		}
		loops, counts = append(loops, fmt.Sprint(*s.Concurrency)), append(counts, fmt.Sprint(*s.Requests))
	}
	return loops, counts
}

// stageLoad returns the load of one stage, as text.
func stageLoad(s record.Stage, of string) (text string) {
	perSecond := "/s"
	if of != requests {
		perSecond = " " + of + "/s"
	}
	switch {
	case s.Requests != nil && s.Concurrency != nil:
		text = fmt.Sprintf("%d %s, %d at a time", *s.Requests, of, *s.Concurrency)
		if s.Rate != nil {
			text += fmt.Sprintf(", at most %s/s", exactly(*s.Rate))
		}
	case s.Rate != nil && s.From != nil && *s.From != *s.Rate:
		text = fmt.Sprintf("%s → %s%s", exactly(*s.From), exactly(*s.Rate), perSecond)
	case s.Rate != nil:
		text = exactly(*s.Rate) + perSecond
	case s.Requests != nil:
		text = fmt.Sprintf("%d %s", *s.Requests, of)
	case s.Concurrency != nil:
		text = fmt.Sprintf("%d at a time", *s.Concurrency)
	}
	if s.Duration != nil {
		text += " for " + lasting(*s.Duration)
	}
	return text
}

// warmups returns what was sent in the stages that were warm-ups as a whole, as text.
func warmups(r *run.Run) string {
	var list []string
	for _, w := range r.Warmups {
		list = append(list, w.Text())
	}
	if len(list) == 0 {
		return ""
	}
	return strings.Join(list, "; ") + "; in no figure"
}

// plannedWarmup returns how long the stages warm up, as text. What is sent meanwhile is in no figure.
func plannedWarmup(scenarios []scenario) string {
	stages, with := 0, 0
	shortest, longest := math.Inf(1), 0.0
	for _, s := range scenarios {
		for _, stage := range s.Stages {
			stages++
			if stage.Warmup != nil && *stage.Warmup > 0 {
				with++
				shortest, longest = min(shortest, *stage.Warmup), max(longest, *stage.Warmup)
			}
		}
	}
	of := "each stage"
	if with < stages {
		of = fmt.Sprintf("%d of %d stages", with, stages)
	}
	switch {
	case with == 0:
		return ""
	case shortest == longest:
		return fmt.Sprintf("%s of %s, in no figure", lasting(longest), of)
	default:
		return fmt.Sprintf("%s to %s of %s, in no figure", lasting(shortest), lasting(longest), of)
	}
}

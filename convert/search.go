package convert

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// setSearches adds the answers of the run's searches to the summary.
func (a *Additions) setSearches(r *run.Run) {
	if len(r.Searches) == 0 {
		return
	}
	a.Search = r.Searches[0]
	for _, s := range r.Searches[1:] {
		a.OtherSearches = append(a.OtherSearches, *s)
	}
	w := &warner{a.Notes}
	w.warn(true, "the run is a search: figures over all its probes are those of no single load; see search and the "+
		"reports on the stages")
	if n := len(RepeatedStages(r.Searches)); n > 0 {
		w.warn(true, "client_health leaves out %s that the search repeated, for the load generator did not keep up: "+
			"see their own reports", plural(n, "stage"))
	}
	a.Notes = w.list
}

// RepeatedStages returns the stages of the probes in which the load generator did not keep up, and which the search
// repeated with success: its answer rests on none of them.
func RepeatedStages(searches []*record.Search) map[int]bool {
	stages := map[int]bool{}
	for _, s := range searches {
		for i, p := range s.Probes {
			if p.Outcome == record.ProbeRefused && slices.ContainsFunc(s.Probes[i+1:], func(o record.SearchProbe) bool {
				return o.Value == p.Value && o.Outcome != record.ProbeRefused
			}) {
				stages[p.Stage] = true
			}
		}
	}
	return stages
}

// answering returns the part of a group that the answer of a search rests on: the group without the stages that the
// search repeated. A group of such stages alone stays as it is.
func (g *subset) answering() *subset {
	repeated := RepeatedStages(g.run.Searches)
	if len(repeated) == 0 {
		return g
	}
	kept := slices.DeleteFunc(slices.Clone(g.sent), func(q *run.Request) bool { return repeated[int(q.Stage)] })
	if len(kept) == 0 || len(kept) == len(g.sent) {
		return g
	}
	rest := newSubset(g.run, kept, g.opts, nil)
	rest.part = g.part
	return rest
}

// probedStages returns the loads that a search tried, in ascending order and each once, as the stages of a
// plain run. Their durations are whole seconds, as configurations have them.
func probedStages(r *run.Run, s *record.Search) (list []record.Stage) {
	plan, byLoad := r.StagePlan(), map[float64]record.Stage{}
	for _, p := range s.Probes {
		stage, known := plan[p.Stage]
		if p.Outcome == record.ProbeRefused || !known || stage.Duration == nil {
			continue
		}
		stage.Duration = new(math.Ceil(*stage.Duration))
		byLoad[p.Value] = stage
	}
	for _, load := range sortedKeys(byLoad) {
		list = append(list, byLoad[load])
	}
	return list
}

// searchAnswers returns the answers that the searches of a run give themselves.
func searchAnswers(r *run.Run) (list []SLOAnswer) {
	for _, s := range r.Searches {
		scenario := ""
		if len(r.Scenarios()) > 1 {
			scenario = s.Scenario + " "
		}
		for _, t := range tiersOf(s) {
			name := "SLO " + t.SLO
			if len(s.Tiers) > 1 {
				name = fmt.Sprintf("SLO %s (%s)", t.Name, t.SLO)
			}
			list = append(list, SLOAnswer{Text: name + ": " + scenario + answerText(t.SearchAnswer),
				Outcome: outcomeOf(s, t)})
		}
	}
	return list
}

// tiersOf returns the answers of a search to each of its SLOs.
func tiersOf(s *record.Search) []record.SearchTier {
	if len(s.Tiers) > 0 {
		return s.Tiers
	}
	return []record.SearchTier{{SearchAnswer: s.SearchAnswer, StopReason: s.StopReason}}
}

func answerText(a record.SearchAnswer) string {
	if a.Text == "" {
		return "no answer yet"
	}
	return a.Text
}

// outcomeOf returns what became of an SLO over the probes of a search.
func outcomeOf(s *record.Search, t record.SearchTier) slo.Outcome {
	failed := t.LowestFailing != nil || slices.ContainsFunc(s.Probes, func(p record.SearchProbe) bool {
		return tierOutcome(p, t.Name) == record.ProbeFailed
	})
	switch {
	case t.HighestPassing == nil && failed:
		return slo.Broken
	case t.HighestPassing == nil:
		return slo.NoRequests
	case failed:
		return Partly
	}
	return slo.Kept
}

// tierOutcome returns the outcome of a probe for the tier of a name, and that of the first tier if there is only one. A
// probe is refused for all of them.
func tierOutcome(p record.SearchProbe, name string) string {
	if outcome, known := p.Tiers[name]; known && p.Outcome != record.ProbeRefused {
		return outcome
	}
	return p.Outcome
}

// searched reports whether a search of a scenario, or of any if scenario is "", answers the SLO of the named
// objectives itself.
func searched(r *run.Run, objectives []string, scenario string) bool {
	want := sortedObjectives(strings.Join(objectives, ","))
	for _, s := range r.Searches {
		if scenario != "" && run.LoadName(s.Scenario) != scenario {
			continue
		}
		for _, t := range tiersOf(s) {
			if slices.Equal(sortedObjectives(t.SLO), want) {
				return true
			}
		}
	}
	return false
}

// sortedObjectives returns the objectives of an SLO in the order of their texts.
func sortedObjectives(text string) (list []string) {
	objectives, err := slo.Parse(text)
	if err != nil { // of a file that somebody changed
		return []string{text}
	}
	for _, o := range objectives {
		list = append(list, o.String())
	}
	slices.Sort(list)
	return list
}

// NoCapacity says that a search of a run found no load that keeps its SLO, or could not finish, and why in a word or
// two: the report has the sentence. It returns "" if each search has its answer. A search that tried all the probes
// that it had, or that was interrupted, has found one if a probe passed.
func NoCapacity(r *run.Run) string {
	for _, s := range r.Searches {
		switch {
		case s.HighestPassing == nil && s.StopReason == "":
			return "the search found no capacity: it did not end"
		case s.HighestPassing == nil:
			return "the search found no capacity: " + plain.Terminal(stopText(s))
		case s.StopReason == "client_limited", s.StopReason == "unstable_server":
			return "the search did not finish: " + plain.Terminal(stopText(s))
		}
	}
	return ""
}

// stopText returns why a search ended, in words that follow its name.
func stopText(s *record.Search) string {
	if s.StopReason == "" {
		return "did not end"
	}
	return strings.ReplaceAll(s.StopReason, "_", " ")
}

// reasonOf returns the sentence on the end of a search.
func reasonOf(s *record.Search) string {
	if s.StopReason == "" {
		return "the search did not end; so far: " + answerText(s.SearchAnswer)
	}
	return s.Reason
}

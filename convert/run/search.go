package run

import (
	"fmt"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// checkSearches refuses a search by several instances: each of them would have judged its own part of the load.
func checkSearches(r *Run) error {
	if len(r.Runs) < 2 || len(r.Searches) == 0 {
		return nil
	}
	return fmt.Errorf("scenario %q is a search, and of %d instances each judged its own part of the load: search "+
		"with one instance", r.Searches[0].Scenario, len(r.Runs))
}

// settleSearches keeps the last state of each search, and says which searches did not end. The searches of several
// instances, which were forced together, have no answer.
func settleSearches(r *Run) {
	if checkSearches(r) != nil {
		r.Searches = nil
		return
	}
	last := map[string]*record.Search{}
	for _, s := range r.Searches {
		last[s.Scenario] = s
	}
	r.Searches = slices.DeleteFunc(r.Searches, func(s *record.Search) bool { return last[s.Scenario] != s })
	order := map[string]int{}
	for i, s := range r.Scenarios() {
		order[s.Name] = i
	}
	slices.SortStableFunc(r.Searches, func(a, b *record.Search) int { return order[a.Scenario] - order[b.Scenario] })
	for _, s := range r.Searches {
		if s.StopReason == "" {
			r.Partial = true
			r.remark("the search of scenario %q did not end: its answer is what was known until then", s.Scenario)
		}
	}
}

// IsSearch reports whether a scenario is a search.
func (r *Run) IsSearch(scenario string) bool {
	return slices.ContainsFunc(r.Searches, func(s *record.Search) bool { return s.Scenario == scenario })
}

// ProbeOf returns the probe of a search whose requests are those of a stage, and nil if the stage is none.
func (r *Run) ProbeOf(stage int) *record.SearchProbe {
	for _, s := range r.Searches {
		for i := range s.Probes {
			if s.Probes[i].Stage == stage {
				return &s.Probes[i]
			}
		}
	}
	return nil
}

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
		if _, err := record.Append(nil, s); err != nil { // of a line in memory: JSON holds no such numbers
			r.remark("a state of the search of scenario %q is left out: %v", s.Scenario, err)
			continue
		}
		last[s.Scenario] = s
	}
	r.Searches = slices.DeleteFunc(r.Searches, func(s *record.Search) bool { return last[s.Scenario] != s })
	order := map[string]int{}
	for i, s := range r.Scenarios() {
		order[s.Name] = i
	}
	slices.SortStableFunc(r.Searches, func(a, b *record.Search) int { return order[a.Scenario] - order[b.Scenario] })
	for _, s := range r.Searches {
		withLists(s)
		if s.StopReason == "" {
			r.Partial = true
			r.remark("the search of scenario %q did not end: its answer is what was known until then", s.Scenario)
		}
	}
}

// withLists replaces the lists that are nil, as in a file that another program wrote, by empty ones.
func withLists(s *record.Search) {
	s.Tiers, s.Probes = orEmpty(s.Tiers), orEmpty(s.Probes)
	for i := range s.Probes {
		p := &s.Probes[i]
		p.Reasons, p.Shares = orEmpty(p.Reasons), orEmpty(p.Shares)
		if p.Tiers == nil {
			p.Tiers = map[string]string{}
		}
	}
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// SearchOf returns the search of a scenario, and nil if the scenario is none.
func (r *Run) SearchOf(scenario string) *record.Search {
	for _, s := range r.Searches {
		if s.Scenario == scenario {
			return s
		}
	}
	return nil
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

package convert

import (
	"encoding/json"
	"fmt"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert/internal/compare"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// comparedSearches returns what searches found for each SLO, as one side of a comparison. Scenarios tell the tiers of
// several searches apart.
func comparedSearches(searches []*record.Search) (list []compare.Search) {
	for _, s := range searches {
		for _, t := range tiersOf(s) {
			name := t.Name
			if len(searches) > 1 {
				name = s.Scenario + " " + name
			}
			list = append(list, compare.Search{Tier: name, SLO: t.SLO, Over: s.Over, Arrival: s.Arrival,
				Highest: t.HighestPassing, Fails: t.LowestFailing != nil, Interval: t.Interval,
				Confidence: s.Confidence})
		}
	}
	return list
}

// StatedSearches returns the answers of searches that a summary states under xk6_llm.
func StatedSearches(additions gjson.Result) (searches []*record.Search, err error) {
	for _, stated := range append([]gjson.Result{additions.Get("search")},
		additions.Get("other_searches").Array()...) {
		if !stated.IsObject() {
			continue
		}
		s := new(record.Search)
		if err := json.Unmarshal([]byte(stated.Raw), s); err != nil {
			return nil, fmt.Errorf("xk6_llm.search: %w", err)
		}
		searches = append(searches, s)
	}
	return searches, nil
}

package convert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
)

// Fairness tells how evenly the labels of a run were served, by Jain's index: the fairness of an allocation is
// (Σx)²/(n·Σx²), from 1/n to 1 (R. Jain, D. Chiu, W. Hawe: A Quantitative Measure of Fairness and Discrimination for
// Resource Allocation in Shared Computer Systems, DEC-TR-301, 1984).
type Fairness struct {
	By   string `json:"by"`
	Jain Maybe  `json:"jain"` // unknown if no label attained anything
	// Attained is the share of the requests of each label that succeeded and kept their bounds.
	Attained map[string]Float `json:"attained"`
}

const fairnessDefinition = "Jain's index of the attained shares, (Σx)² / (n Σx²) over n labels: 1 if all are equal, " +
	"1/n if one label has everything; x is the share of a label's requests, failed ones included, that succeeded and " +
	"kept the bounds that concern them; of requests without bounds, that succeeded"

// fairnessOf returns nil unless the run is grouped by label and several labels have requests to judge by. Requests
// without a label are none of them.
func fairnessOf(p *Report) *Fairness {
	f := &Fairness{By: run.ByLabel.Name, Attained: map[string]Float{}}
	if len(p.Groups.By(f.By)) < 2 {
		return nil
	}
	groups := run.ByLabel.Groups(p.run, p.run.Requests)
	var shares []float64
	for _, label := range sortedKeys(groups) {
		if share := attained(divide(p.run, groups[label], p.opts)); label != "" && share == share {
			f.Attained[label] = Float(share)
			shares = append(shares, share)
		}
	}
	if len(shares) < 2 {
		return nil
	}
	f.Jain = Maybe(jain(shares))
	return f
}

// Sentence tells the index and what each label attained, without a full stop.
func (f Fairness) Sentence() string {
	var parts []string
	for _, label := range sortedKeys(f.Attained) {
		parts = append(parts, fmt.Sprintf("%s %.1f %%", GroupName{Name: label}.brief(), 100*f.Attained[label]))
	}
	if len(parts) > mostRows {
		parts = append(parts[:mostRows], fmt.Sprintf("and %d others", len(parts)-mostRows))
	}
	return fmt.Sprintf("over %ss: Jain's index %s; good of all requests: %s", f.By, rate(f.Jain, 2),
		strings.Join(parts, ", "))
}

// jain returns Jain's index, NaN if all shares are 0.
func jain(shares []float64) float64 {
	sum, squares := 0.0, 0.0
	for _, x := range shares {
		sum += x
		squares += x * x
	}
	return sum * sum / (float64(len(shares)) * squares)
}

// attained returns the share of the requests that succeeded and kept all bounds that concern them. Requests that the
// end of the run cut off do not count. It is NaN if there are no others.
func attained(g *subset) float64 {
	all := append(judge{g}.objectives(), given(slo.Objective{})) // of requests without bounds, that succeeded
	good := judge{g}.together(all)
	return float64(good.Kept) / float64(good.Requests)
}

// SLOKept counts the requests that objectives are about, and those that kept all that concern them.
type SLOKept struct {
	Requests int `json:"requests"`
	Kept     int `json:"requests_kept"`
}

const sloKeptDefinition = "the requests that some objective of slo is about, failed ones included, and those that " +
	"kept all that are about them; where not each objective is about all requests"

// together judges each request by all objectives that are about it. What was dropped is no request.
func (g judge) together(list []objective) SLOKept {
	own := func(q *run.Request) (bounds []slo.Bound) {
		for _, o := range list {
			switch of := o.bounds(q); {
			case of == nil:
			case bounds == nil:
				bounds = append([]slo.Bound{}, of...) // not nil, although there may be none
			default:
				bounds = append(bounds, of...)
			}
		}
		return bounds
	}
	j := g.by(objective{Objective: slo.Objective{Kind: slo.Goodput}, bounds: own, partial: true})
	return SLOKept{j.Requests, j.Kept}
}

// keptTogether returns nil unless some of several objectives are about a part of the requests: then no judgement alone
// tells how many of the requests are good.
func (g judge) keptTogether(list []objective) *SLOKept {
	if len(list) < 2 || !slices.ContainsFunc(list, func(o objective) bool { return o.partial }) {
		return nil
	}
	return new(g.together(list))
}

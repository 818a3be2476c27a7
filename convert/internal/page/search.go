package page

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// searches are the answers of a run's searches, in the order of their scenarios.
type searches []*record.Search

// takeSearches takes the answers of searches from the summary, and puts the stages of their probes in the order of the
// loads.
func takeSearches(r *Run) {
	// an answer that cannot be read was not written by this program
	r.searches, _ = convert.StatedSearches(r.summary.Get("xk6_llm"))
	if r.searches == nil {
		return
	}
	for _, s := range r.searches {
		for i := range s.Probes {
			p := &s.Probes[i]
			if at := slices.IndexFunc(r.stages, func(stage part) bool { return stage.index == p.Stage }); at >= 0 {
				r.stages[at].search, r.stages[at].probe = s, p
			}
		}
	}
	slices.SortStableFunc(r.stages, func(a, b part) int {
		return cmp.Or(r.order(a)-r.order(b), cmp.Compare(a.probed(), b.probed()))
	})
}

// withoutRepeated returns the runs without the stages of probes that do not count: those in which the load generator
// did not keep up, and those whose load a later one tried again.
func withoutRepeated(runs []Run) []Run {
	runs = slices.Clone(runs)
	for i := range runs {
		runs[i].stages = slices.DeleteFunc(slices.Clone(runs[i].stages), func(p part) bool {
			return p.probe != nil && !slices.ContainsFunc(lastProbes(p.search), func(last record.SearchProbe) bool {
				return last.Stage == p.probe.Stage
			})
		})
	}
	return runs
}

// probed returns the load of a stage, that of its probe if it is one.
func (p part) probed() float64 {
	switch {
	case p.probe != nil:
		return p.probe.Value
	case p.isLoop():
		return p.atATime()
	}
	return p.asked()
}

// edge returns holds or breaks for a stage between which and another the answer of a search lies, "" for others.
func (p part) edge() string {
	if p.probe == nil {
		return ""
	}
	return convert.ProbeEdge(p.search, *p.probe)
}

// found returns how the searches ended, and what of their answers is certain.
func (all searches) found() (list []sentence) {
	for _, s := range all {
		label := "Search"
		if len(all) > 1 {
			label += " of " + plain.Terminal(s.Scenario)
		}
		list = append(list, sentence{Label: label, Text: plain.Terminal(convert.SearchEnd(s))})
		for _, remark := range convert.SearchRemarks(s) {
			list = append(list, sentence{Text: plain.Terminal(remark)})
		}
	}
	return list
}

// edges returns the stages between which the answers of the searches lie, in the order of their loads.
func (all stages) edges() (list []part) {
	for _, stage := range all {
		if stage.edge() != "" {
			list = append(list, stage)
		}
	}
	return list
}

// next returns what would find out more than the first search did.
func (all searches) next() string {
	s := all[0]
	switch s.StopReason {
	case "max_reached":
		return fmt.Sprintf("raise max: the server keeps the SLO up to %s, the highest load that was tried",
			loadOf(s, *cmp.Or(s.HighestPassing, new(0.0))))
	case "min_fails":
		return "lower min, or ask for less: the lowest load that was tried breaks the SLO"
	case "client_limited":
		return "a machine with more processors to itself, or one nearer to the server, to load it from"
	case "probes_exhausted":
		return "more probes (maxProbes), to bring the two loads closer together"
	case "converged":
		return ""
	}
	return "search again: this search did not come to its end"
}

// loadOf returns a load of a search as text.
func loadOf(s *record.Search, load float64) string {
	if s.Over == record.OverConcurrency {
		return exactly(load) + " at a time"
	}
	return exactly(load) + "/s"
}

// searchedLoad returns the load of a search as text.
func searchedLoad(s *record.Search) string {
	low, high := s.Probes[0].Value, s.Probes[0].Value
	for _, p := range s.Probes {
		low, high = min(low, p.Value), max(high, p.Value)
	}
	return fmt.Sprintf("a search from %s to %s in %d probes", loadOf(s, low), loadOf(s, high), len(s.Probes))
}

// probeCell says what became of a probe.
func probeCell(stage part) cell {
	p := stage.probe
	if p == nil {
		return cell{Text: missing, Class: "v"}
	}
	c := cell{Text: convert.ProbeOutcome(*p), Class: "v"}
	if edge := stage.edge(); edge != "" {
		c.Text = edge + ": " + c.Text
	}
	switch p.Outcome {
	case record.ProbePassed:
		c.Class += " " + news(true)
	case record.ProbeFailed:
		c.Class += " " + news(false)
	}
	c.Meaning = plain.Terminal(fmt.Sprintf("%s, decided by %s", p.Phase, cmp.Or(p.Binding, "nothing")))
	return c
}

package convert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// ProbeColumn is a column of the table of a search's probes.
type ProbeColumn struct {
	Name, Meaning string
	Words         bool // else it has numbers
	Cells         []string
	cell          func(record.SearchProbe) string
	shown         func(cells []string) bool // whether the terminal has the column; nil: always
}

func never([]string) bool { return false }

// differ reports whether cells tell the probes apart.
func differ(cells []string) bool { return len(slices.Compact(slices.Clone(cells))) > 1 }

// ProbesByLoad returns the probes of a search in the order of their loads, those of a load in the order of time.
func ProbesByLoad(s *record.Search) []record.SearchProbe {
	probes := slices.Clone(s.Probes)
	slices.SortStableFunc(probes, func(a, b record.SearchProbe) int { return cmp.Compare(a.Value, b.Value) })
	return probes
}

// ProbeTable returns what a search says of its probes, in the order of ProbesByLoad.
func ProbeTable(s *record.Search) (loads []string, columns []ProbeColumn) {
	probes := ProbesByLoad(s)
	for _, p := range probes {
		loads = append(loads, loadText(s, p.Value))
	}
	for _, c := range slices.Concat(probeFigures(s), probeNotes(s)) {
		for _, p := range probes {
			c.Cells = append(c.Cells, c.cell(p))
		}
		columns = append(columns, c)
	}
	return loads, columns
}

// probeFigures returns the columns that the terminal always prints.
func probeFigures(s *record.Search) []ProbeColumn {
	return []ProbeColumn{
		{Name: "outcome", Words: true, cell: ProbeOutcome, Meaning: "pass or fail, and certain if it holds at the " +
			"confidence of the search; unstable: it failed, for requests in flight grew without bound; refused: the " +
			"load generator did not keep up"},
		{Name: "edge", Words: true, Meaning: "the two loads between which the answer lies",
			cell: func(p record.SearchProbe) string { return cmp.Or(ProbeEdge(s, p), noFigure) }},
		{Name: "share", Meaning: "of the requests, that kept the objective which decided",
			cell: func(p record.SearchProbe) string { return shareCell(p.Share) }},
		{Name: "bounds", Meaning: "of the true share, in percent, at the confidence of the search",
			cell: func(p record.SearchProbe) string { return boundsCell(p.Bounds) }},
		{Name: "latency", Meaning: "the latency that decides, in ms, from " + sinceWhen(s) +
			", or the RTF", cell: probeLatency},
		{Name: "requests", Meaning: "that were judged: without those of the transient",
			cell: func(p record.SearchProbe) string { return fmt.Sprint(p.Requests) }},
		{Name: "failed", Meaning: "of the requests, with the arrivals that were dropped",
			cell: func(p record.SearchProbe) string { return fmt.Sprint(p.Failed) }},
		{Name: "s", Meaning: "seconds that the probe took, with its transient",
			cell: func(p record.SearchProbe) string { return fmt.Sprintf("%.0f", p.Seconds) }},
		{Name: "stage", Meaning: "of the probe's requests",
			cell: func(p record.SearchProbe) string { return fmt.Sprint(p.Stage) }},
	}
}

// probeNotes returns the columns of what explains the figures, and of further SLOs.
func probeNotes(s *record.Search) []ProbeColumn {
	list := []ProbeColumn{
		{Name: "phase", Words: true, Meaning: "doubling, bisection, or hold: the answer once more, for longer",
			shown: never, cell: func(p record.SearchProbe) string { return p.Phase }},
		{Name: "client", Words: true, Meaning: "did the load generator keep up?", shown: differ,
			cell: func(p record.SearchProbe) string { return p.Verdict }},
		{Name: "decided by", Words: true, Meaning: "the objective that was broken most, or kept least", shown: differ,
			cell: func(p record.SearchProbe) string { return cmp.Or(p.Binding, noFigure) }},
	}
	for _, tier := range s.Tiers[min(1, len(s.Tiers)):] {
		list = append(list, ProbeColumn{Name: tier.Name, Words: true, Meaning: "the outcome for " + tier.SLO,
			cell: func(p record.SearchProbe) string { return tierOutcome(p, tier.Name) }})
	}
	return list
}

// sinceWhen says from when on the latencies of a search count.
func sinceWhen(s *record.Search) string {
	if s.Over == record.OverConcurrency {
		return "the start of a request"
	}
	return "the instant at which a request was due"
}

// probes prints the table of a search's probes.
func (t *table) probes(s *record.Search) {
	loads, columns := ProbeTable(s)
	var groups []group
	for _, c := range columns {
		if c.shown != nil && !c.shown(c.Cells) {
			continue
		}
		g := group{heads: []string{c.Name}, left: c.Words}
		for _, text := range c.Cells {
			g.cells = append(g.cells, []string{text})
		}
		if c.Name == "bounds" { // in one group with the share
			last := &groups[len(groups)-1]
			last.heads = append(last.heads, c.Name)
			for i := range last.cells {
				last.cells[i] = append(last.cells[i], g.cells[i]...)
			}
			continue
		}
		groups = append(groups, g)
	}
	head := "load"
	if s.Over == record.OverConcurrency {
		head = strings.TrimSpace(atATime)
		for i := range loads {
			loads[i] = strings.TrimSuffix(loads[i], atATime)
		}
	}
	t.grid(head, loads, groups)
}

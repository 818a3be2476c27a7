package page

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/slo"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// overProbes returns the charts of searches: the shares of the requests that kept the objectives, and the latencies
// that decide, over the load.
func overProbes(runs []Run) (g chartGroup) {
	over := map[string]bool{}
	for i := range runs {
		for _, s := range runs[i].searches {
			over[s.Over] = over[s.Over] || len(s.Probes) > 0
		}
	}
	if len(over) != 1 || !over[record.OverRate] && !over[record.OverConcurrency] {
		return g // no search, or several whose loads have no axis in common
	}
	x := axis{Label: "requests per second", Unit: "/s", Log: true, Fit: true}
	since := "From the instant at which a request was due."
	if over[record.OverConcurrency] {
		x.Label, x.Unit, since = "requests at a time", "at a time", "From the start of a request."
	}
	shares := chart{ID: "search-share", Title: "Requests that kept the SLO", X: x,
		Note: "The bars are the bounds of the true share.",
		Y:    axis{Label: "share of the requests, %", Unit: "%", Max: 100}, wide: true}
	latencies := chart{ID: "search-latency", Title: "The latency that decides", X: x,
		Note: since, Y: axis{Label: "latency, ms", Unit: "ms"}, wide: true}
	for i := range runs {
		for _, s := range runs[i].searches {
			shares.probes(runs, i, s, shareOf)
			latencies.probes(runs, i, s, latencyOf)
		}
	}
	latencies.Y.Max = latencies.ceiling()
	note := "The band lies between the highest load that kept the SLO and the lowest that broke it; the lighter one " +
		"reaches to the loads of which the search is certain."
	if tiers := runs[0].searches; tiers != nil && len(tiers[0].Tiers) > 1 {
		note = "Each SLO has a band between the highest load that kept it and the lowest that broke it; the lighter " +
			"one, of the first SLO alone, reaches to the loads of which the search is certain."
	}
	return chartGroup{title: "The search", charts: []chart{shares, latencies}, note: note + lastNote(runs)}
}

// lastNote says which probe of a load the charts show, if there are several.
func lastNote(runs []Run) string {
	for i := range runs {
		for _, s := range runs[i].searches {
			if len(lastProbes(s)) < len(s.Probes) {
				return " Of several probes of a load the last is shown, and none in which the load generator did not " +
					"keep up."
			}
		}
	}
	return ""
}

// reading is what a chart shows of an objective at a probe, with the bounds if there are any.
type reading struct{ value, low, high float64 }

func shareOf(s record.SearchShare) reading {
	return reading{100 * orNaN(s.Share), 100 * orNaN(s.Bounds[0]), 100 * orNaN(s.Bounds[1])}
}

func latencyOf(s record.SearchShare) reading {
	if slo.OnFactor(s.Objective) { // no latency, and so on no axis of milliseconds
		return reading{math.NaN(), math.NaN(), math.NaN()}
	}
	return reading{1000 * orNaN(s.Latency), math.NaN(), math.NaN()}
}

func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

// probes adds the lines of a search, one for each objective, and marks its edge and what the SLO demands.
func (c *chart) probes(runs []Run, number int, s *record.Search, read func(record.SearchShare) reading) {
	probes := lastProbes(s)
	role := 0
	for _, objective := range objectivesOf(probes) {
		line := c.objective(probes, s, objective, read)
		line.Name, line.Run, line.Role = named(runs, number, plain.Terminal(objective)), number, role
		line.Hide = len(runs) > 1 && role > 0
		if !line.known() {
			continue
		}
		c.add(line)
		role++
		if number == 0 {
			c.demand(probes, objective)
		}
	}
	c.edge(runs, number, s)
}

// lastProbes returns the probes in the order of their loads, of each load the last, which counts, without those that
// were refused.
func lastProbes(s *record.Search) (list []record.SearchProbe) {
	last := map[float64]record.SearchProbe{}
	for _, p := range s.Probes {
		if p.Outcome != record.ProbeRefused {
			last[p.Value] = p
		}
	}
	for _, value := range slices.Sorted(maps.Keys(last)) {
		list = append(list, last[value])
	}
	return list
}

// objectivesOf returns the objectives that the probes were judged by.
func objectivesOf(probes []record.SearchProbe) (list []string) {
	for _, p := range probes {
		for _, s := range p.Shares {
			if !slices.Contains(list, s.Objective) {
				list = append(list, s.Objective)
			}
		}
	}
	return list
}

// objective returns the line of an objective over the loads of the probes.
func (c *chart) objective(probes []record.SearchProbe, search *record.Search, objective string,
	read func(record.SearchShare) reading) series {
	line := series{Kind: "line"}
	for _, p := range probes {
		at := slices.IndexFunc(p.Shares, func(s record.SearchShare) bool { return s.Objective == objective })
		if at < 0 {
			continue
		}
		v := read(p.Shares[at])
		line.X, line.Y = append(line.X, rounded(p.Value)), append(line.Y, rounded(v.value))
		line.Low, line.High = append(line.Low, rounded(v.low)), append(line.High, rounded(v.high))
		line.Names = append(line.Names, fmt.Sprintf("stage %d: %s", p.Stage, loadOf(search, p.Value)))
	}
	if !slices.ContainsFunc(line.Low, func(v rounded) bool { return !math.IsNaN(float64(v)) }) {
		line.Low, line.High = nil, nil
	}
	return line
}

// demand marks what an objective demands: a share of the requests, or a latency.
func (c *chart) demand(probes []record.SearchProbe, objective string) {
	list, err := slo.Parse(objective)
	if err != nil || len(list) != 1 {
		return // of a later version
	}
	at, text := math.NaN(), ""
	switch bounds := list[0].Bounds; {
	case c.ID == "search-latency" && len(bounds) == 1:
		at = 1000 * bounds[0].Limit.Seconds()
		text = fmt.Sprintf("SLO %s ms", digits(at))
	case c.ID == "search-share":
		for _, s := range probes[0].Shares {
			if s.Objective == objective {
				at = 100 * s.Needed
				text = exactly(at) + " % needed"
			}
		}
	}
	known := slices.ContainsFunc(c.Marks, func(m mark) bool { return m.Y != nil && float64(*m.Y) == at })
	if !math.IsNaN(at) && !known {
		side := []string{"left", "right"}[len(c.Marks)%2] // so that those close to each other can be read
		c.Marks = append(c.Marks, mark{Y: new(rounded(at)), Text: text, Run: -1, Side: side})
	}
}

// edge marks where the answer lies: of a single run as bands, of several as the load that holds.
func (c *chart) edge(runs []Run, number int, s *record.Search) {
	if len(runs) > 1 {
		if s.HighestPassing != nil {
			c.Marks = append(c.Marks, mark{X: new(rounded(*s.HighestPassing)), Run: number,
				Text: runs[number].Name + " holds"})
		}
		return
	}
	if low, high := s.Interval[0], s.Interval[1]; low != nil && high != nil && *low < *high {
		c.Bands = append(c.Bands, band{From: rounded(*low), To: rounded(*high), Weak: true})
	}
	if len(s.Tiers) < 2 {
		c.tierEdge(s, s.SearchAnswer, "", true)
		return
	}
	for i, t := range s.Tiers {
		c.tierEdge(s, t.SearchAnswer, plain.Terminal(t.Name)+" ", i == 0)
	}
}

// tierEdge marks the two loads between which the answer to an SLO lies. Of further ones it names only the load that
// holds, above the names of the first.
func (c *chart) tierEdge(s *record.Search, a record.SearchAnswer, name string, first bool) {
	low, high := a.HighestPassing, a.LowestFailing
	if low != nil && high != nil && *low < *high {
		c.Bands = append(c.Bands, band{From: rounded(*low), To: rounded(*high)})
	}
	if low != nil {
		m := mark{X: new(rounded(*low)), Text: name + "holds at " + loadOf(s, *low), Run: -1}
		if first {
			m.Side = "left"
		}
		c.Marks = append(c.Marks, m)
	}
	if high != nil && first {
		c.Marks = append(c.Marks, mark{X: new(rounded(*high)), Text: name + "breaks at " + loadOf(s, *high), Run: -1,
			Side: "right"})
	}
}

// steep is how many times the largest bound a latency may be before its chart cuts it off.
const steep = 3

// ceiling returns where the axis of latencies ends: beyond an unstable load they are so long that those around the
// bound could not be told apart. 0 means that no latency is cut off.
func (c *chart) ceiling() float64 {
	limit, most := 0.0, 0.0
	for _, m := range c.Marks {
		if m.Y != nil {
			limit = max(limit, float64(*m.Y))
		}
	}
	for _, s := range c.Series {
		for _, y := range s.Y {
			if v := float64(y); v > most {
				most = v
			}
		}
	}
	if limit == 0 || most <= steep*limit {
		return 0
	}
	c.Note += fmt.Sprintf(" Up to %s ms, the highest is %s ms.", digits(steep*limit), digits(most))
	return steep * limit
}

package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// ordered returns the stages of a run in the order of their loads.
func (all stages) ordered() stages { return slices.SortedStableFunc(slices.Values(all), all.byLoad) }

// overLoad returns the charts over the load, which show how a server behaves as the load grows. If the stages have no
// load in common, they are charts of the stages, one beside the other.
func overLoad(runs []Run) (g chartGroup) {
	g.note = strings.TrimSpace(lastNote(runs))
	runs = withoutRepeated(runs)
	n := 0
	for _, r := range runs {
		n += len(r.stages)
	}
	if n < 2 {
		return chartGroup{}
	}
	kind := axisOf(runs)
	g.title = kind.title(runs)
	for _, f := range []figure{ttft, itl, firstAudio, requestLatency} {
		g.charts = append(g.charts, kind.latency(runs, f))
	}
	if kind != byStage {
		g.charts = append(g.charts, saturation(runs, runs[0].stages.first()))
	}
	g.charts = append(g.charts, kind.throughput(runs), kind.inputs(runs))
	if kind != byRate {
		g.charts = append(g.charts, kind.requests(runs))
	}
	if kind != byConcurrency {
		g.charts = append(g.charts, kind.latency(runs, ntpot))
	}
	return g
}

// id and label name the charts and their x axis.
func (a axisKind) id() string {
	return map[axisKind]string{byRate: "rate-", byConcurrency: "concurrency-", byStage: "stage-"}[a]
}

// title returns the heading of the charts.
func (a axisKind) title(runs []Run) string {
	return map[axisKind]string{byRate: "Over the rate", byConcurrency: "Over the " + unitOf(runs) + " at a time",
		byStage: "Stage by stage"}[a]
}

func (a axisKind) axis(runs []Run) axis {
	log := probesAlone(runs)
	switch a {
	case byStage:
		return axis{Label: "stage"}
	case byConcurrency:
		return axis{Label: unitOf(runs) + " at a time", Unit: "at a time", Log: log, Fit: log}
	}
	for i := range runs {
		for _, s := range runs[i].stages {
			if math.IsNaN(s.asked()) {
				return axis{Label: "requests sent per second", Unit: "/s"}
			}
		}
	}
	return axis{Label: unitOf(runs) + " asked per second", Unit: "/s", Log: log, Fit: log}
}

// unitOf returns what the loads of the runs are made of: requests, unless all are made of something else.
func unitOf(runs []Run) (of string) {
	for _, r := range runs {
		for _, s := range r.stages {
			if of = cmp.Or(of, s.of()); of != s.of() {
				return requests
			}
		}
	}
	return cmp.Or(of, requests)
}

// probesAlone reports whether all stages of the runs are probes, whose loads a search multiplies.
func probesAlone(runs []Run) bool {
	return !slices.ContainsFunc(runs, func(r Run) bool {
		return slices.ContainsFunc(r.stages, func(p part) bool { return p.probe == nil })
	})
}

// base returns a chart without series.
func (a axisKind) base(runs []Run, id, title string, y axis) chart {
	c := chart{ID: a.id() + id, Title: title, X: a.axis(runs), Y: y}
	if a == byStage {
		c.Labels = stageLabels(runs)
	}
	return c
}

// roles assigns the same colour to a statistic in all charts.
var roles = map[string]int{"p50": 0, "p99": 1, "p90": 2, "mean": 4, "requests": 5}

// latency returns a chart of the percentiles of a figure. With several runs it hides all but two until a click on their
// names.
func (a axisKind) latency(runs []Run, f figure) chart {
	c := a.base(runs, f.key, f.name, axis{Label: f.name + ", ms", Unit: "ms"})
	for i := range runs {
		for _, name := range []string{"p50", "p90", "p99", "mean"} {
			s := a.series(&runs[i], func(s part) float64 { return 1000 * f.statistic(s.doc, name) })
			s.Name, s.Run, s.Role = named(runs, i, name), i, roles[name]
			s.Hide = len(runs) > 1 && name == "p90" || name == "mean"
			c.add(s)
		}
	}
	c.limits(runs, f)
	return c
}

// throughput returns a chart of the tokens per second.
func (a axisKind) throughput(runs []Run) chart {
	c := a.base(runs, "throughput", "Throughput", axis{Label: "tokens per second", Unit: "tok/s"})
	for i := range runs {
		for role, what := range []string{"output", "input", "total"} {
			s := a.series(&runs[i], func(s part) float64 {
				if what != "input" && !generates(s.doc) {
					return math.NaN()
				}
				return throughput(s.doc, what+"_tokens")
			})
			s.Name, s.Run, s.Role = named(runs, i, what), i, role
			s.Hide = len(runs) > 1 && what != "output"
			c.add(s)
		}
	}
	return c
}

// requests returns a chart of the requests per second.
func (a axisKind) requests(runs []Run) chart {
	c := a.base(runs, "requests", "Requests per second", axis{Label: "requests per second", Unit: "/s"})
	for i := range runs {
		for role, f := range []struct {
			name  string
			value func(part) float64
		}{
			{"done", part.done},
			{"sent", func(s part) float64 { return achieved(s.doc) }},
			{"asked", part.asked},
		} {
			s := a.series(&runs[i], f.value)
			s.Name, s.Run, s.Role, s.Hide = named(runs, i, f.name), i, role, len(runs) > 1 && role > 0
			c.add(s)
		}
	}
	return c
}

// series returns a line of a value of each stage of a run. Over a load it joins the stages in the order of their loads,
// else in their own order and only within a scenario.
func (a axisKind) series(r *Run, value func(part) float64) series {
	type point struct {
		x    float64
		part part
	}
	var points []point
	for i, s := range r.stages {
		points = append(points, point{a.place(r, i), s})
	}
	slices.SortStableFunc(points, func(a, b point) int { return cmp.Compare(a.x, b.x) })
	s := series{Kind: "line"}
	add := func(x, y float64, name string) {
		s.X, s.Y, s.Names = append(s.X, rounded(x)), append(s.Y, rounded(y)), append(s.Names, name)
	}
	for i, p := range points {
		if a == byStage && i > 0 && p.part.scenario != points[i-1].part.scenario {
			add(p.x-0.5, math.NaN(), "") // a gap in the line
		}
		if !math.IsNaN(p.x) {
			add(p.x, value(p.part), pointName(p.part))
		}
	}
	return s
}

// pointName names a stage at the pointer.
func pointName(s part) string {
	if load := s.load(); load != "" {
		return s.title() + ": " + load
	}
	return s.title()
}

// named puts the run's name before the name of a series if there are several runs.
func named(runs []Run, number int, name string) string {
	if len(runs) > 1 {
		return runs[number].Name + " " + name
	}
	return name
}

// limits marks the bounds of a figure, of several runs only if all have the same.
func (c *chart) limits(runs []Run, f figure) {
	var limits []bound
	for i, r := range runs {
		var own []bound
		for _, b := range r.bounds {
			if b.figure == f.key {
				own = append(own, b)
			}
		}
		if i > 0 && !slices.Equal(own, limits) {
			return
		}
		limits = own
	}
	for _, b := range limits[:min(len(limits), shortList)] {
		text := strings.TrimSpace(b.label + " " + digits(b.ms))
		c.Marks = append(c.Marks, mark{Y: new(rounded(b.ms)), Text: "SLO " + text + " ms", Run: -1})
	}
}

// saturation returns a chart of a latency over the throughput that joins the stages in the order of their loads, and
// marks the knee.
func saturation(runs []Run, f figure) chart {
	x := runs[0].stages.gain()
	c := chart{ID: "saturation-" + f.key, Title: f.name + " against throughput",
		Note: "Where it turns up or back, more load brings no more.",
		X:    axis{Label: x.label, Unit: x.unit}, Y: axis{Label: f.name + ", ms", Unit: "ms"}}
	for i := range runs {
		for _, statistic := range []string{"p50", "p99"} {
			p, with := saturated(runs[i].stages.ordered(), f, statistic)
			s := line(named(runs, i, statistic), i, roles[statistic], "path", p)
			k := knee(p.X, p.Y)
			for j, stage := range with {
				s.Names = append(s.Names, pointName(stage))
				tag := stage.load()
				if j == k {
					tag = "knee: " + tag
				}
				s.Tags = append(s.Tags, tag)
			}
			c.add(s)
			if k >= 0 && statistic == "p50" {
				c.Marks = append(c.Marks, mark{X: new(rounded(p.X[k])), Y: new(rounded(p.Y[k] * 1000)),
					Text: named(runs, i, s.Tags[k]), Run: i})
			}
		}
	}
	c.limits(runs, f)
	return c
}

// saturated returns a statistic of a latency over the throughput of stages, and the stages that have both.
func saturated(list stages, f figure, statistic string) (p xy, with stages) {
	rate := list.gain().rate
	for _, s := range list {
		if x, y := rate(s.doc), f.statistic(s.doc, statistic); !math.IsNaN(x + y) {
			p.add(x, y)
			with = append(with, s)
		}
	}
	return p, with
}

// stageLabels returns the labels of the x axis: the stages' numbers and, if there is only one run, their loads.
func stageLabels(runs []Run) (labels []string) {
	for _, r := range runs {
		for i, s := range r.stages {
			label := fmt.Sprint(s.index)
			if len(runs) == 1 {
				label = labelOf(s) + "\n" + s.load()
			}
			if i == len(labels) {
				labels = append(labels, label)
			}
		}
	}
	return labels
}

// labelOf returns what tells a stage apart on an axis: its scenario, or its number.
func labelOf(s part) string {
	if s.scenario != "" {
		return s.scenario
	}
	return fmt.Sprint(s.index)
}

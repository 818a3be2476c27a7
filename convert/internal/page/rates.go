package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// stagesOf returns the number of stages of all runs.
func stagesOf(runs []Run) (n int) {
	for _, r := range runs {
		n += len(r.stages)
	}
	return n
}

// ordered returns the stages of a run in the order of the rates at which requests were sent.
func (r *Run) ordered() []part {
	return slices.SortedStableFunc(slices.Values(r.stages), func(a, b part) int {
		return cmp.Compare(achieved(a.doc), achieved(b.doc))
	})
}

// byRate returns the charts over the rate, which show how a server behaves as the load grows.
func byRate(runs []Run) chartGroup {
	g := chartGroup{title: "Over the rate",
		note: "In the first two charts each point is a stage, named by its rate in requests/s. Where such a curve " +
			"turns upwards, or back, more load brings no more throughput. " + kneeMeaning}
	if stagesOf(runs) < 2 {
		g.note = "The run has one stage: charts over the rate need two at least, as with STAGES=5@30s,10@30s."
		return g
	}
	g.charts = []chart{saturation(runs, ttft), saturation(runs, ntpot), throughputs(runs)}
	for _, f := range []figure{ttft, ntpot, itl} {
		c := chart{ID: "rate-" + f.key, Title: f.name + " over the rate", X: axis{Label: "requests sent per second"},
			Y: axis{Label: f.name + ", ms"}}
		for i, r := range runs {
			c.statistics(runs, i, f, []string{"mean", "p50", "p90", "p99"}, r.ordered(), rateOf)
		}
		c.limits(runs, f)
		g.charts = append(g.charts, c)
	}
	return g
}

// rateOf and placeOf return the x of a stage.
func rateOf(_ int, s part) float64 { return achieved(s.doc) }

func placeOf(i int, _ part) float64 { return float64(i) }

// roles assigns the same colour to a statistic in all charts.
var roles = map[string]int{"p50": 0, "p99": 1, "p90": 2, "p95": 3, "mean": 4, "requests": 5}

// statistics adds a series for each statistic of a run's stages. With several runs it hides all but two until a click
// on their names.
func (c *chart) statistics(runs []Run, number int, f figure, names []string, stages []part, x func(int, part) float64) {
	for _, name := range names {
		var p xy
		for i, s := range stages {
			if at := x(i, s); !math.IsNaN(at) {
				p.add(at, f.statistic(s.doc, name))
			}
		}
		s := line(named(runs, number, name), number, roles[name], "line", p)
		s.Hide = len(runs) > 1 && name != "p50" && name != "p99" || name == "mean"
		c.add(s)
	}
}

// named puts the run's name before the name of a series if there are several runs.
func named(runs []Run, number int, name string) string {
	if len(runs) > 1 {
		return runs[number].Name + " " + name
	}
	return name
}

// limits marks the bound of a figure if all runs have the same bound.
func (c *chart) limits(runs []Run, f figure) {
	limit := 0.0
	for i, r := range runs {
		own := 0.0
		for _, b := range r.bounds {
			if b.figure == f.key {
				own = b.ms
			}
		}
		if i > 0 && own != limit {
			return
		}
		limit = own
	}
	if limit > 0 {
		c.Marks = append(c.Marks, mark{Y: new(rounded(limit)), Text: fmt.Sprintf("SLO %s ms", digits(limit)), Run: -1})
	}
}

// saturation returns a chart of a latency over the throughput that joins the stages in the order of their rates, and
// marks the knee.
func saturation(runs []Run, f figure) chart {
	c := chart{ID: "saturation-" + f.key, Title: f.name + " against throughput",
		X: axis{Label: "output tokens per second"}, Y: axis{Label: f.name + ", ms"}}
	for i, r := range runs {
		stages := r.ordered()
		for _, statistic := range []string{"p50", "p99"} {
			var p xy
			var tags []string
			for _, s := range stages {
				if x, y := throughput(s.doc, "output_tokens"), f.statistic(s.doc, statistic); !math.IsNaN(x + y) {
					p.add(x, y)
					tags = append(tags, digits(achieved(s.doc))+"/s")
				}
			}
			s := line(named(runs, i, statistic), i, roles[statistic], "path", p)
			s.Tags = tags
			c.add(s)
			if k := knee(p.X, p.Y); k >= 0 && statistic == "p50" {
				text := named(runs, i, fmt.Sprintf("knee at %s", tags[k]))
				c.Marks = append(c.Marks, mark{X: new(rounded(p.X[k])), Y: new(rounded(p.Y[k] * 1000)), Text: text,
					Run: i})
			}
		}
	}
	c.limits(runs, f)
	return c
}

func throughputs(runs []Run) chart {
	c := chart{ID: "throughput", Title: "Throughput over the rate", X: axis{Label: "requests sent per second"},
		Y: axis{Label: "tokens per second"}}
	for i, r := range runs {
		for role, what := range []string{"input", "output", "total"} {
			var p xy
			for _, s := range r.ordered() {
				if x := achieved(s.doc); !math.IsNaN(x) {
					p.add(x, throughput(s.doc, what+"_tokens"))
				}
			}
			s := series{Name: named(runs, i, what), Run: i, Role: role, Kind: "line", X: scaled(p.X, 1),
				Y: scaled(p.Y, 1)}
			s.Hide = len(runs) > 1 && what != "output"
			c.add(s)
		}
	}
	return c
}

// byStage returns charts of the percentiles of each stage.
func byStage(runs []Run) chartGroup {
	g := chartGroup{title: "Percentiles by stage"}
	if stagesOf(runs) < 2 {
		return g
	}
	for _, f := range []figure{requestLatency, ttft, itl, ntpot} {
		c := chart{ID: "stage-" + f.key, Title: f.name + " by stage", X: axis{Label: "stage"},
			Y: axis{Label: f.name + ", ms"}, Labels: stageLabels(runs)}
		for i, r := range runs {
			c.statistics(runs, i, f, []string{"p50", "p90", "p95", "p99"}, r.stages, placeOf)
		}
		c.limits(runs, f)
		g.charts = append(g.charts, c)
	}
	return g
}

// stageLabels returns the labels of the x axis: the stages' numbers and, if there is only one run, their rates.
func stageLabels(runs []Run) (labels []string) {
	for _, r := range runs {
		for i, s := range r.stages {
			label := fmt.Sprint(s.index)
			if rate := achieved(s.doc); len(runs) == 1 && !math.IsNaN(rate) {
				label += "\n" + digits(rate) + "/s"
			}
			if i == len(labels) {
				labels = append(labels, label)
			}
		}
	}
	return labels
}

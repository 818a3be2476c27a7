package page

import (
	"maps"
	"math"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// wideRange is the ratio of the largest to the least value from which on an axis is logarithmic.
const wideRange = 20

// leastShown is the least value on a logarithmic axis, in ms.
const leastShown = 0.001

// distributions returns the charts of the distributions of latencies.
func distributions(runs []Run) chartGroup {
	g := chartGroup{title: "Distributions"}
	for _, d := range []struct {
		id, title, label, note string
		points                 func(*curves) xy
	}{
		{"ecdf-ttft", "Distribution of TTFT", "TTFT, ms", "", func(c *curves) xy { return c.ttft }},
		{"ecdf-itl", "Distribution of ITL", "ITL, ms", "Gaps between consecutive tokens, of all answers together.",
			func(c *curves) xy { return c.itl }},
		{"ecdf-latency", "Distribution of the request latency", "request latency, ms",
			"Of answers that are no text, from sending to the end of the answer.", inputLatencies},
		{"ecdf-delay", "Distribution of the schedule delay", "sent − due, ms",
			"Of the load generator itself. It should be small against the latencies.",
			func(c *curves) xy { return c.delay }},
	} {
		c := chart{ID: d.id, Title: d.title, Note: d.note, X: axis{Label: d.label, Unit: "ms"}}
		for i, r := range runs {
			if r.curves != nil {
				c.add(share100(named(runs, i, "share"), i, 0, d.points(r.curves)))
			}
		}
		c.finishShares()
		g.charts = append(g.charts, c)
	}
	g.charts = append(g.charts,
		byGroup(runs, "adapters", "adapter", func(c *curves) curveSet { return c.adapters }),
		byGroup(runs, "scenarios", "scenario", func(c *curves) curveSet { return c.scenarios }))
	for _, key := range run.KeyNames() {
		g.charts = append(g.charts, byGroup(runs, "by-"+key, key, func(c *curves) curveSet {
			if key == "adapter" && c.adapters.groups > 1 || key == "scenario" && c.scenarios.groups > 1 {
				return curveSet{} // the charts above show them
			}
			return c.keyed[key]
		}))
	}
	return g
}

// byGroup returns a chart that compares the TTFT of the groups of each run's requests.
func byGroup(runs []Run, id, what string, groups func(*curves) curveSet) chart {
	c := chart{ID: "ecdf-" + id, Title: "Distribution of TTFT by " + what, X: axis{Label: "TTFT, ms", Unit: "ms"}}
	for i, r := range runs {
		if r.curves == nil {
			continue
		}
		of := groups(r.curves)
		if of.groups > len(of.curves) {
			c.Note = onlyLargest
		}
		for k, name := range slices.Sorted(maps.Keys(of.curves)) {
			c.add(share100(named(runs, i, plain.Clip(name, longestName)), i, k, of.curves[name]))
		}
	}
	c.finishShares()
	return c
}

// share100 returns a distribution as a series of steps: percent over milliseconds.
func share100(name string, run, role int, p xy) series {
	return series{Name: name, Run: run, Role: role, Kind: "steps", X: scaled(p.X, 1000), Y: scaled(p.Y, 1)}
}

// finishShares chooses the axes. A logarithmic axis begins at the power of ten below the first percentile of the
// values, so that a few zeros do not take up most of the axis.
func (c *chart) finishShares() {
	c.Y = axis{Label: "share no larger, %", Unit: "%", Max: 100}
	least, largest := math.Inf(1), 0.0
	for _, s := range c.Series {
		for i, x := range s.X {
			if v := float64(x); v > leastShown && s.Y[i] >= 1 {
				least = min(least, v)
				break
			}
		}
		largest = max(largest, float64(s.X[len(s.X)-1]))
	}
	if c.X.Log = largest > wideRange*least; !c.X.Log {
		return
	}
	c.X.Label += " (logarithmic)"
	edge := math.Pow(10, math.Floor(math.Log10(least)))
	for i := range c.Series {
		c.Series[i].clamp(rounded(edge))
	}
}

// clamp moves points below the edge onto the edge, and keeps only the last of them.
func (s *series) clamp(edge rounded) {
	below := 0
	for below < len(s.X) && s.X[below] <= edge {
		below++
	}
	if below > 0 {
		s.X, s.Y = s.X[below-1:], s.Y[below-1:]
		s.X[0] = edge
	}
}

package page

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	pictures "github.com/seed-307b789f/xk6-llm/convert/internal/chart"
	"github.com/seed-307b789f/xk6-llm/convert/run"
)

// maxLines bounds the number of groups in a chart, because people cannot tell more colours apart.
const maxLines = maxRuns

// onlyLargest is the note of a chart without some of the groups.
var onlyLargest = fmt.Sprintf("Only the %d with the most requests have lines.", maxLines)

// groupStage names the part that a group has of a stage.
type groupStage struct {
	by, group string // as in the part of the group
	stage     int
}

// largestOf returns the groups of a key, at most maxLines of them: those with the most requests, in their order.
func largestOf(r *Run, by string) (list []part, all int) {
	for _, g := range r.keyed {
		if g.by == by {
			list = append(list, g)
		}
	}
	all = len(list)
	slices.SortStableFunc(list, func(a, b part) int { return cmp.Compare(b.sent(), a.sent()) })
	list = list[:min(all, maxLines)]
	slices.SortFunc(list, func(a, b part) int { return cmp.Compare(a.name, b.name) })
	return list, all
}

// overLoadBy returns, for each key, charts over the load with a line for each group of the requests, if a group has
// requests in several stages.
func overLoadBy(runs []Run) (list []chartGroup) {
	runs = withoutRepeated(runs)
	for _, key := range run.KeyNames() {
		if g := axisOf(runs).byKey(runs, key); g.charts != nil {
			list = append(list, g)
		}
	}
	return list
}

func (a axisKind) byKey(runs []Run, key string) (section chartGroup) {
	lines, note := linesOf(runs, key)
	section.title, section.note = a.title(runs)+", by "+key, note
	joins := false
	for _, f := range []figure{ttft, firstAudio, requestLatency, keptOfStage} {
		c := a.base(runs, key+"-"+f.key, f.name+" p99", axis{Label: f.name + " p99, ms", Unit: "ms"})
		value := func(_ *Run, doc gjson.Result) float64 { return 1000 * f.statistic(doc, "p99") }
		if f.key == keptOfStage.key {
			c.Title, c.Y, value = f.name, axis{Label: f.name + ", %", Unit: "%", Max: 100}, goodShare
		}
		for role, name := range lines {
			for i := range runs {
				r := &runs[i]
				s := a.series(r, func(s part) float64 { return value(r, r.ofGroups[groupStage{key, name, s.index}]) })
				s.Name, s.Run, s.Role = named(runs, i, strings.TrimPrefix(name, key+" ")), i, role
				c.add(s)
				joins = joins || s.points() > 1
			}
		}
		if len(c.Series) > 0 {
			section.charts = append(section.charts, c)
		}
	}
	if len(lines) < 2 || !joins {
		return chartGroup{}
	}
	return section
}

// linesOf returns the names of the groups of a key that have lines, and a note if others have none.
func linesOf(runs []Run, key string) (names []string, note string) {
	sent, left := map[string]float64{}, false
	for i := range runs {
		list, all := largestOf(&runs[i], key)
		for _, g := range list {
			sent[g.name] += g.sent()
		}
		left = left || all > len(list)
	}
	names = slices.SortedFunc(maps.Keys(sent), func(a, b string) int {
		return cmp.Or(cmp.Compare(sent[b], sent[a]), cmp.Compare(a, b))
	})
	if left || len(names) > maxLines {
		names = names[:min(len(names), maxLines)] // two groups can have one name on the page
		note = onlyLargest
	}
	slices.Sort(names)
	return names, note
}

// keptOfStage is the share of the requests that kept the SLO. Its statistics are those of goodShare.
var keptOfStage = figure{key: "kept", name: "SLO kept"}

// goodShare returns the percentage of the requests of a part that kept the SLO of the run, the objective that the
// fewest kept if there are several.
func goodShare(r *Run, doc gjson.Result) float64 {
	list := judgements(doc)
	switch {
	case len(list) == 0 && len(judgements(r.summary)) > 0:
		return math.NaN() // the part was judged by another SLO
	case len(list) == 0:
		return keptShare(doc)
	case doc.Get("xk6_llm.slo_kept").Exists():
		return 100 * keptOf(doc.Get("xk6_llm.slo_kept"))
	}
	least := math.NaN()
	for _, j := range list {
		if share := 100 * keptOf(j); !(share >= least) && !math.IsNaN(share) {
			least = share
		}
	}
	return least
}

// sent returns the number of requests of a part.
func (p part) sent() float64 { return number(p.doc.Get("load_summary.count")) }

// points returns the number of known values of a series.
func (s series) points() (n int) {
	for _, y := range s.Y {
		if !math.IsNaN(float64(y)) {
			n++
		}
	}
	return n
}

// Pictures returns the charts over the load of the groups of a run, a figure for each key.
func Pictures(r Run) (list []pictures.Chart) {
	runs := withoutRepeated([]Run{r})
	kind := axisOf(runs)
	if kind == byStage {
		return nil
	}
	for _, key := range run.KeyNames() {
		section := kind.byKey(runs, key)
		if section.charts == nil {
			continue
		}
		list = append(list, pictures.Chart{File: "latency_by_" + key + ".png", Figure: pictureOf(section)})
	}
	return list
}

// pictureOf returns the charts of a section as the panels of a figure.
func pictureOf(section chartGroup) pictures.Figure {
	f := pictures.Figure{Title: strings.TrimSpace(section.title + " " + section.note)}
	names := map[int]string{}
	for _, c := range section.charts {
		panel := pictures.Panel{Title: c.Title, X: pictures.Axis{Label: c.X.Label},
			Y: pictures.Axis{Label: c.Y.Label, End: c.Y.Max}}
		for _, s := range c.Series {
			line := pictures.Series{Look: s.Role}
			for i, y := range s.Y {
				if !math.IsNaN(float64(y)) {
					line.Points = append(line.Points, pictures.Point{X: float64(s.X[i]), Y: float64(y)})
				}
			}
			panel.Series = append(panel.Series, line)
			names[s.Role] = s.Name
		}
		f.Panels = append(f.Panels, panel)
	}
	for _, look := range slices.Sorted(maps.Keys(names)) {
		f.Legend = append(f.Legend, pictures.Entry{Look: look, Name: names[look]})
	}
	return f
}

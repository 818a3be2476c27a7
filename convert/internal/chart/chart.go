package chart

import (
	"fmt"
	"slices"
)

// Chart is a figure and the file that it goes to.
type Chart struct {
	File   string
	Figure Figure
	// Without are the names of reports, among several, that have nothing for this chart.
	Without []string
}

type panelPlan struct {
	title string
	x, y  Quantity
}

type chartPlan struct {
	file, title string
	panels      []panelPlan
}

// plans are inference-perf's charts.
var plans = []chartPlan{
	{"latency_vs_concurrency.png", "Latency vs Concurrency", latencies("Concurrency", Concurrency)},
	{"throughput_vs_concurrency.png", "Throughput vs Concurrency", throughputs("Concurrency", Concurrency)},
	{"latency_vs_qps.png", "Latency vs Request Rate", latencies("QPS", Rate)},
	{"throughput_vs_qps.png", "Throughput vs Request Rate", throughputs("QPS", Rate)},
	{"goodput_vs_qps.png", "Goodput vs Request Rate", []panelPlan{
		{"Goodput % vs. QPS", Rate, GoodShare},
		{"Request Goodput Rate vs. QPS", Rate, GoodRate},
	}},
	{"throughput_vs_latency.png", "Latency vs Throughput", []panelPlan{
		{"Throughput vs. Norm. Time per Output Token", NTPOT, OutputRate},
		{"Throughput vs. Time to First Token", TTFT, OutputRate},
		{"Throughput vs. Inter-Token Latency", ITL, OutputRate},
	}},
}

func latencies(against string, x Quantity) []panelPlan {
	return []panelPlan{
		{"Time to First Token vs. " + against, x, TTFT},
		{"Norm. Time per Output Token vs. " + against, x, NTPOT},
		{"Inter-Token Latency vs. " + against, x, ITL},
	}
}

func throughputs(against string, x Quantity) []panelPlan {
	return []panelPlan{
		{"Input Tokens/sec vs. " + against, x, InputRate},
		{"Output Tokens/sec vs. " + against, x, OutputRate},
		{"Total Tokens/sec vs. " + against, x, TotalRate},
	}
}

// Charts makes the charts that the reports have data for. Of several reports each is a line in the panels it has values
// for; a chart is dropped if only one of them has any, as there is nothing to compare. The files of such charts are in
// dropped.
func Charts(reports ...Report) (charts []Chart, dropped []string) {
	for _, plan := range plans {
		c := plan.draw(reports)
		switch n := len(c.Figure.Legend); {
		case n > 1 || n == 1 && len(reports) == 1:
			charts = append(charts, c)
		case n == 1:
			dropped = append(dropped, c.File)
		}
	}
	return charts, dropped
}

// draw makes the panels that any report has data for, and a legend of those reports.
func (p chartPlan) draw(reports []Report) Chart {
	c := Chart{File: p.file, Figure: Figure{Title: p.title}}
	has := make([]bool, len(reports))
	for _, plan := range p.panels {
		panel := plan.draw(reports)
		if len(panel.Series) == 0 {
			continue
		}
		c.Figure.Panels = append(c.Figure.Panels, panel)
		for _, s := range panel.Series {
			has[s.Look] = true
		}
	}
	for i, entry := range legendOf(reports) {
		if has[i] {
			c.Figure.Legend = append(c.Figure.Legend, entry)
		} else {
			c.Without = append(c.Without, entry.Name)
		}
	}
	return c
}

// legendOf names reports: one by its directory, several by their number as well, as the file beside the charts does.
func legendOf(reports []Report) []Entry {
	entries := make([]Entry, len(reports))
	for i, r := range reports {
		entries[i] = Entry{Look: i, Name: r.Name()}
		if len(reports) > 1 {
			entries[i].Name = fmt.Sprintf("%s: %s", Label(i), r.Name())
		}
	}
	return entries
}

// Label names the report of an index among several: "Report 1" is the first.
func Label(index int) string { return fmt.Sprintf("Report %d", index+1) }

// draw makes a panel with a series for each report that has both values of any stage.
func (p panelPlan) draw(reports []Report) Panel {
	panel := Panel{Title: p.title, X: axes[p.x], Y: axes[p.y]}
	for i, r := range reports {
		s := Series{Look: i}
		for _, stage := range r.Stages {
			x, hasX := stage.Values[p.x]
			y, hasY := stage.Values[p.y]
			if hasX && hasY {
				s.Points = append(s.Points, Point{x, y})
			}
		}
		if len(s.Points) > 0 {
			panel.Series = append(panel.Series, s)
		}
	}
	return panel
}

// Missing lists, by their labels, the latencies and throughputs of which no stage of the report has a value. Goodput is
// not among them: a report has it only if it was asked for.
func (r *Report) Missing() (labels []string) {
	for _, q := range []Quantity{TTFT, NTPOT, ITL, InputRate, OutputRate, TotalRate} {
		has := func(s Stage) bool { _, there := s.Values[q]; return there }
		if !slices.ContainsFunc(r.Stages, has) {
			labels = append(labels, axes[q].Label)
		}
	}
	return labels
}

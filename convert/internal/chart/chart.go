package chart

import (
	"fmt"
	"slices"
)

// Chart is a figure and the name of its file.
type Chart struct {
	File   string
	Figure Figure
	// Without names the reports, among several, that have no data for this chart.
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

// plans lists inference-perf's charts, and with each of its charts of mean latencies one of the 99th percentiles.
var plans = []chartPlan{
	{"latency_vs_concurrency.png", "Latency vs Concurrency", latencies("Concurrency", Concurrency)},
	{"latency_p99_vs_concurrency.png", "99th Percentile of Latency vs Concurrency",
		tails("Concurrency", Concurrency)},
	{"throughput_vs_concurrency.png", "Throughput vs Concurrency", throughputs("Concurrency", Concurrency)},
	{"latency_vs_qps.png", "Latency vs Request Rate", latencies("QPS", Rate)},
	{"latency_p99_vs_qps.png", "99th Percentile of Latency vs Request Rate", tails("QPS", Rate)},
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

func tails(against string, x Quantity) []panelPlan {
	list := latencies(against, x)
	for i, tail := range []Quantity{TTFTP99, NTPOTP99, ITLP99} {
		list[i].y = tail
	}
	return list
}

func throughputs(against string, x Quantity) []panelPlan {
	return []panelPlan{
		{"Input Tokens/sec vs. " + against, x, InputRate},
		{"Output Tokens/sec vs. " + against, x, OutputRate},
		{"Total Tokens/sec vs. " + against, x, TotalRate},
	}
}

// Charts makes the charts that the reports have data for. Each of several reports is a line in the panels that it has
// values for. A chart that only one of several reports has data for compares nothing: its file name is in dropped.
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

// draw makes the panels that at least one report has data for, and a legend of the reports in them.
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

// legendOf returns the legend of reports, which are named by their directories. Several of one name also have their
// number, as in the file beside the charts.
func legendOf(reports []Report) []Entry {
	entries, times := make([]Entry, len(reports)), map[string]int{}
	for i, r := range reports {
		entries[i] = Entry{Look: i, Name: r.Name()}
		times[r.Name()]++
	}
	for i, e := range entries {
		if times[e.Name] > 1 {
			entries[i].Name = fmt.Sprintf("%s: %s", Label(i), e.Name)
		}
	}
	return entries
}

// Label returns the name of the report at an index: "Report 1" for index 0.
func Label(index int) string { return fmt.Sprintf("Report %d", index+1) }

// draw makes a panel with a series for each report that has a stage with both values.
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

// Missing lists the labels of the latencies and throughputs that no stage of the report has. Goodput is not among them,
// since a report has it only on request.
func (r *Report) Missing() (labels []string) {
	for _, q := range []Quantity{TTFT, NTPOT, ITL, InputRate, OutputRate, TotalRate} {
		has := func(s Stage) bool { _, there := s.Values[q]; return there }
		if !slices.ContainsFunc(r.Stages, has) {
			labels = append(labels, axes[q].Label)
		}
	}
	return labels
}

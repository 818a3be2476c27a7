package chart

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// made returns a report of stages with the quantities given. Each stage has larger values than the stage before.
func made(dir string, stages int, quantities ...Quantity) Report {
	r := Report{Dir: dir}
	for n := range stages {
		s := Stage{Number: n, Values: map[Quantity]float64{}}
		for _, q := range quantities {
			s.Values[q] = float64(n + 1)
		}
		r.Stages = append(r.Stages, s)
	}
	return r
}

// outline writes charts as "file: title of panel [look×points …], …".
func outline(charts []Chart) (lines []string) {
	for _, c := range charts {
		var panels []string
		for _, p := range c.Figure.Panels {
			var series []string
			for _, s := range p.Series {
				series = append(series, fmt.Sprintf("%d×%d", s.Look, len(s.Points)))
			}
			panels = append(panels, fmt.Sprintf("%s [%s]", p.Title, strings.Join(series, " ")))
		}
		lines = append(lines, c.File+": "+strings.Join(panels, ", "))
	}
	return lines
}

func TestCharts(t *testing.T) {
	t.Parallel()
	whole := []Quantity{TTFT, NTPOT, ITL, InputRate, OutputRate, TotalRate}
	rates := made("rates", 2, append(whole, Rate, GoodShare, GoodRate)...)
	crowd := made("crowd", 3, append(whole, Concurrency)...)
	unary := made("unary", 2, Rate, NTPOT, OutputRate)
	for _, test := range []struct {
		name          string
		reports       []Report
		want, dropped []string
	}{
		{"rates", []Report{rates}, []string{
			"latency_vs_qps.png: Time to First Token vs. QPS [0×2], Norm. Time per Output Token vs. QPS [0×2], " +
				"Inter-Token Latency vs. QPS [0×2]",
			"throughput_vs_qps.png: Input Tokens/sec vs. QPS [0×2], Output Tokens/sec vs. QPS [0×2], Total " +
				"Tokens/sec vs. QPS [0×2]",
			"goodput_vs_qps.png: Goodput % vs. QPS [0×2], Request Goodput Rate vs. QPS [0×2]",
			"throughput_vs_latency.png: Throughput vs. Norm. Time per Output Token [0×2], Throughput vs. Time to " +
				"First Token [0×2], Throughput vs. Inter-Token Latency [0×2]",
		}, nil},
		{"concurrency", []Report{crowd}, []string{
			"latency_vs_concurrency.png: Time to First Token vs. Concurrency [0×3], Norm. Time per Output Token " +
				"vs. Concurrency [0×3], Inter-Token Latency vs. Concurrency [0×3]",
			"throughput_vs_concurrency.png: Input Tokens/sec vs. Concurrency [0×3], Output Tokens/sec vs. " +
				"Concurrency [0×3], Total Tokens/sec vs. Concurrency [0×3]",
			"throughput_vs_latency.png: Throughput vs. Norm. Time per Output Token [0×3], Throughput vs. Time to " +
				"First Token [0×3], Throughput vs. Inter-Token Latency [0×3]",
		}, nil},
		{"panels that one report lacks hold the others under their own titles", []Report{unary, rates, rates}, []string{
			"latency_vs_qps.png: Time to First Token vs. QPS [1×2 2×2], Norm. Time per Output Token vs. QPS [0×2 " +
				"1×2 2×2], Inter-Token Latency vs. QPS [1×2 2×2]",
			"throughput_vs_qps.png: Input Tokens/sec vs. QPS [1×2 2×2], Output Tokens/sec vs. QPS [0×2 1×2 " +
				"2×2], Total Tokens/sec vs. QPS [1×2 2×2]",
			"goodput_vs_qps.png: Goodput % vs. QPS [1×2 2×2], Request Goodput Rate vs. QPS [1×2 2×2]",
			"throughput_vs_latency.png: Throughput vs. Norm. Time per Output Token [0×2 1×2 2×2], Throughput vs. " +
				"Time to First Token [1×2 2×2], Throughput vs. Inter-Token Latency [1×2 2×2]",
		}, nil},
		{"runs of two kinds have one chart in common", []Report{rates, crowd}, []string{
			"throughput_vs_latency.png: Throughput vs. Norm. Time per Output Token [0×2 1×3], Throughput vs. Time " +
				"to First Token [0×2 1×3], Throughput vs. Inter-Token Latency [0×2 1×3]",
		}, []string{"latency_vs_concurrency.png", "throughput_vs_concurrency.png", "latency_vs_qps.png",
			"throughput_vs_qps.png", "goodput_vs_qps.png"}},
		{"percentiles", []Report{made("tails", 2, Rate, TTFTP99, ITLP99)}, []string{
			"latency_p99_vs_qps.png: Time to First Token vs. QPS [0×2], Inter-Token Latency vs. QPS [0×2]",
		}, nil},
		{"nothing", []Report{made("bare", 2, Rate)}, nil, nil},
	} {
		charts, dropped := Charts(test.reports...)
		if got := outline(charts); !slices.Equal(got, test.want) {
			t.Errorf("%s: charts\n%s\nwant\n%s", test.name, strings.Join(got, "\n"), strings.Join(test.want, "\n"))
		}
		if !slices.Equal(dropped, test.dropped) {
			t.Errorf("%s: dropped %q, want %q", test.name, dropped, test.dropped)
		}
	}
}

func TestLegend(t *testing.T) {
	t.Parallel()
	unary, rates := made("unary", 1, Rate, NTPOT), made("rates", 1, Rate, TTFT, GoodRate)
	rates.Prefix = "night_"
	charts, _ := Charts(rates, unary, rates)
	want := []Entry{{0, "Report 1: rates/night_"}, {2, "Report 3: rates/night_"}}
	if got := charts[1].Figure.Legend; !slices.Equal(got, want) {
		t.Errorf("legend of %s = %v, want %v", charts[1].File, got, want)
	}
	if got, want := charts[1].Without, []string{"unary"}; !slices.Equal(got, want) {
		t.Errorf("%s is without %q, want %q", charts[1].File, got, want)
	}
	charts, _ = Charts(unary)
	if got, want := charts[0].Figure.Legend, []Entry{{0, "unary"}}; !slices.Equal(got, want) {
		t.Errorf("legend of one report = %v, want %v", got, want)
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	r := made("unary", 2, Rate, NTPOT, OutputRate)
	want := []string{"Mean TTFT (ms)", "Mean ITL (ms)", "Input Tokens/sec", "Total Tokens/sec"}
	if got := r.Missing(); !slices.Equal(got, want) {
		t.Errorf("missing = %q, want %q", got, want)
	}
}

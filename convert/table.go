package convert

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// WriteTable prints a short summary of the run and its stages for people.
func (r *Run) WriteTable(w io.Writer, o Options) error {
	o.Percentiles = []float64{50, 90, 99}
	all, stages := r.Summary(o), r.StageReports(o)
	t := &table{w: w}
	if r.Simulated() {
		t.line("SIMULATED: the answers came from the built-in simulator; these figures say nothing about any model.")
	}
	if r.Partial {
		t.line("PARTIAL: something of the run is missing, see the remarks.")
	}
	c := all.Ours.Requests
	t.line("requests: %d sent, %d succeeded, %d failed (%d of them cut at the end); %d arrivals dropped", c.Sent, c.Succeeded, c.Failed, c.Canceled, c.Dropped)
	for _, l := range all.Failures.ByLabel {
		t.line("  failed: %d × %s: %s", l.count, l.label, l.messages[0])
	}
	tp := all.Successes.Throughput
	t.line("throughput: %.2f requests/s, %.1f prompt tokens/s, %.1f output tokens/s (counted by: %s)", tp.Requests, tp.InputTokens, tp.OutputTokens, sourceNames(all.Ours.Tokens))
	if tokens := all.Ours.Tokens; tokens.Differed > 0 {
		t.line("prompt lengths: %d of %d prompts do not have the tokens they were made to have: is it the model's tokenizer?", tokens.Differed, tokens.Asked)
	}
	if cached := all.Successes.PromptTokens.Cached; cached > 0 {
		t.line("prefix cache: %.0f of %.0f prompt tokens were cached by the server", cached, all.Successes.PromptTokens.Total)
	}
	t.line("")
	t.stages(stages)
	t.line("")
	t.latencies(all)
	return t.err
}

// sourceNames lists where output tokens were counted.
func sourceNames(t TokenCounts) (names string) {
	for _, source := range slices.Sorted(maps.Keys(t.Output)) {
		if names != "" {
			names += ", "
		}
		names += string(source)
	}
	if names == "" {
		return "nothing to count"
	}
	return names
}

// table writes lines until one fails.
type table struct {
	w   io.Writer
	err error
}

func (t *table) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format+"\n", args...)
	}
}

func (t *table) grid(rows func(w io.Writer)) {
	if t.err == nil {
		w := tabwriter.NewWriter(t.w, 0, 0, 2, ' ', tabwriter.AlignRight)
		rows(w)
		t.err = w.Flush()
	}
}

func (t *table) stages(reports map[int]*Lifecycle) {
	t.grid(func(w io.Writer) {
		_, _ = fmt.Fprintln(w, "stage\trequests\tfailed\trate asked\tachieved\tTTFT p50\tp99\tITL p50\tp99\trequest p50\tp99 ms\t")
		for _, n := range sortedKeys(reports) {
			l := reports[n]
			lat := l.Ours.Latency
			_, _ = fmt.Fprintf(w, "%d\t%d\t%d\t%.2f\t%.2f\t%s\t%s\t%s\t%s\t%s\t%s\t\n", n, l.Load.Count, l.Failures.Count, *l.Load.RequestedRate, *l.Load.AchievedRate,
				cell(lat.TTFT, 50), cell(lat.TTFT, 99), cell(l.Successes.Latency.ITL, 50), cell(l.Successes.Latency.ITL, 99),
				cell(l.Successes.Latency.Request, 50), cell(l.Successes.Latency.Request, 99))
		}
	})
}

func (t *table) latencies(all *Lifecycle) {
	t.grid(func(w io.Writer) {
		_, _ = fmt.Fprintln(w, "latency, ms\tmean\tmin\tp50\tp90\tp99\tmax\t")
		for _, row := range []struct {
			name string
			d    *Distribution
		}{
			{"TTFT", all.Ours.Latency.TTFT}, {"ITL", all.Successes.Latency.ITL}, {"TPOT", all.Ours.Latency.TPOT}, {"NTPOT", all.Ours.Latency.NTPOT},
			{"request", all.Successes.Latency.Request}, {"schedule delay", all.Load.ScheduleDelay},
		} {
			if row.d == nil {
				_, _ = fmt.Fprintf(w, "%s\t-\t-\t-\t-\t-\t-\t\n", row.name)
				continue
			}
			_, _ = fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%s\t%s\t%s\t%.2f\t\n", row.name, row.d.Mean*1000, row.d.Min*1000,
				cell(row.d, 50), cell(row.d, 90), cell(row.d, 99), row.d.Max*1000)
		}
	})
}

// cell is a percentile in milliseconds.
func cell(d *Distribution, p float64) string {
	v, known := d.At(p)
	if !known {
		return "-"
	}
	return fmt.Sprintf("%.2f", v*1000)
}

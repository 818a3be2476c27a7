package status

import (
	"fmt"
	"strings"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// latencies writes a row for each latency. Its figures are those of the report, but for the histogram's rounding.
func (s *summaryText) latencies() {
	header := false
	for _, row := range s.timings() {
		if row.of.n == 0 {
			continue
		}
		if !header {
			fmt.Fprintf(s, "\n  %-*s%10s%10s%10s%10s%10s\n", labelWidth, "latency, ms", "p50", "p90", "p99", "mean",
				"max")
			header = true
		}
		fmt.Fprintf(s, "  %-*s", labelWidth, row.label)
		for _, q := range [...]float64{0.5, 0.9, 0.99} {
			fmt.Fprintf(s, "%10s", s.doubted(row.of, q, row.units, fineMillis))
		}
		mean, _ := row.of.mean()
		most, _ := row.of.most()
		fmt.Fprintf(s, "%10s%10s\n", fineMillis(mean), fineMillis(most))
	}
}

// timing is a latency under its name.
type timing struct {
	label string
	of    *histogram
	units int64 // as doubt takes them
}

// timings returns the latencies. Where answers are of several kinds, each has its own, and no latency is of all.
func (s *summaryText) timings() []timing {
	t := &s.rest
	list := []timing{{"first audio", &t.firstAudio, alone}, {"TTFT", &s.all.ttft, alone},
		{"ITL", &s.all.itl, s.all.ok}, {"TPOT", &t.tpot, alone}, {"NTPOT", &t.ntpot, alone}}
	mixed := t.madeOf() == several
	for k := range kinds {
		if each := t.made[k]; mixed || each.total > each.known && kinds[k].kind != record.MediaAudio {
			list = append(list, timing{"per " + strings.TrimSuffix(kinds[k].plural, "s"), &t.perMade[k], alone})
		}
	}
	if !mixed {
		list = append(list, timing{"request", &t.latency, alone})
	}
	return append(list, timing{"session", &s.sessions.duration, alone}, timing{"schedule delay", &t.delay, certain})
}

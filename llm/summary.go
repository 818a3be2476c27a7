package llm

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/grafana/sobek"
)

// summary makes of handleSummary's data what handleSummary returns: a short text for standard output. Percentiles are those
// of the script's summaryTrendStats; those of the report are exact and come from the records.
func (m *ModuleInstance) summary(data sobek.Value) (map[string]any, error) {
	if absent(data) {
		return nil, errors.New("summary takes the data that handleSummary gets")
	}
	s, err := readSummary(data.ToObject(m.vu.Runtime()))
	if err != nil {
		return nil, err
	}
	if m.root.simulators.used() {
		s.line("SIMULATED: the answers came from the built-in simulator; these figures say nothing about any model.")
	}
	s.requests()
	s.latencies()
	s.thresholds()
	return map[string]any{"stdout": s.String()}, nil
}

// metricSummary is what handleSummary gets of a metric.
type metricSummary struct {
	Values     map[string]float64
	Thresholds map[string]struct{ OK bool }
}

// summaryText writes the parts of the summary.
type summaryText struct {
	strings.Builder
	metrics map[string]metricSummary
}

// readSummary reads the data by way of JSON, for it holds Go maps of k6's own types.
func readSummary(data *sobek.Object) (*summaryText, error) {
	text, err := data.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var given struct{ Metrics map[string]metricSummary }
	if err := json.Unmarshal(text, &given); err != nil || given.Metrics == nil {
		return nil, errors.New("summary takes the data that handleSummary gets, in the form k6 gives it without --new-machine-readable-summary")
	}
	return &summaryText{metrics: given.Metrics}, nil
}

func (s *summaryText) line(format string, args ...any) {
	fmt.Fprintf(s, "\n  "+format, args...)
}

func (s *summaryText) value(metric, name string) float64 { return s.metrics[metric].Values[name] }

func (s *summaryText) requests() {
	sent := s.value("llm_requests", "count")
	if sent == 0 {
		s.line("No request was sent.\n")
		return
	}
	s.line("requests       %.0f sent, %.0f failed, %.2f/s", sent, s.value("llm_request_failed", "passes"), s.value("llm_requests", "rate"))
	if dropped := s.value("dropped_iterations", "count"); dropped > 0 {
		s.line("dropped        %.0f arrivals found no free VU: the load was less than asked for; raise maxVUs or preAllocatedVUs", dropped)
	}
	s.line("tokens         %.0f in (%.1f/s), %.0f out (%.1f/s)", s.value("llm_tokens_in", "count"), s.value("llm_tokens_in", "rate"),
		s.value("llm_tokens_out", "count"), s.value("llm_tokens_out", "rate"))
	if s.metrics["llm_good"].Values != nil {
		s.line("within SLO     %.2f %% of all requests", 100*s.value("llm_good", "rate"))
	}
	s.WriteString("\n")
}

// latencies prints one row per latency, one column per statistic the script asked k6 for.
func (s *summaryText) latencies() {
	w := tabwriter.NewWriter(s, 0, 0, 2, ' ', tabwriter.AlignRight)
	var columns []string
	for _, row := range [][2]string{
		{"llm_ttft", "TTFT"}, {"llm_itl", "ITL"}, {"llm_tpot", "TPOT"}, {"llm_ntpot", "NTPOT"},
		{"llm_request_duration", "request"}, {"llm_schedule_delay", "schedule delay"},
	} {
		values := s.metrics[row[0]].Values
		if values == nil {
			continue
		}
		if columns == nil {
			columns = trendColumns(values)
			_, _ = fmt.Fprintf(w, "\n  latency, ms\t%s\t\n", strings.Join(columns, "\t"))
		}
		_, _ = fmt.Fprintf(w, "  %s\t", row[1])
		for _, column := range columns {
			_, _ = fmt.Fprintf(w, "%.2f\t", s.value(row[0], column))
		}
		_, _ = fmt.Fprintln(w)
	}
	_ = w.Flush() // a Builder takes everything
}

// trendColumns orders the statistics: those k6 names, then percentiles by number.
func trendColumns(values map[string]float64) []string {
	rank := []string{"min", "avg", "med", "p", "max", "count"}
	columns := slices.Collect(maps.Keys(values))
	slices.SortFunc(columns, func(a, b string) int {
		ra, rb := slices.Index(rank, firstWord(a)), slices.Index(rank, firstWord(b))
		if ra != rb {
			return ra - rb
		}
		return compareNumbers(a, b)
	})
	return columns
}

func firstWord(column string) string { name, _, _ := strings.Cut(column, "("); return name }

func compareNumbers(a, b string) int {
	var x, y float64
	_, _ = fmt.Sscanf(a, "p(%g)", &x)
	_, _ = fmt.Sscanf(b, "p(%g)", &y)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// thresholds says which held, for a summary of its own takes the place of k6's.
func (s *summaryText) thresholds() {
	for _, metric := range slices.Sorted(maps.Keys(s.metrics)) {
		list := s.metrics[metric].Thresholds
		for _, expression := range slices.Sorted(maps.Keys(list)) {
			mark := "✗ failed"
			if list[expression].OK {
				mark = "✓ held"
			}
			s.line("threshold %s %s: %s", metric, expression, mark)
		}
	}
	s.WriteString("\n")
}

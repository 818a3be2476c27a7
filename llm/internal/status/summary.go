package status

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Summary holds the facts that the text after a test adds to k6's figures.
type Summary struct {
	Simulated   bool      // requests went to the built-in simulator
	Failures    *Failures // of the process; not nil
	Remarks     []string  // lines below the totals
	Lost        string    // why records are missing; "" if none are
	Records     string    // path of the record file as it was given; "" if no records are kept
	HideRecords bool      // leaves out where the records are: the caller makes the report itself
}

// Text returns the summary of a test, given the data of handleSummary as JSON. Its percentiles are the statistics that
// the script lists in summaryTrendStats, as k6 computes them. The report computes exact percentiles from the records.
func (f Summary) Text(data []byte) (string, error) {
	s, err := readSummary(data)
	if err != nil {
		return "", err
	}
	s.facts = f
	s.facts.Lost = strings.ReplaceAll(f.Lost, "\n", "; ")
	s.verdict()
	if s.sent() > 0 {
		s.totals()
		s.messages()
		s.latencies()
	}
	s.thresholds()
	if s.sent() > 0 && !f.HideRecords {
		s.files(f.Records)
	}
	s.WriteString("\n")
	return s.String(), nil
}

// summaryData is the part of handleSummary's data that the summary uses.
type summaryData struct {
	Metrics map[string]metricSummary
	State   struct {
		IsStdOutTTY       bool
		TestRunDurationMs float64
	}
	Options struct{ NoColor bool }
}

type metricSummary struct {
	Contains   string // "time" if the values are in milliseconds
	Values     map[string]float64
	Thresholds map[string]struct{ OK bool }
}

// summaryText writes the parts of the summary.
type summaryText struct {
	strings.Builder
	summaryData
	facts Summary
}

func readSummary(data []byte) (*summaryText, error) {
	s := new(summaryText)
	if err := json.Unmarshal(data, &s.summaryData); err != nil || s.Metrics == nil {
		return nil, errors.New("summary takes the data that handleSummary gets, in the form k6 gives it without " +
			"--new-machine-readable-summary")
	}
	return s, nil
}

// Colours of a terminal.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
)

// paint colours a text if the standard output is a terminal and the user has not turned colours off.
func (s *summaryText) paint(colour, text string) string {
	if !s.State.IsStdOutTTY || s.Options.NoColor {
		return text
	}
	return "\x1b[1;" + colour + "m" + text + "\x1b[0m"
}

func (s *summaryText) value(metric, name string) float64 { return s.Metrics[metric].Values[name] }

func (s *summaryText) sent() float64    { return s.value(record.MetricRequests, "count") }
func (s *summaryText) failed() float64  { return s.value(record.MetricFailed, "passes") }
func (s *summaryText) dropped() float64 { return s.value("dropped_iterations", "count") }

// verdict writes the first line, which must suffice for a user who reads nothing else. It begins with FAILED if a
// threshold was crossed, no request succeeded or records are lost, with CHECK if a part of the load failed or was not
// sent, and else with OK.
func (s *summaryText) verdict() {
	crossed, all := s.crossed()
	word, colour := "OK", green
	switch {
	case crossed > 0, s.sent() == s.failed(), s.facts.Lost != "":
		word, colour = "FAILED", red
	case s.failed() > 0, s.dropped() > 0:
		word, colour = "CHECK", yellow
	}
	word = s.paint(colour, word)
	if s.facts.Simulated {
		word += " on the simulator"
	}
	requests := " requests sent"
	if s.sent() == 1 {
		requests = " request sent"
	}
	facts := []string{count(s.sent()) + requests, count(s.failed()) + " failed", count(s.dropped()) + " dropped"}
	if s.sent() == 0 {
		facts = []string{"no request was sent"}
	}
	switch {
	case crossed > 0:
		facts = append(facts, fmt.Sprintf("%d of %d thresholds crossed", crossed, all))
	case all > 0:
		facts = append(facts, "all thresholds held")
	}
	if ms := s.State.TestRunDurationMs; ms > 0 {
		facts = append(facts, "in "+time.Duration(ms*1e6).Round(100*time.Millisecond).String())
	}
	fmt.Fprintf(s, "\n  %s: %s\n", word, strings.Join(facts, ", "))
	if s.facts.Lost != "" {
		fmt.Fprintf(s, "  %s: %s\n", s.paint(red, "RECORDS LOST"), s.facts.Lost)
	}
	if s.facts.Simulated {
		fmt.Fprintf(s,
			"  %s: the answers came from the built-in simulator; these figures say nothing about any model.\n",
			s.paint(yellow, "SIMULATED"))
	}
}

// count formats a number of things. It writes "none" for 0, because a reader may overlook a zero.
func count(n float64) string {
	if n == 0 {
		return "none"
	}
	return Grouped(int64(n))
}

// labelWidth is the width of the first column.
const labelWidth = 16

// totals writes a row for each counter: its total, its rate per second of the test, and a remark.
func (s *summaryText) totals() {
	type row struct{ label, total, rate, remark string }
	counter := func(label, metric string) row {
		return row{label, Grouped(int64(s.value(metric, "count"))), perSecond(s.value(metric, "rate")), ""}
	}
	rows := []row{counter("requests", record.MetricRequests)}
	if s.failed() > 0 {
		rows = append(rows, row{"failed", Grouped(int64(s.failed())), percent(s.failed() / s.sent()),
			s.facts.Failures.String()})
	}
	if s.dropped() > 0 {
		const why = "arrivals found no free VU: the load was less than asked for; raise maxVUs or preAllocatedVUs"
		rows = append(rows, row{"dropped", Grouped(int64(s.dropped())),
			percent(s.dropped() / (s.dropped() + s.sent())), why})
	}
	if good := s.Metrics[record.MetricGood].Values; good != nil {
		rows = append(rows, row{"within SLO", Grouped(int64(good["passes"])), percent(good["rate"]), ""})
	}
	for _, tokens := range [...]struct{ label, total, each string }{
		{"prompt tokens", record.MetricTokensIn, record.MetricPromptTokens},
		{"output tokens", record.MetricTokensOut, record.MetricCompletionTokens},
	} {
		next := counter(tokens.label, tokens.total)
		if s.value(tokens.total, "count") == 0 && s.Metrics[tokens.each].Values == nil && s.failed() < s.sent() {
			next = row{tokens.label, "-", "-", "nobody counted them: give a tokenizer"}
		}
		rows = append(rows, next)
	}
	s.WriteString("\n")
	for _, r := range rows {
		line := fmt.Sprintf("  %-*s%10s%12s   %s", labelWidth, r.label, r.total, r.rate, r.remark)
		s.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	for _, line := range s.facts.Remarks {
		fmt.Fprintf(s, "  %-*s%s\n", labelWidth, "remark", line)
	}
}

// manyFailed is the share of failures from which on the summary lists their messages. A few failures, such as requests
// cut off by the end of the run, need no explanation.
const manyFailed = 0.1

// messages writes the messages of failures, and the remedy for the most frequent if one is known.
func (s *summaryText) messages() {
	list, others := s.facts.Failures.messages()
	if len(list) == 0 || s.failed() < manyFailed*s.sent() {
		return
	}
	label := "most failures"
	s.WriteString("\n")
	for _, message := range list {
		fmt.Fprintf(s, "  %-*s%s\n", labelWidth, label, message)
		label = ""
	}
	if others > 0 {
		fmt.Fprintf(s, "  %-*sand %s others\n", labelWidth, "", Grouped(others))
	}
	if todo := remedy(list[0].kind, list[0].first); todo != "" {
		fmt.Fprintf(s, "  %-*s%s\n", labelWidth, "what to do", todo)
	}
}

func perSecond(rate float64) string {
	if rate >= 1000 {
		return Grouped(int64(rate+0.5)) + "/s"
	}
	return fmt.Sprintf("%.2f/s", rate)
}

func percent(share float64) string { return fmt.Sprintf("%.2f %%", 100*share) }

// latencies writes one row per latency, with one column per statistic that the script asked k6 for.
func (s *summaryText) latencies() {
	var columns []string
	for _, row := range [][2]string{
		{record.MetricTTFT, "TTFT"}, {record.MetricITL, "ITL"}, {record.MetricTPOT, "TPOT"},
		{record.MetricNTPOT, "NTPOT"},
		{record.MetricDuration, "request"}, {record.MetricScheduleDelay, "schedule delay"},
	} {
		values := s.Metrics[row[0]].Values
		if values == nil {
			continue
		}
		if columns == nil {
			columns = trendColumns(values)
			fmt.Fprintf(s, "\n  %-*s", labelWidth, "latency, ms")
			for _, column := range columns {
				fmt.Fprintf(s, "%10s", column)
			}
			s.WriteString("\n")
		}
		fmt.Fprintf(s, "  %-*s", labelWidth, row[1])
		for _, column := range columns {
			fmt.Fprintf(s, "%10.2f", values[column])
		}
		s.WriteString("\n")
	}
}

// trendColumns returns the statistics in the order of the columns. Percentiles come between med and max, in the order
// of their numbers.
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

// crossed returns the number of thresholds that did not hold, and the number of all.
func (s *summaryText) crossed() (crossed, all int) {
	for _, m := range s.Metrics {
		for _, t := range m.Thresholds {
			all++
			if !t.OK {
				crossed++
			}
		}
	}
	return crossed, all
}

// thresholds writes which thresholds held: a script's summary replaces k6's, which lists them.
func (s *summaryText) thresholds() {
	lead := "\n"
	for _, name := range slices.Sorted(maps.Keys(s.Metrics)) {
		m := s.Metrics[name]
		for _, expression := range slices.Sorted(maps.Keys(m.Thresholds)) {
			mark := s.paint(red, "✗ crossed")
			if m.Thresholds[expression].OK {
				mark = s.paint(green, "✓ held") + "   "
			}
			fmt.Fprintf(s, "%s  threshold  %s  %s %s%s\n", lead, mark, plain.Terminal(name), plain.Terminal(expression),
				m.measured(expression))
			lead = ""
		}
	}
}

// measured returns the value that a threshold was compared with, or "" if it is unknown, as for a statistic that the
// script did not ask k6 for.
func (m metricSummary) measured(expression string) string {
	end := strings.IndexAny(expression, "<>=! ")
	if end < 0 {
		return ""
	}
	value, known := m.Values[expression[:end]]
	switch {
	case !known:
		return ""
	case m.Contains == "time":
		return fmt.Sprintf("  (%.2f ms)", value)
	}
	return fmt.Sprintf("  (%.6g)", value)
}

// files writes where the records are, and the command that makes a report of them.
func (s *summaryText) files(path string) {
	if path == "" {
		s.WriteString("\n  records    none kept: k6 run --out llm=run.jsonl keeps them, for a report with exact " +
			"percentiles\n")
		return
	}
	fmt.Fprintf(s, "\n  records    %s\n  report     llmconv report %s -o report\n", plain.Terminal(path),
		plain.Terminal(quoted(path)))
}

// quoted quotes an argument for a shell if that is necessary.
func quoted(arg string) string {
	if strings.ContainsAny(arg, " \t\n'\"\\$`&|;<>()*?[]#~!{}") {
		return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
	}
	return arg
}

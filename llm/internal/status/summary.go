package status

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Summary holds the facts that the text after a test is made of, besides those that k6 gives.
type Summary struct {
	Board       *Board           // of the process; nil if nothing was sent
	Simulated   bool             // requests went to the built-in simulator
	Nothing     string           // why the run says nothing; "" if some request succeeded
	Interrupted bool             // Ctrl-C or a signal ended the run
	Failures    *Failures        // of the process; not nil
	Remarks     []string         // lines below the totals
	Searches    []*record.Search // what searches have found
	Lost        string           // why records are missing; "" if none are
	Records     string           // path of the record file as it was given; "" if no records are kept
	HideRecords bool             // leaves out where the records are: the caller makes the report itself
	Paired      bool             // requests were sent in pairs, which another command compares
	Width       int              // columns of the terminal; 0 if it does not say

	// Measured returns the value that a threshold on a metric of k6 was compared with, by its expression, and false if
	// there is none. It may be nil.
	Measured func(metric, expression string) (float64, bool)
}

// Text returns the summary of a test, given the data of handleSummary as JSON.
func (f Summary) Text(data []byte) (string, error) {
	s, err := f.read(data)
	if err != nil {
		return "", err
	}
	s.verdict()
	if s.all.requests > 0 {
		s.table()
		s.totals()
		s.messages()
		s.latencies()
		s.classes("class", longestName, s.labels)
		s.classes("endpoint", longestEndpoint, s.endpoints)
		if s.doubts {
			s.WriteString("\n  " + signs + "\n")
		}
	}
	s.thresholds()
	if s.all.requests > 0 && !f.HideRecords {
		s.files(f.Records, f.Paired)
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
	facts  Summary
	stages []stage
	all    figures // of all stages
	rest   totals

	sessions sessions

	labels, endpoints classes

	doubts bool // a quantile is printed for which there are too few requests
}

func (f Summary) read(data []byte) (*summaryText, error) {
	s := new(summaryText)
	if err := json.Unmarshal(data, &s.summaryData); err != nil || s.Metrics == nil {
		return nil, errors.New("summary takes the data that handleSummary gets, in the form k6 gives it without " +
			"--new-machine-readable-summary")
	}
	s.facts = f
	s.facts.Lost = strings.ReplaceAll(f.Lost, "\n", "; ")
	if f.Width == 0 {
		s.facts.Width = narrow
	}
	if f.Board != nil {
		f.Board.conclude(s, time.Now())
	}
	return s, nil
}

// conclude hands over what the board has counted.
func (b *Board) conclude(s *summaryText, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s.stages, s.rest, s.sessions = slices.Clone(b.stages), b.totals, b.sessions
	s.labels, s.endpoints = b.labels, b.endpoints // the run is over
	for i := range s.stages {
		each := &s.stages[i]
		if each.began != nil {
			each.look(now)
		}
		if each.Rate != nil { // what this instance was asked for
			each.Rate, each.From = new(each.Measured().MeanRate()*b.share), nil
		}
		s.all.merge(&each.figures)
	}
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

func (s *summaryText) dropped() int64 { return int64(s.Metrics["dropped_iterations"].Values["count"]) }

// labelWidth is the width of the first column.
const labelWidth = 16

// row is a row of counts.
type row struct{ label, total, part, remark string }

// totals writes a row for each count: its total, its share or mean, and a remark.
func (s *summaryText) totals() {
	a := &s.all
	rows := append(s.sessions.rows(), row{"requests", Grouped(a.requests), "", ""})
	if a.failed > 0 {
		rows = append(rows, row{"failed", Grouped(a.failed), percent(a.failed, a.ended()),
			s.facts.Failures.String()})
	}
	if a.left > 0 {
		rows = append(rows, row{"left", Grouped(a.left), percent(a.left, a.requests),
			"before their answers were over"})
	}
	if a.unfinished > 0 {
		by := "cut by the end of the run"
		if len(s.facts.Searches) > 0 {
			by += ", or of a probe that had failed"
		}
		rows = append(rows, row{"unfinished", Grouped(a.unfinished), "", by})
	}
	if n := s.dropped(); n > 0 {
		rows = append(rows, row{"dropped", Grouped(n), percent(n, n+a.requests),
			"no free VU: raise maxVUs"})
	}
	if a.judged > 0 {
		rows = append(rows, row{"SLO kept", Grouped(a.good), percent(a.good, a.judged), ""})
	}
	if n := s.rest.factor.n; n > 0 {
		rows = append(rows, row{"seconds of sound", Grouped(int64(s.rest.sound + 0.5)),
			threeDigits(s.rest.sound/float64(n)) + " each", s.factors()})
	}
	for _, of := range s.sums() {
		if of.known == 0 && a.ok > 0 {
			rows = append(rows, row{of.label, "-", "", "nobody counted them: give a tokenizer"})
			continue
		}
		rows = append(rows, row{of.label, Grouped(of.total), each(of.total, of.known), ""})
	}
	if s.rest.warmup > 0 {
		rows = append(rows, row{"warm-up", Grouped(s.rest.warmup), "", "in no figure"})
	}
	if s.facts.Paired {
		s.facts.Remarks = append(slices.Clip(s.facts.Remarks), "latencies of the stages and of all requests mix the "+
			"endpoints of the pairs: each endpoint has a row")
	}
	s.WriteString("\n")
	for _, r := range rows {
		s.wrapped(fmt.Sprintf("  %-*s%10s%12s   ", labelWidth, r.label, r.total, r.part), r.remark)
	}
	for _, line := range s.facts.Remarks {
		s.wrapped(fmt.Sprintf("  %-*s", labelWidth, "remark"), line)
	}
}

// factors says what share of the time that sound plays it took to make it, or to write it down.
func (s *summaryText) factors() string {
	middle, _ := s.rest.factor.quantile(0.5)
	most, _ := s.rest.factor.quantile(0.99)
	return fmt.Sprintf("real-time factor p50 %.3f, p99 %.3f", middle.Seconds(), most.Seconds())
}

// sum is a total over the answers of which it is known.
type sum struct {
	label        string
	total, known int64
}

// sums returns what went and came: tokens, or inputs and media where no tokens are generated.
func (s *summaryText) sums() (list []sum) {
	t := &s.rest
	if t.inputsKnown > 0 {
		list = append(list, sum{"inputs", t.inputs, t.inputsKnown})
	}
	for k, m := range t.made {
		if m.known > 0 && (t.factor.n == 0 || t.madeOf() == several) { // else the seconds of the sounds are told
			list = append(list, sum{kinds[k].plural, m.total, m.known})
		}
	}
	answered := t.answered()
	if t.promptKnown > 0 || max(answered, int64(t.factor.n)) < max(1, s.all.ok) { // few servers count such prompts
		list = append(list, sum{"prompt tokens", t.prompt, t.promptKnown})
	}
	if t.inputsKnown+answered == 0 || t.inputsKnown+answered < s.all.ok {
		list = append(list, sum{"output tokens", t.output, t.outputKnown})
	}
	return list
}

// each returns a mean per answer, or "" if there is none.
func each(sum, n int64) string {
	if n == 0 {
		return ""
	}
	return Grouped((sum+n/2)/n) + " each"
}

func percent(part, whole int64) string {
	if whole <= 0 {
		return ""
	}
	return fmt.Sprintf("%.2f %%", 100*float64(part)/float64(whole))
}

// manyFailed is the share of failures from which on the summary lists their messages.
const manyFailed = 0.1

// messages writes the messages of failures, and the remedy for the most frequent if one is known.
func (s *summaryText) messages() {
	list, others := s.facts.Failures.messages()
	if len(list) == 0 || float64(s.all.failed) < manyFailed*float64(s.all.ended()) {
		return
	}
	label := "most failures"
	s.WriteString("\n")
	for _, message := range list {
		s.wrapped(fmt.Sprintf("  %-*s", labelWidth, label), message.String())
		label = ""
	}
	if others > 0 {
		fmt.Fprintf(s, "  %-*sand %s others\n", labelWidth, "", Grouped(others))
	}
	if todo := cmp.Or(remedy(list[0].kind, list[0].first), s.facts.Failures.cutRemedy(list[0].kind)); todo != "" {
		s.wrapped(fmt.Sprintf("  %-*s", labelWidth, "what to do"), todo)
	}
}

// wrapped writes words after a beginning, in lines as wide as the terminal. Further lines begin below the words. A word
// that is too long for a line is not cut.
func (s *summaryText) wrapped(beginning, words string) {
	line, indent := beginning, strings.Repeat(" ", visible(beginning))
	empty := true
	for word := range strings.FieldsSeq(words) {
		if !empty && visible(line)+1+visible(word) > s.facts.Width {
			s.WriteString(line + "\n")
			line, empty = indent, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	s.WriteString(strings.TrimRight(line, " ") + "\n")
}

// visible returns how many columns a text takes.
func visible(text string) int { return utf8.RuneCountInString(colours.Replace(text)) }

// colours takes the colours out of a text.
var colours = strings.NewReplacer("\x1b[1;"+red+"m", "", "\x1b[1;"+green+"m", "", "\x1b[1;"+yellow+"m", "", "\x1b[0m",
	"")

// fineMillis formats a duration in milliseconds with as many digits as its histogram is good for.
func fineMillis(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms < 99.995:
		return fmt.Sprintf("%.2f", ms)
	case ms < 999.95:
		return fmt.Sprintf("%.1f", ms)
	}
	return Grouped(int64(ms + 0.5))
}

// files writes where the records are, and the commands that make a report of them and compare pairs.
func (s *summaryText) files(path string, paired bool) {
	if path == "" {
		s.WriteString("\n  records    none kept: k6 run --out llm=run.jsonl keeps them, for a report\n")
		return
	}
	arg := plain.Argument(path)
	fmt.Fprintf(s, "\n  records    %s\n  report     llmconv report %s -o report\n", plain.Terminal(path), arg)
	if paired {
		fmt.Fprintf(s, "  overhead   llmconv compare %s --paired --by endpoint\n", arg)
	}
}

package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Bounds of what the page shows of marks and violations. The report has all.
const (
	mostEvents  = 40 // lines in the charts
	mostRows    = 60 // of a run in the table
	shortRunes  = 32 // of a text in a chart
	eventRunes  = 120
	shadedSpans = 200
)

// eventMarks returns the marks of a single run as lines in the charts over time.
func eventMarks(runs []Run) (marks []mark) {
	if len(runs) != 1 {
		return nil
	}
	list := runs[0].summary.Get("xk6_llm.marks").Array()
	for _, m := range list[:min(len(list), mostEvents)] {
		marks = append(marks, mark{X: new(rounded(number(m.Get("at_seconds")))), Run: -1, Event: true,
			Text: plain.Clip(plain.OneLine(m.Get("text").String(), eventRunes), shortRunes)})
	}
	return marks
}

// violationBands returns the longest spans in which a single run violated its SLO.
func violationBands(runs []Run) (bands []band) {
	if len(runs) != 1 {
		return nil
	}
	spans := runs[0].summary.Get("xk6_llm.violations.spans").Array()
	slices.SortStableFunc(spans, func(a, b gjson.Result) int { return cmp.Compare(lengthOf(b), lengthOf(a)) })
	for _, s := range spans[:min(len(spans), shadedSpans)] {
		bands = append(bands, band{From: rounded(number(s.Get("from"))), To: rounded(number(s.Get("to"))), Weak: true})
	}
	return bands
}

func lengthOf(span gjson.Result) float64 { return number(span.Get("to")) - number(span.Get("from")) }

// bandNote says what the shaded spans of charts over time are.
func bandNote(runs []Run) string {
	if violationBands(runs) == nil {
		return ""
	}
	return "Shaded are the seconds in which the SLO was violated."
}

// whatHappened returns the table of the runs' marks and violations, nil if they have none.
func whatHappened(runs []Run) *table {
	t := &table{ID: "happened", Title: "What happened", Head: []column{{},
		{"from", "s", "seconds after the first request was sent"}, {"to", "s", "end of the last second in violation"},
		{"length", "s", "of a violation"},
		{"kept again", "after, s", "from a mark to the end of the violation that contains it or begins within 30 s " +
			"after it: from then on the SLO is kept for 5 s in a row"},
		{"over", "requests", "requests and dropped arrivals that failed or are over a bound"},
	}}
	var notes []string
	for i := range runs {
		rows, left := happenings(&runs[i])
		for _, line := range rows {
			if line.Run = -1; len(runs) > 1 {
				line.Name, line.Run = runs[i].Name+", "+line.Name, i
			}
			t.Rows = append(t.Rows, line)
		}
		notes = append(notes, violationNotes(&runs[i], len(runs) > 1)...)
		if left > 0 {
			notes = append(notes, fmt.Sprintf("%s more are in the summary of %s.", whole(float64(left)), runs[i].Name))
		}
	}
	if t.Rows == nil {
		return nil
	}
	t.Note = strings.Join(notes, " ")
	t.dropEmpty()
	return t
}

// happenings returns a row for each mark and violation of a run, in order of time, and how many have none. Marks go
// before violations, and long violations before short ones, where there are too many.
func happenings(r *Run) (rows []row, left int) {
	type timed struct {
		at float64
		row
	}
	var list []timed
	marks := r.summary.Get("xk6_llm.marks").Array()
	spans := r.summary.Get("xk6_llm.violations.spans").Array()
	left = max(0, len(marks)+len(spans)-mostRows) + int(r.summary.Get("xk6_llm.violations.spans_left_out").Int())
	marks = marks[:min(len(marks), mostRows)]
	slices.SortStableFunc(spans, func(a, b gjson.Result) int { return cmp.Compare(lengthOf(b), lengthOf(a)) })
	for k, m := range marks {
		at := number(m.Get("at_seconds"))
		name := fmt.Sprintf("%d. %s", k+1, plain.OneLine(m.Get("text").String(), eventRunes))
		list = append(list, timed{at, row{Name: name,
			Meaning: markSources[m.Get("source").String()],
			Cells:   append(append(numeric(fixed(at), missing, missing), recovery(m)), numeric(missing)...)}})
	}
	for _, s := range spans[:min(len(spans), mostRows-len(marks))] {
		from, to := number(s.Get("from")), number(s.Get("to"))
		list = append(list, timed{from, row{Name: "SLO violated", Meaning: brokenIn(r, from, to), Class: "bad",
			Cells: numeric(fixed(from), fixed(to), fixed(to-from), missing, whole(number(s.Get("requests_over"))))}})
	}
	slices.SortStableFunc(list, func(a, b timed) int { return cmp.Compare(a.at, b.at) })
	for _, one := range list {
		rows = append(rows, one.row)
	}
	return rows, left
}

// markSources say where marks come from.
var markSources = map[string]string{
	record.MarkGiven: "a mark given by hand", record.MarkFile: "a mark of a file",
	record.MarkTag: "the tag mark of a request", record.MarkScript: "the script", record.MarkServer: "the server's " +
		"own page shows it",
	record.MarkPrometheus: "an alert that fired",
}

// fixed returns seconds with a digit after the point.
func fixed(seconds float64) string {
	if math.IsNaN(seconds) {
		return missing
	}
	return fmt.Sprintf("%.1f", seconds)
}

// short returns the same without a needless digit.
func short(seconds float64) string { return strings.TrimSuffix(fixed(seconds), ".0") }

// recovery returns the cell that says when the SLO was kept again after a mark.
func recovery(m gjson.Result) cell {
	switch m.Get("outcome").String() {
	case convert.MarkRecovered:
		return cell{Text: fixed(number(m.Get("recovered_after_seconds"))), Class: "n"}
	case convert.MarkNotRecovered:
		return cell{Text: "never", Class: "n bad", Meaning: "the run ended before the SLO was kept for 5 s in a row"}
	case convert.MarkNoViolation:
		return cell{Text: "0", Class: "n", Meaning: "no violation followed within 30 s"}
	}
	return cell{Text: missing, Class: "n"}
}

// brokenIn names the objectives that are violated in a span.
func brokenIn(r *Run, from, to float64) string {
	var names []string
	for _, o := range r.summary.Get("xk6_llm.violations.objectives").Array() {
		if slices.ContainsFunc(o.Get("spans").Array(), func(s gjson.Result) bool {
			return number(s.Get("from")) < to && number(s.Get("to")) > from
		}) {
			names = append(names, objectiveName(o))
		}
	}
	return strings.Join(names, ", ")
}

func objectiveName(o gjson.Result) string {
	name := plain.OneLine(o.Get("objective").String(), eventRunes)
	if label := o.Get("label").String(); label != "" {
		name = plain.OneLine(label, shortRunes) + ": " + name
	}
	return name
}

// violationNotes say for how many seconds a run violated its SLO, and each of several objectives.
func violationNotes(r *Run, several bool) (notes []string) {
	v := r.summary.Get("xk6_llm.violations")
	if !v.Exists() || number(v.Get("of_seconds")) == 0 {
		return nil
	}
	name := "The SLO"
	if several {
		name = r.Name
	}
	notes = append(notes, fmt.Sprintf("%s was violated in %s of %s s", name, short(number(v.Get("seconds"))),
		short(number(v.Get("of_seconds")))))
	if longest := number(v.Get("longest_seconds")); longest > 0 {
		notes[0] += fmt.Sprintf(", the longest time %s s", short(longest))
	}
	objectives := v.Get("objectives").Array()
	var each []string
	for _, o := range objectives {
		if seconds := number(o.Get("seconds")); seconds > 0 && len(objectives) > 1 {
			each = append(each, fmt.Sprintf("%s in %s s", objectiveName(o), short(seconds)))
		}
	}
	if each != nil {
		notes[0] += ": " + strings.Join(each, ", ")
	}
	notes[0] += "."
	return notes
}

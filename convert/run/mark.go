package run

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Mark is something that happened at an instant of the run, and may explain what the figures did then.
type Mark struct {
	At     int64 // ticks of the run's clock
	Text   string
	Source string // as in the record
}

// MostMarks is how many marks a run has at most.
const MostMarks = 10_000

// AddMarks adds marks to the run, in order of time, without those that it has already: a report of a report's requests
// may be given the marks again. It returns an error, and adds none, if there would be more than [MostMarks].
func AddMarks(r *Run, marks []Mark) error {
	has := map[Mark]bool{}
	for _, m := range r.Marks {
		has[m] = true
	}
	marks = slices.DeleteFunc(slices.Clone(marks), func(m Mark) bool {
		again := has[m]
		has[m] = true
		return again
	})
	if len(r.Marks)+len(marks) > MostMarks {
		return fmt.Errorf("there are %d marks, and at most %d can be shown", len(r.Marks)+len(marks), MostMarks)
	}
	r.Marks = append(r.Marks, marks...)
	slices.SortStableFunc(r.Marks, func(a, b Mark) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Text, b.Text))
	})
	return nil
}

// findMarks sets the marks that the records themselves have, and those of the server's pages. A tag that several
// instances saw first is one mark.
func findMarks(r *Run) {
	marks := serverMarks(r)
	slices.SortStableFunc(r.markLines, func(a, b *record.Mark) int { return cmp.Compare(a.Time, b.Time) })
	tagged := map[string]bool{}
	for _, line := range r.markLines {
		if line.Source == record.MarkTag && tagged[line.Text] {
			continue
		}
		tagged[line.Text] = tagged[line.Text] || line.Source == record.MarkTag
		marks = append(marks, Mark{line.Time, markText(line.Text), line.Source})
	}
	if left := len(marks) - MostMarks; left > 0 {
		marks = marks[:MostMarks]
		r.remark("%d of the marks are left out: at most %d can be shown", left, MostMarks)
	}
	_ = AddMarks(r, marks) // never fails: they are no more than may be
}

// AlertMark returns the mark of an alert of Prometheus that began or ended to fire.
func AlertMark(at int64, name string, ends bool) Mark {
	text := "alert " + name
	if ends {
		text += " is over"
	}
	return Mark{at, markText(text), record.MarkPrometheus}
}

// MarkLines returns the marks as lines of a record file, without those that the server's pages show.
func MarkLines(r *Run) (lines []*record.Mark) {
	for _, m := range r.Marks {
		if m.Source != record.MarkServer && r.Clock == RecordTick {
			lines = append(lines, &record.Mark{Time: m.At, Text: m.Text, Source: m.Source})
		}
	}
	return lines
}

// startMoved is by how many seconds the start of a server's process has to move to count as a restart. Some metrics
// clients compute it each time, from a clock that is adjusted.
const startMoved = 0.5

// serverMarks returns what the pages of the servers show: that one did not answer, answers again, or shows another
// process or model. Of each page the samples of one instance count, because the clocks of instances differ.
func serverMarks(r *Run) (marks []Mark) {
	if r.Clock != RecordTick {
		return nil
	}
	last, reader := map[string]*record.Server{}, map[string]string{}
	for _, line := range r.Servers {
		instance := r.from[line]
		if known, read := reader[line.Source]; read && known != instance {
			continue
		}
		reader[line.Source] = instance
		marks = append(marks, pageMarks(last[line.Source], line)...)
		last[line.Source] = line
	}
	return marks
}

// pageMarks returns what happened between two samples of a page. The first of them may be nil.
func pageMarks(before, line *record.Server) (marks []Mark) {
	page := cmp.Or(line.Source, "the server's page")
	if line.Failed > 0 {
		down := line.Time
		if before != nil { // the readings were evenly spread
			down = before.Time + (line.Time-before.Time)/(line.Failed+1)
		}
		marks = append(marks, Mark{down, page + " does not answer", record.MarkServer})
	}
	if len(line.Values) == 0 {
		return marks
	}
	moved := before != nil && restarted(before, line)
	var news []string
	switch {
	case line.Failed > 0 && moved:
		news = append(news, "answers again, with a new process")
	case line.Failed > 0:
		news = append(news, "answers again")
	case moved:
		news = append(news, "shows a new process")
	}
	for _, model := range line.Models {
		if moved || !hadModel(before, line, model) {
			news = append(news, "model "+model+" loaded")
		}
	}
	if len(news) > 0 {
		marks = append(marks, Mark{line.Time, markText(page + " " + strings.Join(news, ", ")), record.MarkServer})
	}
	return marks
}

// hadModel reports whether a page had a model already, as far as is known: the first sample of a page shows what was
// loaded before, unless readings before it failed.
func hadModel(before, line *record.Server, model string) bool {
	if before == nil {
		return line.Failed == 0
	}
	return slices.Contains(before.Models, model)
}

// restarted reports whether the start of the server's process moved between two samples.
func restarted(before, after *record.Server) bool {
	was, had := before.Values[record.ServerProcessStart]
	is, has := after.Values[record.ServerProcessStart]
	return had && has && (is-was > startMoved || was-is > startMoved)
}

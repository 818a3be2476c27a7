// Package page writes report.html: a page about one or several runs, with the verdict, the facts, the tables and the
// charts of their reports. The page is a single file that loads nothing, and its policy forbids it to load anything, so
// users can send it by mail and open it offline. The tables need no script. uPlot, which is part of the page, draws the
// charts. This package thins their data, so that a page stays small whatever the size of the run: see [extremes] and
// [curve].
package page

import (
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// maxRuns bounds the number of runs on a page, because people cannot tell more colours apart.
const maxRuns = 8

// Write writes the page of one to eight runs. It numbers runs of the same name.
func Write(w io.Writer, runs []Run) error {
	switch {
	case len(runs) == 0:
		return fmt.Errorf("page: no run to show")
	case len(runs) > maxRuns:
		return fmt.Errorf("page: %d runs are too many to tell apart by colour, at most %d", len(runs), maxRuns)
	}
	runs = distinct(runs)
	charts := chartsOf(runs)
	lanes := laneBoxes(runs)
	data, err := chartData(runs, charts, lanes)
	if err != nil {
		return err
	}
	whole, stages := latencyTables(runs)
	return pageTemplate.Execute(w, view{
		Title: title(runs), Meta: meta(runs), Policy: policy, Style: pageStyle, Library: libraryScript,
		Script: pageScript, Data: data,
		Several: len(runs) > 1, Runs: heads(runs), Facts: factTable(runs), Probes: probeTables(runs),
		Glance: glance(runs), Happened: whatHappened(runs), Media: mediaTables(runs), Costs: costTable(runs),
		Sessions: sessionTable(runs), Lanes: lanes,
		Latencies: whole, Batches: append(batchTables(runs), sizeTables(runs)...), OfStages: stages,
		Sections: sections(charts), Errors: errorTable(runs), Notes: notes(runs),
	})
}

// view is the data of the template.
type view struct {
	Title, Policy string
	Meta          string // what was measured when, in a line; "" if there are several runs
	Style         template.CSS
	// Library, Script and Data are the contents of script elements: a vendored file, a file of this package, and JSON
	// without any <.
	Library, Script, Data template.JS
	Several               bool
	Runs                  []head
	Facts, Glance         *table
	Probes                []*table // of searches
	Happened              *table   // nil without marks and violations
	Media                 []*table // of each kind of media
	Costs                 *table   // nil without a price and energy of several stages
	Sessions              *table   // nil without sessions
	Lanes                 []*lanes // of each run that has sessions
	Latencies, OfStages   []*table
	Batches               []*table // latencies by the number of inputs of a request
	Sections              []section
	Errors                *table
	Notes                 []string
}

// head is the top of a run's part of the page.
type head struct {
	Name    string
	Number  int    // number of the run's colour
	Verdict string // "" if the report has none
	Word    string // meaning of the verdict
	Class   string
	Reasons []string // the first of the reasons for the verdict, and warnings
	More    []string // the others
	Answers []answer // the result in a few lines
}

// answer is what the first screen says to one of the reader's questions.
type answer struct {
	Label string
	Lines []sentence
}

var verdicts = map[string][2]string{
	convert.Valid:   {"valid", "the load generator kept up: the figures are the server's"},
	convert.Suspect: {"suspect", "read the reasons before you use the figures"},
	convert.Invalid: {"invalid", "do not use these figures"},
}

func heads(runs []Run) (list []head) {
	for i := range runs {
		r := &runs[i]
		health := r.summary.Get("xk6_llm.client_health")
		h := head{Name: r.Name, Number: i, Verdict: health.Get("verdict").String(),
			Answers: r.answers()}
		h.Reasons, h.More = firstOf(slices.Concat(texts(health.Get("reasons")), r.doubts()), r.warnings())
		if warm := r.fact("Warm-up"); warm != "" {
			h.Reasons = append(h.Reasons, "warm-up: "+warm)
		}
		if v, known := verdicts[h.Verdict]; known {
			h.Class, h.Word = v[0], v[1]
		} else {
			h.Class, h.Verdict, h.Word = "unknown", "NOT JUDGED",
				"the report does not tell whether the load generator kept up"
		}
		h.Word += plain.Terminal(convert.Unchecked(texts(health.Get("not_checked"))))
		list = append(list, h)
	}
	return list
}

// answers returns the result in a few lines, for readers who read no further. The verdict stands before them.
func (r *Run) answers() (list []answer) {
	for _, a := range []answer{{"Held", held(r)}, {"Knee", bends(r)}, {"Cost", costs(r)},
		{"Next", sentences(steps(r))}} {
		a.Lines = slices.DeleteFunc(a.Lines, func(s sentence) bool { return s.Text == "" })
		if len(a.Lines) > 0 {
			list = append(list, a)
		}
	}
	return list
}

func sentences(texts []string) (list []sentence) {
	for _, text := range texts {
		list = append(list, sentence{Text: text})
	}
	return list
}

// Of the reasons and of the warnings so many are on the first screen.
const (
	firstReasons  = 2
	firstWarnings = 2
)

// firstOf returns the reasons and warnings of the first screen, and the others.
func firstOf(reasons, warnings []string) (first, more []string) {
	n, m := min(len(reasons), firstReasons), min(len(warnings), firstWarnings)
	return slices.Concat(reasons[:n], warnings[:m]), slices.Concat(reasons[n:], warnings[m:])
}

// meta returns the facts of a single run that every reader needs.
func meta(runs []Run) string {
	if len(runs) > 1 {
		return ""
	}
	var parts []string
	for _, name := range []string{"Model", "Server", "API", "Load", "Started (UTC)", "Took"} {
		switch value := runs[0].fact(name); {
		case value == "":
		case name == "Started (UTC)":
			parts = append(parts, value+" UTC")
		case name == "Took":
			parts = append(parts, "took "+value)
		default:
			parts = append(parts, value)
		}
	}
	return strings.Join(parts, " · ")
}

func title(runs []Run) string {
	if len(runs) == 1 {
		return "Load test report: " + runs[0].Name
	}
	return fmt.Sprintf("Load test report: %d runs", len(runs))
}

// distinct numbers runs of the same name, and makes all names printable.
func distinct(runs []Run) []Run {
	runs = slices.Clone(runs)
	seen := map[string]int{}
	for i := range runs {
		name := plain.Terminal(runs[i].Name)
		runs[i].Name = name
		if seen[name]++; seen[name] > 1 {
			runs[i].Name = fmt.Sprintf("%s (%d)", name, seen[name])
		}
	}
	return runs
}

// notes returns what the charts leave out, and why.
func notes(runs []Run) (list []string) {
	knees := false
	for i := range runs {
		r := &runs[i]
		knees = knees || len(r.stages) > 2
		switch {
		case r.curves == nil:
			list = append(list,
				fmt.Sprintf("The report %s holds no requests (requests.parquet), so that of it there are no "+
					"distributions (TTFT, gaps between tokens, schedule delay) and no dots of single requests.",
					r.Name))
		case r.curves.requests > maxDots:
			list = append(list,
				fmt.Sprintf("Of the %d requests of %s the charts over time show the lowest and the highest of each "+
					"span, %d spans in all; distributions are thinned to some %d points. Both keep the exact "+
					"minimum and maximum.", r.curves.requests, r.Name, maxSpans, curvePoints))
		}
	}
	if knees {
		list = append(list, kneeMeaning)
	}
	return list
}

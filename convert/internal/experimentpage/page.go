// Package experimentpage writes the page of an experiment: one file of HTML with answers, tables and a chart that loads
// nothing from the network.
package experimentpage

import (
	_ "embed" // for the files below
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/internal/look"
	"github.com/seed-307b789f/xk6-llm/convert/internal/outcome"
	"github.com/seed-307b789f/xk6-llm/internal/experiment"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// FileName is the name of the page in the directory of an experiment.
const FileName = "experiment.html"

var (
	//go:embed assets/experiment.html
	pageHTML string
	//go:embed assets/experiment.css
	pageCSS string
	//go:embed assets/experiment.js
	pageJS string

	pageTemplate = template.Must(template.New("experiment").Parse(pageHTML))
	pageStyle    = template.CSS(look.Base + pageCSS)
	pageScript   = template.JS("\n" + pageJS)
	policy       = look.Policy(pageScript)
)

// Write writes the page of an experiment whose results are in a directory, as the user names it.
func Write(w io.Writer, dir string, o *outcome.Outcome) error {
	data, err := chartData(dir, o)
	if err != nil {
		return err
	}
	v := view{Title: "Experiment: " + plain.Terminal(o.Name), Meta: meta(o), Policy: policy, Style: pageStyle,
		Script: pageScript, Data: data, Notes: terminal(o.Notes), Blocks: blocks(o), Matters: matters(o),
		Cells: cellTable(o), Effects: effectTables(o), HasFront: len(o.Fronts) > 0,
		CanCompare: comparedSettings(o) > 1, Repeats: o.Repeats > 1}
	v.trust(o)
	return pageTemplate.Execute(w, v)
}

// view is the data of the template.
type view struct {
	Title, Meta, Policy  string
	Style                template.CSS
	Script, Data         template.JS
	Class, Verdict, Word string
	Failed, More         []named // why cells do not count: the first reasons, and the others
	MoreCells            int     // that do not count for the others
	Notes                []string
	Blocks               []block
	Matters              []matter
	HasFront, CanCompare bool
	Repeats              bool // cells have run several times
	Cells                *table
	Effects              []effects
}

// named is a text about something.
type named struct{ Name, Text string }

// matter is what a factor does.
type matter struct {
	Name  string
	Lines []string
}

// block is what the first screen says of a workload.
type block struct {
	Workload string // "" if there is one
	Answers  []answer
}

type answer struct{ Question, Text, Sure, Class string }

// firstFailures is how many reasons why cells do not count the first screen names.
const firstFailures = 3

// trust says how many cells count, and which do not.
func (v *view) trust(o *outcome.Outcome) {
	failures := o.FailuresAlike()
	counted := o.Counted()
	v.Class, v.Verdict, v.Word = "valid", fmt.Sprintf("all %d cells count", len(o.Cells)),
		"none failed, and none is SUSPECT"
	switch {
	case len(o.Cells) == 0:
		v.Class, v.Verdict, v.Word = "invalid", "no cells", "the experiment has none"
	case counted == 0:
		v.Class, v.Verdict, v.Word = "invalid", "no cell counts", "there is nothing to answer from"
	case len(failures) > 0:
		v.Class, v.Verdict = "suspect", fmt.Sprintf("%d of %d cells count", counted, len(o.Cells))
		v.Word = "the others are in no answer, front or effect"
	case len(o.Suspects()) > 0:
		v.Class, v.Verdict = "suspect", fmt.Sprintf("%d of %d cells are SUSPECT", len(o.Suspects()), len(o.Cells))
		v.Word = "all count"
	case len(o.Cells) == 1:
		v.Verdict, v.Word = "one cell counts", "there is nothing to compare it with"
	}
	for n, why := range failures {
		f := named{plain.Terminal(why.Name), plain.Terminal(why.Reason)}
		if n < firstFailures {
			v.Failed = append(v.Failed, f)
		} else {
			v.More, v.MoreCells = append(v.More, f), v.MoreCells+why.Cells
		}
	}
}

func meta(o *outcome.Outcome) string {
	var parts []string
	models := map[string]bool{}
	seconds := 0.0
	for i := range o.Cells {
		if m := o.Cells[i].Model; m != "" && !models[m] {
			models[m] = true
			parts = append(parts, plain.Terminal(m))
		}
		seconds += o.Cells[i].Seconds
	}
	for _, f := range o.Factors {
		if len(f.Levels) <= 6 {
			parts = append(parts, plain.Terminal(f.Name+": "+strings.Join(f.Levels, ", ")))
		} else {
			parts = append(parts, plain.Terminal(fmt.Sprintf("%s: %d levels", f.Name, len(f.Levels))))
		}
	}
	for i := range o.Cells {
		if start := o.Cells[i].Start; !start.IsZero() {
			parts = append(parts, "started "+start.UTC().Format("2006-01-02 15:04")+" UTC")
			break
		}
	}
	if seconds > 0 {
		parts = append(parts, fmt.Sprintf("loads took %.1f min", seconds/60))
	}
	return strings.Join(parts, " · ")
}

func terminal(list []string) (out []string) {
	for _, text := range list {
		out = append(out, plain.Terminal(text))
	}
	return out
}

func blocks(o *outcome.Outcome) (list []block) {
	workloads := o.Workloads()
	for _, name := range workloads {
		b := block{}
		if len(workloads) > 1 {
			b.Workload = plain.Terminal(name)
		}
		for _, a := range o.Answers {
			if a.Workload != name {
				continue
			}
			one := answer{plain.Terminal(a.Question), plain.Terminal(a.Text), plain.Terminal(a.Sure), ""}
			switch doubted := a.Best != nil && a.Best.Suspect; {
			case a.Rival != nil || doubted:
				one.Class = "doubt"
			case a.Told():
				one.Class = "good"
			}
			b.Answers = append(b.Answers, one)
		}
		if len(b.Answers) > 0 {
			list = append(list, b)
		}
	}
	return list
}

func matters(o *outcome.Outcome) (list []matter) {
	for _, m := range o.Matters() {
		list = append(list, matter{plain.Terminal(m.Factor), terminal(m.Lines)})
	}
	return list
}

// comparedSettings returns how many settings have a report to compare.
func comparedSettings(o *outcome.Outcome) (n int) {
	for _, s := range o.Settings {
		if len(directories(o, s)) > 0 {
			n++
		}
	}
	return n
}

// directories returns the directories of the reports of a setting.
func directories(o *outcome.Outcome, s *outcome.Setting) (list []string) {
	for _, i := range append(append([]int{}, s.Cells...), s.Excluded...) {
		if c := &o.Cells[i]; c.Status == experiment.Done && c.HasReport {
			list = append(list, c.Directory)
		}
	}
	return list
}

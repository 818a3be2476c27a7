package study

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/experiment"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// Verdicts of reports on the load generator that ask for another run.
const (
	Suspect = "SUSPECT"
	Invalid = "INVALID"
)

// Again has cells that are done run again: those with a verdict (suspect, invalid), those that failed, a cell by its
// name or number, or all cells of a deployment by its name with the parameters. Their reports are moved aside when
// they run.
func (p *Plan) Again(which []string) error {
	for _, one := range which {
		p.again += " --again " + plain.Argument(one)
		found := false
		for _, c := range p.Cells {
			if !p.chosen(c, one) {
				continue
			}
			found = true
			if c.Why == "" {
				c.Why = isAgain
			}
		}
		if !found && !slices.Contains([]string{Suspect, Invalid, failedCells}, strings.ToUpper(one)) {
			return fmt.Errorf("--again %s is no cell: write suspect, invalid, failed, the name or number of a cell, "+
				"or that of a deployment, as plan shows them%s", plain.Quote(one), suggestion(one, p.names()))
		}
	}
	return nil
}

// failedCells stands for cells that failed, which run again anyway.
const failedCells = "FAILED"

// chosen reports whether a cell is one of those that a word stands for.
func (p *Plan) chosen(c *Planned, word string) bool {
	return c.Verdict != "" && strings.EqualFold(word, c.Verdict) ||
		slices.Contains([]string{c.Name, c.Label(p.Experiment.Repeats), strconv.Itoa(c.index + 1), c.Variant.Label,
			c.Variant.Name}, word)
}

// names returns what may be named to run again.
func (p *Plan) names() (list []string) {
	for _, c := range p.Cells {
		list = append(list, c.Name)
		if !slices.Contains(list, c.Variant.Label) {
			list = append(list, c.Variant.Label)
		}
	}
	return list
}

// Doubts says how many cells have a verdict that asks for another run, and how to get that; "" if none has.
func (p *Plan) Doubts(t Tool) string {
	counts := map[string]int{}
	for _, c := range p.Cells {
		if cell := p.Store.Results.Cells[c.index]; cell.Status == experiment.Done {
			verdict, _ := t.Reported(filepath.Join(p.Store.dir, filepath.FromSlash(cell.Directory)))
			counts[verdict]++
		}
	}
	var parts, words []string
	for _, verdict := range []string{Suspect, Invalid} {
		if n := counts[verdict]; n > 0 {
			parts, words = append(parts, fmt.Sprintf("%d %s", n, verdict)), append(words, "--again "+
				strings.ToLower(verdict))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("%s; to run them again, when what disturbed them is mended: k6 x llm experiment -f %s %s",
		strings.Join(parts, ", "), plain.Argument(p.Experiment.File), strings.Join(words, " "))
}

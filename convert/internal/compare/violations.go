package compare

import (
	"fmt"
	"strconv"
)

// Violated tells in which seconds a run violated its SLO, and what its marks were followed by.
type Violated struct {
	Seconds float64 `json:"seconds"`
	Of      float64 `json:"of_seconds"` // that there is something to judge by in
	Longest float64 `json:"longest_seconds"`
	Marks   []Mark  `json:"marks,omitempty"`
}

// Mark is something that happened during a run.
type Mark struct {
	At   float64 `json:"at_seconds"` // since the first start
	Text string  `json:"text"`
	// Outcome says what became of the SLO after it, in words; Recovered is the time until it was kept again, nil if it
	// was not.
	Outcome   string   `json:"outcome"`
	Recovered *float64 `json:"recovered_after_seconds"`
}

// Violations are those of both runs. They are told for what they are, and have no verdict.
type Violations struct {
	Base *Violated `json:"base"` // null for a run without an SLO
	New  *Violated `json:"new"`
}

// mostMarks is how many marks of a run are printed.
const mostMarks = 10

// violationsOf returns the violations of both runs, nil if neither has an SLO.
func violationsOf(base, fresh Side) *Violations {
	if base.Violated == nil && fresh.Violated == nil {
		return nil
	}
	return &Violations{base.Violated, fresh.Violated}
}

// sentences tells of the violations of both runs.
func (v *Violations) sentences() (list []string) {
	if v == nil {
		return nil
	}
	list = append(list, fmt.Sprintf("SLO violated: BASE %s; NEW %s", v.Base, v.New))
	for _, side := range []struct {
		name string
		of   *Violated
	}{{"BASE", v.Base}, {"NEW", v.New}} {
		if side.of == nil {
			continue
		}
		for _, m := range side.of.Marks[:min(len(side.of.Marks), mostMarks)] {
			list = append(list, side.name+" "+m.String())
		}
		if left := len(side.of.Marks) - mostMarks; left > 0 {
			list = append(list, fmt.Sprintf("%s and %d other marks", side.name, left))
		}
	}
	return list
}

// String tells how long the SLO was violated.
func (v *Violated) String() string {
	switch {
	case v == nil:
		return "unknown"
	case v.Seconds == 0:
		return fmt.Sprintf("in none of %s s", seconds(v.Of))
	}
	return fmt.Sprintf("in %s of %s s, longest %s s", seconds(v.Seconds), seconds(v.Of), seconds(v.Longest))
}

// seconds returns a number of whole seconds as people read it.
func seconds(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// String tells what happened, and how long it took until the SLO was kept again.
func (m Mark) String() string {
	text := fmt.Sprintf("mark at %.1f s: %s: %s", m.At, m.Text, m.Outcome)
	if m.Recovered != nil && *m.Recovered > 0 {
		text += fmt.Sprintf(" after %.1f s", *m.Recovered)
	}
	return text
}

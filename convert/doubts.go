package convert

import (
	"fmt"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// Doubt is the verdict on the load generator in one stage.
type Doubt struct {
	Stage, Verdict string
	Reasons        []string
}

// mostDoubts is how many stages are named.
const mostDoubts = 8

// Doubts returns which stages are not VALID, in two sentences at most: the first with its first reason.
func Doubts(stages []Doubt) (list []string) {
	var others []string
	for _, s := range stages {
		switch {
		case s.Verdict == Valid || len(s.Reasons) == 0:
		case list == nil:
			list = append(list, s.Stage+" is "+plain.Terminal(s.Verdict)+": "+s.Reasons[0])
		default:
			others = append(others, s.Stage)
		}
	}
	if n := len(others); n > 0 {
		more := ""
		if n > mostDoubts {
			more = ", …"
		}
		list = append(list, fmt.Sprintf("%s doubtful, too: %s%s", pluralVerb(n, "more stage"),
			strings.Join(others[:min(n, mostDoubts)], ", "), more))
	}
	return list
}

// pluralVerb returns a count with its noun and is or are.
func pluralVerb(n int, noun string) string {
	if n == 1 {
		return plural(n, noun) + " is"
	}
	return plural(n, noun) + " are"
}

// doubts returns which stages of a VALID run of several are not, without those that a search repeated.
func (p *Report) doubts() []string {
	if p.Summary.Additions.Health.Verdict != Valid || len(p.Stages) < 2 {
		return nil
	}
	var list []Doubt
	repeated := RepeatedStages(p.run.Searches)
	for _, stage := range sortedKeys(p.Stages) {
		if repeated[stage] {
			continue
		}
		l := p.Stages[stage]
		name := fmt.Sprintf("stage %d", stage)
		if scenario := p.scenarioOf(l); scenario != "" {
			name = scenario + ", " + name
		}
		list = append(list, Doubt{name, l.Additions.Health.Verdict, l.Additions.Health.Reasons})
	}
	return Doubts(list)
}

// Unchecked names the rules that a verdict does not rest on, to follow the verdict; "" if there are none.
func Unchecked(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return " (not checked, for the input does not tell: " + strings.Join(list, ", ") + ")"
}

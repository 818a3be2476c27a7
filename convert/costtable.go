package convert

import (
	"fmt"
	"slices"
	"strings"
)

// showCosts prints what tokens cost and how much energy they took: of the whole run and, if it has several, of each
// stage.
func showCosts(t *table, p *Report) {
	parts, names := []*Lifecycle{p.Summary}, []string{""}
	if len(p.Stages) > 1 {
		names[0] = " of the whole run"
		for _, stage := range sortedKeys(p.Stages) {
			parts, names = append(parts, p.Stages[stage]), append(names, fmt.Sprintf(" of stage %d", stage))
		}
	}
	for i, l := range parts {
		if c := l.Additions.Cost; c != nil {
			t.say("cost%s: %s", names[i], c)
		}
		if e := l.Additions.Energy; e != nil {
			t.say("energy%s: %s", names[i], e)
		}
	}
}

// String returns the cost in a line. Without a ratio each kind of token bears the whole cost, which is said.
func (c *Cost) String() string {
	list, of := c.PerMillion, []string{"total", "completion"}
	end := ", each if it alone bore the whole cost"
	if c.Shared != nil {
		list, of, end = c.Shared, []string{"prompt", "cached", "completion"}, ""
	}
	var parts []string
	for _, kind := range of {
		if e := list[kind]; e != nil {
			parts = append(parts, fmt.Sprintf("%s per million %s tokens", e.text(c.Currency+" "), kind))
		}
	}
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	if len(parts) == 0 {
		return fmt.Sprintf("%s %s, of no tokens that were counted", c.Currency, Digits(float64(c.Total)))
	}
	return strings.Join(parts, ", ") + end
}

// String returns the energy in a line.
func (e *Energy) String() string {
	parts := []string{fmt.Sprintf("%s W", Digits(float64(e.Watts)))}
	if e.PerCompletion != nil {
		parts = append(parts, e.PerCompletion.text("")+" J per completion token")
	}
	if e.PerToken != nil {
		parts = append(parts, e.PerToken.text("")+" J per token (prompt and completion)")
	}
	return strings.Join(parts, ", ")
}

// text returns an estimate with its interval, which may be unknown.
func (e *Estimate) text(before string) string {
	text := before + Digits(float64(e.Value))
	if e.Low != nil {
		text += fmt.Sprintf(" [%s, %s]", Digits(float64(*e.Low)), Digits(float64(*e.High)))
	}
	return text
}

package convert

import (
	"fmt"
	"slices"
	"strings"
)

// showCosts prints what tokens cost and how much energy they took, of the whole run. The page has a table of the
// stages.
func showCosts(t *table, p *Report) {
	of := ""
	if len(p.Stages) > 1 {
		of = " of the whole run"
	}
	if c := p.Summary.Additions.Cost; c != nil {
		t.say("cost%s: %s", of, c)
	}
	if e := p.Summary.Additions.Energy; e != nil {
		t.say("energy%s: %s", of, e)
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

// String returns the estimate with its interval, which may be unknown.
func (e *Estimate) String() string { return e.text("") }

// text returns an estimate with its interval, which may be unknown.
func (e *Estimate) text(before string) string {
	text := before + Digits(float64(e.Value))
	if e.Low != nil {
		text += fmt.Sprintf(" [%s, %s]", Digits(float64(*e.Low)), Digits(float64(*e.High)))
	}
	return text
}

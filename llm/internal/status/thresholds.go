package status

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// Statistic returns the statistic at the beginning of a threshold's expression, such as p(99).
func Statistic(expression string) string {
	if end := strings.IndexAny(expression, "<>=! "); end >= 0 {
		return expression[:end]
	}
	return expression
}

// crossed returns the number of thresholds that were crossed, and the number of all.
func (s *summaryText) crossed() (crossed, all int) {
	for _, m := range s.Metrics {
		for _, t := range m.Thresholds {
			all++
			if !t.OK {
				crossed++
			}
		}
	}
	return crossed, all
}

// thresholds writes each threshold with the value that it was compared with: a script's summary replaces k6's, which
// lists them.
func (s *summaryText) thresholds() {
	lead := "\n"
	for _, name := range slices.Sorted(maps.Keys(s.Metrics)) {
		m := s.Metrics[name]
		for _, expression := range slices.Sorted(maps.Keys(m.Thresholds)) {
			mark := s.paint(red, "✗ crossed")
			if m.Thresholds[expression].OK {
				mark = s.paint(green, "✓ passed") + " "
			}
			fmt.Fprintf(s, "%s  %s  %s %s%s\n", lead, mark, plain.Terminal(name), plain.Terminal(expression),
				s.measured(name, expression))
			lead = ""
		}
	}
}

// measured returns the value that a threshold was compared with, or "" if it is unknown.
func (s *summaryText) measured(name, expression string) string {
	value, known := 0.0, false
	if s.facts.Measured != nil {
		value, known = s.facts.Measured(name, expression)
	}
	m := s.Metrics[name]
	if !known {
		value, known = m.Values[Statistic(expression)]
	}
	switch {
	case !known:
		return ""
	case m.Contains == "time":
		return fmt.Sprintf(" (%s ms)", threeDigits(value))
	}
	return fmt.Sprintf(" (%.4g)", value)
}

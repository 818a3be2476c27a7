package compare

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// The elements of JUnit's XML that CI readers agree on.
type (
	junitSuites struct {
		XMLName  xml.Name `xml:"testsuites"`
		Name     string   `xml:"name,attr"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Errors   int      `xml:"errors,attr"`
		Skipped  int      `xml:"skipped,attr"`
		Suites   []junitSuite
	}
	junitSuite struct {
		XMLName  xml.Name `xml:"testsuite"`
		Name     string   `xml:"name,attr"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Errors   int      `xml:"errors,attr"`
		Skipped  int      `xml:"skipped,attr"`
		Cases    []junitCase
	}
	junitCase struct {
		XMLName xml.Name      `xml:"testcase"`
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitMessage `xml:"failure"`
		Skipped *junitMessage `xml:"skipped"`
		Output  string        `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
	}
)

// WriteJUnit writes the result as JUnit XML. Each gate is a test case; without gates, each headline figure is. What is
// INCONCLUSIVE counts as skipped, with the reason as the message, which CI systems show apart from what passed without
// calling it broken; an error would say that the test itself did not work. What is settled counts as that.
func (r *Result) WriteJUnit(w io.Writer) error {
	suite := junitSuite{Name: fmt.Sprintf("%s against %s", plain.Terminal(r.New.Name), plain.Terminal(r.Base.Name)),
		Cases: r.allCases()}
	for _, c := range suite.Cases {
		suite.Tests++
		if c.Failure != nil {
			suite.Failures++
		}
		if c.Skipped != nil {
			suite.Skipped++
		}
	}
	all := junitSuites{Name: "llmconv compare", Tests: suite.Tests, Failures: suite.Failures, Skipped: suite.Skipped,
		Suites: []junitSuite{suite}}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// allCases returns the test cases of the result, those of groups with the name of the group.
func (r *Result) allCases() (cases []junitCase) {
	gated := slices.ContainsFunc(r.parts(), func(part *Result) bool { return len(part.Gates) > 0 })
	for _, part := range r.parts() {
		if gated && len(part.Gates) == 0 { // all are on other groups
			continue
		}
		for _, c := range junitCases(part) {
			if part.Group != "" {
				c.Name = plain.Terminal(part.Group) + ": " + c.Name
			}
			cases = append(cases, c)
		}
	}
	return cases
}

func junitCases(r *Result) (cases []junitCase) {
	if len(r.Gates) > 0 {
		for _, g := range r.Gates {
			cases = append(cases, newJUnitCase("gate", g.Expression, g.Status, g.Settled, g.Reason))
		}
		return cases
	}
	for _, c := range r.Capacities {
		if r.searches {
			cases = append(cases, newJUnitCase("metric", c.name, c.status(), r.Settled, c.Text))
		}
	}
	for i := range r.Metrics {
		if m := &r.Metrics[i]; r.pairs {
			cases = append(cases, m.overheadCase())
		} else if m.Headline {
			cases = append(cases, m.junitCase(r.Settled))
		}
	}
	failing := func(c junitCase) bool { return c.Failure != nil }
	if r.Settled == GateFailed && !slices.ContainsFunc(cases, failing) {
		cases = append(cases, newJUnitCase("answer", "answer", r.Status, r.Settled, strings.Join(r.Open, "; ")))
	}
	if r.searches {
		return cases
	}
	if r.New.Requests == 0 || r.Base.Requests == 0 {
		status := GateUndecided
		if !r.Passed {
			status = GateFailed
		}
		cases = append(cases, newJUnitCase("metric", "requests", status, "", strings.Join(r.Reasons, "; ")))
	}
	return cases
}

// junitCase returns a headline figure as a test case. It fails if the corrected verdict is worse, or if it leaves the
// answer open and that counts as a failure.
func (m *Metric) junitCase(as Status) junitCase {
	text := m.judgement()
	switch {
	case m.Verdict == Worse:
		return newJUnitCase("metric", m.Name, GateFailed, "", text)
	case m.opens != "":
		return newJUnitCase("metric", m.Name, GateUndecided, as, text+"; "+m.opens)
	case !m.judged:
		return newJUnitCase("metric", m.Name, GateUndecided, "",
			m.sentence(m.Verdict)+": "+strings.Join(m.Warnings, "; "))
	}
	return newJUnitCase("metric", m.Name, GatePassed, "", text)
}

// newJUnitCase returns a test case. What is INCONCLUSIVE is skipped, unless it is settled.
func newJUnitCase(class, name string, status, as Status, text string) junitCase {
	text = plain.Terminal(text)
	if as != "" && status == GateUndecided {
		status, text = as, settled(status, as)+": "+text
	}
	c := junitCase{Class: "llmconv.compare." + class, Name: plain.Terminal(name), Time: "0"}
	switch status {
	case GateFailed:
		c.Failure = &junitMessage{Message: text, Type: class}
	case GateUndecided:
		c.Skipped = &junitMessage{Message: string(status) + ": " + text}
	case GatePassed:
		c.Output = text
	}
	return c
}

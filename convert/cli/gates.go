package cli

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/gate"
)

// Inconclusive is the value of the flag --inconclusive: what is made of an inconclusive answer. "" leaves it open, with
// an exit code of its own.
type Inconclusive string

// Register adds the flag.
func (i *Inconclusive) Register(flags *pflag.FlagSet) {
	flags.Var(i, "inconclusive", "what an INCONCLUSIVE answer counts as: pass or fail (default exit code 4)")
}

// Set takes pass or fail.
func (i *Inconclusive) Set(text string) error {
	if text != "pass" && text != "fail" {
		return fmt.Errorf("%q is neither pass nor fail", text)
	}
	*i = Inconclusive(text)
	return nil
}

// String returns the value.
func (i *Inconclusive) String() string { return string(*i) }

// Type names the value in help texts.
func (*Inconclusive) Type() string { return "ANSWER" }

// status returns the answer that an inconclusive one counts as, "" if it is left open.
func (i Inconclusive) status() gate.Status {
	return map[Inconclusive]gate.Status{"pass": gate.Pass, "fail": gate.Fail}[i]
}

// exit returns the error for an answer, nil for one that passes.
func (i Inconclusive) exit(answer gate.Status, reason error) error {
	switch {
	case answer == gate.Pass, answer == gate.Inconclusive && i == "pass":
		return nil
	case answer == gate.Fail, i == "fail":
		return &ExitError{Failed, reason}
	}
	return &ExitError{Open, reason}
}

// Outcome returns the error with the exit code for a run and its report; nil means that the run has answers and keeps
// all gates. What is wrong with the run comes before an inconclusive gate, and after one that fails.
func (i Inconclusive) Outcome(r *run.Run, report *convert.Report) error {
	answer, reason := gates(report)
	failed := i.exit(answer, reason)
	if answer == gate.Fail {
		return failed
	}
	return cmp.Or(Verdict(r), failed)
}

// gates returns the answer of the gates together, and which decide it.
func gates(report *convert.Report) (gate.Status, error) {
	found := map[gate.Status][]string{}
	for _, g := range report.Summary.Additions.Gates {
		found[g.Status] = append(found[g.Status], g.Objective+": "+g.Reason)
	}
	failed, open := found[gate.Fail], found[gate.Inconclusive]
	switch {
	case len(failed) == 1:
		return gate.Fail, fmt.Errorf("the run breaks the gate %s", failed[0])
	case len(failed) > 1:
		return gate.Fail, fmt.Errorf("the run breaks %d gates: %s", len(failed), strings.Join(failed, "; "))
	case len(open) == 1:
		return gate.Inconclusive, fmt.Errorf("the gate is INCONCLUSIVE: %s", open[0])
	case len(open) > 1:
		return gate.Inconclusive, fmt.Errorf("%d gates are INCONCLUSIVE: %s", len(open), strings.Join(open, "; "))
	}
	return gate.Pass, errors.New("no gate decides")
}

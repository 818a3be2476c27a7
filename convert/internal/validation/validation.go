// Package validation checks the finished files of a report for contradictions, as inference-perf 0.7.0 does, and gives
// what it writes to validation.json. It works on the files themselves and knows nothing of how they were made, so it
// checks the reports of inference-perf as well as ours.
//
// A finding of inference-perf's that tells of nothing wrong is not made here: a schedule delay a few milliseconds below
// zero, the stages of a sweep, successes without a token in a partial report, rates of stages that have none. Our
// additions (xk6_llm, prompt_len) raise none.
package validation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
)

// Severity tells an impossible figure from one to look at.
type Severity string

// The severities.
const (
	Warning Severity = "warning"
	Error   Severity = "error"
)

// Finding is one thing found.
type Finding struct {
	Check    string   `json:"check"` // as in summary.counts
	Severity Severity `json:"severity"`
	Message  string   `json:"message"` // ASCII
	Report   *string  `json:"report"`  // the file's name, nil for what concerns several
}

// Findings are those of one file, or those that concern several.
type Findings struct {
	Warnings []Finding
	Errors   []Finding
}

// MarshalJSON writes empty lists as such.
func (f Findings) MarshalJSON() ([]byte, error) {
	type lists struct {
		Warnings []Finding `json:"warnings"`
		Errors   []Finding `json:"errors"`
	}
	return encode(lists{append([]Finding{}, f.Warnings...), append([]Finding{}, f.Errors...)})
}

// File is a file that was checked. Without findings it is sound.
type File struct {
	Name     string
	Findings Findings
}

// Report is what was found. Files stand in the order of a report's making: summary, stages, requests, partial reports.
type Report struct {
	Global Findings
	Files  []File
}

// All gives all findings, those of several files first.
func (r *Report) All() iter.Seq[Finding] {
	return func(yield func(Finding) bool) {
		for _, f := range append([]File{{Findings: r.Global}}, r.Files...) {
			for _, finding := range append(slices.Clone(f.Findings.Errors), f.Findings.Warnings...) {
				if !yield(finding) {
					return
				}
			}
		}
	}
}

// MarshalJSON writes the object of validation.json.
func (r *Report) MarshalJSON() ([]byte, error) {
	global, err := r.Global.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	fmt.Fprintf(&buf, `{"global":%s,"reports":{`, global)
	for i, f := range r.Files {
		findings, err := f.Findings.MarshalJSON()
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&buf, `%s%q:%s`, strings.Repeat(",", min(i, 1)), f.Name, findings)
	}
	buf.WriteString("}}")
	return buf.Bytes(), nil
}

// Write writes validation.json as Python does: an indent of two, no line break at the end.
func (r *Report) Write(w io.Writer) error {
	text, err := r.MarshalJSON()
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	if err := json.Indent(&buf, text, "", "  "); err != nil {
		return err
	}
	_, err = w.Write(buf.Bytes())
	return err
}

// encode leaves <, > and & as they are.
func encode[T any](value T) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(value)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

// scope is where findings go: those of one file, under one prefix.
type scope struct {
	prefix string  // of the checks' names
	file   *string // nil for several files
	to     *Findings
}

// file checks one file and puts it on the list.
func (r *Report) file(prefix, name string, check func(scope)) {
	var found Findings
	check(scope{prefix, &name, &found})
	r.Files = append(r.Files, File{name, found})
}

func (s scope) errorf(check, format string, args ...any) {
	s.to.Errors = append(s.to.Errors, s.finding(check, Error, fmt.Sprintf(format, args...)))
}

func (s scope) warnf(check, format string, args ...any) {
	s.to.Warnings = append(s.to.Warnings, s.finding(check, Warning, fmt.Sprintf(format, args...)))
}

// finding keeps to ASCII, as the file does: messages of parsers may cite what they met.
func (s scope) finding(check string, severity Severity, message string) Finding {
	ascii := func(c rune) rune {
		if c > 0x7e {
			return '?'
		}
		return c
	}
	return Finding{s.prefix + check, severity, strings.Map(ascii, message), s.file}
}

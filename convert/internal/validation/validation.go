// Package validation checks the finished files of a report for contradictions, as inference-perf 0.7.0 does, and
// writes the findings as its validation.json. It works on the files themselves and knows nothing of how they were made,
// so it checks the reports of inference-perf as well as the reports of this program.
//
// Some findings of inference-perf point at nothing wrong and are not made here: a schedule delay a few milliseconds
// below zero, the stages of a sweep, successes without a token in a partial report, rates of stages that have none. The
// additions of this program (xk6_llm, prompt_len) raise no finding.
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

// Severity separates impossible figures (Error) from figures that deserve a look (Warning).
type Severity string

// The severities.
const (
	Warning Severity = "warning"
	Error   Severity = "error"
)

// Finding is one contradiction, or one figure that deserves a look.
type Finding struct {
	Check    string   `json:"check"` // as in summary.counts
	Severity Severity `json:"severity"`
	Message  string   `json:"message"` // ASCII
	Report   *string  `json:"report"`  // the file's name; nil means that several files are concerned
}

// Findings holds the findings about one file, or the findings that concern several files.
type Findings struct {
	Warnings []Finding
	Errors   []Finding
}

// MarshalJSON writes an empty list as [], not as null.
func (f Findings) MarshalJSON() ([]byte, error) {
	type lists struct {
		Warnings []Finding `json:"warnings"`
		Errors   []Finding `json:"errors"`
	}
	return encode(lists{append([]Finding{}, f.Warnings...), append([]Finding{}, f.Errors...)})
}

// File is a checked file. A file without findings is sound.
type File struct {
	Name     string
	Findings Findings
}

// Report holds the findings of a check. Files stand in the order in which a report is written: summary, stages,
// requests, partial reports.
type Report struct {
	Global Findings
	Files  []File
}

// All yields every finding, beginning with the findings that concern several files.
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

// encode returns JSON in which <, > and & are not escaped.
func encode[T any](value T) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(value)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

// scope collects the findings about one file, or about several files together.
type scope struct {
	prefix string  // of the checks' names
	file   *string // nil means several files
	to     *Findings
}

// file runs the check of one file and adds the file to the report.
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

// finding replaces what is not ASCII, since validation.json is ASCII and messages of parsers may quote the input.
func (s scope) finding(check string, severity Severity, message string) Finding {
	ascii := func(c rune) rune {
		if c > 0x7e {
			return '?'
		}
		return c
	}
	return Finding{s.prefix + check, severity, strings.Map(ascii, message), s.file}
}

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// event is a line of go test -json. See go doc test2json and go help buildjson.
type event struct {
	Action, Package, Test, Output string
}

// name identifies a test in a package; test is "" for output and results of the package as a whole.
type name struct{ pkg, test string }

// list collects the results of the tests.
type list struct {
	out    io.Writer
	module string // the prefix that is left out of the names of packages

	verbose bool // print also what tests wrote that pass

	passed  int
	failed  []string
	skipped map[string][]string // names of tests, by the message of the skip

	output map[name]*strings.Builder // the output of tests that have not ended
}

func newList(out io.Writer, module string) *list {
	return &list{out: out, module: module, skipped: map[string][]string{}, output: map[name]*strings.Builder{}}
}

// read reads the events of one run of go test to their end, and prints what go test prints without -v.
func (l *list) read(events io.Reader) error {
	r := bufio.NewReader(events)
	for {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			l.line(line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (l *list) line(line []byte) {
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		_, _ = l.out.Write(line) // some errors of the go command are plain text
		return
	}
	id := name{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		_, _ = io.WriteString(l.out, e.Output)
	case "output":
		l.add(id, e.Output)
	case "pass", "fail", "skip":
		l.end(id, e.Action)
	}
}

var progress = regexp.MustCompile(`^(=== (RUN|PAUSE|CONT|NAME)\b|PASS\n)`)

// add keeps a line of a test until the test has ended. A line of a package is printed.
func (l *list) add(id name, text string) {
	if progress.MatchString(text) {
		return
	}
	if id.test == "" {
		_, _ = io.WriteString(l.out, text)
		return
	}
	b := l.output[id]
	if b == nil {
		b = &strings.Builder{}
		l.output[id] = b
	}
	b.WriteString(text)
}

func (l *list) end(id name, action string) {
	if id.test == "" {
		l.endPackage(id.pkg, action == "fail")
		return
	}
	text := l.take(id)
	if action == "fail" || l.verbose {
		_, _ = io.WriteString(l.out, text)
	}
	switch {
	case action == "fail":
		l.failed = append(l.failed, l.title(id))
	case action == "skip":
		message := reason(text)
		l.skipped[message] = append(l.skipped[message], l.title(id))
	case !strings.Contains(id.test, "/"):
		l.passed++
	}
}

// endPackage prints what tests wrote that have not ended, as after a panic or a timeout. A package that fails without
// a test that failed, as one that does not compile, is listed itself.
func (l *list) endPackage(pkg string, failed bool) {
	for _, id := range slices.SortedFunc(maps.Keys(l.output), func(a, b name) int {
		return strings.Compare(a.test, b.test)
	}) {
		if id.pkg == pkg {
			_, _ = io.WriteString(l.out, l.take(id))
			l.failed = append(l.failed, l.title(id))
		}
	}
	where := l.title(name{pkg: pkg})
	if failed && !slices.ContainsFunc(l.failed, func(title string) bool { return strings.HasSuffix(title, where) }) {
		l.failed = append(l.failed, "the package"+where)
	}
}

// take returns the output of a test and deletes it.
func (l *list) take(id name) (text string) {
	if b := l.output[id]; b != nil {
		text = b.String()
		delete(l.output, id)
	}
	return text
}

func (l *list) title(id name) string {
	return id.test + " (" + strings.TrimPrefix(id.pkg, l.module) + ")"
}

var (
	logged = regexp.MustCompile(`(?m)^\s+\S+\.go:\d+: (.*)$`)
	needs  = regexp.MustCompile(`(?m)^\s+\S+\.go:\d+: (needs .*)$`)
)

// reason returns the reason for a skip from the output of the test: the line that begins with "needs", or else the last
// line.
func reason(text string) string {
	if m := needs.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	if all := logged.FindAllStringSubmatch(text, -1); len(all) > 0 {
		return all[len(all)-1][1]
	}
	return "no reason given"
}

// print prints the numbers of tests, the failures and the skips.
func (l *list) print() {
	skipped := 0
	for _, tests := range l.skipped {
		skipped += len(tests)
	}
	fmt.Fprintf(l.out, "\n%d tests passed, %d failed, %d skipped\n", l.passed, len(l.failed), skipped)
	for _, test := range l.failed {
		fmt.Fprintf(l.out, "  FAILED   %s\n", test)
	}
	for _, message := range slices.Sorted(maps.Keys(l.skipped)) {
		fmt.Fprintf(l.out, "  SKIPPED  %s\n", message)
		for _, test := range l.skipped[message] {
			fmt.Fprintf(l.out, "             %s\n", test)
		}
	}
}

package study

import (
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/internal/spelling"
	"github.com/seed-307b789f/xk6-llm/internal/timespan"
	"github.com/seed-307b789f/xk6-llm/llm/internal/deploy"
)

// The limits of an experiment.
const (
	maxCells   = 10_000
	maxRepeats = 1000
	maxName    = 100 // bytes
)

// reader reads the sections of a document.
type reader struct {
	faults
	tool Tool
}

// Read reads the text of an experiment, and checks all that can be checked before a server is started. Its error joins
// all mistakes, each with the file, the line and the column.
func Read(file string, text []byte, tool Tool) (*Experiment, error) {
	r := &reader{faults: faults{file: file}, tool: tool}
	doc := parse(text, &r.faults)
	if doc == nil {
		return nil, r.err()
	}
	e := r.experiment(doc)
	if r.count == 0 {
		(&checker{&r.faults, tool, map[string]bool{}}).experiment(e)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return e, nil
}

// known are the keys of the sections.
var known = struct{ experiment, deployment, ready, stop, workload []string }{
	experiment: []string{"name", "directory", "repeats", "restart", "flags", "deployments", "workloads", "loads"},
	deployment: []string{"name", "command", "directory", "environment", "manifests", "namespace", "compose", "url",
		"matrix", "flags", "ready", "warmup", "stop", "units", "price"},
	ready:    []string{"timeout", "path", "model", "token"},
	stop:     []string{"command", "signal", "grace"},
	workload: []string{"name", "config"}, // and flags
}

// experiment reads the whole document.
func (r *reader) experiment(doc *value) *Experiment {
	r.keys(doc, known.experiment)
	base := filepath.Base(r.file)
	e := &Experiment{File: r.file, Name: strings.TrimSuffix(base, filepath.Ext(base)), Repeats: 1, Restart: true}
	if v := doc.member("name"); v != nil {
		e.Name = r.name(v)
	}
	e.Directory = filepath.Join("runs", plain.FileName(e.Name, nil))
	if v := doc.member("directory"); v != nil {
		e.Directory = r.text(v, "directory")
	}
	if v := doc.member("repeats"); v != nil {
		n, err := strconv.Atoi(r.text(v, "repeats"))
		if err != nil || n < 1 || n > maxRepeats {
			r.add(v.place, "repeats: write how often each cell runs, from 1 to %d", maxRepeats)
		}
		e.Repeats = n
	}
	if v := doc.member("restart"); v != nil {
		e.Restart = r.yes(v, "restart")
	}
	e.flags = r.section(doc.member("flags"), "flags")
	for _, v := range r.list(doc, "deployments") {
		e.Deployments = append(e.Deployments, r.deployment(v))
	}
	for _, v := range r.list(doc, "workloads") {
		e.Workloads = append(e.Workloads, r.workload(v))
	}
	for _, v := range r.list(doc, "loads") {
		e.Loads = append(e.Loads, r.load(v))
	}
	r.names(e)
	return e
}

// keys notes the keys of a section that are not among those known.
func (r *reader) keys(v *value, known []string) {
	for _, m := range v.members {
		if !slices.Contains(known, m.key) {
			r.unknown(m.place, "key", m.key, known)
		}
	}
}

// list returns the entries of a key that must have some, each a mapping.
func (r *reader) list(doc *value, key string) (items []*value) {
	v := doc.member(key)
	switch {
	case v == nil:
		if !misspelt(doc, key) { // which is a mistake by itself
			r.add(doc.place, "%s are missing: write a list of at least one", key)
		}
		return nil
	case v.kind != listKind || len(v.items) == 0:
		r.add(v.place, "%s: expected a list of at least one, got %s", key, v.describe())
		return nil
	}
	for _, item := range v.items {
		if item.kind != mappingKind {
			r.add(item.place, "%s: expected a mapping, got %s", key, item.describe())
			continue
		}
		items = append(items, item)
	}
	return items
}

// misspelt reports whether a document has an unknown key that was meant to be this one.
func misspelt(doc *value, key string) bool {
	return slices.ContainsFunc(doc.members, func(m member) bool {
		near, found := spelling.Nearest(m.key, known.experiment)
		return !slices.Contains(known.experiment, m.key) && found && near == key
	})
}

// text reads a value that is a single one.
func (r *reader) text(v *value, key string) string {
	if v.kind != scalarKind || v.text == "" {
		r.add(v.place, "%s: expected a text, got %s", key, given(v))
	}
	return v.text
}

// given says what a value is in place of a text.
func given(v *value) string {
	if v.kind == scalarKind {
		return "an empty one"
	}
	return v.describe()
}

// name reads a name.
func (r *reader) name(v *value) string {
	text := r.text(v, "name")
	if len(text) > maxName || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' }) {
		r.add(v.place, "name: expected one line of at most %d bytes", maxName)
	}
	return text
}

// timespan reads a duration above 0.
func (r *reader) timespan(v *value, key string) time.Duration {
	d, err := timespan.Parse(r.text(v, key))
	if err == nil && d <= 0 {
		err = fmt.Errorf("must be above 0, got %v", d)
	}
	if err != nil && v.text != "" {
		r.add(v.place, "%s: %v", key, err)
	}
	return d
}

// yes reads true or false.
func (r *reader) yes(v *value, key string) bool {
	if v.text != "true" && v.text != "false" {
		r.add(v.place, "%s: expected true or false", key)
	}
	return v.text == "true"
}

// words reads a command: a text that is split as a shell splits it, or a list of words.
func (r *reader) words(v *value, key string) (list []string) {
	switch v.kind {
	case scalarKind:
		list, err := split(v.text)
		if err != nil {
			r.add(v.place, "%s: %v", key, err)
		} else if len(list) == 0 {
			r.add(v.place, "%s: is empty", key)
		}
		return list
	case listKind:
		for _, item := range v.items {
			if item.kind != scalarKind {
				r.add(item.place, "%s: expected a word, got %s", key, item.describe())
			}
			list = append(list, item.text)
		}
		if len(list) > 0 {
			return list
		}
	}
	r.add(v.place, "%s: expected a text or a list of words, got %s", key, v.describe())
	return nil
}

// workload reads an entry of workloads.
func (r *reader) workload(v *value) (w Workload) {
	w.at = v.place
	if name := v.member("name"); name != nil {
		w.Name = r.name(name)
	}
	if c := v.member("config"); c != nil {
		w.Config = r.text(c, "config")
		if base := filepath.Base(w.Config); w.Name == "" {
			w.Name = strings.TrimSuffix(base, filepath.Ext(base))
		}
	}
	w.flags = r.flags(v, known.workload...)
	if w.Name == "" {
		r.add(v.place, "workloads: each needs a name")
	}
	return w
}

// load reads an entry of loads.
func (r *reader) load(v *value) (l Load) {
	l.at, l.flags = v.place, r.flags(v, "name")
	if name := v.member("name"); name != nil {
		l.Name = r.name(name)
	}
	if len(l.flags) == 0 && l.Name == "" {
		r.add(v.place, "loads: each needs flags, such as rate: 2")
	}
	if l.Name == "" {
		l.Name = nameOf(l.flags)
	}
	return l
}

// speaking are the flags that make up the name of a load without one. None holds a secret.
var speaking = []string{"search", "rate", "concurrency", "requests", "duration", "arrival", "burstiness", "warmup",
	"slo", "replay", "stages", "search-min", "search-max", "resolution", "cancel"}

// nameOf makes the name of a load of its flags.
func nameOf(flags []Flag) string {
	var parts []string
	for _, f := range flags {
		if slices.Contains(speaking, f.Name) && !f.unset && len(f.Texts) == 1 {
			parts = append(parts, f.Name+"="+f.Texts[0])
		}
	}
	if len(parts) == 0 {
		return "load"
	}
	return plain.Clip(strings.Join(parts, " "), maxName)
}

// names makes sure that no two deployments, workloads or loads have the same name. Loads without a name get a number.
func (r *reader) names(e *Experiment) {
	once := func(what string) func(at place, name string) {
		seen := map[string]bool{}
		return func(at place, name string) {
			if name != "" && seen[name] {
				r.add(at, "two %ss are named %s: give each a name of its own", what, plain.Quote(name))
			}
			seen[name] = true
		}
	}
	deployment, workload, load := once("deployment"), once("workload"), once("load")
	for _, d := range e.Deployments {
		deployment(d.at, d.Name)
	}
	for _, w := range e.Workloads {
		workload(w.at, w.Name)
	}
	for _, l := range e.Loads {
		load(l.at, l.Name)
	}
}

// variableName is what a parameter of a matrix may be called.
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// matrix reads the parameters of a deployment with their values.
func (r *reader) matrix(v *value) (axes []Axis) {
	if v.kind != mappingKind {
		r.add(v.place, "matrix: expected a mapping of parameters to lists of values, got %s", v.describe())
		return nil
	}
	for _, m := range v.members {
		switch {
		case !variableName.MatchString(m.key) || len(m.key) > maxName:
			r.add(m.place, "matrix: %s is no name of a parameter: write letters, digits and _", plain.Quote(m.key))
		case slices.Contains(deploy.Reserved(), m.key):
			r.add(m.place, "matrix: ${%s} has a meaning of its own: give the parameter another name", m.key)
		case secret.Named(m.key):
			r.add(m.place, "matrix: %s names a secret, and the values of parameters stand in reports: leave it to the "+
				"environment", m.key)
		case m.value.kind != listKind || len(m.value.items) == 0:
			r.add(m.value.place, "matrix: %s: expected a list of values, got %s", m.key, m.value.describe())
		default:
			axes = append(axes, r.axis(m))
		}
	}
	return axes
}

// axis reads the values of a parameter.
func (r *reader) axis(m member) Axis {
	a := Axis{Name: m.key}
	for _, item := range m.value.items {
		switch {
		case item.kind != scalarKind:
			r.add(item.place, "matrix: %s: expected a single value, got %s: write '' for none", m.key, item.describe())
		case slices.Contains(a.Values, item.text):
			r.add(item.place, "matrix: %s: %s is given twice", m.key, plain.Quote(item.text))
		}
		a.Values = append(a.Values, item.text)
	}
	return a
}

// units reads a number of devices.
func units(text string) (float64, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n > 0) || math.IsInf(n, 0) {
		return 0, fmt.Errorf("units: %q is no number above 0", plain.Short(text))
	}
	return n, nil
}

package study

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/price"
	"github.com/seed-307b789f/xk6-llm/llm/internal/deploy"
)

// checker checks what holds between the parts of an experiment, once for all cells that share them.
type checker struct {
	faults *faults
	tool   Tool
	done   map[string]bool // signatures of tests, and mistakes
}

// experiment checks all deployments and cells.
func (k *checker) experiment(e *Experiment) {
	if n := e.size(); n > maxCells {
		k.faults.add(place{}, "%.0f cells are more than %d: give the matrices fewer values", n, maxCells)
		return
	}
	for _, v := range e.Variants() {
		k.variant(v)
		if v.warmup != nil {
			k.test(Test{Flags: e.warmupOf(v)}, v.at, "the warm-up of "+v.Label)
		}
	}
	for _, c := range e.Cells() {
		k.test(c.Test, c.Load.at, c.Label(1))
	}
}

// variant checks a deployment with its parameters.
func (k *checker) variant(v *Variant) {
	spec := v.Spec()
	if err := spec.Check(); err != nil {
		at := v.at
		var field *deploy.FieldError
		if errors.As(err, &field) && v.fields[field.Field].line > 0 {
			at = v.fields[field.Field]
		}
		k.once(at, v.at, err.Error())
	}
	k.files(v, &spec)
	k.shell(v)
	if v.Units != "" {
		if _, err := units(v.Units); err != nil {
			k.once(v.fields["units"], v.at, err.Error())
		}
	}
	if v.Price != "" {
		if _, err := price.Parse(v.Price); err != nil {
			k.once(v.fields["price"], v.at, "price: "+err.Error())
		}
	}
}

// shell refuses values that a shell would not take as they are, in a script that the command gives it.
func (k *checker) shell(v *Variant) {
	words := v.Deployment.Spec.Command
	at := slices.IndexFunc(words, scriptFlag.MatchString) + 1
	if at == 0 || at == len(words) || !shells.MatchString(words[0]) {
		return
	}
	values := v.Values()
	for _, r := range deploy.References(words[at]) {
		if value := values[r.Name]; strings.ContainsAny(value, shellSigns) {
			k.once(v.fields["command"], v.at, fmt.Sprintf("the shell would take %s of ${%s} apart: "+
				"write environment: {X: '${%[2]s}'}, and \"$X\" in the command", plain.Quote(value), r.Name))
		}
	}
}

// What makes a command a script of a shell, and what a shell takes for its own in it. A blank is none of that: a value
// of several arguments wants it.
var (
	shells     = regexp.MustCompile(`(^|/)(ba|da|k|z)?sh$`)
	scriptFlag = regexp.MustCompile(`^-[a-z]*c$`)
)

const shellSigns = ";|&<>()`$\"'\\\n"

// files checks that what a deployment is made of is there.
func (k *checker) files(v *Variant, s *deploy.Spec) {
	for key, path := range map[string]string{"manifests": s.Manifests, "compose": s.Compose} {
		if path = partly(path, v.Values()); path == "" || strings.Contains(path, "${") {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			k.once(v.fields[key], v.at, key+": "+err.Error())
		}
	}
}

// test checks a test unless its like was checked. A mistake that names a flag is noted where the flag is.
func (k *checker) test(t Test, at place, label string) {
	id := signature(t)
	if k.done[id] {
		return
	}
	k.done[id] = true
	set, wrong := k.tool.Flags(t.Config != ""), false
	for _, f := range t.Flags {
		if err := f.check(set); err != nil {
			k.once(f.at, at, err.Error())
			wrong = true
		}
	}
	if wrong {
		return
	}
	_, err := k.tool.Check(t)
	if err == nil {
		return
	}
	text := err.Error()
	at, found := cause(t.Flags, text, at)
	if !found {
		text = label + ": " + text
	}
	k.once(at, at, text)
}

// cause returns where the flag is that a message begins with.
func cause(flags []Flag, text string, otherwise place) (place, bool) {
	for _, f := range flags {
		if rest, ok := strings.CutPrefix(text, "--"+f.Name); ok && f.at.line > 0 &&
			(rest == "" || strings.ContainsRune(": ,(", rune(rest[0]))) {
			return f.at, true
		}
	}
	return otherwise, false
}

// once notes a mistake that cells share.
func (k *checker) once(at, otherwise place, text string) {
	if at.line == 0 {
		at = otherwise
	}
	id := fmt.Sprint(at, text)
	if !k.done[id] {
		k.faults.add(at, "%s", text)
	}
	k.done[id] = true
}

// check returns why a set does not take a value of the flag.
func (f Flag) check(set *pflag.FlagSet) error {
	known := set.Lookup(f.Name)
	if known == nil {
		return fmt.Errorf("--%s is no flag of a test with a configuration, or needs one", f.Name)
	}
	for _, text := range f.Texts {
		if err := known.Value.Set(text); err != nil {
			return fmt.Errorf("--%s: %w", f.Name, err)
		}
	}
	return nil
}

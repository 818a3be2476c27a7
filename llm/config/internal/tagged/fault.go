package tagged

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/internal/spelling"
)

// fault is one fault of a document or an override.
type fault struct {
	Position
	file, path, text string
	meant            string // the key that an unknown key was taken for
}

// Error returns file:line or the override, then the dotted key, then the fault.
func (f *fault) Error() string {
	where := f.file
	switch {
	case f.override != "" && f.path == f.override:
		return fmt.Sprintf("--%s: %s", plain.Short(f.override), plain.ShortValues(f.text))
	case f.override != "":
		where = "--" + plain.Short(f.override)
	case f.line > 0:
		where += ":" + strconv.Itoa(f.line)
	}
	text := plain.ShortValues(f.text)
	if f.path == "" {
		return where + ": " + text
	}
	return where + ": " + plain.Short(f.path) + ": " + text
}

// maxFaults limits how many faults, and how many warnings, are reported one by one.
const maxFaults = 50

// err joins the faults in the order of their lines.
func (d *Decoder) err() error {
	if d.count == 0 {
		return nil
	}
	slices.SortStableFunc(d.faults, func(a, b *fault) int {
		if a.line == 0 || b.line == 0 {
			return cmp.Compare(b.line, a.line)
		}
		return cmp.Compare(a.line, b.line)
	})
	errs := make([]error, 0, len(d.faults)+1)
	for _, f := range d.faults {
		errs = append(errs, f)
	}
	if more := d.count - len(d.faults); more > 0 {
		errs = append(errs, fmt.Errorf("%s: %d more faults", d.file, more))
	}
	return errors.Join(errs...)
}

// Fault reports a fault of the key at path, on the line of the value.
func (d *Decoder) Fault(v *Value, path, format string, args ...any) {
	d.FaultAt(v.Position, path, format, args...)
}

// FaultAt reports a fault of the key at path, at a position.
func (d *Decoder) FaultAt(at Position, path, format string, args ...any) {
	d.count++
	if len(d.faults) < maxFaults {
		d.faults = append(d.faults, &fault{Position: at, file: d.file, path: path, text: fmt.Sprintf(format, args...)})
	}
}

// Warn adds a warning about the key at path, at a position.
func (d *Decoder) Warn(at Position, path, text string) {
	if len(d.warnings) < maxFaults {
		d.warnings = append(d.warnings, (&fault{Position: at, file: d.file, path: path, text: text}).Error())
	}
}

// TypeFault reports a value of the wrong type. For a secret the message names only the type found.
func (d *Decoder) TypeFault(v *Value, path, want string, secret bool) {
	d.Fault(v, path, "expected %s, got %s", want, describe(v, secret))
}

// describe names the type of a value and, unless it is secret, shows the value.
func describe(v *Value, secret bool) string {
	name := [...]string{"null", "the boolean", "the number", "the number", "the string", "the date", "a list",
		"a mapping"}[v.Kind]
	switch {
	case v.Kind == NullKind || v.Kind == ListKind || v.Kind == ObjectKind:
		return name
	case secret:
		return strings.Replace(name, "the", "a", 1)
	}
	return name + " " + Quote(v.Text)
}

// Quote returns a text in quotes, shortened and without the secrets of a URL.
func Quote(text string) string {
	return plain.Quote(secret.RedactURL(text))
}

// Suggest returns the end of a message about an unknown name: the nearest known name, or all of them.
func Suggest(name string, known []string) string {
	if near, ok := spelling.Nearest(name, known); ok {
		return fmt.Sprintf(": did you mean %q?", near)
	}
	shown := slices.Clone(known)
	for i, k := range shown {
		if k == "" {
			shown[i] = `""`
		}
	}
	return ", known are " + strings.Join(shown, ", ")
}

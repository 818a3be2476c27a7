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

// Faults collects the faults and the warnings of a document and its overrides.
type Faults struct {
	file     string
	list     []*fault
	count    int // all faults, including the faults that list leaves out
	warnings []string
}

// Count returns the number of faults found up to now.
func (f *Faults) Count() int { return f.count }

// err joins the faults in the order of their lines.
func (f *Faults) err() error {
	if f.count == 0 {
		return nil
	}
	slices.SortStableFunc(f.list, func(a, b *fault) int {
		if a.line == 0 || b.line == 0 {
			return cmp.Compare(b.line, a.line)
		}
		return cmp.Compare(a.line, b.line)
	})
	errs := make([]error, 0, len(f.list)+1)
	for _, one := range f.list {
		errs = append(errs, one)
	}
	if more := f.count - len(f.list); more > 0 {
		errs = append(errs, fmt.Errorf("%s: %d more faults", f.file, more))
	}
	return errors.Join(errs...)
}

// Add reports a fault of the key at path, on the line of the value.
func (f *Faults) Add(v *Value, path, format string, args ...any) {
	f.AddAt(v.Position, path, format, args...)
}

// AddAt reports a fault of the key at path, at a position.
func (f *Faults) AddAt(at Position, path, format string, args ...any) {
	f.count++
	if len(f.list) < maxFaults {
		f.list = append(f.list, &fault{Position: at, file: f.file, path: path, text: fmt.Sprintf(format, args...)})
	}
}

// Warn adds a warning about the key at path, at a position.
func (f *Faults) Warn(at Position, path, text string) {
	if len(f.warnings) < maxFaults {
		f.warnings = append(f.warnings, (&fault{Position: at, file: f.file, path: path, text: text}).Error())
	}
}

// AddType reports a value of the wrong type. For a secret the message names only the type found.
func (f *Faults) AddType(v *Value, path, want string, secret bool) {
	f.Add(v, path, "expected %s, got %s", want, describe(v, secret))
}

// addUnknown reports an unknown key. meant is the dotted key that it was taken for, if any. The list must have room for
// one more fault.
func (f *Faults) addUnknown(at Position, path, meant, format string, args ...any) {
	f.AddAt(at, path, format, args...)
	f.list[len(f.list)-1].meant = meant
}

// misspelt reports whether an unknown key was taken for this key, or for a section that contains it.
func (f *Faults) misspelt(path string) bool {
	return slices.ContainsFunc(f.list, func(one *fault) bool {
		return one.meant != "" && (one.meant == path || strings.HasPrefix(path, one.meant+"."))
	})
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

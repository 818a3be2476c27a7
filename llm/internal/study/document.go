package study

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/spelling"
)

// The limits of a document, counted with its aliases written out.
const (
	maxSize   = 1 << 20 // bytes
	maxDepth  = 50
	maxValues = 50_000
	maxFaults = 50 // that are reported one by one
)

// place is where something was written, counted from 1; 0 if that is not known.
type place struct{ line, column int }

// kind is the kind of a value.
type kind int

const (
	nullKind kind = iota
	scalarKind
	listKind
	mappingKind
)

// value is a value of the document.
type value struct {
	place
	kind    kind
	text    string // of a scalar, as it was written
	literal bool   // the text stands in the file at its place, as it is
	isText  bool   // a scalar that is neither a number nor true or false
	items   []*value
	members []member
}

// member is an entry of a mapping.
type member struct {
	place
	key   string
	value *value
}

// member returns the value of a key, nil if the mapping does not have it.
func (v *value) member(key string) *value {
	for _, m := range v.members {
		if m.key == key {
			return m.value
		}
	}
	return nil
}

// within returns the place of a byte of the text, as far as that is known.
func (v *value) within(offset int) place {
	if !v.literal {
		return v.place
	}
	return place{v.line, v.column + utf8.RuneCountInString(v.text[:offset])}
}

// describe names what a value is, and shows no text: it may be a secret.
func (v *value) describe() string {
	if v.kind == listKind && len(v.items) == 0 {
		return "an empty list"
	}
	return [...]string{"nothing", "a single value", "a list", "a mapping"}[v.kind]
}

// fault is one mistake in a document.
type fault struct {
	place
	text string
}

// faults collects the mistakes in a document.
type faults struct {
	file  string
	list  []fault
	count int
}

// add notes a mistake.
func (f *faults) add(at place, format string, args ...any) {
	f.count++
	if len(f.list) < maxFaults {
		f.list = append(f.list, fault{at, fmt.Sprintf(format, args...)})
	}
}

// err joins the mistakes in the order of their places.
func (f *faults) err() error {
	if f.count == 0 {
		return nil
	}
	slices.SortStableFunc(f.list, func(a, b fault) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
	var errs []error
	for _, one := range f.list {
		where := f.file
		if one.line > 0 {
			where = fmt.Sprintf("%s:%d:%d", f.file, one.line, max(one.column, 1))
		}
		errs = append(errs, fmt.Errorf("%s: %s", where, plain.OneLine(one.text, 600)))
	}
	if more := f.count - len(f.list); more > 0 {
		errs = append(errs, fmt.Errorf("%s: %d more mistakes", f.file, more))
	}
	return errors.Join(errs...)
}

// unknown notes a name that is not among those known.
func (f *faults) unknown(at place, what, name string, known []string) {
	f.add(at, "unknown %s %s%s", what, plain.Quote(name), suggestion(name, known))
}

// suggestion is the end of a message about an unknown name: the nearest known name, or all of them if they are few.
func suggestion(name string, known []string) string {
	if near, ok := spelling.Nearest(name, known); ok {
		return fmt.Sprintf(": did you mean %s?", near)
	}
	if len(known) == 0 || len(known) > 20 {
		return ""
	}
	return ", known are " + strings.Join(known, ", ")
}

// parse reads a document that is a mapping. It returns nil if there is none, and notes why.
func parse(data []byte, f *faults) *value {
	if len(data) > maxSize {
		f.add(place{}, "is larger than %d bytes", maxSize)
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		f.syntax(err)
		return nil
	}
	var doc, more yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF) || err == nil && len(doc.Content) != 1:
		f.add(place{1, 1}, "is empty: write deployments, workloads and loads")
		return nil
	case err != nil:
		f.syntax(err)
		return nil
	}
	switch err := loader.Load(&more); {
	case err == nil:
		f.add(place{more.Line, more.Column}, "a second document: one is allowed")
	case !errors.Is(err, io.EOF):
		f.syntax(err)
	}
	b := builder{faults: f, lines: strings.Split(string(data), "\n")}
	v := b.build(doc.Content[0], 0)
	if f.count == 0 && v.kind != mappingKind {
		f.add(v.place, "expected a mapping with deployments, workloads and loads, got %s", v.describe())
	}
	if f.count > 0 {
		return nil
	}
	return v
}

// syntax notes an error of the YAML library.
func (f *faults) syntax(err error) {
	at, text := place{}, err.Error()
	var load *yaml.LoadError
	if errors.As(err, &load) {
		at, text = place{load.Mark.Line, load.Mark.Column}, load.Message
	}
	f.add(at, "not YAML: %s", text)
}

// builder turns nodes of YAML into values.
type builder struct {
	faults  *faults
	lines   []string
	count   int
	stopped bool
}

func (b *builder) build(n *yaml.Node, depth int) *value {
	v := &value{place: place{n.Line, n.Column}}
	if b.count++; b.stopped {
		return v
	}
	if depth > maxDepth || b.count > maxValues {
		b.stopped = true
		b.faults.add(v.place, "nested more than %d deep, or more than %d values with aliases written out", maxDepth,
			maxValues)
		return v
	}
	switch n.Kind {
	case yaml.AliasNode:
		return b.build(n.Alias, depth+1)
	case yaml.ScalarNode:
		v.kind, v.text = scalarKind, n.Value
		v.literal = b.stands(n)
		switch n.ShortTag() {
		case "!!null":
			v.kind = nullKind
		case "!!bool", "!!int", "!!float":
		case "!!str", "!!timestamp", "!!merge": // dates are texts here
			v.isText = true
		default:
			b.faults.add(v.place, "a tag (!…) is not supported: quote a value that starts with !")
		}
	case yaml.SequenceNode:
		v.kind = listKind
		b.expectTag(n, "!!seq")
		for _, c := range n.Content {
			v.items = append(v.items, b.build(c, depth+1))
		}
	case yaml.MappingNode:
		v.kind = mappingKind
		b.expectTag(n, "!!map")
		b.mapping(n, v, depth)
	}
	return v
}

// stands reports whether the text of a scalar stands in the file at its place.
func (b *builder) stands(n *yaml.Node) bool {
	if n.Line < 1 || n.Line > len(b.lines) {
		return false
	}
	line := []rune(b.lines[n.Line-1])
	return n.Column >= 1 && n.Column <= len(line) && strings.HasPrefix(string(line[n.Column-1:]), n.Value)
}

func (b *builder) expectTag(n *yaml.Node, tag string) {
	if n.Style&yaml.TaggedStyle != 0 && n.ShortTag() != tag {
		b.faults.add(place{n.Line, n.Column}, "a tag (!…) is not supported: leave it out")
	}
}

// mapping reads the entries of a mapping, whose keys differ.
func (b *builder) mapping(n *yaml.Node, v *value, depth int) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content) && !b.stopped; i += 2 {
		k := n.Content[i]
		at := place{k.Line, k.Column}
		switch {
		case k.Kind != yaml.ScalarNode:
			b.faults.add(at, "a key must be a name")
			continue
		case k.ShortTag() == "!!merge":
			b.faults.add(at, "<< is not supported: an alias (*name) may stand for a whole value")
			continue
		case seen[k.Value]:
			b.faults.add(at, "%s is given twice", plain.Quote(k.Value))
		}
		seen[k.Value] = true
		v.members = append(v.members, member{at, k.Value, b.build(n.Content[i+1], depth+1)})
	}
}

package tagged

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

// The limits of a document, counted with its aliases written out.
const (
	maxSize   = 4 << 20 // bytes
	maxDepth  = 100
	maxValues = 100_000
)

// readYAML reads a document that is a mapping. An empty document is an empty mapping.
func readYAML(data []byte, faults *Faults) *Value {
	before := faults.count
	v := readDocument(data, faults)
	switch {
	case faults.count > before:
	case v.Kind == NullKind:
		return &Value{Kind: ObjectKind, Position: v.Position}
	case v.Kind != ObjectKind:
		faults.AddType(v, "", "a mapping", true)
	}
	return v
}

// readDocument reads one document. It returns null if there is none.
func readDocument(data []byte, faults *Faults) *Value {
	none := &Value{Position: Position{line: 1}}
	if len(data) > maxSize {
		faults.Add(none, "", "is larger than %d bytes", maxSize)
		return none
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		faults.Add(none, "", "%v", err)
		return none
	}
	var doc, more yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF):
		return none
	case err != nil:
		addSyntax(faults, err)
		return none
	case len(doc.Content) != 1:
		return none
	}
	switch err := loader.Load(&more); {
	case err == nil:
		faults.Add(&Value{Position: Position{line: more.Line}}, "", "has a second document: one is allowed")
	case !errors.Is(err, io.EOF):
		addSyntax(faults, err)
	}
	b := builder{faults: faults}
	return b.build(doc.Content[0], 0)
}

// addSyntax reports an error of the YAML library. It leaves out the names of anchors, because a secret without quotes
// may look like an anchor.
func addSyntax(faults *Faults, err error) {
	at, text := new(Value), "not YAML: "+err.Error()
	var load *yaml.LoadError
	if errors.As(err, &load) {
		at.line, text = load.Mark.Line, "not YAML: "+load.Message
	}
	if head, _, quoted := strings.Cut(text, "'"); quoted && strings.Contains(text, "anchor") {
		text = head + "here: quote a value that starts with *"
	}
	faults.Add(at, "", "%s", text)
}

// builder turns nodes of YAML into values.
type builder struct {
	faults  *Faults
	count   int
	stopped bool
}

func (b *builder) build(n *yaml.Node, depth int) *Value {
	b.count++
	v := &Value{Position: Position{line: n.Line}}
	switch {
	case b.stopped:
		return v
	case depth > maxDepth:
		b.abort(v, fmt.Sprintf("is nested more than %d deep", maxDepth))
		return v
	case b.count > maxValues:
		b.abort(v, fmt.Sprintf("has more than %d values, with aliases written out", maxValues))
		return v
	}
	switch n.Kind {
	case yaml.AliasNode:
		return b.build(n.Alias, depth+1)
	case yaml.ScalarNode:
		b.scalar(n, v)
	case yaml.SequenceNode:
		v.Kind = ListKind
		b.expectTag(n, "!!seq")
		for _, c := range n.Content {
			v.Items = append(v.Items, b.build(c, depth+1))
		}
	case yaml.MappingNode:
		v.Kind = ObjectKind
		b.expectTag(n, "!!map")
		b.mapping(n, v, depth)
	}
	return v
}

func (b *builder) abort(v *Value, why string) {
	b.stopped = true
	b.faults.Add(v, "", "%s", why)
}

// scalar resolves a scalar by its tag or, without a tag, by the way it is written.
func (b *builder) scalar(n *yaml.Node, v *Value) {
	at := v.Position
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	switch {
	case n.Style&yaml.TaggedStyle == 0 && quoted:
		*v = *TextValue(n.Value)
	case n.Style&yaml.TaggedStyle == 0:
		*v = *resolve(n.Value)
	default:
		*v = *b.tagged(n)
	}
	v.Position = at
}

func (b *builder) tagged(n *yaml.Node) *Value {
	want, known := map[string]Kind{"!!null": NullKind, "!!bool": BoolKind, "!!int": IntKind,
		"!!float": FloatKind}[n.ShortTag()]
	v := resolve(n.Value)
	switch {
	case n.ShortTag() == "!!str":
		return TextValue(n.Value)
	case known && v.Kind == want:
		return v
	case known && want == FloatKind && v.Kind == IntKind:
		return FloatValue(v.real)
	}
	b.faults.Add(&Value{Position: Position{line: n.Line}}, "",
		"has a tag (!…) that does not fit or is not supported: quote a value that starts with !")
	return v
}

func (b *builder) expectTag(n *yaml.Node, tag string) {
	if n.Style&yaml.TaggedStyle != 0 && n.ShortTag() != tag {
		b.faults.Add(&Value{Position: Position{line: n.Line}}, "", "has a tag (!…) that is not supported: leave it out")
	}
}

// mapping reads the entries of a mapping. Entries merged in by << come first and yield to entries written in the
// mapping; among the merged entries the first wins.
func (b *builder) mapping(n *yaml.Node, v *Value, depth int) {
	var written []Member
	all := collector{v: v}
	for i := 0; i+1 < len(n.Content) && !b.stopped; i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge" {
			for _, m := range b.merge(val, depth) {
				if !all.has(m.Key) {
					all.put(m)
				}
			}
			continue
		}
		k := b.build(key, depth+1)
		if k.Kind == ListKind || k.Kind == ObjectKind {
			b.faults.Add(k, "", "has a list or a mapping as a key")
			continue
		}
		written = append(written, Member{Key: k.Text, keyKind: k.Kind, Value: b.build(val, depth+1),
			Position: k.Position})
	}
	once := map[string]bool{}
	for _, m := range written {
		if once[m.Key] {
			b.faults.Warn(m.Position, m.Key, "given twice in one mapping, the last counts")
		}
		once[m.Key] = true
		all.put(m)
	}
}

// merge returns the entries that << brings in from a mapping or from several.
func (b *builder) merge(n *yaml.Node, depth int) []Member {
	v := b.build(n, depth+1)
	switch v.Kind {
	case ObjectKind:
		return v.Members
	case ListKind:
		var all []Member
		for _, item := range v.Items {
			if item.Kind != ObjectKind {
				b.faults.Add(item, "", "<< takes mappings")
				return nil
			}
			all = append(all, item.Members...)
		}
		return all
	}
	if !b.stopped {
		b.faults.Add(v, "", "<< takes a mapping or a list of them")
	}
	return nil
}

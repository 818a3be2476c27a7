package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// object is an object of a manifest.
type object struct{ kind, name string }

// rendering puts values into manifests.
type rendering struct {
	values  map[string]string
	known   []string
	used    map[string]bool // names that something refers to
	objects []object
	moved   bool // an object named a namespace
}

// embedded matches a reference in a manifest, which an additional dollar makes plain text: other dollars mean something
// to Kubernetes and to shells.
var embedded = regexp.MustCompile(`\$?\$\{[^}]*\}?`)

// render replaces the references in manifests, and leaves out the namespaces of their objects. A value becomes one
// scalar, whatever it holds.
func render(text []byte, values map[string]string) (out []byte, r *rendering, err error) {
	for name, value := range values {
		if strings.ContainsFunc(value, unicode.IsControl) {
			return nil, nil, fmt.Errorf("the value of ${%s} has a line break or a control character", name)
		}
	}
	r = &rendering{values: values, known: slices.Collect(maps.Keys(values)), used: map[string]bool{}}
	var b bytes.Buffer
	documents, to := yaml.NewDecoder(bytes.NewReader(text)), yaml.NewEncoder(&b)
	for {
		var document yaml.Node
		err := documents.Decode(&document)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		if len(document.Content) == 0 || document.Content[0].Kind != yaml.MappingNode {
			continue
		}
		if err := r.object(document.Content[0]); err != nil {
			return nil, nil, err
		}
		if err := to.Encode(&document); err != nil {
			return nil, nil, err
		}
	}
	if len(r.objects) == 0 {
		return nil, nil, errors.New("there is no object in it")
	}
	return b.Bytes(), r, to.Close()
}

// object replaces the references of one object, and notes it.
func (r *rendering) object(root *yaml.Node) error {
	if err := r.replace(root, false); err != nil {
		return err
	}
	o := object{}
	if kind := valueOf(root, "kind"); kind != nil {
		o.kind = kind.Value
	}
	if metadata := valueOf(root, "metadata"); metadata != nil {
		if name := valueOf(metadata, "name"); name != nil {
			o.name = name.Value
		}
		if i := keyAt(metadata, "namespace"); i >= 0 {
			metadata.Content = slices.Delete(metadata.Content, i, i+2)
			r.moved = true
		}
	}
	if o.kind == "" {
		return fmt.Errorf("line %d: an object without a kind", root.Line)
	}
	r.objects = append(r.objects, o)
	return nil
}

// keyAt returns where a mapping has a key, -1 if it has not.
func keyAt(mapping *yaml.Node, key string) int {
	for i := 0; mapping.Kind == yaml.MappingNode && i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return i
		}
	}
	return -1
}

// valueOf returns the value of a key, nil if there is none.
func valueOf(mapping *yaml.Node, key string) *yaml.Node {
	if i := keyAt(mapping, key); i >= 0 {
		return mapping.Content[i+1]
	}
	return nil
}

// textual lists the keys below which Kubernetes wants text, though a value may look like a number.
var textual = []string{
	"args", "command", "env", "data", "stringData", "labels", "annotations", "matchLabels", "nodeSelector", "image",
}

// replace replaces the references of a node. text says that it has to stay text.
func (r *rendering) replace(n *yaml.Node, text bool) error {
	if n.Kind == yaml.ScalarNode {
		return r.scalar(n, text)
	}
	for i, child := range n.Content {
		below := text
		if n.Kind == yaml.MappingNode {
			key := n.Content[i-i%2].Value
			below = text || i%2 == 0 || slices.Contains(textual, key)
		}
		if err := r.replace(child, below); err != nil {
			return err
		}
	}
	return nil
}

// number matches what a plain scalar may become instead of text.
var number = regexp.MustCompile(`^(?:(-?[0-9]+)|(-?[0-9]+\.[0-9]+)|(true|false))$`)

// scalar replaces the references of a scalar.
func (r *rendering) scalar(n *yaml.Node, text bool) error {
	if !strings.Contains(n.Value, "${") {
		return nil
	}
	plainStyle := n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	whole := embedded.FindString(n.Value) == n.Value
	var failed error
	value := embedded.ReplaceAllStringFunc(n.Value, func(found string) string {
		if strings.HasPrefix(found, "$$") {
			return found[1:]
		}
		name, ended := strings.CutSuffix(found[2:], "}")
		if err := (Reference{Name: name, Broken: !ended}).Check(r.known); err != nil && failed == nil {
			failed = fmt.Errorf("line %d, column %d: %w; $%s is the text itself", n.Line, n.Column, err, found)
		}
		r.used[name] = true
		return r.values[name]
	})
	if failed != nil {
		return failed
	}
	n.Value, n.Tag = value, "!!str"
	if !plainStyle {
		return nil
	}
	n.Style = yaml.DoubleQuotedStyle
	if found := number.FindStringSubmatch(value); whole && !text && found != nil {
		i := slices.IndexFunc(found[1:], func(s string) bool { return s != "" })
		n.Style, n.Tag = 0, [...]string{"!!int", "!!float", "!!bool"}[i]
	}
	return nil
}

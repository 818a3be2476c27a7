package config

import (
	"cmp"
	"maps"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
)

// encode writes the struct that root points to as YAML, without its secrets.
func encode(root any, order keyOrder) ([]byte, error) {
	w := writer{order: order}
	return yaml.Dump(node(w.object(structOf(root), "")), yaml.WithIndent(2), yaml.WithCompactSeqIndent(true),
		yaml.WithLineWidth(-1))
}

// writer makes plain data of the structs of the schema.
type writer struct {
	order keyOrder
}

// objectOf makes a mapping of the struct that from points to.
func (w *writer) objectOf(from any) *value { return w.object(structOf(from), "") }

func (w *writer) object(from reflect.Value, path string) *value {
	v := &value{kind: objectKind}
	for _, f := range fieldsOf(from.Type()) {
		field := from.FieldByIndex(f.index)
		if f.omit && field.IsZero() {
			continue
		}
		v.members = append(v.members, member{key: f.name, value: w.value(field, f, join(path, f.name))})
	}
	return v
}

func (w *writer) value(from reflect.Value, f field, path string) *value {
	if f.null && from.IsZero() && from.Kind() != reflect.Bool {
		return nullValue()
	}
	if from.Kind() == reflect.Pointer {
		if from.IsNil() {
			return nullValue()
		}
		from = from.Elem()
	}
	if c, ok := addressable(from).Addr().Interface().(custom); ok {
		return c.encode(w)
	}
	switch from.Kind() {
	case reflect.Struct:
		return w.object(from, path)
	case reflect.Slice:
		list := &value{kind: listKind}
		for i := range from.Len() {
			list.items = append(list.items, w.value(from.Index(i), field{typ: f.typ.Elem(), secret: f.secret}, ""))
		}
		return list
	case reflect.Map:
		return w.mapping(from, w.order[path])
	case reflect.Bool:
		return boolValue(from.Bool())
	case reflect.Int64:
		return intValue(from.Int())
	case reflect.Float64:
		return floatValue(from.Float())
	}
	if f.secret && from.String() != "" {
		return textValue(secret.Mark)
	}
	return textValue(secret.RedactURL(from.String()))
}

// mapping writes a map in the order in which its keys were read, as the original does; the others follow, sorted.
func (w *writer) mapping(from reflect.Value, order []string) *value {
	v := &value{kind: objectKind}
	keys := slices.SortedFunc(maps.Keys(keysOf(from)), func(a, b string) int {
		return cmp.Or(cmp.Compare(uint(slices.Index(order, a)), uint(slices.Index(order, b))), cmp.Compare(a, b))
	})
	for _, key := range keys {
		item := from.MapIndex(reflect.ValueOf(key))
		v.members = append(v.members,
			member{key: key, value: w.value(item, field{typ: item.Type(), secret: secret.Named(key)}, "")})
	}
	return v
}

func keysOf(m reflect.Value) map[string]bool {
	keys := map[string]bool{}
	for _, k := range m.MapKeys() {
		keys[k.String()] = true
	}
	return keys
}

// addressable is the value itself or, of one inside a map, a copy.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}

// node makes YAML of plain data: block style, a string in quotes wherever YAML 1.1 would read something else.
func node(v *value) *yaml.Node {
	switch v.kind {
	case listKind:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range v.items {
			n.Content = append(n.Content, node(item))
		}
		return flowIfEmpty(n)
	case objectKind:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, m := range v.members {
			n.Content = append(n.Content, textNode(m.key), node(m.value))
		}
		return flowIfEmpty(n)
	case textKind, dateKind:
		return textNode(v.text)
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: v.text}
}

func flowIfEmpty(n *yaml.Node) *yaml.Node {
	if len(n.Content) == 0 {
		n.Style = yaml.FlowStyle
	}
	return n
}

func textNode(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	if resolve(text).kind != textKind || text == "=" || text == "<<" {
		n.Style = yaml.SingleQuotedStyle
	}
	return n
}

package tagged

import (
	"cmp"
	"maps"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
)

// Encode returns the struct that root points to as YAML: every key in the order of the schema under its canonical name.
// Secrets become ***. The keys of maps follow order; keys that order does not name follow sorted.
func Encode(root any, order Order) ([]byte, error) {
	w := Writer{order: order}
	return yaml.Dump(node(w.object(structOf(root), "")), yaml.WithIndent(2), yaml.WithCompactSeqIndent(true),
		yaml.WithLineWidth(-1))
}

// Writer turns the structs of a schema into values.
type Writer struct {
	order Order
}

// Object returns the struct that from points to as a mapping.
func (w *Writer) Object(from any) *Value { return w.object(structOf(from), "") }

func (w *Writer) object(from reflect.Value, path string) *Value {
	v := &Value{Kind: ObjectKind}
	for _, f := range fieldsOf(from.Type()) {
		field := from.FieldByIndex(f.index)
		if f.omit && field.IsZero() {
			continue
		}
		v.Members = append(v.Members, Member{Key: f.name, Value: w.value(field, f, join(path, f.name))})
	}
	return v
}

func (w *Writer) value(from reflect.Value, f field, path string) *Value {
	if f.null && from.IsZero() && from.Kind() != reflect.Bool {
		return NullValue()
	}
	if from.Kind() == reflect.Pointer {
		if from.IsNil() {
			return NullValue()
		}
		from = from.Elem()
	}
	if c, ok := addressable(from).Addr().Interface().(Custom); ok {
		return c.Encode(w)
	}
	switch from.Kind() {
	case reflect.Struct:
		return w.object(from, path)
	case reflect.Slice:
		list := &Value{Kind: ListKind}
		for i := range from.Len() {
			list.Items = append(list.Items, w.value(from.Index(i), field{typ: f.typ.Elem(), secret: f.secret}, ""))
		}
		return list
	case reflect.Map:
		return w.mapping(from, w.order[path])
	case reflect.Bool:
		return BoolValue(from.Bool())
	case reflect.Int64:
		return IntValue(from.Int())
	case reflect.Float64:
		return FloatValue(from.Float())
	}
	if f.secret && from.String() != "" {
		return TextValue(secret.Mark)
	}
	return TextValue(secret.RedactURL(from.String()))
}

// mapping writes a map in the order in which its keys were read, as Python does. The remaining keys follow sorted.
func (w *Writer) mapping(from reflect.Value, order []string) *Value {
	v := &Value{Kind: ObjectKind}
	keys := slices.SortedFunc(maps.Keys(keysOf(from)), func(a, b string) int {
		return cmp.Or(cmp.Compare(uint(slices.Index(order, a)), uint(slices.Index(order, b))), cmp.Compare(a, b))
	})
	for _, key := range keys {
		item := from.MapIndex(reflect.ValueOf(key))
		v.Members = append(v.Members,
			Member{Key: key, Value: w.value(item, field{typ: item.Type(), secret: secret.Named(key)}, "")})
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

// addressable returns the value itself, or a copy if the value lies inside a map.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}

// node turns a value into YAML: block style, with a string in quotes wherever YAML 1.1 would read something else.
func node(v *Value) *yaml.Node {
	switch v.Kind {
	case ListKind:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range v.Items {
			n.Content = append(n.Content, node(item))
		}
		return flowIfEmpty(n)
	case ObjectKind:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, m := range v.Members {
			n.Content = append(n.Content, textNode(m.Key), node(m.Value))
		}
		return flowIfEmpty(n)
	case TextKind, DateKind:
		return textNode(v.Text)
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: v.Text}
}

func flowIfEmpty(n *yaml.Node) *yaml.Node {
	if len(n.Content) == 0 {
		n.Style = yaml.FlowStyle
	}
	return n
}

func textNode(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	if resolve(text).Kind != TextKind || text == "=" || text == "<<" {
		n.Style = yaml.SingleQuotedStyle
	}
	return n
}

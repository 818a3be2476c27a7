package tagged

import (
	"strconv"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
)

// Kind is the kind of a value before a field asks for a type.
type Kind int

// The kinds of values.
const (
	NullKind Kind = iota
	BoolKind
	IntKind
	FloatKind
	TextKind
	DateKind // YAML has dates, but no key accepts one
	ListKind
	ObjectKind
)

// Value is plain data: a node of YAML without styles, anchors and tags, or a value of JSON.
type Value struct {
	Kind    Kind
	Text    string // the string, or another scalar as it was written
	yes     bool
	whole   int64
	huge    bool // a whole number beyond 64 bits
	real    float64
	Items   []*Value
	Members []Member

	Position
}

// Member is an entry of a mapping.
type Member struct {
	Key     string
	keyKind Kind // TextKind for a member of JSON, too
	Value   *Value
	Position
}

// Position is where something was written: a line of the file, or the key of an override.
type Position struct {
	line     int
	override string
}

// Member returns the value of a key, nil if the mapping does not have it.
func (v *Value) Member(key string) *Value {
	for _, m := range v.Members {
		if m.Key == key {
			return m.Value
		}
	}
	return nil
}

// Without returns a copy of a mapping that lacks a key.
func (v *Value) Without(key string) *Value {
	rest := &Value{Kind: ObjectKind, Position: v.Position}
	for _, m := range v.Members {
		if m.Key != key {
			rest.Members = append(rest.Members, m)
		}
	}
	return rest
}

// set puts a member into a mapping, replacing the member with its key.
func (v *Value) set(m Member) {
	for i := range v.Members {
		if v.Members[i].Key == m.Key {
			v.Members[i] = m
			return
		}
	}
	v.Members = append(v.Members, m)
}

// collector puts members into a mapping in constant time each, however large the mapping grows.
type collector struct {
	v     *Value
	index map[string]int
}

func (c *collector) has(key string) bool {
	_, ok := c.index[key]
	return ok
}

// put adds a member, replacing the member with its key.
func (c *collector) put(m Member) {
	if i, ok := c.index[m.Key]; ok {
		c.v.Members[i] = m
		return
	}
	if c.index == nil {
		c.index = map[string]int{}
	}
	c.index[m.Key] = len(c.v.Members)
	c.v.Members = append(c.v.Members, m)
}

// TextValue returns a string as a value.
func TextValue(text string) *Value { return &Value{Kind: TextKind, Text: text} }

// IntValue returns a whole number as a value.
func IntValue(n int64) *Value {
	return &Value{Kind: IntKind, Text: strconv.FormatInt(n, 10), whole: n, real: float64(n)}
}

// FloatValue returns a number as a value, with a point in its text.
func FloatValue(x float64) *Value { return &Value{Kind: FloatKind, Text: floatText(x), real: x} }

// BoolValue returns a truth value as a value.
func BoolValue(yes bool) *Value {
	return &Value{Kind: BoolKind, Text: strconv.FormatBool(yes), yes: yes}
}

// NullValue returns null.
func NullValue() *Value { return &Value{Text: "null"} }

// Redacted replaces, at any depth, the scalars whose names are those of credentials and the user information of URLs.
// It changes the value and returns it.
func (v *Value) Redacted() *Value {
	for i, m := range v.Members {
		switch m.Value.Kind {
		case NullKind, BoolKind:
		case ListKind, ObjectKind:
			m.Value.Redacted()
		default:
			if secret.Named(m.Key) {
				v.Members[i].Value = TextValue(secret.Mark)
			} else if m.Value.Kind == TextKind {
				m.Value.Text = secret.RedactURL(m.Value.Text)
			}
		}
	}
	for _, item := range v.Items {
		if item.Kind == TextKind {
			item.Text = secret.RedactURL(item.Text)
		}
		item.Redacted()
	}
	return v
}

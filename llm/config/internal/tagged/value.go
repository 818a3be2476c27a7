package tagged

import (
	"strconv"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
)

// Kind is what a value is, before any field asked for a type.
type Kind int

const (
	NullKind Kind = iota
	BoolKind
	IntKind
	FloatKind
	TextKind
	DateKind // YAML knows dates; no key takes one
	ListKind
	ObjectKind
)

// Value is plain data: a node of YAML without styles, anchors and tags, or of JSON.
type Value struct {
	Kind    Kind
	Text    string // a string; of other scalars what was written
	yes     bool
	whole   int64
	huge    bool // a whole number beyond 64 bits
	real    float64
	Items   []*Value
	Members []Member

	Place
}

// Member is an entry of a mapping.
type Member struct {
	Key     string
	keyKind Kind // textKind if it comes from JSON too
	Value   *Value
	Place
}

// Place is where something was written: a line of the file, or the key of an override.
type Place struct {
	line     int
	override string
}

// Member is the value of a key, nil if it is not there.
func (v *Value) Member(key string) *Value {
	for _, m := range v.Members {
		if m.Key == key {
			return m.Value
		}
	}
	return nil
}

// Without is a mapping less a key.
func (v *Value) Without(key string) *Value {
	rest := &Value{Kind: ObjectKind, Place: v.Place}
	for _, m := range v.Members {
		if m.Key != key {
			rest.Members = append(rest.Members, m)
		}
	}
	return rest
}

// set puts a value at a key, in the place of what was there.
func (v *Value) set(m Member) {
	for i := range v.Members {
		if v.Members[i].Key == m.Key {
			v.Members[i] = m
			return
		}
	}
	v.Members = append(v.Members, m)
}

// collector puts members into a mapping, in time that does not grow with it.
type collector struct {
	v     *Value
	index map[string]int
}

func (c *collector) has(key string) bool {
	_, ok := c.index[key]
	return ok
}

// put adds a member, or puts it in the place of one with its key.
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

func TextValue(text string) *Value { return &Value{Kind: TextKind, Text: text} }

func IntValue(n int64) *Value {
	return &Value{Kind: IntKind, Text: strconv.FormatInt(n, 10), whole: n, real: float64(n)}
}

func FloatValue(x float64) *Value { return &Value{Kind: FloatKind, Text: floatText(x), real: x} }

func boolValue(yes bool) *Value {
	return &Value{Kind: BoolKind, Text: strconv.FormatBool(yes), yes: yes}
}

func NullValue() *Value { return &Value{Text: "null"} }

// Redacted replaces the scalars with the names of credentials, at any depth, and the user information of URLs.
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

package config

import (
	"strconv"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
)

// kind is what a value is, before any field asked for a type.
type kind int

const (
	nullKind kind = iota
	boolKind
	intKind
	floatKind
	textKind
	dateKind // YAML knows dates; no key takes one
	listKind
	objectKind
)

// value is plain data: a node of YAML without styles, anchors and tags, or of JSON.
type value struct {
	kind    kind
	text    string // a string; of other scalars what was written
	yes     bool
	whole   int64
	huge    bool // a whole number beyond 64 bits
	real    float64
	items   []*value
	members []member

	place
}

// member is an entry of a mapping.
type member struct {
	key     string
	keyKind kind // textKind if it comes from JSON too
	value   *value
	place
}

// place is where something was written: a line of the file, or the key of an override.
type place struct {
	line     int
	override string
}

// member is the value of a key, nil if it is not there.
func (v *value) member(key string) *value {
	for _, m := range v.members {
		if m.key == key {
			return m.value
		}
	}
	return nil
}

// without is a mapping less a key.
func (v *value) without(key string) *value {
	rest := &value{kind: objectKind, place: v.place}
	for _, m := range v.members {
		if m.key != key {
			rest.members = append(rest.members, m)
		}
	}
	return rest
}

// set puts a value at a key, in the place of what was there.
func (v *value) set(m member) {
	for i := range v.members {
		if v.members[i].key == m.key {
			v.members[i] = m
			return
		}
	}
	v.members = append(v.members, m)
}

// collector puts members into a mapping, in time that does not grow with it.
type collector struct {
	v     *value
	index map[string]int
}

func (c *collector) has(key string) bool {
	_, ok := c.index[key]
	return ok
}

// put adds a member, or puts it in the place of one with its key.
func (c *collector) put(m member) {
	if i, ok := c.index[m.key]; ok {
		c.v.members[i] = m
		return
	}
	if c.index == nil {
		c.index = map[string]int{}
	}
	c.index[m.key] = len(c.v.members)
	c.v.members = append(c.v.members, m)
}

func textValue(text string) *value { return &value{kind: textKind, text: text} }

func intValue(n int64) *value {
	return &value{kind: intKind, text: strconv.FormatInt(n, 10), whole: n, real: float64(n)}
}

func floatValue(x float64) *value { return &value{kind: floatKind, text: floatText(x), real: x} }

func boolValue(yes bool) *value {
	return &value{kind: boolKind, text: strconv.FormatBool(yes), yes: yes}
}

func nullValue() *value { return &value{text: "null"} }

// redacted replaces the scalars with the names of credentials, at any depth, and the user information of URLs.
func (v *value) redacted() *value {
	for i, m := range v.members {
		switch m.value.kind {
		case nullKind, boolKind:
		case listKind, objectKind:
			m.value.redacted()
		default:
			if secret.Named(m.key) {
				v.members[i].value = textValue(secret.Mark)
			} else if m.value.kind == textKind {
				m.value.text = secret.RedactURL(m.value.text)
			}
		}
	}
	for _, item := range v.items {
		if item.kind == textKind {
			item.text = secret.RedactURL(item.text)
		}
		item.redacted()
	}
	return v
}

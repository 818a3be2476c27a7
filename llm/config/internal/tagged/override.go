package tagged

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/spelling"
)

// Override sets a key from outside of the file, as a flag of a command line does. The value is read by the key's type:
// one of the choices of an enumeration; true, 1 or yes in any case for true and anything else for false; a decimal
// number; a string as it is; JSON where [Key.JSON] says so; for a choice of a number or a distribution, the number, or
// a distribution as JSON, which inference-perf refuses. A mapping is merged into what the file has, anything else
// replaces it. A whole section can be set to null, which inference-perf has no flags for.
type Override struct{ Key, Value string }

// override merges an override into the tree.
func (d *Decoder) override(tree *Value, o Override) {
	at := Place{override: o.Key}
	leaf, ok := d.findLeaf(o.Key)
	var v *Value
	switch {
	case ok:
		v = d.overrideValue(&leaf, o, at)
	case o.Value == "null" && d.isSection(o.Key):
		v = &Value{Kind: NullKind, Place: at}
	default:
		d.FaultAt(at, o.Key, "unknown key%s", d.suggestLeaf(o.Key))
	}
	if v == nil {
		return
	}
	parts := strings.Split(o.Key, ".")
	for _, part := range parts[:len(parts)-1] {
		inner := tree.Member(part)
		if inner == nil || inner.Kind != ObjectKind {
			inner = &Value{Kind: ObjectKind, Place: at}
			tree.set(Member{Key: part, keyKind: TextKind, Value: inner, Place: at})
		}
		tree = inner
	}
	mergeInto(tree, Member{Key: parts[len(parts)-1], keyKind: TextKind, Value: v, Place: at})
}

// mergeInto sets a member. Two mappings become one, at every depth.
func mergeInto(v *Value, m Member) {
	old := v.Member(m.Key)
	if old == nil || old.Kind != ObjectKind || m.Value.Kind != ObjectKind {
		v.set(m)
		return
	}
	for _, inner := range m.Value.Members {
		mergeInto(old, inner)
	}
}

func (d *Decoder) findLeaf(key string) (leaf, bool) {
	section, name := "", key
	if i := strings.LastIndexByte(key, '.'); i >= 0 {
		section, name = key[:i], key[i+1:]
	}
	for _, l := range d.allLeaves() {
		if l.path == section && l.known(name) {
			return l, true
		}
	}
	return leaf{}, false
}

// isSection says whether a dotted key holds others.
func (d *Decoder) isSection(key string) bool {
	return slices.ContainsFunc(d.allLeaves(), func(l leaf) bool {
		return l.path == key || strings.HasPrefix(l.path, key+".")
	})
}

// suggestLeaf is the tail of a message about an unknown dotted key.
func (d *Decoder) suggestLeaf(key string) string {
	var names, inside []string
	for _, l := range d.allLeaves() {
		name := join(l.path, l.name)
		names = append(names, name)
		for _, a := range l.also {
			names = append(names, join(l.path, a))
		}
		if rest, ok := strings.CutPrefix(name, key+"."); ok {
			inside = append(inside, rest)
		}
	}
	if len(inside) > 0 {
		return ": it is a section, name one of its keys: " + strings.Join(inside, ", ")
	}
	if near, ok := spelling.Nearest(key, names); ok {
		return ": did you mean " + strconv.Quote(near) + "?"
	}
	if there := d.sameName(key[strings.LastIndexByte(key, '.')+1:]); there != "" {
		return ": did you mean " + strconv.Quote(there) + "?"
	}
	return ""
}

// overrideValue reads the text of an override, nil after a fault.
func (d *Decoder) overrideValue(l *leaf, o Override, at Place) *Value {
	text := &Value{Kind: TextKind, Text: o.Value, Place: at}
	t := l.typ
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	kind := t.Kind()
	switch {
	case l.json() || isCustom(t) && strings.HasPrefix(o.Value, "{"):
		v, err := ReadJSON(o.Value, at)
		if err != nil {
			d.FaultAt(at, o.Key, "expected %s as JSON: it %v", typeText(l.field), err)
			return nil
		}
		return v
	case kind == reflect.Bool:
		v := boolValue(isYes(o.Value))
		v.Place = at
		return v
	case kind == reflect.Int64:
		if strings.Contains(o.Value, ".") { // 3.0 is a whole number in a file alone
			d.TypeFault(text, o.Key, "a whole number", l.secret)
			return nil
		}
	}
	return text
}

func isYes(text string) bool {
	switch strings.ToLower(text) {
	case "true", "1", "yes":
		return true
	}
	return false
}

package tagged

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/spelling"
)

// Override sets a key from outside of the document, as a flag of a command line does. The type of the key decides how
// the value is read: one of the choices of an enumeration; true, 1 or yes in any case for true and anything else for
// false; a decimal number; a string as it is; JSON where [Key.JSON] is set; for a choice of a number or a mapping, the
// number, or a mapping as JSON. A mapping is merged into the document's, anything else replaces the document's value. A
// whole section can be set to null.
type Override struct{ Key, Value string }

// override merges an override into the tree of the document.
func (d *Decoder) override(tree *Value, o Override) {
	at := Position{override: o.Key}
	leaf, ok := d.findLeaf(o.Key)
	var v *Value
	switch {
	case ok:
		v = d.overrideValue(&leaf, o, at)
	case o.Value == "null" && d.isSection(o.Key):
		v = &Value{Kind: NullKind, Position: at}
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
			inner = &Value{Kind: ObjectKind, Position: at}
			tree.set(Member{Key: part, keyKind: TextKind, Value: inner, Position: at})
		}
		tree = inner
	}
	mergeInto(tree, Member{Key: parts[len(parts)-1], keyKind: TextKind, Value: v, Position: at})
}

// mergeInto sets a member. Where both values are mappings, it merges them at every depth.
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
		if l.section == section && l.matches(name) {
			return l, true
		}
	}
	return leaf{}, false
}

// isSection reports whether other keys lie below a dotted key.
func (d *Decoder) isSection(key string) bool {
	return slices.ContainsFunc(d.allLeaves(), func(l leaf) bool {
		return l.section == key || strings.HasPrefix(l.section, key+".")
	})
}

// suggestLeaf returns the end of a message about an unknown dotted key.
func (d *Decoder) suggestLeaf(key string) string {
	var names, inside []string
	for _, l := range d.allLeaves() {
		name := join(l.section, l.name)
		names = append(names, name)
		for _, a := range l.also {
			names = append(names, join(l.section, a))
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
	if there := d.uniqueKey(key[strings.LastIndexByte(key, '.')+1:]); there != "" {
		return ": did you mean " + strconv.Quote(there) + "?"
	}
	return ""
}

// overrideValue reads the text of an override. It returns nil after a fault.
func (d *Decoder) overrideValue(l *leaf, o Override, at Position) *Value {
	text := &Value{Kind: TextKind, Text: o.Value, Position: at}
	t := l.typ
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	kind := t.Kind()
	switch {
	case l.givenAsJSON() || isCustom(t) && strings.HasPrefix(o.Value, "{"):
		v, err := ReadJSON(o.Value, at)
		if err != nil {
			d.FaultAt(at, o.Key, "expected %s as JSON: it %v", typeText(l.field), err)
			return nil
		}
		return v
	case kind == reflect.Bool:
		v := boolValue(isYes(o.Value))
		v.Position = at
		return v
	case kind == reflect.Int64:
		if strings.Contains(o.Value, ".") { // 3.0 is a whole number only in a file
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

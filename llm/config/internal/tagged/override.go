package tagged

import (
	"reflect"
	"strings"
)

// Override sets a key from outside of the document, as a flag of a command line does. The type of the key decides how
// the value is read: one of the choices of an enumeration; true, 1 or yes in any case for true and anything else for
// false; a decimal number; a string as it is; JSON where [Key.JSON] is set; for a choice of a number or a mapping, the
// number, or a mapping as JSON; for a list of which one item can stand alone, that item as it is.
// A mapping is merged into the document's, anything else replaces the document's value. A
// whole section can be set to null.
type Override struct{ Key, Value string }

// override merges an override into the tree of the document.
func (d *Decoder) override(tree *Value, o Override) {
	at := Position{override: o.Key}
	leaf, ok := d.schema.findLeaf(o.Key)
	var v *Value
	switch {
	case ok:
		v = d.overrideValue(&leaf, o, at)
	case o.Value == "null" && d.schema.isSection(o.Key):
		v = &Value{Kind: NullKind, Position: at}
	default:
		d.Faults.AddAt(at, o.Key, "unknown key%s", d.schema.suggestLeaf(o.Key))
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
		if err != nil && l.one != "" && !strings.ContainsAny(o.Value, "[]{}\"") {
			return text // the only item, such as 720p
		}
		if err != nil {
			d.Faults.AddAt(at, o.Key, "expected %s as JSON: it %v", typeText(l.field), err)
			return nil
		}
		return v
	case kind == reflect.Bool:
		v := BoolValue(isYes(o.Value))
		v.Position = at
		return v
	case kind == reflect.Int64:
		if strings.Contains(o.Value, ".") { // 3.0 is a whole number only in a file
			d.Faults.AddType(text, o.Key, "a whole number", l.secret)
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

package jinja

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
)

// toJSON returns JSON as Python's json.dumps writes it.
func toJSON(r *render, v Value, a callArgs) Value {
	p := a.bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys")
	j := jsonWriter{r: r, ascii: truth(orDefault(p[0], false)), item: ", ", key: ": ",
		sorted: truth(orDefault(p[3], false))}
	switch by := orDefault(p[1], nil).(type) {
	case nil:
	case string:
		j.indent, j.lines, j.item = by, true, ","
	default:
		j.indent, _ = operate(r, "*", " ", integer(by)).(string)
		j.lines, j.item = true, ","
	}
	if s := orDefault(p[2], nil); s != nil {
		pair := items(r, s)
		if len(pair) != 2 {
			fail("tojson: separators must be two")
		}
		j.item, j.key = textOf("tojson", pair[0]), textOf("tojson", pair[1])
	}
	j.value(v, 0)
	return j.b.String()
}

type jsonWriter struct {
	r                    *render
	b                    strings.Builder
	ascii, lines, sorted bool
	indent, item, key    string
}

func (j *jsonWriter) value(v Value, depth int) {
	if j.r.spend(8 + len(j.item) + len(j.key)); depth > maxDepth {
		fail("a value is nested too deeply")
	}
	switch v := v.(type) {
	case nil:
		j.b.WriteString("null")
	case bool:
		j.b.WriteString(strconv.FormatBool(v))
	case float64:
		names := map[string]string{"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
		text := floatText(v)
		if name, ok := names[text]; ok {
			text = name
		}
		j.b.WriteString(text)
	case int64, bigInt:
		j.b.WriteString(str(j.r, v))
	case string:
		j.text(v)
	case markup:
		j.text(string(v))
	case *List:
		if v.kind > tuple {
			fail("Object of type %s is not JSON serializable", typeName(v))
		}
		j.sequence("[", "]", len(v.Items), depth, func(i int) { j.value(v.Items[i], depth+1) })
	case *Dict:
		j.dict(v, depth)
	default:
		fail("Object of type %s is not JSON serializable", typeName(v))
	}
}

func (j *jsonWriter) dict(d *Dict, depth int) {
	keys := d.keys
	if j.sorted {
		keys = sorted(j.r, keys, keys, false)
	}
	j.sequence("{", "}", len(keys), depth, func(i int) {
		switch k := keys[i].(type) {
		case string:
			j.text(k)
		case int64:
			j.text(strconv.FormatInt(k, 10))
		case nil:
			j.text("null")
		default:
			fail("a key of type %s in JSON is not supported", typeName(k))
		}
		j.b.WriteString(j.key)
		j.value(d.values[keys[i]], depth+1)
	})
}

// sequence writes n items between brackets.
func (j *jsonWriter) sequence(begin, end string, n, depth int, one func(int)) {
	j.b.WriteString(begin)
	for i := range n {
		if i > 0 {
			j.b.WriteString(j.item)
		}
		j.line(depth + 1)
		one(i)
	}
	if n > 0 {
		j.line(depth)
	}
	j.b.WriteString(end)
}

func (j *jsonWriter) line(depth int) {
	if j.lines {
		spendTimes(j.r, int64(depth), len(j.indent))
		j.b.WriteString("\n" + strings.Repeat(j.indent, depth))
	}
	if j.b.Len() > maxOnce {
		j.r.spend(j.b.Len())
	}
}

var jsonEscapes = map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\f': `\f`, '\b': `\b`}

func (j *jsonWriter) text(s string) {
	j.r.spend(len(s))
	j.b.WriteByte('"')
	for _, c := range s {
		switch escaped, ok := jsonEscapes[c]; {
		case ok:
			j.b.WriteString(escaped)
		case c < 0x20, j.ascii && c >= 0x7f && c < 0x10000:
			fmt.Fprintf(&j.b, `\u%04x`, c)
		case j.ascii && c >= 0x10000:
			high, low := utf16.EncodeRune(c)
			fmt.Fprintf(&j.b, `\u%04x\u%04x`, high, low)
		default:
			j.b.WriteRune(c)
		}
	}
	j.b.WriteByte('"')
}

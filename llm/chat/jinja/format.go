package jinja

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

var directive = regexp.MustCompile(`%(?:\((\w+)\))?([-+0 #]*)(\d*)(?:\.(\d+))?(.?)`)

// percent is Python's % of a text: directives filled in from a tuple, a dictionary or one value.
func (r *render) percent(s string, v Value) string {
	list, isTuple := v.(*List)
	isTuple = isTuple && list.kind == tuple
	values := []Value{v}
	if isTuple {
		values = list.Items
	}
	used := 0
	var b strings.Builder
	for {
		at := directive.FindStringSubmatchIndex(s)
		if at == nil {
			break
		}
		part := directive.FindStringSubmatch(s)
		b.WriteString(s[:at[0]])
		s = s[at[1]:]
		if part[5] == "%" {
			b.WriteByte('%')
			continue
		}
		var one Value
		if d, ok := v.(*Dict); part[1] != "" {
			if one, ok = d.lookup(part[1]); !ok {
				fail("format: there is no key '%s'", part[1])
			}
			used = len(values)
		} else {
			if used == len(values) {
				fail("not enough arguments for format string")
			}
			one = values[used]
			used++
		}
		text := r.directive(part[2], part[3], part[4], part[5], one)
		r.spend(len(text))
		b.WriteString(text)
	}
	if _, ok := v.(*Dict); !ok && used < len(values) {
		if _, list := v.(*List); !list || isTuple {
			fail("not all arguments converted during string formatting")
		}
	}
	return b.String() + s
}

func (d *Dict) lookup(key string) (Value, bool) {
	if d == nil {
		fail("format requires a mapping")
	}
	return d.Get(key)
}

// width is a width or precision of a directive, which is bounded.
func width(digits string) int {
	if digits == "" {
		return -1
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n > 1<<16 {
		fail("a width of %s is not supported", digits)
	}
	return n
}

func (r *render) directive(flags, wide, precise, verb string, v Value) string {
	var text string
	precision := width(precise)
	switch verb {
	case "s", "r":
		if text = r.str(v); verb == "r" {
			var b strings.Builder
			r.repr(&b, v, 0)
			text = b.String()
		}
		if runes := []rune(text); precision >= 0 && precision < len(runes) {
			text = string(runes[:precision])
		}
	case "d", "i", "u":
		f, ok := number(v)
		if !ok || precision >= 0 {
			defined(v)
			fail("%%d of a %s is not supported", typeName(v))
		}
		n := int64(f)
		if isInt(v) {
			n = integer(v)
		}
		text = strconv.FormatInt(n, 10)
	case "f", "F", "x", "X":
		return r.numberDirective(flags, wide, precision, verb, v)
	default:
		fail("the directive %%%s of a format is not supported", verb)
	}
	return r.aligned(flags, wide, verb, text)
}

func (r *render) numberDirective(flags, wide string, precision int, verb string, v Value) string {
	f, ok := number(v)
	if !ok || math.IsNaN(f) || math.IsInf(f, 0) {
		defined(v)
		fail("%%%s of a %s is not supported", verb, typeName(v))
	}
	if verb == "x" || verb == "X" {
		return r.aligned(flags, wide, verb, fmt.Sprintf("%"+verb, integer(v)))
	}
	if precision < 0 {
		precision = 6
	}
	return r.aligned(flags, wide, verb, strconv.FormatFloat(f, 'f', precision, 64))
}

// aligned pads a text to its width, with its sign.
func (r *render) aligned(flags, wide, verb, text string) string {
	isNumber := verb != "s" && verb != "r"
	if strings.Contains(flags, "#") {
		fail("the flag # of a format is not supported")
	}
	for _, sign := range []string{"+", " "} {
		if isNumber && strings.Contains(flags, sign) && text[0] != '-' {
			text = sign + text
			break
		}
	}
	n := int64(max(0, width(wide)))
	switch {
	case strings.Contains(flags, "-"):
		return r.padded("ljust", text, n, " ")
	case strings.Contains(flags, "0") && isNumber:
		return r.padded("zfill", text, n, " ")
	}
	return r.padded("rjust", text, n, " ")
}

var (
	field = regexp.MustCompile(`^([^!:.\[\]{}]*)((?:\.\w+|\[[^\]]*\])*)(?:!([rs]))?(?::([<>^]?)(0?)(\d*)(?:\.(\d+))?([sdfx]?))?\}`)
	step  = regexp.MustCompile(`\.\w+|\[[^\]]*\]`)
)

// format is Python's str.format.
func (r *render) format(s string, a callArgs) string {
	var b strings.Builder
	auto := 0
	for {
		i := strings.IndexAny(s, "{}")
		if i < 0 {
			return b.String() + s
		}
		b.WriteString(s[:i])
		if strings.HasPrefix(s[i:], "{{") || strings.HasPrefix(s[i:], "}}") {
			b.WriteByte(s[i])
			s = s[i+2:]
			continue
		}
		m := field.FindStringSubmatch(s[i+1:])
		if s[i] == '}' || m == nil {
			fail("the format %q is not supported", s[i:])
		}
		s = s[i+1+len(m[0]):]
		v := a.field(m[1], &auto)
		for _, key := range step.FindAllString(m[2], -1) {
			v = r.step1(v, key)
		}
		text := r.formatted(v, m[3:])
		r.spend(len(text))
		b.WriteString(text)
	}
}

// step1 goes from a value to its attribute or element.
func (r *render) step1(v Value, key string) Value {
	if key[0] == '.' {
		v = r.attr(v, key[1:])
	} else if n, err := strconv.ParseInt(key[1:len(key)-1], 10, 64); err == nil {
		v = r.item(v, n)
	} else {
		v = r.item(v, key[1:len(key)-1])
	}
	defined(v)
	return v
}

// field is the argument that a format names, numbers, or takes in turn.
func (a callArgs) field(name string, auto *int) Value {
	n, err := strconv.Atoi(name)
	if name == "" {
		n, err = *auto, nil
		*auto++
	}
	if err == nil {
		if n < 0 || n >= len(a.list) {
			fail("Replacement index %d out of range for positional args tuple", n)
		}
		return a.list[n]
	}
	for i, known := range a.names {
		if known == name {
			return a.named[i]
		}
	}
	fail("format: there is no argument '%s'", name)
	return nil
}

// formatted writes one value: spec is the conversion, alignment, zero, width, precision and verb.
func (r *render) formatted(v Value, spec []string) string {
	align, zero, wide, precise, verb := spec[1], spec[2], spec[3], spec[4], spec[5]
	if spec[0] == "r" {
		v = r.str(newTuple(v))
		v = strings.TrimSuffix(strings.TrimPrefix(v.(string), "("), ",)") //nolint:forcetypeassert // str gives a text
	} else if spec[0] == "s" {
		v = r.str(v)
	}
	if align+zero+wide+precise+verb == "" {
		return r.str(v)
	}
	isText := typeName(v) == "str"
	switch {
	case isText && (verb == "" || verb == "s") && zero == "":
		verb = "s"
	case isInt(v) && typeName(v) != "bool" && precise == "" && (verb == "" || verb == "d"):
		verb = "d"
	case verb == "f" && !isText, verb == "x" && isInt(v) && precise == "":
	default:
		fail("a format of a %s is not supported", typeName(v))
	}
	text := r.directive("", "", precise, verb, v)
	n := int64(max(0, width(wide)))
	switch {
	case align == "^":
		size := int64(r.length(text))
		return r.padded("rjust", r.padded("ljust", text, size+(n-size+1)/2, " "), n, " ")
	case zero != "" && align == "":
		return r.padded("zfill", text, n, " ")
	case align == "<", align == "" && isText:
		return r.padded("ljust", text, n, " ")
	}
	return r.padded("rjust", text, n, " ")
}

// toJSON writes JSON as Python's json.dumps does.
func toJSON(r *render, v Value, a callArgs) Value {
	p := a.bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys")
	j := jsonWriter{r: r, ascii: truth(or(p[0], false)), item: ", ", key: ": ", sorted: truth(or(p[3], false))}
	switch by := or(p[1], nil).(type) {
	case nil:
	case string:
		j.indent, j.lines, j.item = by, true, ","
	default:
		j.indent, _ = r.operate("*", " ", integer(by)).(string)
		j.lines, j.item = true, ","
	}
	if s := or(p[2], nil); s != nil {
		pair := r.items(s)
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
		j.b.WriteString(j.r.str(v))
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
		keys = j.r.sorted(keys, keys, false)
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

// sequence writes n things between brackets.
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
		j.r.bound(int64(depth), len(j.indent))
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

// clock are the directives of strftime and how Go writes the same.
var clock = map[byte]string{
	'Y': "2006", 'm': "01", 'd': "02", 'B': "January", 'b': "Jan", 'h': "Jan", 'A': "Monday", 'a': "Mon", 'H': "15", 'I': "03", 'M': "04",
	'S': "05", 'p': "PM", 'y': "06", 'e': "_2", 'j': "002", 'F': "2006-01-02", 'T': "15:04:05", 'D': "01/02/06", 'R': "15:04", 'n': "\n",
	't': "\t", 'f': "000000", 'x': "01/02/06", 'X': "15:04:05", 'c': "Mon Jan _2 15:04:05 2006", 'Z': "", 'z': "", '%': "%",
}

// strftimeNow is the local time as strftime writes it.
func strftimeNow(_ *render, a callArgs) Value {
	s, now := textOf("strftime_now", a.bind("strftime_now", "format")[0]), time.Now()
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		short := i+1 < len(s) && s[i+1] == '-'
		if short {
			i++
		}
		if i++; i == len(s) {
			fail("strftime: the format ends in %%")
		}
		layout, ok := clock[s[i]]
		if !ok || short && !strings.ContainsRune("mdHIMSje", rune(s[i])) {
			fail("strftime: %%%c is not supported", s[i])
		}
		text := now.Format(layout)
		if s[i] == 'f' {
			text = fmt.Sprintf("%06d", now.Nanosecond()/1000)
		}
		if short {
			if text = strings.TrimLeft(text, "0 "); text == "" {
				text = "0"
			}
		}
		b.WriteString(text)
	}
	return b.String()
}

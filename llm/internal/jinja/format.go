package jinja

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

var directivePattern = regexp.MustCompile(`%(?:\((\w+)\))?([-+0 #]*)(\d*)(?:\.(\d+))?(.?)`)

// percent implements Python's % on a text: it fills directives in from a tuple, a dictionary or one value.
func percent(r *render, s string, v Value) string {
	list, isTuple := v.(*List)
	isTuple = isTuple && list.kind == tuple
	values := []Value{v}
	if isTuple {
		values = list.Items
	}
	used := 0
	var b strings.Builder
	for {
		at := directivePattern.FindStringSubmatchIndex(s)
		if at == nil {
			break
		}
		part := directivePattern.FindStringSubmatch(s)
		b.WriteString(s[:at[0]])
		s = s[at[1]:]
		if part[5] == "%" {
			b.WriteByte('%')
			continue
		}
		var one Value
		switch d, _ := v.(*Dict); {
		case part[1] != "":
			one = d.lookup(part[1])
			used = len(values)
		case used == len(values):
			fail("not enough arguments for format string")
		default:
			one = values[used]
			used++
		}
		text := directive(r, part[2], part[3], part[4], part[5], one)
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

// lookup returns the value that a directive names.
func (d *Dict) lookup(key string) Value {
	if d == nil {
		fail("format requires a mapping")
	}
	v, ok := d.Get(key)
	if !ok {
		fail("format: there is no key '%s'", key)
	}
	return v
}

// width returns the width or precision of a directive, which is limited.
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

func directive(r *render, flags, wide, precise, verb string, v Value) string {
	var text string
	precision := width(precise)
	switch verb {
	case "s", "r":
		if text = str(r, v); verb == "r" {
			var b strings.Builder
			repr(r, &b, v, 0)
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
		return numberDirective(r, flags, wide, precision, verb, v)
	default:
		fail("the directive %%%s of a format is not supported", verb)
	}
	return align(r, flags, wide, verb, text)
}

func numberDirective(r *render, flags, wide string, precision int, verb string, v Value) string {
	f, ok := number(v)
	if !ok || math.IsNaN(f) || math.IsInf(f, 0) {
		defined(v)
		fail("%%%s of a %s is not supported", verb, typeName(v))
	}
	if verb == "x" || verb == "X" {
		return align(r, flags, wide, verb, fmt.Sprintf("%"+verb, integer(v)))
	}
	if precision < 0 {
		precision = 6
	}
	return align(r, flags, wide, verb, strconv.FormatFloat(f, 'f', precision, 64))
}

// align pads a text with a sign to its width.
func align(r *render, flags, wide, verb, text string) string {
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
		return pad(r, "ljust", text, n, " ")
	case strings.Contains(flags, "0") && isNumber:
		return pad(r, "zfill", text, n, " ")
	}
	return pad(r, "rjust", text, n, " ")
}

var (
	field = regexp.MustCompile(`^([^!:.\[\]{}]*)((?:\.\w+|\[[^\]]*\])*)(?:!([rs]))?` +
		`(?::([<>^]?)(0?)(\d*)(?:\.(\d+))?([sdfx]?))?\}`)
	step = regexp.MustCompile(`\.\w+|\[[^\]]*\]`)
)

// format implements Python's str.format.
func format(r *render, s string, a callArgs) string {
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
		v := a.formatArg(m[1], &auto)
		for _, key := range step.FindAllString(m[2], -1) {
			v = walk(r, v, key)
		}
		text := formatValue(r, v, m[3:])
		r.spend(len(text))
		b.WriteString(text)
	}
}

// walk returns the attribute or element of a value.
func walk(r *render, v Value, key string) Value {
	if key[0] == '.' {
		v = attribute(r, v, key[1:])
	} else if n, err := strconv.ParseInt(key[1:len(key)-1], 10, 64); err == nil {
		v = subscript(r, v, n)
	} else {
		v = subscript(r, v, key[1:len(key)-1])
	}
	defined(v)
	return v
}

// formatArg returns the argument that a replacement field names or numbers, or the next in turn.
func (a callArgs) formatArg(name string, auto *int) Value {
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

// formatValue writes one value: spec holds the conversion, alignment, zero, width, precision and verb.
func formatValue(r *render, v Value, spec []string) string {
	align, zero, wide, precise, verb := spec[1], spec[2], spec[3], spec[4], spec[5]
	if spec[0] == "r" {
		v = str(r, newTuple(v))
		v = strings.TrimSuffix(strings.TrimPrefix(v.(string), "("), ",)") // str gives a text
	} else if spec[0] == "s" {
		v = str(r, v)
	}
	if align+zero+wide+precise+verb == "" {
		return str(r, v)
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
	text := directive(r, "", "", precise, verb, v)
	n := int64(max(0, width(wide)))
	switch {
	case align == "^":
		size := int64(length(r, text))
		return pad(r, "rjust", pad(r, "ljust", text, size+(n-size+1)/2, " "), n, " ")
	case zero != "" && align == "":
		return pad(r, "zfill", text, n, " ")
	case align == "<", align == "" && isText:
		return pad(r, "ljust", text, n, " ")
	}
	return pad(r, "rjust", text, n, " ")
}

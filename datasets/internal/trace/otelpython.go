package trace

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// pythonJSON writes JSON as Python's json.dumps writes it by default: with a space after commas and colons, all
// characters in ASCII, and numbers in Python's form.
func pythonJSON(raw string) string {
	var out strings.Builder
	writePython(&out, gjson.Parse(raw), 0)
	return out.String()
}

func writePython(out *strings.Builder, v gjson.Result, depth int) {
	switch {
	case depth > deepest:
		out.WriteString("null")
	case v.IsArray():
		writePythonList(out, v, depth, "[]")
	case v.IsObject():
		writePythonList(out, v, depth, "{}")
	case v.Type == gjson.String:
		writePythonString(out, v.Str)
	case v.Type == gjson.Number:
		out.WriteString(pythonNumber(v.Raw, v.Num))
	default:
		out.WriteString(v.Raw)
	}
}

func writePythonList(out *strings.Builder, v gjson.Result, depth int, brackets string) {
	out.WriteByte(brackets[0])
	separator := ""
	v.ForEach(func(key, item gjson.Result) bool {
		out.WriteString(separator)
		separator = ", "
		if brackets == "{}" {
			writePythonString(out, key.Str)
			out.WriteString(": ")
		}
		writePython(out, item, depth+1)
		return true
	})
	out.WriteByte(brackets[1])
}

func writePythonString(out *strings.Builder, text string) {
	const short = "\b\t\n\f\r\"\\"
	const letters = `btnfr"\`
	escape := func(unit uint16) {
		hex := strconv.FormatUint(uint64(unit), 16)
		out.WriteString(`\u` + strings.Repeat("0", 4-len(hex)) + hex)
	}
	out.WriteByte('"')
	for _, r := range text {
		switch at := strings.IndexRune(short, r); {
		case at >= 0:
			out.WriteByte('\\')
			out.WriteByte(letters[at])
		case r >= ' ' && r < utf8.RuneSelf-1:
			out.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			escape(uint16(high))
			escape(uint16(low))
		default:
			escape(uint16(r))
		}
	}
	out.WriteByte('"')
}

// pythonNumber writes a number as Python does: whole ones as they are, others as short as they are exact.
func pythonNumber(raw string, number float64) string {
	if !strings.ContainsAny(raw, ".eE") {
		return raw
	}
	size := number
	if size < 0 {
		size = -size
	}
	if size != 0 && (size < 1e-4 || size >= 1e16) {
		return strconv.FormatFloat(number, 'e', -1, 64)
	}
	text := strconv.FormatFloat(number, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

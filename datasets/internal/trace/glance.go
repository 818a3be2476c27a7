package trace

import (
	"iter"
	"strings"
	"unsafe"

	"github.com/tidwall/gjson"
)

// members returns the names and values of an object as they are written; none of valid JSON that is no object. Unlike
// gjson, it reads no text that nobody asks for, which matters where messages are texts of JSON in JSON.
func members(object string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		if !strings.HasPrefix(object, "{") {
			return
		}
		for at := skipSpace(object, 1); at < len(object) && object[at] == '"'; {
			end := skipValue(object, at)
			name := object[at+1 : end-1]
			at = skipSpace(object, end) + 1 // behind the colon
			at = skipSpace(object, at)
			end = skipValue(object, at)
			if !yield(name, object[at:end]) {
				return
			}
			at = skipSpace(object, skipSpace(object, end)+1) // behind the comma
		}
	}
}

// items returns the values of a list as they are written; none of valid JSON that is no list.
func items(list string) iter.Seq[string] {
	return func(yield func(value string) bool) {
		if !strings.HasPrefix(list, "[") {
			return
		}
		for at := skipSpace(list, 1); at < len(list) && list[at] != ']'; {
			end := skipValue(list, at)
			if !yield(list[at:end]) {
				return
			}
			at = skipSpace(list, skipSpace(list, end)+1)
		}
	}
}

// offset returns where a part of a record's view begins.
func offset(record []byte, part string) int {
	return int(uintptr(unsafe.Pointer(unsafe.StringData(part))) - uintptr(unsafe.Pointer(unsafe.SliceData(record))))
}

func skipSpace(text string, at int) int {
	for at < len(text) && text[at] <= ' ' {
		at++
	}
	return at
}

// skipValue returns the place behind the value at a place.
func skipValue(text string, at int) int {
	depth := 0
	for at < len(text) {
		switch c := text[at]; c {
		case '"':
			at = skipText(text, at)
		case '{', '[':
			depth++
			at++
		case '}', ']':
			depth--
			at++
		default:
			at++
			if depth == 0 {
				for at < len(text) && text[at] > ' ' && text[at] != ',' && text[at] != ']' && text[at] != '}' {
					at++
				}
			}
		}
		if depth == 0 {
			return at
		}
	}
	return len(text)
}

// skipText returns the place behind the text that begins at a place.
func skipText(text string, at int) int {
	for at++; ; at++ {
		next := strings.IndexByte(text[at:], '"')
		if next < 0 {
			return len(text)
		}
		at += next
		slashes := 0
		for text[at-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return at + 1
		}
	}
}

// glance reads of a span what tells whether it is a call, and when it went. Its messages are there without their text.
func glance(raw string) (s span) {
	s.attributes = attributes{}
	for name, value := range members(raw) {
		switch name {
		case "attributes":
			s.glanceAttributes(value)
		case "events":
			return readSpan(gjson.Parse(raw))
		case "status":
			s.failed = failed(gjson.Parse(value))
		case "span_id", "spanId":
			s.id = gjson.Parse(value).String()
		case "name":
			s.name = gjson.Parse(value).String()
		case "start_time", "startTimeUnixNano", "start_time_unix_nano":
			s.started = gjson.Parse(value).String()
		case "end_time", "endTimeUnixNano", "end_time_unix_nano":
			s.ended = gjson.Parse(value).String()
		}
	}
	return s
}

func (s *span) glanceAttributes(raw string) {
	keep := func(name, value string) {
		switch name {
		case "gen_ai.operation.name":
			s.attributes[name] = gjson.Parse(value)
		case inputMessages:
			s.attributes[name] = gjson.Result{Type: gjson.JSON, Raw: value}
		}
	}
	if strings.HasPrefix(raw, "{") {
		for name, value := range members(raw) {
			keep(name, value)
		}
		return
	}
	for pair := range items(raw) {
		name, value := "", ""
		for field, v := range members(pair) {
			switch field {
			case "key":
				name = strings.Trim(v, `"`)
			case "value":
				for _, inner := range members(v) {
					value = inner
				}
			}
		}
		keep(name, value)
	}
}

package trace

import (
	"fmt"
	"unsafe"

	"github.com/tidwall/gjson"
)

// view returns a record as a text that shares its bytes, so that no copy of it is made.
func view(record []byte) string { return unsafe.String(unsafe.SliceData(record), len(record)) }

// pick reads fields of a record in one pass. Values are valid as long as the record is.
func pick(record []byte, names ...string) []gjson.Result {
	found := make([]gjson.Result, len(names))
	left := len(names)
	gjson.Parse(view(record)).ForEach(func(name, value gjson.Result) bool {
		for i, want := range names {
			if name.Str == want && !found[i].Exists() {
				found[i] = value
				left--
			}
		}
		return left > 0
	})
	return found
}

// field returns a field of a record by its name or, if no field has that name, by its path, such as body.messages.
func field(record []byte, name string) gjson.Result {
	if value := pick(record, name)[0]; value.Exists() {
		return value
	}
	return gjson.Get(view(record), name)
}

// plain returns a value as a text, a number as it is written.
func plain(value gjson.Result) string {
	if value.Type == gjson.Number {
		return value.Raw
	}
	return value.String()
}

// timed returns the entry of a record with an instant.
func timed(value gjson.Result, name string, unit float64) (Entry, error) {
	if !given(value) {
		return Entry{}, fmt.Errorf("no %s", name)
	}
	return Entry{Time: plain(value), Unit: unit}, nil
}

// given reports whether a field has a value: a cell of a table without one is an empty text.
func given(value gjson.Result) bool {
	return value.Exists() && value.Type != gjson.Null && (value.Type != gjson.String || value.Str != "")
}

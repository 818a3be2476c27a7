package engine

import (
	"fmt"
	"testing"
)

// The first request with a value of the tag sets a mark, and a tag that differs with each request does not flood the
// records.
func TestMarksAreNew(t *testing.T) {
	t.Parallel()
	var m marks
	for text, want := range map[string]bool{"": false, "a": true, "b": true} {
		if got := m.isNew(text); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
	if m.isNew("a") {
		t.Error("a again: got a new mark")
	}
	n := 0
	for i := range 2 * mostMarks {
		if m.isNew(fmt.Sprint(i)) {
			n++
		}
	}
	if n != mostMarks-2 {
		t.Errorf("got %d marks beside 2, want %d in all", n, mostMarks)
	}
}

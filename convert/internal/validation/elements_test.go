package validation

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// read returns the objects of a file, and the error that ended the reading.
func read(src io.Reader, limit int) (objects []string, err error) {
	list := newElements(src, limit)
	for {
		object, err := list.next()
		if object == nil {
			return objects, err
		}
		objects = append(objects, string(object))
	}
}

func TestElements(t *testing.T) {
	t.Parallel()
	const file = "\n[ {\"a\": \"}\\\\\"},{\"b\":[{\"c\":\"\\\"]\"}]} ,\r\n\t{} ]\n"
	want := `{"a": "}\\"}|{"b":[{"c":"\"]"}]}|{}`
	for name, src := range map[string]io.Reader{
		"at once": strings.NewReader(file), "byte by byte": iotest.OneByteReader(strings.NewReader(file)),
		"with its end": iotest.DataErrReader(strings.NewReader(file)),
	} {
		objects, err := read(src, maxElement)
		if got := strings.Join(objects, "|"); err != nil || got != want {
			t.Errorf("%s: got %s, %v; want %s", name, got, err, want)
		}
	}
}

// The buffer does not grow beyond the limit.
func TestElementsLimit(t *testing.T) {
	t.Parallel()
	objects, err := read(strings.NewReader(`[{"a":1},{"a":"`+strings.Repeat("x", 100)+`"}]`), 64)
	var broken *syntaxError
	if want := "record 1 is over 64 bytes"; len(objects) != 1 || !errors.As(err, &broken) || broken.Error() != want {
		t.Errorf("got %q, %v; want one and %s", objects, err, want)
	}
}

// The objects do not depend on how the bytes arrive, and are the objects that a JSON decoder reads.
func FuzzElements(f *testing.F) {
	f.Add(someRequests(2, nil))
	f.Add(`[{"a":"\\"},{}]`)
	f.Add(`[{"a":"\`)
	f.Add("\ufeff[" + strings.Repeat(`{"a":[`, 200) + strings.Repeat(`]}`, 200) + "\x00]")
	f.Fuzz(func(t *testing.T, file string) {
		objects, err := read(strings.NewReader(file), maxElement)
		slow, slowErr := read(iotest.OneByteReader(strings.NewReader(file)), maxElement)
		if strings.Join(objects, "|") != strings.Join(slow, "|") || (err == nil) != (slowErr == nil) {
			t.Errorf("%q: got %q, %v; byte by byte %q, %v", file, objects, err, slow, slowErr)
		}
		if err != nil {
			return
		}
		var want []json.RawMessage
		if err := json.Unmarshal([]byte(file), &want); err != nil || len(want) != len(objects) {
			t.Fatalf("%q: got %d objects, want %d, %v", file, len(objects), len(want), err)
		}
		for i, object := range want {
			if string(object) != objects[i] {
				t.Errorf("%q: object %d is %q, want %q", file, i, objects[i], object)
			}
		}
	})
}

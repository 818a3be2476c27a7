package parquetfile

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// withFooter returns a file that consists of a footer alone.
func withFooter(footer string) []byte {
	file := binary.LittleEndian.AppendUint32([]byte("PAR1"+footer), uint32(len(footer)))
	return append(file, "PAR1"...)
}

// footerOf returns the footer of a whole file.
func footerOf(t testing.TB) string {
	t.Helper()
	type row struct {
		Name *string  `parquet:"name,dict,optional"`
		List []string `parquet:"list,list"`
	}
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b, parquet.KeyValueMetadata("k", "v"))
	if _, err := w.Write([]row{{new("a"), []string{"b", "c"}}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	length := binary.LittleEndian.Uint32(b.Bytes()[b.Len()-8:])
	return string(b.Bytes()[b.Len()-8-int(length) : b.Len()-8])
}

// The library overflows the stack of the process on values nested deeply enough.
func TestNesting(t *testing.T) {
	t.Parallel()
	for name, level := range map[string]string{
		"sets":    "\x1a",         // one item, a set
		"lists":   "\xf9\x01",     // one item, a list, the long way
		"maps":    "\x01\x3b\x00", // one pair of a byte and a map
		"structs": "\x1c",         // a field, a struct
	} {
		// of field 15, unknown
		kind := map[string]string{"sets": "\xfa", "lists": "\xf9", "maps": "\xfb", "structs": "\xfc"}[name]
		for levels, want := range map[int]bool{10: true, 5_000_000: false} {
			footer := kind + strings.Repeat(level, levels)
			if got := shallow([]byte(footer)); got != want {
				t.Errorf("%s, %d deep: shallow %t, want %t", name, levels, got, want)
			}
			file := withFooter(footer)
			if _, err := Open(bytes.NewReader(file), int64(len(file))); err == nil || !want &&
				err.Error() != errDamaged.Error() {
				t.Errorf("%s, %d deep: got %v", name, levels, err)
			}
		}
	}
	if !shallow([]byte(footerOf(t))) {
		t.Error("the footer of a file is refused")
	}
}

// A skipper that loses its place would report nesting where there is none, and miss it where there is some.
func TestSkipperComesToTheEnd(t *testing.T) {
	t.Parallel()
	s := skipper{rest: []byte(footerOf(t) + "rest")}
	if s.value(typeStruct, 0); s.over || string(s.rest) != "rest" {
		t.Errorf("%d bytes are left, over %t", len(s.rest), s.over)
	}
	every := "\x11\x12\x13\x05\x14\xff\x01\x15\x02\x16\x04\x1712345678\x18\x03abc\x19\x21\x01\x02\x1b\x01\x83" +
		"\x02ab\x09" +
		"\x1d0123456789abcdef\x06\x08\x05\x00"
	s = skipper{rest: []byte(every + "rest")}
	if s.value(typeStruct, 0); s.over || string(s.rest) != "rest" {
		t.Errorf("of every type: %q is left, over %t", s.rest, s.over)
	}
}

// FuzzOpen checks that every footer yields a file or an error of one short line.
func FuzzOpen(f *testing.F) {
	whole := footerOf(f)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add("\xfa" + strings.Repeat("\x1a", 100))
	f.Add("\x15\x02\x19\xff\xff\xff\xff\x0f")
	f.Fuzz(func(t *testing.T, footer string) {
		file := withFooter(footer)
		if _, err := Open(bytes.NewReader(file), int64(len(file))); err != nil {
			if text := err.Error(); len(text) > 600 || strings.ContainsAny(text, "\n\r") ||
				strings.Contains(text, "runtime error") {
				t.Errorf("%q: got %.700q", footer, text)
			}
		}
	})
}

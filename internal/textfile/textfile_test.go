package textfile

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestMark(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text, want string
		err        error
	}{
		{"", "", nil},
		{"a", "a", nil},
		{"ab", "ab", nil},
		{"\ufeff", "", nil},
		{"\ufeff{}", "{}", nil},
		{"\ufeff\ufeff{}", "\ufeff{}", nil}, // only the first mark is removed
		{"\xef\xbb", "\xef\xbb", nil},
		{"é", "é", nil},
		{"\x00\x00", "\x00\x00", nil},
		{"\xff\xfe{\x00", "", ErrUTF16},
		{"\xfe\xff\x00{", "", ErrUTF16},
		{"{\x00}\x00", "", ErrUTF16},
		{"\x00{\x00}", "", ErrUTF16},
	} {
		got, err := Trim([]byte(tt.text))
		if string(got) != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("Trim(%q): got %q, %v; want %q, %v", tt.text, got, err, tt.want, tt.err)
		}
		r := bufio.NewReader(iotest.OneByteReader(strings.NewReader(tt.text)))
		if err := Skip(r); !errors.Is(err, tt.err) {
			t.Errorf("Skip(%q): got %v, want %v", tt.text, err, tt.err)
		} else if rest, _ := io.ReadAll(r); err == nil && string(rest) != tt.want {
			t.Errorf("Skip(%q) leaves %q, want %q", tt.text, rest, tt.want)
		}
	}
}

// An error of the source is left to the code that reads on.
func TestSkipLeavesErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	r := bufio.NewReader(io.MultiReader(strings.NewReader("\ufeffa"), iotest.ErrReader(broken)))
	if err := Skip(r); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(r); string(rest) != "a" || !errors.Is(err, broken) {
		t.Errorf("got %q, %v", rest, err)
	}
}

func TestFinite(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a": NaN, "b": [Infinity, -Infinity, -1, 2]}`: `{"a": null, "b": [null, null, -1, 2]}`,
		`{"NaN": "NaN, -Infinity", "b\"NaN": NaN}`:      `{"NaN": "NaN, -Infinity", "b\"NaN": null}`,
		`{"a": "\\", "b": NaN}`:                         `{"a": "\\", "b": null}`,
		`NaN`:                                           `null`,
		`{"a": 1}`:                                      `{"a": 1}`,
		`"NaN`:                                          `"NaN`,
		`"NaN\`:                                         `"NaN\`,
		``:                                              ``,
	} {
		if got := string(Finite([]byte(text))); got != want {
			t.Errorf("Finite(%s): got %s, want %s", text, got, want)
		}
	}
}

func TestDecimal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		field string
		comma rune
		want  string
	}{
		{"0,5", ';', "0.5"},
		{" -,5e-3 ", ';', " -.5e-3 "},
		{"0,5", ',', "0,5"},
		{"1,2,3", ';', "1,2,3"},
		{"1.000,5", ';', "1.000,5"},
		{"a 0,5", ';', "a 0,5"},
		{"12,", ';', "12,"},
		{"", ';', ""},
	} {
		if got := Decimal(tt.field, tt.comma); got != tt.want {
			t.Errorf("%q with %q: got %q, want %q", tt.field, tt.comma, got, tt.want)
		}
	}
}

// JSON is not changed.
func FuzzFinite(f *testing.F) {
	for _, seed := range []string{`{"a": NaN, "b\"": "NaN"}`, `[-Infinity]`, `"NaN\\"`, `"Infinity\`,
		`[NaN,-Infinity,"\u0000NaN"]`, "\xef\xbb\xbf[NaN]\x00", strings.Repeat("[", 300) + "NaN"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got := Finite(data)
		if json.Valid(data) && string(got) != string(data) {
			t.Errorf("Finite(%q): got %q", data, got)
		}
		if again := Finite(got); string(again) != string(got) {
			t.Errorf("Finite(%q): got %q, and of that %q", data, got, again)
		}
	})
}

func TestCSV(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a,b;c\n1,2\n":               `[["a" "b;c"] ["1" "2"]]`,
		"\ufeffa;b;c,d\r\n1;2;3,5":   `[["a" "b" "c,d"] ["1" "2" "3,5"]]`,
		"a\tb, c\n\t\"x\ty\"\n":      `[["a" "b, c"] ["" "x\ty"]]`,
		"\n\"a;;;\",b\n1,2":          `[["a;;;" "b"] ["1" "2"]]`,
		"a\n1;2\n":                   `[["a"] ["1;2"]]`,
		"a,b\r1,2\r\"x\ry\",3":       `[["a" "b"] ["1" "2"] ["x\ny" "3"]]`,
		"sep=;\r\na,b;c\r\n":         `[["a,b" "c"]]`,
		"\ufeff\"SEP=\t\"\na;b\tc;d": `[["a;b" "c;d"]]`,
		"sep=,\ra;b;c,d\r1;2,3\r":    `[["a;b;c" "d"] ["1;2" "3"]]`,
		"":                           `[]`,
	} {
		r, err := NewCSV(strings.NewReader(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		rows, err := r.ReadAll()
		if got := fmt.Sprintf("%q", rows); got != want || err != nil {
			t.Errorf("%q: got %s, %v; want %s", text, got, err, want)
		}
	}
	if _, err := NewCSV(strings.NewReader("\n{\"a\": 1}")); err == nil ||
		!strings.Contains(err.Error(), "the file is JSON") {
		t.Errorf("JSON: got %v", err)
	}
	if _, err := NewCSV(strings.NewReader("\xff\xfea\x00")); !errors.Is(err, ErrUTF16) {
		t.Errorf("UTF-16: got %v", err)
	}
}

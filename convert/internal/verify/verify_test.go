package verify

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// pair writes two texts as files of the same name, and returns their directories.
func pair(t testing.TB, name string, written, again []byte) (a, b string) {
	t.Helper()
	a, b = t.TempDir(), t.TempDir()
	for dir, text := range map[string][]byte{a: written, b: again} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return a, b
}

// differences compares two texts and returns what differs as sentences.
func differences(t testing.TB, name, written, again string, o Options) ([]string, Result) {
	t.Helper()
	a, b := pair(t, name, []byte(written), []byte(again))
	var r Result
	if err := r.File(name, a, b, o); err != nil {
		t.Fatalf("%s and %s: %v", written, again, err)
	}
	list := []string{}
	for _, d := range r.Differences {
		list = append(list, strings.TrimPrefix(d.String(), name))
	}
	return list, r
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	const yes = "" // equal
	for _, c := range []struct {
		written, again string
		o              Options
		want           string // the differences, joined
	}{
		{`{"a": 1}`, `{"a":1.0}`, Options{}, yes},
		{`{"a": 1}`, `{"a": 1.0000000001}`, Options{}, yes}, // as processors round
		{`{"a": 1}`, `{"a": 1.00000001}`, Options{}, ": a is 1, the records say 1.00000001"},
		{`{"a": 1}`, `{"a": 1.001}`, Options{Within: 0.01}, yes},
		{`{"a": 1}`, `{"a": 1.1}`, Options{Within: 0.01}, ": a is 1, the records say 1.1"},
		{`{"a": 0}`, `{"a": null}`, Options{}, ": a is 0, the records say null"},
		{`{"a": null}`, `{"a": null, "b": 1}`, Options{}, ": b is missing, the records say 1"},
		{`{"a": 1, "b": 2}`, `{"a": 1}`, Options{}, ": b is 2, the records do not give it"},
		{`{"a": 1, "b": 2}`, `{"a": 1, "c": 3}`, Options{Lenient: true}, yes},
		{`{"a": 1, "b": 2}`, `{"a": 2, "c": 3}`, Options{Lenient: true}, ": a is 1, the records say 2"},
		{`{"a": {"b": [1, 2]}}`, `{"a": {"b": [1, 3]}}`, Options{}, ": a.b[1] is 2, the records say 3"},
		{`{"a": [1]}`, `{"a": [1, 2]}`, Options{}, ": a has 1 elements, the records give 2"},
		{`{"a": [1]}`, `{"a": {"0": 1}}`, Options{}, `: a is [1], the records say {"0":1}`},
		{`{"a": {}}`, `{"a": []}`, Options{}, ": a is {}, the records say []"},
		{`{"a": {"b": 1, "c": 1}}`, `{"a": {"b": 2, "c": 2}}`, Options{Ignored: []string{"a.b"}},
			": a.c is 1, the records say 2"},
		{`{"a": {"b": 1}}`, `{"a": {"b": 2}}`, Options{Ignored: []string{"a"}}, yes},
		{`{"a": 1}`, `{}`, Options{Ignored: []string{"a"}}, yes},
		{`{"a": "1"}`, `{"a": 1}`, Options{}, `: a is "1", the records say 1`},
		{`{"a": true}`, `{"a": "true"}`, Options{}, `: a is true, the records say "true"`},
		{`{"a": 1e400}`, `{"a": 1e401}`, Options{}, ": a is 1e400, the records say 1e401"}, // no numbers of a computer
		{`{"a": 1} {}`, `{"a": 1}`, Options{}, " cannot be read: there is something after the document"},
		{`[1]`, `[2]`, Options{}, ": [0] is 1, the records say 2"},
	} {
		got, _ := differences(t, "f.json", c.written, c.again, c.o)
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s and %s, %+v: got %q, want %q", c.written, c.again, c.o, got, c.want)
		}
	}
}

func TestYAML(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ written, again, want string }{
		{"a: 1\nb: [x]\n", "{b: [x], a: 1.0}\n", ""},
		{"a: 1\n", "a: 2\n", ": a is 1, the records say 2"},
		{"a: {b: x}\n", "a: {b: y}\n", `: a.b is "x", the records say "y"`},
		{"1: {2: x}\n", "1: {2: y}\n", `: 1.2 is "x", the records say "y"`}, // keys that are no texts
		{"a: .nan\n", "a: .nan\n# the same\n", ""},
		{"a: .nan\n", "a: 1\n", ": a is NaN, the records say 1"},
		{"a: 2026-01-01\n", "a: 2026-01-02\n", `: a is "2026-01-01T00:00:00Z", the records say "2026-01-02T00:00:00Z"`},
	} {
		if got, _ := differences(t, "f.yaml", c.written, c.again, Options{}); strings.Join(got, "; ") != c.want {
			t.Errorf("%q and %q: got %q, want %q", c.written, c.again, got, c.want)
		}
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ written, again, want string }{
		{"a,b\n1,2\n", "a,b\r\n1,2\r\n", ""},
		{"a,b\n1,2\n", "a,b\n1,3\n", `: row 1, b is "2", the records say "3"`},
		{"a,b\n1,2\n", "a,c\n1,2\n", " does not have the columns that the records give"},
		{"a,b\n1\n", "a,b\n1,2\n", ": row 1 has 1 columns, the records give 2"},
		{"a,b\n1,2\n1,2\n", "a,b\n1,2\n", " has 2 rows, the records give 1"},
		{"a,b\n", "a,b\n1,2\n", " has 0 rows, the records give 1"},
		{"a,b\n\"1,2\n", "a,b\n1,2\n", " cannot be read: "},
		{"", "a,b\n", " does not have the columns that the records give"},
	} {
		got, _ := differences(t, "f.csv", c.written, c.again, Options{})
		if text := strings.Join(got, "; "); text != c.want && (c.want == "" || !strings.HasPrefix(text, c.want)) {
			t.Errorf("%q and %q: got %q, want %q", c.written, c.again, got, c.want)
		}
	}
}

type row struct {
	Name string   `parquet:"name"`
	Time *float64 `parquet:"time_ms,optional"`
	List []int64  `parquet:"list,list"`
}

func TestParquet(t *testing.T) {
	t.Parallel()
	rows := func() []row { return []row{{"a", new(1.5), []int64{1, 2}}, {"b", nil, nil}} }
	for name, c := range map[string]struct {
		change func([]row) []row
		within float64
		want   string
	}{
		"nothing": {func(r []row) []row { return r }, 0, ""},
		"a text":  {func(r []row) []row { r[1].Name = "c"; return r }, 0, `: row 2, name is "c", the records say "b"`},
		"a time":  {func(r []row) []row { *r[0].Time = 2; return r }, 0, `: row 1, time_ms is "2", the records say "1.5"`},
		"a tick":  {func(r []row) []row { *r[0].Time = 1.501; return r }, 2e-6, ""},
		"a null":  {func(r []row) []row { r[1].Time = new(0.0); return r }, 1, `: row 2, time_ms is "0", the records say "`},
		"a list": {func(r []row) []row { r[0].List = []int64{1, 3}; return r }, 0,
			`: row 1, list is "1,3", the records say "1,2"`},
		"a longer list": {func(r []row) []row { r[1].List = []int64{7}; return r }, 0, `: row 2, list is "7", the records`},
		"a row":         {func(r []row) []row { return r[:1] }, 0, " has 1 rows, the records give 2"},
	} {
		a, b := pair(t, "f.parquet", nil, nil)
		for dir, list := range map[string][]row{a: c.change(rows()), b: rows()} {
			if err := parquet.WriteFile(filepath.Join(dir, "f.parquet"), list); err != nil {
				t.Fatal(err)
			}
		}
		var r Result
		if err := r.File("f.parquet", a, b, Options{Within: c.within}); err != nil {
			t.Fatal(err)
		}
		text := strings.TrimPrefix(strings.Trim(fmt.Sprint(r.Differences), "[]"), "f.parquet")
		if text != c.want && (c.want == "" || !strings.HasPrefix(text, c.want)) {
			t.Errorf("%s: got %q, want %q", name, text, c.want)
		}
	}
	a, b := pair(t, "f.parquet", []byte("no table"), nil)
	if err := parquet.WriteFile(filepath.Join(b, "f.parquet"), rows()); err != nil {
		t.Fatal(err)
	}
	var r Result
	if err := r.File("f.parquet", a, b, Options{}); err != nil || len(r.Differences) != 1 ||
		!strings.Contains(r.Differences[0].String(), "cannot be read") {
		t.Errorf("no table: %v, %v", r.Differences, err)
	}
}

// A file that differs everywhere does not fill the screen.
func TestFewDifferencesAreListed(t *testing.T) {
	t.Parallel()
	list := func(value string) string { return "[" + strings.TrimSuffix(strings.Repeat(value+",", 100), ",") + "]" }
	got, r := differences(t, "f.json", list("1"), list("2"), Options{})
	if len(got) != mostListed || r.More != 100-mostListed {
		t.Errorf("%d listed, %d more", len(got), r.More)
	}
}

func TestShared(t *testing.T) {
	t.Parallel()
	a, b := pair(t, "both", nil, nil)
	if err := os.WriteFile(filepath.Join(a, "a"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b, "b"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(b, "a"), 0o700); err != nil { // no file
		t.Fatal(err)
	}
	both, inA, inB, err := Shared(a, b)
	if err != nil || !slices.Equal(both, []string{"both"}) || !slices.Equal(inA, []string{"a"}) ||
		!slices.Equal(inB, []string{"b"}) {
		t.Errorf("got %q, %q, %q, %v", both, inA, inB, err)
	}
	if _, _, _, err := Shared(filepath.Join(a, "none"), b); err == nil {
		t.Error("a directory that is not there is no error")
	}
}

// Any file can stand in a directory: comparing it with a good one ends with a difference or without one, and whatever
// can be read equals itself.
func FuzzDocuments(f *testing.F) {
	f.Add([]byte(`{"a": [1, {"b": null}], "c": 1e999}`), []byte(`{"a": [1.5]}`))
	f.Add([]byte("a: &x [1, *x]\n"), []byte("1: .nan\n? [a]\n: 2\n"))
	f.Add([]byte("a: &x {<<: *x}"), []byte("!!binary aGk="))
	f.Add([]byte("{\"a\": NaN}\n"), []byte("- 0x10\n- 2026-01-01\n"))
	f.Fuzz(func(t *testing.T, written, again []byte) {
		for _, parse := range []func([]byte) (any, error){fromJSON, fromYAML} {
			if _, err := parse(again); err != nil {
				continue
			}
			s := &sink{Result: new(Result), file: "f"}
			if err := s.tree([2][]byte{written, again}, parse, Options{Lenient: true}); err != nil {
				t.Errorf("%q, made again: %v", again, err)
			}
			same := &sink{Result: new(Result), file: "f"}
			if err := same.tree([2][]byte{again, again}, parse, Options{}); err != nil || len(same.Differences) > 0 {
				t.Errorf("%q is not equal to itself: %v, %v", again, same.Differences, err)
			}
		}
	})
}

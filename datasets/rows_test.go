package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/datasets/internal/trace"
)

// tables are in several forms, and some have faults.
var tables = []string{
	azureRows,
	"\ufeffa;b\r\n\r\n\"x\r\n\"\"y\"\"\";0,5\r\n;\r\n1;2\r\n",
	"sep=;\na;b\n1;2\n\n3;4",
	"\ufeffsep=\t\r\na\tb\r\n1\t2\r\n",
	"a\tb\n\"1\t\"\t2\n",
	"a,b\r1,2\r\"3\r4\",5\r",
	"a,b\n1\n1,2,3\n\"x\n1,2\n",
	"a,b\n1,\"2\" \n3,\xff\n4,5\r",
	"a,,\n1,2,3\n,,\n\"\",\"{}\",\\",
}

// tableRecords returns the records of a table, or their faults, by line. Each record is read again from its place.
func tableRecords(t *testing.T, f File, text []byte, needed func(name string) bool) (list []string) {
	t.Helper()
	var copied bytes.Buffer
	records, shut, err := f.traceRecords(&copied)
	if err != nil {
		return []string{err.Error()}
	}
	defer shut()
	table := records.(*tableRows)
	decode := table.Decoder()
	if needed != nil {
		table.Narrow(needed)
	}
	for {
		row, err := table.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			list = append(list, fmt.Sprintf("%d: %v", row.Line, err))
			continue
		}
		from := text
		if row.Copied {
			from = copied.Bytes()
		}
		again, err := decode(from[row.Offset : row.Offset+int64(row.Length)])
		if err != nil || needed == nil && string(again) != string(row.Data) {
			t.Errorf("%q: line %d: got %s, %v again, want %s", text, row.Line, again, err, row.Data)
		}
		list = append(list, fmt.Sprintf("%d: %s", row.Line, again))
	}
}

// FuzzTables reads tables in place, from a copy, and with few columns: rows, lines and faults are the same.
func FuzzTables(f *testing.F) {
	for _, text := range tables {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		onlyA := func(name string) bool { return name == "a" }
		inPlace := tableRecords(t, seekable("t.csv", text), []byte(text), nil)
		for name, got := range map[string][]string{
			"copied":   tableRecords(t, file("t.csv", text), nil, nil),
			"narrow":   tableRecords(t, seekable("t.csv", text), []byte(text), onlyA),
			"narrower": tableRecords(t, seekable("t.csv", text), []byte(text), func(string) bool { return false }),
		} {
			if strings.Join(got, "\n") != strings.Join(inPlace, "\n") {
				t.Errorf("%q: %s: got %q, want %q", text, name, got, inPlace)
			}
		}
	})
}

// Records and lines of tables, as encoding/csv counts them.
func TestTableRecords(t *testing.T) {
	t.Parallel()
	for i, want := range [][]string{
		1: {`3: {"a":"x\n\"y\"","b":"0,5"}`, `6: {"a":"1","b":"2"}`},
		2: {`3: {"a":"1","b":"2"}`, `5: {"a":"3","b":"4"}`},
		3: {`3: {"a":"1","b":"2"}`},
		5: {`2: {"a":"1","b":"2"}`, `3: {"a":"3\n4","b":"5"}`},
		6: {
			"2: wrong number of fields: 1, and 2 names in the head line",
			"3: wrong number of fields: 3, and 2 names in the head line", `5: extraneous or missing " in quoted-field`,
		},
		8: {`2: {"":"2","a":"1"}`, `4: {"":"{}","a":""}`},
	} {
		if want == nil {
			continue
		}
		got := tableRecords(t, seekable("t.csv", tables[i]), []byte(tables[i]), nil)
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%q: got %q, want %q", tables[i], got, want)
		}
	}
}

// A row that is not where it was is an error, and no other row.
func TestTableHasChanged(t *testing.T) {
	t.Parallel()
	content := azureRows
	f := File{Name: "a.csv", Open: func() (io.ReadCloser, error) { return seekable("a.csv", content).Open() }}
	w, err := OpenTrace([]File{f}, TraceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, content = range []string{
		"xx" + azureRows, azureRows[1:], "", azureRows[:60], strings.ReplaceAll(azureRows, "\n", "\""),
	} {
		if s, err := w.Session(0); !errors.Is(err, trace.ErrChanged) {
			t.Errorf("%q: got %v, %v, want that the file has changed", content, s, err)
		}
	}
}

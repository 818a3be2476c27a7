package datasets

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
)

// seekable is a file that can be read at an offset.
func seekable(name, content string) File {
	return File{Name: name, Open: func() (io.ReadCloser, error) {
		return struct {
			io.ReadCloser
			io.ReaderAt
		}{io.NopCloser(strings.NewReader(content)), strings.NewReader(content)}, nil
	}}
}

const azureRows = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n" +
	"2023-11-16 18:17:05.9799600,110,27\n2023-11-16 18:17:04.0319600,3180,8\n"

const azureLines = `{"TIMESTAMP":"2023-11-16 18:17:03.9799600","ContextTokens":4808,"GeneratedTokens":10}
{"TIMESTAMP":"2023-11-16 18:17:05.9799600","ContextTokens":110,"GeneratedTokens":27}

{"TIMESTAMP":"2023-11-16 18:17:04.0319600","ContextTokens":3180,"GeneratedTokens":8}
`

// azureParquet is the same as a Parquet file.
func azureParquet(t *testing.T) string {
	t.Helper()
	type row struct{ TIMESTAMP, ContextTokens, GeneratedTokens string }
	var rows []row
	for line := range strings.Lines(azureRows) {
		cells := strings.Split(strings.TrimSpace(line), ",")
		rows = append(rows, row{cells[0], cells[1], cells[2]})
	}
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b)
	if _, err := w.Write(rows[1:]); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The same trace in every kind of file is the same workload: rows that stand out of order are sorted by time.
func TestOpenTrace(t *testing.T) {
	t.Parallel()
	for _, f := range []File{
		file("a.csv", azureRows), seekable("a.csv", azureRows), file("a.csv.gz", packed(t, "a.csv.gz", azureRows)),
		file("a.jsonl", azureLines), seekable("a.jsonl", azureLines), seekable("a.jsonl", "\ufeff"+azureLines),
		file("a.parquet", azureParquet(t)),
		seekable("a.jsonl.zst", packed(t, "a.jsonl.zst", azureLines)),
		seekable("a.json", "["+strings.ReplaceAll(strings.TrimSpace(azureLines), "}\n", "},\n")+"]"),
	} {
		w, err := OpenTrace([]File{f}, TraceOptions{})
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		want := []time.Duration{0, 52 * time.Millisecond, 2 * time.Second}
		if got := w.Starts(); !slices.Equal(got, want) {
			t.Errorf("%s: got starts %v, want %v", f.Name, got, want)
		}
		for i, want := range []int{4808, 3180, 110} {
			s, err := w.Session(int64(i))
			if err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
			if c := s.Calls[0]; c.PromptTokens != want || c.Prompt[0].Messages[0].Blocks[0].Tokens != want {
				t.Errorf("%s: session %d: got %+v, want a prompt of %d tokens", f.Name, i, c, want)
			}
		}
	}
}

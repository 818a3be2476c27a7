package output

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The record of a run that sent nothing may be replaced, as after a misspelt address. Nothing else may.
func TestRecordWithoutARequestIsReplaced(t *testing.T) {
	t.Parallel()
	run := &record.Run{Schema: record.Schema, ID: "r", Instance: "i", Segment: "0:1"}
	end := &record.End{Status: "aborted"}
	request := &record.Request{ID: "a", API: "chat", Model: "m", Start: 1, End: 2}
	for _, tt := range []struct {
		name  string
		lines []record.Line
		want  bool
	}{
		{"nothing was sent", []record.Line{run, end}, true},
		{"a request", []record.Line{run, request, end}, false},
		{"a dropped arrival", []record.Line{run, &record.Dropped{Scenario: "s", Count: 1}, end}, false},
		{"no end", []record.Line{run}, false},
		{"empty", nil, false},
		{"another file", []record.Line{end}, false},
	} {
		for _, ext := range []string{".jsonl", ".jsonl.gz", ".jsonl.zst"} {
			path := filepath.Join(t.TempDir(), "run"+ext)
			f, err := create(path, false)
			if err != nil {
				t.Fatal(err)
			}
			var b block
			for _, line := range tt.lines {
				if b.text, err = record.Append(b.text, line); err != nil {
					t.Fatal(err)
				}
				b.text = append(b.text, '\n')
			}
			if err := f.write(b); err != nil {
				t.Fatal(err)
			}
			if err := f.close(); err != nil {
				t.Fatal(err)
			}
			o, err := New(params(path, nil))
			if got := err == nil; got != tt.want {
				t.Errorf("%s, %s: New says %v", tt.name, ext, err)
			}
			if err != nil {
				continue
			}
			if err := o.Start(); err != nil {
				t.Fatal(err)
			}
			if err := o.Stop(); err != nil {
				t.Fatal(err)
			}
		}
	}
	text := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(text, []byte("{\"type\":\"end\"}\nmine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if vacant(text) {
		t.Error("notes are taken for a record")
	}
}

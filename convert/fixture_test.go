package convert

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

const second = runtest.Second

var (
	sampleLines   = runtest.Lines
	sampleRequest = runtest.Request
	text          = runtest.Line
	asRecords     = runtest.Records
	asK6JSON      = runtest.K6JSON
	zip           = runtest.Gzip
	zstandard     = runtest.Zstandard
)

// anyOrigin returns the text of a summary without what its passport says of the files that it was made of and with.
func anyOrigin(t *testing.T, summary string) string {
	t.Helper()
	for _, path := range []string{"records", "files"} {
		raw := gjson.Get(summary, "xk6_llm.passport."+path).Raw
		if raw == "" {
			t.Fatal("the summary has no passport")
		}
		summary = strings.Replace(summary, `"`+path+`": `+raw, `"`+path+`": []`, 1)
	}
	return summary
}

// runOf returns a run that consists of records alone.
func runOf(t testing.TB, requests ...*record.Request) *run.Run {
	t.Helper()
	made := run.Instance{Name: "i"}
	for i, r := range requests {
		numbered := *r // a caller may pass the same record several times
		numbered.Index = int64(i)
		made.Lines = append(made.Lines, &numbered)
	}
	run, err := run.FromLines(run.Options{Bodies: true}, made)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func mustRead(t *testing.T, file []byte) *run.Run {
	t.Helper()
	run, err := run.Read(run.Options{}, run.Source{Name: "f", Reader: bytes.NewReader(file)})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// allFiles selects all files of a report except CSV and the stages of adapters.
var allFiles = Files{Summary: true, Stages: true, Adapters: true, PerRequest: true, Fields: DefaultFields, Config: true,
	Parquet: true}

// reportFiles writes a report and returns the contents of its files by name.
func reportFiles(t *testing.T, run *run.Run) map[string]string {
	t.Helper()
	dir := t.TempDir()
	if _, err := NewReport(run, Options{}).Write(dir, allFiles); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(data)
	}
	return files
}

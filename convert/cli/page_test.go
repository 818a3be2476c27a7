package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert"
)

const pageRecords = `{"type":"run","schema":"xk6-llm/1","run_id":"r","instance":"i","segment":"0:1","start":1000,"scenarios":[{"name":"s","executor":"constant-arrival-rate","stages":[{"index":0,"rate":1,"duration":2}]}]}
{"type":"request","request_id":"a","scenario":"s","stage":0,"index":0,"api":"chat","streaming":true,"due_ns":null,"start_ns":1000000000,"end_ns":1200000000,"chunks_us":[100000,200000],"status":200}
{"type":"request","request_id":"b","scenario":"s","stage":0,"index":1,"api":"chat","streaming":true,"due_ns":null,"start_ns":2000000000,"end_ns":2100000000,"chunks_us":[],"status":503,"error_type":"http","error":"busy"}
{"type":"end","status":"finished"}
`

// pageReported runs the command on a small run and returns the report's directory.
func pageReported(t *testing.T, name string, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	records := filepath.Join(dir, "run.jsonl")
	if err := os.WriteFile(records, []byte(pageRecords), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := newReport()
	cmd.SetArgs(append([]string{records, "-o", filepath.Join(dir, name)}, flags...))
	cmd.SetOut(new(bytes.Buffer))
	cmd.SetErr(new(bytes.Buffer))
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

// The page is written by default, and where --format asks for it.
func TestReportWritesAPage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		flags []string
		want  bool
	}{{nil, true}, {[]string{"--format", "json"}, false}, {[]string{"--format", "html"}, true}} {
		_, err := os.Stat(filepath.Join(pageReported(t, "out", tt.flags...), "report.html"))
		if got := err == nil; got != tt.want {
			t.Errorf("%q: a page is there: %t, want %t", tt.flags, got, tt.want)
		}
	}
	dir := pageReported(t, "out", "--format", "html")
	if err := (convert.Files{}).Vacant(dir); err == nil {
		t.Error("a directory with a page was taken for vacant")
	}
}

func TestAnalyzeWritesPages(t *testing.T) {
	t.Parallel()
	a, b := pageReported(t, "before", "--format", "json,parquet"), pageReported(t, "after", "--format", "json")
	both := filepath.Join(t.TempDir(), "both")
	code, out, remarks := analyzed(t, a, b, "-u", both)
	if code != 0 {
		t.Fatalf("exit code %d\n%s", code, remarks)
	}
	for _, dir := range []string{a, b} {
		path := filepath.Join(dir, "report.html")
		if text, err := os.ReadFile(path); err != nil ||
			!strings.Contains(string(text), "<title>Load test report: "+filepath.Base(dir)) {
			t.Errorf("%s: no page of this report (%v)", path, err)
		} else if strings.Contains(string(text), filepath.Dir(dir)) {
			t.Errorf("%s names its directory", path)
		}
		if !strings.Contains(out, dir+": report.html\n") {
			t.Errorf("got %q, want it to say where %s is", out, path)
		}
	}
	text, err := os.ReadFile(filepath.Join(both, "report.html"))
	if err != nil || !strings.Contains(string(text), `"runs":["before","after"]`) ||
		!strings.Contains(string(text), "The report after holds no requests") {
		t.Errorf("no page of both that tells what one lacks (%v)", err)
	}
}

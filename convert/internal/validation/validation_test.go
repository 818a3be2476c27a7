package validation

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
)

// sample holds the files of a report of inference-perf by name.
type sample map[string]string

// originals are real runs: their names in testdata, the names of their lifecycle reports, and their stages.
var originals = map[string]struct {
	folder string
	stages int
}{"failures": {"h_failures", 2}, "chat": {"n_no_tokenizer_chat_mock", 1}}

func readOriginal(tb testing.TB, name string) sample {
	tb.Helper()
	files := sample{}
	for _, dir := range []string{
		filepath.Join("..", "..", "testdata", "inference-perf", originals[name].folder),
		filepath.Join("..", "benchreport", "testdata", name),
	} {
		paths, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(paths) == 0 {
			tb.Fatalf("%s: no files: %v", dir, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				tb.Fatal(err)
			}
			file := filepath.Base(path)
			if plain, zipped := strings.CutSuffix(file, ".gz"); zipped {
				file, text = plain, unzip(tb, text)
			}
			files[file] = string(text)
		}
	}
	return files
}

func unzip(tb testing.TB, data []byte) []byte {
	tb.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		tb.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	return plain
}

func (s sample) check(tb testing.TB, c Config) *Report {
	tb.Helper()
	in := Input{Files: map[string][]byte{}}
	for name, text := range s {
		if name == reportdir.PerRequest {
			in.PerRequest = strings.NewReader(text)
			continue
		}
		in.Files[name] = []byte(text)
	}
	r, err := Check(in, c)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// findings returns the findings about a report, one a line.
func findings(r *Report) (lines []string) {
	for f := range r.All() {
		lines = append(lines, fmt.Sprintf("%s %s: %s", f.Severity, f.Check, f.Message))
	}
	return lines
}

// On reports of real runs the findings are inference-perf's, except for the ones listed here.
func TestFindingsOfOriginals(t *testing.T) {
	t.Parallel()
	// A client that wakes up a little early is no fault.
	type early struct{ check, least string }
	earlyTokens := map[string]map[string]early{
		"failures": {
			reportdir.Summary: {"summary.distributions", "-0.0009291695350839291"},
			stage0:            {"per_stage.distributions", "-0.000821547029318026"},
			stage1:            {"per_stage.distributions", "-0.0009291695350839291"},
		},
		"chat": {
			reportdir.Summary: {"summary.distributions", "-0.0008693979807503638"},
			stage0:            {"per_stage.distributions", "-0.0008693979807503638"},
		},
	}
	for name, original := range originals {
		want, err := os.ReadFile(filepath.Join("testdata", name, "validation.json"))
		if err != nil {
			t.Fatal(err)
		}
		r := readOriginal(t, name).check(t, Config{original.stages})
		for i, f := range r.Files {
			if e, listed := earlyTokens[name][f.Name]; listed {
				missing := Finding{e.check, Warning, "load_summary.schedule_delay: negative minimum " + e.least,
					&f.Name}
				r.Files[i].Findings.Warnings = append([]Finding{missing}, f.Findings.Warnings...)
			}
		}
		var got bytes.Buffer
		if err := r.Write(&got); err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, &got, want)
		}
	}
}

// The reports of this program, with its additions, are sound.
func TestOurReports(t *testing.T) {
	t.Parallel()
	r, err := CheckDir(os.DirFS(filepath.Join("..", "..", "testdata", "golden")), "", Config{Stages: 2})
	if err != nil {
		t.Fatal(err)
	}
	if got := findings(r); len(got) > 0 || len(r.Files) != 6 {
		t.Errorf("got %q in %d files, want none in 6", got, len(r.Files))
	}
}

// A report is found by the prefix of its files, and other files are ignored.
func TestCheckDir(t *testing.T) {
	t.Parallel()
	dir := fstest.MapFS{"pre-requests.parquet": {}, "pre-summary_session_lifecycle_metrics.json": {},
		"summary_lifecycle_metrics.json": {}}
	for name, text := range readOriginal(t, "chat") {
		dir["pre-"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	r, err := CheckDir(dir, "pre-", Config{})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, f := range r.Files {
		got = append(got, f.Name)
	}
	want := []string{reportdir.Summary, "stage_0_lifecycle_metrics.json", reportdir.PerRequest,
		"inference-perf.partial.stage_0.yaml"}
	if !slices.Equal(got, want) || len(findings(r)) > 0 {
		t.Errorf("got %q with %q, want %q", got, findings(r), want)
	}
	delete(dir, "pre-"+reportdir.PerRequest)
	if r, err = CheckDir(dir, "pre-", Config{}); err != nil || len(r.Files) != 3 {
		t.Errorf("without requests: got %d files, %v", len(r.Files), err)
	}
	if _, err := CheckDir(os.DirFS(filepath.Join(t.TempDir(), "none")), "", Config{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: got %v", err)
	}
}

// Stages stand in the order of their numbers.
func TestOrder(t *testing.T) {
	t.Parallel()
	s := sample{}
	for _, n := range []int{10, 2, 0} {
		s[fmt.Sprintf("stage_%d_lifecycle_metrics.json", n)] = "{}"
	}
	for _, other := range []string{"stage_-1_lifecycle_metrics.json", "stage_01_lifecycle_metrics.json",
		"adapter_a_stage_3_lifecycle_metrics.json", "stage_3_prometheus_metrics.json"} {
		s[other] = "{}"
	}
	got := ""
	for _, f := range s.check(t, Config{}).Files {
		got += strings.TrimSuffix(f.Name, "_lifecycle_metrics.json") + " "
	}
	if want := "stage_0 stage_2 stage_10 "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestReadError(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is gone")
	for _, src := range []io.Reader{
		iotest.ErrReader(broken), io.MultiReader(strings.NewReader("[{}, {"), iotest.ErrReader(broken)),
	} {
		if _, err := Check(Input{PerRequest: src}, Config{}); !errors.Is(err, broken) {
			t.Errorf("got %v, want %v", err, broken)
		}
	}
}

// For every input the result is a file of ASCII JSON with a known shape.
func FuzzCheck(f *testing.F) {
	s := readOriginal(f, "chat")
	requests := s[reportdir.PerRequest]
	first := requests[:strings.Index(requests, "\n  },")] + "}]" // one request is as good as many
	f.Add(s[reportdir.Summary], s["stage_0_lifecycle_metrics.json"], first, s["inference-perf.partial.stage_0.yaml"])
	f.Add(`{"load_summary":{}}`, `{"load_summary":{"count":1e999}}`,
		`[{"start_time":0,"end_time":-1,"error":null,"info":{"response_metrics":{"chunk_times":[2,1,"\"}"]}}}, {}]`,
		"&a [*a]")
	f.Add(`{"load_summary":{"count":-1},"successes":{"count":1e308,"latency":{"request_latency":{"mean":"\u001b[2J\u202e","p50":-1}}}}`, "\xff\xfe{\x00", strings.Repeat(`[{"a":`, 300), "a: &a [x, x]\nb: [*a, *a]")
	f.Fuzz(func(t *testing.T, summary, stage, requests, part string) {
		r := sample{
			reportdir.Summary: summary, "stage_0_lifecycle_metrics.json": stage, reportdir.PerRequest: requests,
			"inference-perf.partial.stage_0.yaml": part,
		}.check(t, Config{Stages: 2})
		var buf bytes.Buffer
		if err := r.Write(&buf); err != nil {
			t.Fatal(err)
		}
		var shape struct {
			Reports map[string]struct{ Warnings, Errors []Finding }
		}
		if err := json.Unmarshal(buf.Bytes(), &shape); err != nil || len(shape.Reports) != 4 {
			t.Errorf("got %q: %v", buf.Bytes(), err)
		}
		for _, c := range buf.Bytes() {
			if c > 0x7e {
				t.Fatalf("got %q, want ASCII", buf.Bytes())
			}
		}
	})
}

func ExampleCheck() {
	stage := `{
	  "load_summary": {"count": 3}, "failures": {"count": 1, "prompt_len": null},
	  "successes": {"count": 1, "latency": {}, "throughput": {}, "prompt_len": null}}`
	r, err := Check(Input{Files: map[string][]byte{"stage_0_lifecycle_metrics.json": []byte(stage)}}, Config{Stages: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	for f := range r.All() {
		fmt.Println(f.Severity, f.Check, f.Message)
	}
	// Output:
	// warning cross_report.configured_stages configured stages have no report: 1
	// error per_stage.counts 1 successes and 1 failures are not the 3 requests of load_summary
}

// with returns a copy in which one file is replaced.
func (s sample) with(file, text string) sample {
	s = maps.Clone(s)
	s[file] = text
	return s
}

package run

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	good := runtest.Records(t, runtest.Lines())
	other := runtest.Lines()
	other[0].(*record.Run).ID = "other"
	for _, tt := range []struct {
		name    string
		sources []Source
		force   bool
		want    string
	}{
		{"empty", []Source{{"f", strings.NewReader("")}}, false, "f: no records in it: expected lines written by"},
		{"nonsense", []Source{{"f", strings.NewReader("hello\n")}}, false,
			"f: not a format that llmconv reads: known are records of `k6 run --out llm=FILE`"},
		{"the same file twice", []Source{{"f", bytes.NewReader(good)}, {"g", bytes.NewReader(good)}}, false,
			"is there twice"},
		{"two runs", []Source{{"f", bytes.NewReader(good)}, {"g", bytes.NewReader(runtest.Records(t, other))}}, false,
			`of different runs, "other" and "run"`},
		{"two runs, forced", []Source{{"f", bytes.NewReader(good)}, {"g", bytes.NewReader(runtest.Records(t, other))}},
			true,
			""},
		{"UTF-16", []Source{{"f", strings.NewReader("\xff\xfe{\x00")}}, false, "f: the file is UTF-16"},
		{"floats from pandas", []Source{{"f", strings.NewReader("{\"type\":\"request\",\"stage\":0.0}\n")}},
			false, "lines written by `k6 run --out llm=FILE`"},
		{"reason of a bad line", []Source{{"f", strings.NewReader("{\"type\":\"request\",\"stage\":0.0}\n")}}, false,
			"the first line that could not be read: f:1: request line: field \"stage\": want a whole number, got " +
				"number 0.0"},
		{"broken gzip", []Source{{"f", strings.NewReader("\x1f\x8b")}}, false, "f: unexpected EOF"},
	} {
		run, err := Read(Options{Force: tt.force}, tt.sources...)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
		if tt.force && run.ID() != "other+run" {
			t.Errorf("%s: id %q", tt.name, run.ID())
		}
	}
}

// TestFilesWithByteOrderMark checks that files of each kind, plain or compressed, may have a byte order mark and the
// line ends of Windows.
func TestFilesWithByteOrderMark(t *testing.T) {
	t.Parallel()
	mark := func(text []byte) []byte {
		return append([]byte("\ufeff"), bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))...)
	}
	records := runtest.Records(t, runtest.Lines())
	vllm, err := os.ReadFile("../internal/foreign/testdata/vllm/0.33.0.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"records": records, "k6": runtest.K6JSON(t, runtest.Lines()),
		"vllm": vllm} {
		want := readBytes(t, text)
		for kind, marked := range map[string][]byte{"plain": mark(text), "gzip": runtest.Gzip(t, mark(text))} {
			run, err := Read(Options{}, Source{"f", bytes.NewReader(marked)})
			if err != nil {
				t.Errorf("%s, %s: %v", name, kind, err)
			} else if len(run.Requests) != len(want.Requests) || run.Partial != want.Partial {
				t.Errorf("%s, %s: %d requests, partial %t; want %d, %t", name, kind, len(run.Requests), run.Partial,
					len(want.Requests), want.Partial)
			}
		}
	}
}

func TestPartialRuns(t *testing.T) {
	t.Parallel()
	file := runtest.Records(t, runtest.Lines())
	whole := bytes.LastIndexByte(file[:len(file)-1], '\n') + 1 // without the end line
	for _, tt := range []struct {
		name     string
		file     []byte
		requests int
		remark   string
	}{
		{"no end line", file[:whole], 50, "it has no end line"},
		{"cut in a line", file[:whole-10], 49, "its last line is cut"},
		{"cut gzip", runtest.Gzip(t, file)[:2500], -1, "its last line is cut"},
		{"a bad line", slices.Concat(file[:whole], []byte("{\"type\":\"request\"}\n"), file[whole:]), 50,
			`f:54: request line: missing field "start_ns"`},
	} {
		run, err := Read(Options{}, Source{"f", bytes.NewReader(tt.file)})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if !run.Partial || tt.requests >= 0 && len(run.Requests) != tt.requests ||
			!strings.Contains(strings.Join(run.Remarks, "\n"), tt.remark) {
			t.Errorf("%s: partial %t, %d requests, remarks %q", tt.name, run.Partial, len(run.Requests), run.Remarks)
		}
	}
}

// TestNULsArePassedOver reads files with a hole of NUL bytes. A file that was cut while a run wrote to it without
// appending begins with one.
func TestNULsArePassedOver(t *testing.T) {
	t.Parallel()
	hole, file := make([]byte, 3<<18), runtest.Records(t, runtest.Lines())
	at := bytes.IndexByte(file, '\n') + 1
	for name, holed := range map[string][]byte{"before": slices.Concat(hole, file),
		"between": slices.Concat(file[:at], hole, file[at:]), "after": slices.Concat(file, hole)} {
		run := readBytes(t, holed)
		if want := readBytes(t, file); len(run.Requests) != len(want.Requests) || run.Partial || len(run.Runs) != 1 {
			t.Errorf("%s: %d requests of %d, partial %t, %d runs", name, len(run.Requests), len(want.Requests),
				run.Partial, len(run.Runs))
		}
		if !slices.ContainsFunc(run.Remarks, func(r string) bool {
			return strings.HasPrefix(r, "f: 786432 NUL bytes are passed over")
		}) {
			t.Errorf("%s: remarks %q", name, run.Remarks)
		}
	}
}

// TestEndCountsMissingRequests checks that a run is partial if its end line counts more requests than the file has: the
// run could not write all of its records.
func TestEndCountsMissingRequests(t *testing.T) {
	t.Parallel()
	lines := runtest.Lines()
	present := int64(0)
	for _, line := range lines {
		if _, ok := line.(*record.Request); ok {
			present++
		}
	}
	for counted, partial := range map[int64]bool{0: false, present: false, present + 3: true} {
		var file []byte
		for _, line := range append(slices.Clone(lines), &record.End{Status: "finished", Requests: counted}) {
			file = append(append(file, runtest.Line(t, line)...), '\n')
		}
		run := readBytes(t, file)
		remarked := slices.ContainsFunc(run.Remarks, func(r string) bool {
			return strings.Contains(r, "3 of the 54 requests that its end line counts are not in it")
		})
		if run.Partial != partial || remarked != partial {
			t.Errorf("the end line counts %d of %d: partial %t, want %t; remarks %q", counted, present, run.Partial,
				partial, run.Remarks)
		}
	}
}

// TestDevicesAreRefused checks that a device is refused before it is read: /dev/zero would never end.
func TestDevicesAreRefused(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/dev/zero", "/dev/null"} {
		if info, err := os.Stat(path); err != nil || info.Mode()&fs.ModeDevice == 0 {
			testenv.Skip(t, path, "run the tests on a system that has this device")
		}
		if _, err := ReadFiles(Options{}, path); err == nil ||
			!strings.Contains(err.Error(), path+" is a device: give a file of records, or a pipe") {
			t.Errorf("%s: got %v", path, err)
		}
		if err := Recognize(path); err == nil || !strings.Contains(err.Error(), "is a device") {
			t.Errorf("%s: Recognize: got %v", path, err)
		}
	}
}

// A file that is not there is named once, with what may be given.
func TestMissingInput(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "nosuch")
	want := path + ": no such file or directory: give a record file, a directory or a report"
	if _, err := ReadFiles(Options{}, path); err == nil || err.Error() != want {
		t.Errorf("ReadFiles: %v, want %s", err, want)
	}
	if err := Recognize(path); err == nil || err.Error() != want {
		t.Errorf("Recognize: %v, want %s", err, want)
	}
}

//go:build unix

package output

import (
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/klauspost/compress/zstd"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

var unpackers = map[string]func(io.Reader) (io.Reader, error){
	".jsonl":     func(r io.Reader) (io.Reader, error) { return r, nil },
	".jsonl.gz":  func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
	".jsonl.zst": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
}

// writing returns an output whose file is at path, without its goroutines.
func writing(t *testing.T, path string, overwrite bool) (*Output, *logtest.Hook) {
	t.Helper()
	f, err := create(path, overwrite)
	if err != nil {
		t.Fatal(err)
	}
	log, hook := logtest.NewNullLogger()
	return &Output{path: path, log: log, file: f, writer: &writer{file: f, log: log, path: path}}, hook
}

// A file that is deleted during the run is there again, whole, at the end.
func TestDeletedFileIsWrittenAgain(t *testing.T) {
	t.Parallel()
	for end, unpack := range unpackers {
		for name, remove := range map[string]func(path string) error{
			"file":   os.Remove,
			"folder": func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
			"replaced": func(path string) error {
				return errors.Join(os.Remove(path), os.WriteFile(path, []byte("another's"), 0o600))
			},
		} {
			path := filepath.Join(t.TempDir(), "dir", "run"+end)
			o, hook := writing(t, path, false)
			if err := o.writer.write(linesOf("one")); err != nil {
				t.Fatal(err)
			}
			if err := remove(path); err != nil {
				t.Fatal(err)
			}
			if err := o.writer.write(linesOf("two")); err != nil {
				t.Errorf("%s, %s: %v", end, name, err)
			}
			if err := errors.Join(o.writer.write(linesOf("three")), o.file.close()); err != nil {
				t.Errorf("%s, %s: %v", end, name, err)
			}
			if name == "replaced" {
				if text, _ := os.ReadFile(path); string(text) != "another's" {
					t.Errorf("%s: the other file holds %q now", end, text)
				}
				path = filepath.Join(filepath.Dir(path), "run-restored"+end)
			}
			if got, err := readAll(path, unpack); got != "one\ntwo\nthree\n" || err != nil {
				t.Errorf("%s, %s: got %q, %v", end, name, got, err)
			}
			if n := len(hook.AllEntries()); n != 1 || !strings.Contains(hook.LastEntry().Message,
				"was deleted during the run; its records are whole again in "+path) {
				t.Errorf("%s, %s: %d messages, the last %v", end, name, n, hook.LastEntry())
			}
		}
	}
}

func TestDeletedForGood(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "dir")
	path := filepath.Join(dir, "run.jsonl")
	o, _ := writing(t, path, false)
	if err := errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := o.finish(o.writer.write(linesOf("one"))); err == nil ||
		!strings.Contains(err.Error(), "record file "+path+" was deleted during the run, and its records are lost") {
		t.Errorf("got %v", err)
	}
	if samples.LostRecords() == "" {
		t.Error("the loss is not reported at the end of the run")
	}
}

// What comes after a cut can be read, and the loss is reported.
func TestFileThatIsCut(t *testing.T) {
	t.Parallel()
	for end, unpack := range unpackers {
		path := filepath.Join(t.TempDir(), "run"+end)
		o, hook := writing(t, path, false)
		if err := errors.Join(o.writer.write(linesOf("one")), os.Truncate(path, 0)); err != nil {
			t.Fatal(err)
		}
		if err := o.writer.write(linesOf("two")); err != nil {
			t.Fatal(err)
		}
		err := o.file.close()
		if err == nil ||
			!strings.Contains(err.Error(), "is incomplete: 0 lines and 0 bytes could not be written, and ") {
			t.Errorf("%s: got %v", end, err)
		}
		if got, err := readAll(path, unpack); got != "two\n" || err != nil {
			t.Errorf("%s: got %q, %v", end, got, err)
		}
		if n := len(hook.AllEntries()); n != 1 || !strings.Contains(hook.LastEntry().Message,
			"off the record file "+path) {
			t.Errorf("%s: %d messages", end, n)
		}
	}
}

// On a full disk the last line replaces lines before it, and its counts show that some are missing.
func TestLastLineOfAFullDisk(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "run.jsonl")
	o, _ := writing(t, path, false)
	for range 50 {
		o.encode(&record.Stage{Index: 1, Status: "completed"})
	}
	if err := o.writer.write(o.block); err != nil {
		t.Fatal(err)
	}
	size := o.file.size
	o.file.buf = []byte(`{"type":"stage","ind`) // there is no room for this line
	o.end = record.End{Status: "finished", Requests: 77}
	if err := o.file.endFull(&o.end); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > size {
		t.Errorf("the file grew from %d to %d bytes (%v)", size, info.Size(), err)
	}
	all := lines(t, path)
	end, ok := all[len(all)-1].(*record.End)
	if !ok || end.Requests != 77 || end.Status != "incomplete: no room for the last records (finished)" ||
		len(all) < 30 {
		t.Errorf("%d lines, the last %+v", len(all), all[len(all)-1])
	}
	if err := o.file.close(); err == nil || !strings.Contains(err.Error(), "20 bytes could not be written") {
		t.Errorf("got %v", err)
	}
}

// Only the owner of the file may read texts; a file that existed before keeps its permissions.
func TestPermissionsOfRecords(t *testing.T) {
	t.Parallel()
	registry := metrics.NewRegistry()
	m, err := samples.Register(&lib.TestPreInitState{Registry: registry})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		text, there bool
		want        fs.FileMode
	}{"no texts": {false, false, 0o644}, "texts": {true, false, 0o600},
		"texts into a file of before": {true, true, 0o640}} {
		path := filepath.Join(t.TempDir(), "run.jsonl")
		if tt.there {
			if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o640)); err != nil {
				t.Fatal(err)
			}
		}
		o, _ := writing(t, path, tt.there)
		line := &record.Request{Chunks: []int64{}}
		if tt.text {
			line.RequestBody = "{}"
		}
		o.take(m.Request(line, record.Counts{}, metrics.TagsAndMeta{Tags: registry.RootTagSet()}, samples.ITLOff))
		if err := o.writer.write(o.block); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != tt.want && got != tt.want&^0o044 { // with a strict umask
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// A reader of a pipe that does not read holds up neither k6 nor the making of lines, and misses nothing.
func TestPipeThatNobodyReads(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "run.jsonl")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	made, err := New(params(path, nil))
	if err != nil {
		t.Fatal(err)
	}
	o := made.(*Output)
	if err := o.Start(); err != nil {
		t.Fatal(err)
	}
	registry := metrics.NewRegistry()
	m, err := samples.Register(&lib.TestPreInitState{Registry: registry})
	if err != nil {
		t.Fatal(err)
	}
	const requests = 10_000 // of which the pipe holds some hundreds
	for i := range int64(requests) {
		r := &record.Request{ID: "0f8fad5b-d9cb-469f-a165-70867728950e", Index: i, Start: 1, End: 2, Chunks: []int64{}}
		o.AddMetricSamples([]metrics.SampleContainer{
			m.Request(r, r.Counts(), metrics.TagsAndMeta{Tags: registry.RootTagSet()}, samples.ITLOff),
		})
	}
	stopped := make(chan error)
	go func() { stopped <- o.Stop() }()
	lines, next := record.NewReader(reader, path), int64(0)
	for {
		line, err := lines.Next()
		if err != nil {
			t.Fatal(err)
		}
		switch l := line.(type) {
		case *record.Request:
			if l.Index != next {
				t.Fatalf("request %d came in place of %d", l.Index, next)
			}
			next++
		case *record.End:
			if err := <-stopped; err != nil || next != requests || l.Requests != requests {
				t.Errorf("read %d requests, the last line says %d, want %d (%v)", next, l.Requests, requests, err)
			}
			return
		}
	}
}

// A pipe is written through: it holds nothing that could be replaced.
func TestRecordsThroughAPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "run.jsonl")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := refuseExisting(path, false); err != nil {
		t.Fatal(err)
	}
	got := make(chan string)
	go func() {
		text, _ := os.ReadFile(path)
		got <- string(text)
	}()
	o, _ := writing(t, path, false)
	if err := errors.Join(o.writer.write(linesOf("one")), o.file.close()); err != nil {
		t.Fatal(err)
	}
	if text := <-got; text != "one\n" {
		t.Errorf("read %q", text)
	}
}

func TestInstanceFile(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 150)
	names := map[string]string{}
	for instance, want := range map[string]string{
		"pod-1": "records-pod-1.jsonl", "a/1": "records-a_1.jsonl", "../../x": "", "": "records-_.jsonl",
		"\x00": "records-_.jsonl", long: "", long + "é": "",
	} {
		got := filepath.Base(instanceFile("dir", instance))
		if want != "" && got != want || len(got) > 120 || instanceFile("dir", instance) != filepath.Join("dir", got) {
			t.Errorf("%q: %q, want %q", instance, instanceFile("dir", instance), want)
		}
		if other, there := names[got]; there && got != "records-_.jsonl" {
			t.Errorf("%q and %q are both %q", instance, other, got)
		}
		names[got] = instance
	}
}

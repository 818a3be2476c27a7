package output

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/metrics"
	"go.k6.io/k6/v2/output"

	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func params(argument string, env map[string]string) output.Params {
	log, _ := logtest.NewNullLogger()
	return output.Params{ConfigArgument: argument, Environment: env, Logger: log,
		ScriptOptions: lib.Options{RunTags: map[string]string{"instance_id": "a/1"}}}
}

// lines reads a whole record file, every line of which must parse.
func lines(t *testing.T, path string) (all []record.Line) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r := record.NewReader(f, path)
	for {
		line, err := r.Next()
		if err != nil {
			if err.Error() != "EOF" {
				t.Fatal(err)
			}
			return all
		}
		all = append(all, line)
	}
}

func TestARunsFile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "dir")
	made, err := New(params(dir, nil))
	if err != nil {
		t.Fatal(err)
	}
	o := made.(*Output)
	o.run.Scenarios = []record.Scenario{{Name: "s", Stages: []record.Stage{{Index: 3}}}}
	if err := o.Start(); err != nil {
		t.Fatal(err)
	}
	registry := metrics.NewRegistry()
	m, err := samples.Register(&lib.TestPreInitState{Registry: registry})
	if err != nil {
		t.Fatal(err)
	}
	tags := registry.RootTagSet()
	dropped := registry.MustNewMetric(metrics.DroppedIterationsName, metrics.Counter)
	drop := metrics.Sample{TimeSeries: metrics.TimeSeries{Metric: dropped, Tags: tags.With("scenario", "s")},
		Time: time.Now(), Value: 2}
	other := metrics.Sample{TimeSeries: metrics.TimeSeries{Metric: m.TTFT, Tags: tags}, Value: 1}
	request := func(delay int64, errorType string) metrics.SampleContainer {
		return m.Request(&record.Request{Start: 1e9, End: 2e9, Due: new(1e9 - delay), ErrorType: errorType,
			Chunks: []int64{}}, record.Counts{}, metrics.TagsAndMeta{Tags: tags}, samples.ITLOff)
	}
	o.AddMetricSamples([]metrics.SampleContainer{
		m.Event(o.run, tags), m.Event(&record.Client{Number: 0}, tags), request(10, ""), request(30, record.ErrorReset),
		other, drop, metrics.Samples{other},
	})
	o.AddMetricSamples([]metrics.SampleContainer{request(20, "")})
	if err := o.StopWithTestError(errors.New("aborted")); err != nil {
		t.Fatal(err)
	}
	all := slices.DeleteFunc(lines(t, filepath.Join(dir, "records-a_1.jsonl")), func(l record.Line) bool {
		_, beat := l.(*record.Heartbeat) // there is one if this test took 5 ms
		return beat
	})
	if len(all) != 7 {
		t.Fatalf("%d lines, want run, client, 2 requests, dropped, request, end", len(all))
	}
	if run, ok := all[0].(*record.Run); !ok || run.Instance != "a/1" {
		t.Errorf("first line %+v", all[0])
	}
	if d, ok := all[4].(*record.Dropped); !ok || d.Scenario != "s" || d.Stage != 3 || d.Count != 2 || d.Index != nil ||
		d.Due != nil {
		t.Errorf("fifth line %+v", all[4])
	}
	end, ok := all[6].(*record.End)
	if !ok || end.Status != "aborted" || end.Requests != 3 || end.Failed != 1 || end.Dropped != 2 {
		t.Errorf("last line %+v", all[6])
	}
	if h := end.Health; h.LatenessOf != 3 || *h.LatenessP50 != 20 || *h.LatenessP99 != 30 || *h.LatenessMax != 30 ||
		h.CPUShare < 0 || h.GoMaxProcs < 1 || (h.Steal != nil) != (runtime.GOOS == "linux") {
		t.Errorf("health %+v", end.Health)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	existing := filepath.Join(t.TempDir(), "run.jsonl")
	if err := os.WriteFile(existing, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		argument string
		env      map[string]string
		want     string
	}{
		{"", nil, "--out llm needs a path"},
		{existing, nil, "record file " + existing + " exists: give another path, or set K6_LLM_OVERWRITE=true"},
		{existing, map[string]string{record.OverwriteEnv: "true"}, ""},
		{os.DevNull, nil, os.DevNull + " is neither a directory nor a path that ends in .jsonl, .jsonl.gz"},
	} {
		_, err := New(params(tt.argument, tt.env))
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %q", tt.argument, err, tt.want)
		}
	}
}

func TestStartNamesWhatCannotBeWritten(t *testing.T) {
	t.Parallel()
	inTheWay := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := New(params(filepath.Join(inTheWay, "run.jsonl"), nil))
	if err == nil {
		err = o.Start()
	}
	if err == nil || !strings.Contains(err.Error(), inTheWay) {
		t.Errorf("got %v", err)
	}
}

// linesOf returns a block of lines.
func linesOf(lines ...string) block {
	return block{text: []byte(strings.Join(lines, "\n") + "\n"), lines: len(lines)}
}

// The next write begins with what a failed one left over, so that no line is ever mixed with another.
func TestFileKeepsWhatItCannotWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "run.jsonl")
	f, err := create(path, false)
	if err != nil {
		t.Fatal(err)
	}
	readOnly, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	f.out = readOnly
	if err := f.write(linesOf("one")); err == nil {
		t.Fatal("writing to a file open for reading succeeded")
	}
	f.out = f.f
	if err := errors.Join(f.write(linesOf("two")), f.close(), readOnly.Close()); err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(path); string(data) != "one\ntwo\n" {
		t.Errorf("got %q", data)
	}
}

// The lines that a killed process flushed can be read, compressed or not.
func TestFlushedLinesCanBeRead(t *testing.T) {
	t.Parallel()
	unpack := map[string]func(io.Reader) (io.Reader, error){
		".jsonl":     func(r io.Reader) (io.Reader, error) { return r, nil },
		".jsonl.gz":  func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		".jsonl.zst": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	}
	for end, open := range unpack {
		path, want := filepath.Join(t.TempDir(), "run"+end), ""
		f, err := create(path, false)
		if err != nil {
			t.Fatal(err)
		}
		for second := range 3 {
			var list []string
			for i := range 100 {
				list = append(list, fmt.Sprintf("line %d of second %d", i, second))
			}
			b := linesOf(list...)
			want += string(b.text)
			if err := f.write(b); err != nil {
				t.Fatal(err)
			}
			if got, err := readAll(path, open); got != want || (err != nil && !errors.Is(err, io.ErrUnexpectedEOF)) {
				t.Errorf("%s, flush %d: read %d of %d bytes, %v", end, second, len(got), len(want), err)
			}
		}
		if err := errors.Join(f.write(linesOf("last")), f.close()); err != nil {
			t.Fatal(err)
		}
		if got, err := readAll(path, open); got != want+"last\n" || err != nil {
			t.Errorf("%s: read %d of %d bytes, %v", end, len(got), len(want), err)
		}
	}
}

func readAll(path string, open func(io.Reader) (io.Reader, error)) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	r, err := open(bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	return string(text), err
}

// Goroutines that read tokens run between the lines of a batch.
func TestEncodingGivesWay(t *testing.T) { // alone, as it takes all processors but one away
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	registry := metrics.NewRegistry()
	m, err := samples.Register(&lib.TestPreInitState{Registry: registry})
	if err != nil {
		t.Fatal(err)
	}
	o := new(Output)
	for range 1000 {
		o.pending = append(o.pending, m.Event(&record.Stage{Index: 1}, registry.RootTagSet()))
	}
	var turns, done atomic.Int64
	go func() {
		for done.Load() == 0 {
			turns.Add(1)
			runtime.Gosched()
		}
	}()
	o.encodePending()
	done.Store(1)
	if n := turns.Load(); n < 20 || o.block.lines != 1000 {
		t.Errorf("%d turns of another goroutine in %d lines, want 20 in 1000", n, o.block.lines)
	}
}

func TestFileReportsLostLines(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "run.jsonl")
	f, err := create(path, false)
	if err != nil {
		t.Fatal(err)
	}
	f.lost, f.buf = 1, []byte("half")
	if err := f.close(); err == nil || !strings.Contains(err.Error(), path+" is incomplete: 1 lines and 4 bytes") {
		t.Errorf("got %v", err)
	}
}

func TestSpareProcessors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		used  float64
		procs int
		set   bool
		want  string
	}{
		{0.5, 16, false, "GOMAXPROCS=2 suffices"},
		{1.3, 16, false,
			"this load took 1.3 of 16 processors, and idle ones add to what a token costs: GOMAXPROCS=3 suffices"},
		{0.5, 16, true, ""}, {0.1, 16, false, ""}, {0.5, 2, false, ""}, {1.3, 4, false, ""},
	} {
		h := record.Health{CPUShare: tt.used / float64(tt.procs), GoMaxProcs: tt.procs, Processors: float64(tt.procs)}
		if got := spareProcessors(h, tt.set); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%+v: got %q", tt, got)
		}
	}
}

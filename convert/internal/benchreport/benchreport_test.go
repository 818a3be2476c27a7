package benchreport

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
)

// samples returns the files of real runs by name.
func samples(tb testing.TB) map[string][]byte {
	tb.Helper()
	names, err := filepath.Glob("testdata/*/*.yaml")
	if err != nil || len(names) != 3 {
		tb.Fatalf("samples: got %q, %v", names, err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		if files[name], err = os.ReadFile(name); err != nil {
			tb.Fatal(err)
		}
	}
	return files
}

func write(tb testing.TB, r *Report) string {
	tb.Helper()
	var buf bytes.Buffer
	if err := r.Write(&buf); err != nil {
		tb.Fatal(err)
	}
	return buf.String()
}

// A file of inference-perf is written back to the byte.
func TestSamplesRoundTrip(t *testing.T) {
	t.Parallel()
	for name, want := range samples(t) {
		r, err := Parse(want)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := write(t, r); got != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	r, err := Parse(samples(t)["testdata/failures/inference-perf.partial.stage_1.yaml"])
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 11, 23, 21, 32, 37, 764329000, time.UTC)
	if !r.Run.Time.Start.Equal(start) || r.Run.Time.Duration != 12015*time.Millisecond {
		t.Errorf("got the window %+v", r.Run.Time)
	}
	a := r.Aggregate()
	p99, known := a.Latency.TTFT.At(99)
	got := fmt.Sprint(r.Version, r.Run.UID, a.Requests.Total, a.Requests.Failures, *a.Latency.ITL.StdDev, p99, known,
		a.Throughput.Requests)
	want := fmt.Sprint(Version, "inference-perf-stage-1-7d2e581b", 200, 67, 0.002712765478106018, 0.05358533703994909,
		true, Rate(13.167454014051504, QueriesPerSecond))
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func sound() *Report {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	return New(Run{UID: "stage-0", EID: "run", Time: Between(start, start.Add(1234567*time.Microsecond))}, Aggregate{
		Requests:   Requests{Total: 1, InputLength: NewStatistics(stats.NewList([]float64{3}), Count)},
		Latency:    &Latency{},
		Throughput: &Throughput{Requests: Rate(1e-05, QueriesPerSecond)},
	})
}

// A single number has no deviation, an empty block is left out, and whole seconds have no fraction.
func TestWrite(t *testing.T) {
	t.Parallel()
	var percentiles strings.Builder
	for _, p := range stats.DefaultPercentiles() {
		fmt.Fprintf(&percentiles, "          %s: 3.0\n", key(p))
	}
	want := `version: 0.2.1
run:
  uid: stage-0
  eid: run
  time:
    start: '2026-01-02T02:04:05Z'
    end: '2026-01-02T02:04:06.234567Z'
    duration: PT1.235S
results:
  request_performance:
    aggregate:
      requests:
        total: 1
        failures: 0
        input_length:
          units: count
          mean: 3.0
          min: 3.0
` + percentiles.String() + `          max: 3.0
      throughput:
        request_rate:
          units: queries/s
          mean: 1.0e-05
`
	r := sound()
	if got := write(t, r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if r.Aggregate().Latency == nil {
		t.Error("Write changed the report")
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	good := write(t, sound())
	for _, tt := range []struct{ name, old, new, want string }{
		{"not YAML", "version: ", "version: [", "yaml: "},
		{"no version", "version: 0.2.1\n", "", "version is missing"},
		{"null uid", "uid: stage-0", "uid: null", "run.uid is missing"},
		{"no eid", "  eid: run\n", "", "run.eid is missing"},
		{"no total", "total: 1", "totals: 1", "results.request_performance.aggregate.requests.total is missing"},
		{"a list for the run", "run:\n", "run: []\nnot_run:\n", "run.uid is missing"},
		{"half a request", "total: 1", "total: 1.5",
			"results.request_performance.aggregate.requests.total is no whole number"},
		{"start", "'2026-01-02T02:04:05Z'", "yesterday",
			`start: "yesterday" is no time such as 2026-01-02T15:04:05.678901Z`},
		{"year", "'2026-01-02T02:04:05Z'", "'0000-01-02T02:04:05Z'",
			`start: "0000-01-02T02:04:05Z" is outside of the years 1 to 9999`},
		{"no end", "    end:", "    ends:", `end: "" is no time`},
		{"duration", "PT1.235S", "1.235", `duration: "1.235" is no duration such as PT12.017S`},
		{"long duration", "PT1.235S", "P999999999999D", `duration: "P999999999999D" is too long a duration`},
		{"mean", "mean: 3.0", "mean: three", "mean: yaml: "},
		{"no mean", "          mean: 3.0\n", "", "units or mean is missing"},
		{"percentile", "p99p9: 3.0", "p99p9: [3.0]", "p99p9: yaml: "},
	} {
		if strings.Count(good, tt.old) != 1 {
			t.Fatalf("%s: %q must stand in the file once", tt.name, tt.old)
		}
		_, err := Parse([]byte(strings.Replace(good, tt.old, tt.new, 1)))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	if _, err := Parse(nil); err == nil || err.Error() != "the file is empty" {
		t.Errorf("empty: got %v", err)
	}
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"PT12.017S": 12017 * time.Millisecond, "PT0S": 0, "PT-0.5S": -time.Second / 2, "P1DT2H3M4.5S": 26*time.Hour +
			3*time.Minute + 4500*time.Millisecond,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%s: got %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestNewStatistics(t *testing.T) {
	t.Parallel()
	s := NewStatistics(stats.NewList([]float64{4, 1, 3, 2}), Seconds)
	p25, _ := s.At(25)
	p99, _ := s.At(99)
	got := []float64{s.Mean, *s.StdDev, *s.Min, *s.Max, p25, p99}
	want := []float64{2.5, math.Sqrt(5.0 / 3), 1, 4, 1.75, 3.9699999999999998}
	if fmt.Sprint(got) != fmt.Sprint(want) || s.Units != Seconds {
		t.Errorf("got %v, want %v", got, want)
	}
	if s := NewStatistics(stats.NewList(nil), Seconds); s != nil {
		t.Errorf("of nothing: got %+v", s)
	}
	if s := NewStatistics(stats.NewList([]float64{5}), Seconds); s.StdDev != nil || *s.Min != 5 {
		t.Errorf("of one: got %+v", s)
	}
	if _, known := s.At(42); known {
		t.Error("the 42nd percentile is not the schema's")
	}
}

func TestPythonFloat(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]float64{
		"10.0": 10, "0.0001": 1e-4, "1.0e-05": 1e-5, "1.5e-05": 1.5e-5, "1.0e+16": 1e16, "1000000000000000.0": 1e15,
		"-0.5": -0.5,
		".nan": math.NaN(), ".inf": math.Inf(1), "-.inf": math.Inf(-1),
	} {
		if got := pythonFloat(f); got != want {
			t.Errorf("%v: got %s, want %s", f, got, want)
		}
	}
}

// A report that can be parsed can be written, and reads back the same.
func FuzzParse(f *testing.F) {
	for _, data := range samples(f) {
		f.Add(data)
	}
	f.Add([]byte(write(f, sound())))
	f.Add([]byte("&a [*a, &b {version: *b}]"))
	f.Add([]byte("version: 0.2.1\nrun: {uid: \"\\e[2J\u202e\", time: {start: '9999-99-99T00:00:00Z', duration: " +
		"P99999999999999999999D}}"))
	f.Add([]byte("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n" + strings.Repeat("[", 300)))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Parse(data)
		if err != nil {
			return
		}
		first := write(t, r)
		again, err := Parse([]byte(first))
		if err != nil {
			t.Fatalf("%q was written as %q: %v", data, first, err)
		}
		if second := write(t, again); second != first {
			t.Errorf("got %q, then %q", first, second)
		}
	})
}

func ExampleReport_Write() {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	run := Run{UID: "inference-perf-stage-0-0123abcd", EID: "inference-perf-experiment-89abcdef",
		Time: Between(start, start.Add(10*time.Second))}
	r := New(run, Aggregate{
		Requests:   Requests{Total: 20, Failures: 1},
		Throughput: &Throughput{Requests: Rate(1.9, QueriesPerSecond)},
	})
	if err := r.Write(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// version: 0.2.1
	// run:
	//   uid: inference-perf-stage-0-0123abcd
	//   eid: inference-perf-experiment-89abcdef
	//   time:
	//     start: '2026-01-02T03:04:05Z'
	//     end: '2026-01-02T03:04:15Z'
	//     duration: PT10.000S
	// results:
	//   request_performance:
	//     aggregate:
	//       requests:
	//         total: 20
	//         failures: 1
	//       throughput:
	//         request_rate:
	//           units: queries/s
	//           mean: 1.9
}

// The statistics of a run's requests are those of inference-perf's report on the run.
func TestStatisticsOfRequests(t *testing.T) {
	t.Parallel()
	f, err := os.Open(filepath.Join("..", "..", "testdata", "inference-perf", "n_no_tokenizer_chat_mock",
		"per_request_lifecycle_metrics.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	plain, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Start float64 `json:"start_time"`
		End   float64 `json:"end_time"`
	}
	if err := json.NewDecoder(plain).Decode(&list); err != nil {
		t.Fatal(err)
	}
	var latencies []float64
	for _, q := range list {
		latencies = append(latencies, q.End-q.Start)
	}
	r, err := Parse(samples(t)["testdata/chat/inference-perf.partial.stage_0.yaml"])
	if err != nil {
		t.Fatal(err)
	}
	figures := func(s *Statistics) []float64 {
		list := []float64{s.Mean, *s.StdDev, *s.Min, *s.Max}
		for _, q := range s.Percentiles {
			list = append(list, q.P, q.Value)
		}
		return list
	}
	got, want := figures(NewStatistics(stats.NewList(latencies), Seconds)), figures(r.Aggregate().Latency.Request)
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range got {
		if math.Abs(got[i]-want[i]) > 1e-13*want[i] {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

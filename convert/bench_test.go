//go:build unix

package convert

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// bigRun returns a run whose answers have 200 tokens, as in a usual benchmark.
func bigRun(requests int) []record.Line {
	rng := rand.New(rand.NewPCG(1, 2))
	start := 1_795_000_000 * second
	lines := []record.Line{&record.Run{Schema: record.Schema, ID: "r", Start: start, Scenarios: []record.Scenario{
		{Name: "s", Executor: "llm-arrival-rate",
			Stages: []record.Stage{{Rate: new(100.0), Duration: new(float64(requests) / 100)}}},
	}}}
	for i := range int64(requests) {
		due := start + i*10_000_000
		r := sampleRequest(rng, due)
		r.ID, r.Scenario, r.Index, r.Due, r.Chunks = fmt.Sprintf("%016x-%d", i, i), "s", i, &due, r.Chunks[:0]
		for k := range int64(200) {
			r.Chunks = append(r.Chunks, 50_000+k*10_000+rng.Int64N(5000))
		}
		r.End = r.Start + 3*second
		lines = append(lines, r)
	}
	return lines
}

// BenchmarkRead reads files. Besides MB/s it reports MB per second of processor time, and the ratio of its time to the
// time for reading the file's bytes alone.
func BenchmarkRead(b *testing.B) {
	t := new(testing.T)
	lines := bigRun(10_000)
	for _, bench := range []struct {
		name string
		file []byte
	}{{"records", asRecords(t, lines)}, {"k6", asK6JSON(t, lines)},
		{"k6-all-metrics", withMetrics(b, asK6JSON(t, lines[:200]))}} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(len(bench.file)))
			used := cpuTime(b)
			for b.Loop() {
				source := run.Source{Name: "f", Reader: bytes.NewReader(bench.file)}
				if _, err := run.Read(run.Options{}, source); err != nil {
					b.Fatal(err)
				}
			}
			used = (cpuTime(b) - used) / time.Duration(b.N)
			b.ReportMetric(float64(len(bench.file))/1e6/used.Seconds(), "MB/cpu-s")
			b.ReportMetric(float64(used.Nanoseconds())/float64(bytesAlone(bench.file)), "x-bytes-alone")
		})
	}
}

// withMetrics puts 50 points of other metrics around each record, as k6 writes them.
func withMetrics(b *testing.B, file []byte) (out []byte) {
	b.Helper()
	point := `{"metric":"http_req_duration","type":"Point","data":{"time":"2026-01-01T00:00:00.123456789Z","value":12.345678,"tags":{"expected_response":"true","group":"","method":"POST","name":"http://localhost:8000/v1/chat/completions","scenario":"default","status":"200","url":"http://localhost:8000/v1/chat/completions"}}}` + "\n"
	other := bytes.Repeat([]byte(point), 50)
	for line := range bytes.Lines(file) {
		out = append(append(out, line...), other...)
	}
	return out
}

// bytesAlone returns the time for reading a file's bytes, the shortest of some tries, in nanoseconds.
func bytesAlone(file []byte) int64 {
	best := int64(1 << 62)
	for range 5 {
		begun := time.Now()
		r := bytes.NewReader(file)
		buf := make([]byte, 1<<18)
		for {
			if _, err := io.ReadFull(r, buf); err != nil {
				break
			}
		}
		best = min(best, time.Since(begun).Nanoseconds())
	}
	return best
}

// BenchmarkReport makes reports on a run whose load generator was never late, and on one whose was late every 10 ms.
func BenchmarkReport(b *testing.B) {
	lines := bigRun(10_000)
	start := lines[0].(*record.Run).Start
	for _, bench := range []struct {
		name    string
		seconds int
	}{{"punctual", 0}, {"late", 110}} {
		b.Run(bench.name, func(b *testing.B) {
			run, err := run.FromLines(run.Options{},
				run.Instance{Name: "i", Lines: slices.Concat(lines, lateBeats(start, bench.seconds))})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := NewReport(run, Options{}).documents(Files{Summary: true, Stages: true}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2e6, "ns/chunk")
		})
	}
}

// lateBeats returns heartbeats of which one every 10 ms is 3 ms late.
func lateBeats(start int64, seconds int) (lines []record.Line) {
	for k := range int64(seconds) {
		b := &record.Heartbeat{Start: start + k*second, End: start + (k+1)*second, Beats: 200, P99: 3_000_000,
			Max: 3_000_000}
		for at := int64(0); at < 1_000_000; at += 10_000 {
			b.Late = append(b.Late, [2]int64{at, 3000})
		}
		lines = append(lines, b)
	}
	return lines
}

// BenchmarkHeartbeats sums up 24 hours of three instances that were late every 10 ms.
func BenchmarkHeartbeats(b *testing.B) {
	lines := bigRun(1)
	start := lines[0].(*record.Run).Start
	end := sampleRequest(rand.New(rand.NewPCG(1, 2)), start+24*3600*second)
	end.Scenario, end.Index = "s", 1
	instances := []run.Instance{{Name: "i", Lines: append(lines, end)}}
	for _, name := range []string{"i", "j", "k"} {
		instances = append(instances, run.Instance{Name: name, Lines: lateBeats(start, 24*3600)})
	}
	run, err := run.FromLines(run.Options{Force: true}, instances...)
	if err != nil {
		b.Fatal(err)
	}
	g := newSubset(run, run.Requests, Options{}, nil)
	for b.Loop() {
		if h := summarizeHeartbeats(g); h.P99 != 0.003 {
			b.Fatalf("got %+v", h)
		}
	}
}

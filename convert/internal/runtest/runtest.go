// Package runtest generates the records of runs for tests, as lines and in the file formats that hold them.
package runtest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Second is one second in nanoseconds, the unit of instants in records.
const Second = int64(1e9)

// Lines returns a run of two stages as stock executors record it: 20 requests at 2/s and 30 at 3/s. Some requests fail,
// with each kind of failure.
func Lines() []record.Line {
	rng := rand.New(rand.NewPCG(1, 2))
	start := 1_700_000_000 * Second
	lines := []record.Line{
		&record.Run{Schema: record.Schema, ID: "run", Instance: "a", Segment: "0:1", Start: start,
			Versions: map[string]string{"k6": "v2.2.0"}, Scenarios: []record.Scenario{
				{Name: "stage_0", Executor: "ramping-arrival-rate",
					Stages: []record.Stage{{Index: 0, Rate: new(2.0), Duration: new(10.0)}}},
				{Name: "stage_1", Executor: "ramping-arrival-rate", StartAt: 10,
					Stages: []record.Stage{{Index: 1, Rate: new(3.0), Duration: new(10.0)}}},
			}},
		&record.Client{Number: 0, Simulator: true, SLO: &record.Bounds{TTFT: 120},
			Options: map[string]any{"api": "chat"}},
		&record.Request{ID: "warm", Stage: -1, Start: start - 5*Second, End: start - 4*Second, Chunks: []int64{}},
	}
	errs := []string{record.ErrorHTTP, record.ErrorTimeout, record.ErrorStall, record.ErrorConnect, record.ErrorReset,
		record.ErrorTruncated, record.ErrorCanceled}
	for stage, load := range [][2]int{{20, 2}, {30, 3}} {
		for k := range load[0] {
			due := start + int64(stage)*10*Second + int64(float64(k+1)/float64(load[1])*1e9)
			r := Request(rng, due)
			r.ID, r.Scenario, r.Stage, r.Index = fmt.Sprintf("%d-%d", stage, k), fmt.Sprintf("stage_%d", stage), stage,
				int64(k)
			if k%7 == 3 {
				r.ErrorType, r.Error, r.Usage, r.FinishReason = errs[(k/7+4*stage)%len(errs)],
					"something <é> went wrong", nil, ""
				if r.ErrorType == record.ErrorHTTP {
					r.Status = 503
				}
			}
			r.SLO, r.Good = &record.Bounds{TTFT: 120}, new(k%2 == 0)
			lines = append(lines, r)
		}
	}
	return lines
}

// Request returns a successful streaming request that starts 2 to 5 ms after due, in nanoseconds, and receives 1 to 12
// tokens.
func Request(rng *rand.Rand, due int64) *record.Request {
	n := 1 + rng.IntN(12)
	r := &record.Request{
		API: "chat", Model: "m", Streaming: true, Start: due + 2_000_000 + rng.Int64N(3_000_000), Status: 200,
		BytesSent: 100 + rng.Int64N(50), BytesReceived: 1000, FinishReason: "length",
	}
	at := int64(80_000) + rng.Int64N(60_000)
	for range n {
		r.Chunks = append(r.Chunks, at)
		at += 9_000 + rng.Int64N(2_000)
	}
	r.End = r.Start + at*1000
	r.Connected, r.FirstByte = r.Start+50_000, r.Start+r.Chunks[0]*1000-10_000
	r.Usage = fmt.Appendf(nil,
		`{"prompt_tokens":%d,"completion_tokens":%d,"prompt_tokens_details":{"cached_tokens":4}}`, 10+rng.IntN(100), n)
	return r
}

// Line returns a line as a record file holds it, without a line break.
func Line(t testing.TB, line record.Line) []byte {
	t.Helper()
	out, err := record.Append(nil, line)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Records returns the record file that --out llm writes for the lines, with an end line.
func Records(t testing.TB, lines []record.Line) (file []byte) {
	t.Helper()
	for _, line := range append(lines, &record.End{Status: "finished"}) {
		file = append(append(file, Line(t, line)...), '\n')
	}
	return file
}

// K6JSON returns the file that --out json writes for the lines, with points of an unrelated metric in between.
func K6JSON(t testing.TB, lines []record.Line) []byte {
	t.Helper()
	var file bytes.Buffer
	point := func(metric string, value int64, tags, meta map[string]string) {
		data, err := json.Marshal(map[string]any{"time": "2026-01-01T00:00:00Z", "value": value, "tags": tags,
			"metadata": meta})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&file, `{"metric":%q,"type":"Point","data":%s}`+"\n", metric, data)
	}
	file.WriteString(`{"type":"Metric","data":{"name":"llm_requests","type":"counter"},"metric":"llm_requests"}` + "\n")
	for _, line := range lines {
		metric := "llm_events"
		if d, ok := line.(*record.Dropped); ok {
			point("dropped_iterations", d.Count, map[string]string{"scenario": d.Scenario}, nil)
			continue
		}
		if _, ok := line.(*record.Request); ok {
			metric = "llm_requests"
		}
		point(metric, 1, map[string]string{"api": "chat"}, map[string]string{"llm_record": string(Line(t, line)),
			"request_id": "x"})
		point("http_reqs", 1, nil, nil)
	}
	return file.Bytes()
}

// Gzip returns data compressed with gzip.
func Gzip(t testing.TB, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// Zstandard returns data compressed with zstd.
func Zstandard(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

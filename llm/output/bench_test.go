package output

import (
	"path/filepath"
	"strconv"
	"testing"

	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// What a line costs the processor from AddMetricSamples to the disk, for answers of 1 and of 100 tokens.
func BenchmarkLines(b *testing.B) {
	registry := metrics.NewRegistry()
	m, err := samples.Register(&lib.TestPreInitState{Registry: registry})
	if err != nil {
		b.Fatal(err)
	}
	for _, tokens := range []int64{1, 100} {
		batch := make([]metrics.SampleContainer, 1000) // of 50 ms at 20,000 requests per second
		for i := range batch {
			start := 1795480974947135632 + int64(i)*50_000
			r := &record.Request{ID: "0f8fad5b-d9cb-469f-a165-70867728" + strconv.Itoa(1000+i), Scenario: "stage_0",
				API: "completion", Model: "sim", Due: new(start - 50_000), Start: start, End: start + 2e9, Status: 200,
				Usage:   []byte(`{"prompt_tokens":3,"completion_tokens":100,"total_tokens":103}`),
				Written: start + 7_000, FirstByte: start + 50_000_000 + int64(i)*13, FinishReason: "length"}
			for k := range tokens {
				r.Chunks = append(r.Chunks, 50_000+10_000*k+int64(i)*k%977)
			}
			batch[i] = m.Request(r, r.Counts(), metrics.TagsAndMeta{Tags: registry.RootTagSet()}, samples.ITLRequest)
		}
		for _, end := range recordEnds {
			b.Run(strconv.FormatInt(tokens, 10)+end, func(b *testing.B) {
				b.ReportAllocs()
				made, err := New(params(filepath.Join(b.TempDir(), "run"+end), nil))
				if err != nil {
					b.Fatal(err)
				}
				o := made.(*Output)
				if err := o.Start(); err != nil {
					b.Fatal(err)
				}
				begun := host.CPUTime()
				for sent := 0; sent < b.N; sent += len(batch) {
					o.AddMetricSamples(batch[:min(len(batch), b.N-sent)])
				}
				if err := o.Stop(); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(host.CPUTime()-begun)/float64(b.N), "cpu-ns/op")
				b.ReportMetric(float64(o.file.size)/float64(b.N), "bytes/op")
			})
		}
	}
}

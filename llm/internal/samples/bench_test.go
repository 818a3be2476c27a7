package samples

import (
	"fmt"
	"testing"
	"time"

	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// streamed returns the record of an answer with a number of tokens, as the client makes it.
func streamed(tokens int) *record.Request {
	r := &record.Request{
		ID: "0f8fad5b-d9cb-469f-a165-70867728950e", Scenario: "stage_0", API: "completion", Model: "sim",
		Streaming: true, Due: new(int64(1795480974947035632)), Start: 1795480974947135632, End: 1795480976947035632,
		Connected: 1795480974947145632, Written: 1795480974947165632, FirstByte: 1795480974997165632,
		ServerDate: 1795480974, MaxTokens: tokens, FinishReason: "length", Status: 200, BytesSent: 130,
		BytesReceived: 1000, PromptAsked: 3,
		Usage: fmt.Appendf(nil, `{"prompt_tokens":3,"completion_tokens":%d,"total_tokens":%d}`, tokens, tokens+3),
	}
	for i := range int64(tokens) {
		r.Chunks = append(r.Chunks, 50_000+10_000*i)
	}
	return r
}

// What a request costs between its end and its line: the container with its samples and those of its iteration, the
// same for a run with --out json, k6's sinks, and the line. The time is that of the processor.
func BenchmarkRequest(b *testing.B) {
	for _, tokens := range []int{1, 100} {
		registry := metrics.NewRegistry()
		test := &lib.TestPreInitState{Registry: registry, BuiltinMetrics: metrics.RegisterBuiltinMetrics(registry)}
		m, err := Register(test)
		if err != nil {
			b.Fatal(err)
		}
		carrying, err := Register(test)
		if err != nil {
			b.Fatal(err)
		}
		carrying.outputs.usage = withJSON
		r := streamed(tokens)
		vu := metrics.TagsAndMeta{Tags: registry.RootTagSet().With("group", "").With("scenario", "stage_0"),
			Metadata: map[string]string{"vu": "1", "iter": "17"}}
		container := func(m *Metrics) *Container {
			c := m.Request(r, r.Counts(), vu, ITLRequest)
			c.AddIteration(m, vu, time.Unix(0, r.Start), time.Unix(0, r.End))
			return c
		}
		measure(b, "container", tokens, func() { container(m) })
		measure(b, "with metadata", tokens, func() { container(carrying) })
		one := container(m)
		seen := map[metrics.TimeSeries]struct{}{}
		measure(b, "sinks", tokens, func() {
			for _, s := range one.GetSamples() {
				s.Metric.Sink.Add(s)
				seen[s.TimeSeries] = struct{}{}
			}
		})
		var line []byte
		measure(b, "line", tokens, func() { line, _ = one.AppendText(line[:0]) })
	}
}

func measure(b *testing.B, name string, tokens int, do func()) {
	b.Run(fmt.Sprintf("%s/%d", name, tokens), func(b *testing.B) {
		b.ReportAllocs()
		begun := host.CPUTime()
		for b.Loop() {
			do()
		}
		b.ReportMetric(float64(host.CPUTime()-begun)/float64(b.N), "cpu-ns/op")
	})
}

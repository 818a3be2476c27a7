package convert_test

import (
	"fmt"
	"log"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/run"
)

// A report is made of a run that was read. Its figures have inference-perf's names; latencies are seconds.
func ExampleSummarize() {
	r, err := run.ReadFiles(run.Options{}, "testdata/inference-perf/h_failures/per_request_lifecycle_metrics.json.gz")
	if err != nil {
		log.Fatal(err)
	}
	summary := convert.Summarize(r, convert.Options{Percentiles: []float64{50, 99}})
	fmt.Println(summary.Successes.Count, "succeeded,", summary.Failures.Count, "failed")
	p99, _ := summary.Successes.Latency.TTFT.At(99)
	fmt.Printf("time to first token, p99: %.0f ms\n", 1000*p99)
	// Output:
	// 201 succeeded, 99 failed
	// time to first token, p99: 54 ms
}

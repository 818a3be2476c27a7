package run_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/run"
)

const records = `{"type":"request","request_id":"a","start_ns":1000000000,"end_ns":1200000000,"chunks_us":[50000,150000]}
{"type":"request","request_id":"b","index":1,"start_ns":1100000000,"end_ns":1200000000,"error_type":"timeout"}
`

// The requests are in the order of their starts, with their latencies in seconds.
func ExampleRead() {
	r, err := run.Read(run.Options{}, run.Source{Name: "records.jsonl", Reader: strings.NewReader(records)})
	if err != nil {
		log.Fatal(err)
	}
	for _, q := range r.Requests {
		fmt.Printf("%s: %.3f s, TTFT %.3f s, failed: %t\n", q.ID(), r.Seconds(q.End-q.Start), q.TTFT, q.Failed())
	}
	fmt.Println(r.Remarks)
	// Output:
	// a: 0.200 s, TTFT 0.050 s, failed: false
	// b: 0.100 s, TTFT NaN s, failed: true
	// [records.jsonl: it has no end line, as of a run that was killed or still goes on]
}

package status_test

import (
	"fmt"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/status"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func ExampleBoard() {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	rate, duration := 2.0, 30.0
	plan := []record.Scenario{{Name: "load", Stages: []record.Stage{{Rate: &rate, Duration: &duration}}}}
	b := status.New(start, plan, 1)
	for i := range 10 {
		b.Sent(start.Add(time.Duration(i)*500*time.Millisecond), status.Position{Scenario: "load", Started: start})
	}
	b.Done(&record.Request{Chunks: []int64{180_000, 190_000}}, 200)
	fmt.Println(b.Take(start.Add(5 * time.Second)))
	// Output:
	// llm  stage 1/1  5s  asked  2.0/s sent  2.0/s  in flight   9  TTFT p50 180 p99  180 ms  out    40 tok/s  errors 0  late p99 -
}

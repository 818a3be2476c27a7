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
		sent := start.Add(time.Duration(i) * 500 * time.Millisecond)
		ticket := b.Sent(sent, status.Position{Scenario: "load", Started: start})
		if i == 0 {
			b.Done(&record.Request{Chunks: []int64{180_000, 190_000}}, record.Counts{Completion: 200}, ticket)
		}
	}
	fmt.Println(status.Legend)
	fmt.Println(b.Take(start.Add(5 * time.Second)).Line(80))
	// Output:
	// llm  stage, time in it  sent/asked  open  TTFT p50/p99  output  failed
	// llm  1/1  5s  2.0/2.0/s   9 open  TTFT 180/180 ms     40 tok/s  0 failed
}

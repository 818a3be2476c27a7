package arrival_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
)

// A plan of two stages. The rate is held at 2 per second, then falls to 0. An arrival is due whenever the area under
// the rate reaches the next whole number:
//
//	rate
//	 2 |***************
//	   |               ***
//	 1 |                  ***
//	   |                     ***
//	 0 +---------------+---------+--> time
//	   0               2s        4s
//	   ^   ^   ^   ^   ^     ^
func ExamplePlan() {
	plan := arrival.Plan{
		Stages: []arrival.Stage{
			{From: 2, To: 2, Duration: 2 * time.Second},
			{From: 2, To: 0, Duration: 2 * time.Second},
		},
		Process: arrival.Constant{},
	}
	start := time.Duration(0)
	for i, stage := range plan.Stages {
		for due := range plan.Due(i) {
			fmt.Println((start + due).Round(time.Millisecond))
		}
		start += stage.Duration
	}
	// Output:
	// 0s
	// 500ms
	// 1s
	// 1.5s
	// 2s
	// 2.586s
}

// The options of a load are JSON, as the executor llm-arrival-rate reads it.
func ExampleLoad() {
	var load arrival.Load
	err := json.Unmarshal([]byte(`{
		"stages": [{"rate": 5, "duration": "30s"}, {"requests": 100, "concurrency": 8}],
		"expectedLatency": "2s"
	}`), &load)
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := load.Plan()
	if err != nil {
		fmt.Println(err)
		return
	}
	vus, most := load.VUs(plan)
	fmt.Printf("%d stages, %d VUs, at most %d\n", len(plan.Stages), vus, most)
	// Output: 2 stages, 10 VUs, at most 100
}

package runtest

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Shape says how a stage of [Shaped] behaves.
type Shape struct {
	Rate, Seconds float64 // requests per second, at equal distances; how long they are sent
	// TTFT returns the TTFT of a request that is sent so many seconds after the stage began, in seconds. Answers take
	// half a second more.
	TTFT func(at float64) float64
}

// Shaped returns a run whose stages follow one another at once, and have known shapes. TTFT varies by a tenth.
func Shaped(shapes ...Shape) []record.Line {
	rng := rand.New(rand.NewPCG(0x9e3779b97f4a7c15, 0xd1b54a32d192ed03))
	start := 1_700_000_000 * Second
	plan := record.Scenario{Name: "load", Executor: record.ExecutorName}
	lines := []record.Line{&record.Run{Schema: record.Schema, ID: "run", Instance: "a", Segment: "0:1", Start: start},
		&record.Client{Number: 0}}
	begun, index := 0.0, int64(0)
	for stage, s := range shapes {
		plan.Stages = append(plan.Stages, record.Stage{Index: stage, Rate: &s.Rate, Duration: &s.Seconds})
		for i := range int(math.Round(s.Rate * s.Seconds)) {
			at := float64(i) / s.Rate
			first := s.TTFT(at) * (0.9 + 0.2*rng.Float64())
			due := start + int64((begun+at)*1e9)
			q := &record.Request{ID: fmt.Sprintf("r-%d", index), Scenario: plan.Name, Stage: stage, Index: index,
				API: "chat", Model: "m", Streaming: true, Due: &due, Start: due, Status: 200, FinishReason: "length",
				Chunks: []int64{int64(first * 1e6), int64((first + 0.5) * 1e6)},
				Usage:  []byte(`{"prompt_tokens":10,"completion_tokens":2}`)}
			q.End = q.Start + q.Chunks[1]*1000
			lines, index = append(lines, q), index+1
		}
		begun += s.Seconds
	}
	lines[0].(*record.Run).Scenarios = []record.Scenario{plan}
	return lines
}

//go:build unix

package main

import (
	"fmt"
	"time"
)

// growth prints the cost of a unit at 1, 10 and 100 times the load. If it stays the same, the total cost is
// proportional to the load.
func growth(rounds int, length time.Duration) error {
	fmt.Printf("\ngrowth: cost of a unit at 1×, 10× and 100×\n  %-52s %10s %10s %10s\n", "", "1×", "10×", "100×")
	streams := []workload{}
	for _, n := range []int{10, 100, 1000} {
		streams = append(streams, workload{server: "ttft=50ms&itl=50ms&max-num-seqs=100000", streams: n, tokens: 100})
	}
	if err := growthOf("streams, 10 to 1000: µs of CPU per token", streams, rounds, length); err != nil {
		return err
	}
	tokens := []workload{}
	for _, n := range []int{20, 200, 2000} {
		tokens = append(tokens, workload{server: "ttft=50ms&itl=5ms&max-num-seqs=100000", streams: 50, tokens: n})
	}
	if err := growthOf("tokens of an answer, 20 to 2000: µs of CPU per token", tokens, rounds, length); err != nil {
		return err
	}
	return converterGrowth(rounds)
}

func growthOf(name string, list []workload, rounds int, length time.Duration) error {
	fmt.Printf("  %-52s", name)
	for _, w := range list {
		url, stop, err := startServer(w.server)
		if err != nil {
			return err
		}
		do, err := llmClient(url, w.tokens)
		var costs []float64
		for range rounds {
			if err != nil {
				break
			}
			var cost float64
			cost, err = measure(w, length, do)
			costs = append(costs, cost)
		}
		stop()
		if err != nil {
			return err
		}
		fmt.Printf(" %10.2f", median(costs))
	}
	fmt.Println()
	return nil
}

// converterGrowth prints the cost of a request in reports of 1,000 to 100,000 requests of 100 tokens.
func converterGrowth(rounds int) error {
	fmt.Printf("  %-52s", "requests in a report, 1,000 to 100,000: µs per request")
	for _, n := range []int{1000, 10_000, 100_000} {
		text, err := manyRecords(n, 100)
		if err != nil {
			return err
		}
		var costs []float64
		for range rounds {
			used, err := cpuOf(func() error { return makeReport(text) })
			if err != nil {
				return err
			}
			costs = append(costs, float64(used.Nanoseconds())/1000/float64(n))
		}
		fmt.Printf(" %10.2f", median(costs))
	}
	fmt.Println()
	return nil
}

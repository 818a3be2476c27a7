//go:build unix

package main

import (
	"fmt"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/selftest"
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
		s, err := serve("", w.server)
		if err != nil {
			return err
		}
		do, err := llmClient(s.url, w.tokens, api.Completion)
		var costs []float64
		for range rounds {
			if err != nil {
				break
			}
			var cost float64
			cost, err = measure(w, length, do)
			costs = append(costs, cost)
		}
		s.stop()
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

// maxStreams is the most streams that streamGrowth opens.
const maxStreams = 50_000

// streamGrowth prints the cost of a token and the memory of a stream for 1,000 to 50,000 streams of 1 token/s, or as
// many as the machine's limits allow.
func streamGrowth(k6 string) error {
	s, err := serve("1", "ttft=1s&itl=1s&max-num-seqs=100000")
	if err != nil {
		return err
	}
	defer s.stop()
	c := contenders[len(contenders)-1]
	fmt.Printf("\ngrowth: streams of 1 token/s, %s\n", c.name)
	fmt.Printf("  %10s %14s %14s\n", "streams", "µs per token", "MB per stream")
	return scratch(func(dir string) error {
		run := func(streams, tokens int) (used, error) {
			return k6Run{contender: c, k6: k6, url: s.url, tokens: tokens, processors: "0", procs: 1,
				load: closedLoop(streams, streams, time.Duration(streams)*time.Second/2500)}.run(dir)
		}
		one, err := run(1, 1)
		if err != nil {
			return err
		}
		for _, n := range []int{1000, 10_000, 19_000, maxStreams} {
			if lack := selftest.Lack(n); lack != "" {
				fmt.Printf("  %10d left out: %s\n", n, lack)
				continue
			}
			const tokens = 40 // longer than the streams take to start
			all, err := run(n, tokens)
			if err != nil {
				return err
			}
			fmt.Printf("  %10d %14.2f %14.4f\n", n, float64((all.cpu-one.cpu).Nanoseconds())/1000/float64(n*tokens),
				float64(all.memory-one.memory)/float64(n)/1e6)
		}
		return nil
	})
}

//go:build unix

// Bench measures the cost of the client as a ratio to a bare net/http client that only reads lines. Both clients run in
// this process, and the simulator in another. docs/performance.md explains the figures.
//
//	go run ./llm/internal/bench [-rounds 3] [-seconds 5] [-k6 bin/k6] [-only PART]
//
// The parts are cost, bytes, apis, media, growth, streams, memory, late, tail, requests, tokens and procs.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

func main() {
	serve := flag.Bool("serve", false, "act as the simulator (bench uses it itself)")
	rounds := flag.Int("rounds", 3, "number of rounds; in each round, every client runs once")
	seconds := flag.Float64("seconds", 5, "length of one measurement")
	k6 := flag.String("k6", "bin/k6",
		"path of a k6 with this extension, for the rows with JavaScript; \"\" leaves them out")
	late := flag.String("late", "", "act as k6 with a script that prints its lateness (bench uses it itself)")
	only := flag.String("only", "", "run only this part, such as cost; the manual lists them")
	bareSelf := flag.Bool("bare-client", false, "act as the bare client of a stamped load (bench uses it itself)")
	memorySelf := flag.Bool("memory-client", false,
		"act as the bare client whose memory is measured (bench uses it itself)")
	flag.Parse()
	if *late != "" {
		runK6(*late)
		return
	}
	var err error
	switch {
	case *serve:
		err = runServer()
	case *bareSelf:
		err = stampedClient()
	case *memorySelf:
		err = memoryClient()
	default:
		err = all(*only, *rounds, time.Duration(*seconds*float64(time.Second)), *k6)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// all runs all parts, or only the named one.
func all(only string, rounds int, length time.Duration, k6 string) error {
	for _, part := range []struct {
		name string
		run  func() error
	}{
		{"cost", func() error { return bench(rounds, length, k6) }},
		{"bytes", func() error { return bytesCost(rounds) }},
		{"apis", func() error { return apis(rounds, length) }},
		{"media", func() error { return mediaCost(rounds, length) }},
		{"growth", func() error { return growth(rounds, length) }},
		{"streams", func() error { return streamGrowth(k6) }},
		{"memory", func() error { return vuMemory(rounds, k6) }},
		{"late", func() error { return lateness(30 * time.Second) }},
		{"tail", func() error { return tail(time.Minute, k6) }},
		{"requests", func() error { return requestRates(length, k6) }},
		{"tokens", func() error { return tokens(rounds, 4*length, k6) }},
		{"procs", func() error { return procs(2*length, k6) }},
	} {
		if only != "" && only != part.name || k6 == "" && slices.Contains(needK6, part.name) {
			continue
		}
		if err := part.run(); err != nil {
			return err
		}
	}
	return nil
}

// needK6 lists the parts that do nothing without a k6.
var needK6 = []string{"streams", "memory", "tail", "requests", "tokens", "procs"}

// workload is a load on a simulator.
type workload struct {
	name     string
	unit     string // the unit to which the cost relates: a token or a request
	server   string // query of the simulator
	streams  int
	tokens   int // per request
	requests int // that k6 sends for each second of a measurement: about as many as there is time for
	target   float64
	whole    float64 // target for the whole of k6
}

var workloads = []workload{
	{name: "paced: 300 streams, a token each 20 ms", unit: "token", server: "ttft=50ms&itl=20ms&max-num-seqs=100000",
		streams: 300, tokens: 200, requests: 150, target: 1.15, whole: 1.1},
	{name: "paced: 100 streams, a token each 10 ms", unit: "token", server: "ttft=50ms&itl=10ms&max-num-seqs=100000",
		streams: 100, tokens: 200, requests: 100, target: 1.15, whole: 1.1},
	{name: "one-token requests, 20 at a time", unit: "request", server: "ttft=0s&itl=0s&max-num-seqs=100000",
		streams: 20, tokens: 1, requests: 20_000, target: 1.6, whole: 1.35},
	{name: "full speed, 20 streams", unit: "token", server: "ttft=0s&itl=0s&tokens-per-chunk=1&max-num-seqs=100000",
		streams: 20, tokens: 200, requests: 4000},
}

func bench(rounds int, length time.Duration, k6 string) error {
	fmt.Printf("%d rounds of %v a row; CPU of the client's process, median (least to most) over the rounds\n", rounds,
		length)
	for _, w := range workloads {
		s, err := serve("", w.server)
		if err != nil {
			return err
		}
		err = compare(w, s.url, rounds, length, k6)
		s.stop()
		if err != nil {
			return err
		}
	}
	return nil
}

func verdict(met bool) string { return map[bool]string{true: "met", false: "MISSED"}[met] }

// compare runs the clients in turn, so that a slower phase of the machine affects all of them.
func compare(w workload, url string, rounds int, length time.Duration, k6 string) error {
	fmt.Printf("\n%s: µs of CPU per %s\n", w.name, w.unit)
	var bare, own, ratio []float64
	whole, wholeRatio := make([][]float64, len(contenders)), make([][]float64, len(contenders))
	for range rounds {
		b, err := measure(w, length, bareClient(url, w.tokens))
		if err != nil {
			return err
		}
		do, err := llmClient(url, w.tokens, api.Completion)
		if err != nil {
			return err
		}
		o, err := measure(w, length, do)
		if err != nil {
			return err
		}
		bare, own, ratio = append(bare, b), append(own, o), append(ratio, o/b)
		for i, c := range contenders {
			if k6 == "" {
				break
			}
			cost, err := measureK6(w, c, url, length, k6)
			if err != nil {
				return err
			}
			whole[i], wholeRatio[i] = append(whole[i], cost), append(wholeRatio[i], cost/b)
		}
	}
	row("bare net/http, reads lines", bare)
	row("llm/client with record and samples", own)
	row("ratio", ratio)
	printTarget("target", median(ratio), w.target)
	for i, c := range contenders {
		if k6 == "" {
			break
		}
		row(c.name, whole[i])
		row("ratio", wholeRatio[i])
		if c.native {
			printTarget("target", median(wholeRatio[i]), w.whole)
		}
	}
	return nil
}

// printTarget prints whether a value is within its target. It prints nothing if the target is 0.
func printTarget(name string, value, target float64) {
	if target > 0 {
		fmt.Printf("  %-44s %8.3g  %s (at most %g)\n", name, value, verdict(value <= target), target)
	}
}

func row(name string, values []float64) {
	slices.Sort(values)
	fmt.Printf("  %-44s %8.3g  (%.3g to %.3g)\n", name, median(values), values[0], values[len(values)-1])
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

//go:build unix

// Bench measures the cost of the client as a ratio to a bare net/http client that only reads lines. Both clients run in
// this process, and the simulator in another. docs/performance.md explains the figures.
//
//	go run ./llm/internal/bench [-rounds 3] [-seconds 5] [-k6 bin/k6] [-only cost|bytes|growth|memory|late|tail]
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"
)

func main() {
	serve := flag.Bool("serve", false, "act as the simulator (bench uses it itself)")
	rounds := flag.Int("rounds", 3, "number of rounds; in each round, every client runs once")
	seconds := flag.Float64("seconds", 5, "length of one measurement")
	k6 := flag.String("k6", "bin/k6",
		"path of a k6 with this extension, for the rows with JavaScript; \"\" leaves them out")
	late := flag.String("late", "", "act as k6 with a script that prints its lateness (bench uses it itself)")
	only := flag.String("only", "", "run only this part: cost, bytes, growth, memory, late or tail")
	tailSelf := flag.Bool("tail-client", false, "act as the bare client of the tail (bench uses it itself)")
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
	case *tailSelf:
		err = tailClient()
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
		{"growth", func() error { return growth(rounds, length) }},
		{"memory", func() error { return vuMemory(rounds, k6) }},
		{"late", func() error { return lateness(30 * time.Second) }},
		{"tail", func() error { return tail(time.Minute, k6) }},
	} {
		if only != "" && only != part.name || k6 == "" && (part.name == "tail" || part.name == "memory") {
			continue
		}
		if err := part.run(); err != nil {
			return err
		}
	}
	return nil
}

// workload is a load on a simulator.
type workload struct {
	name    string
	unit    string // the unit to which the cost relates: a token or a request
	server  string // query of the simulator
	streams int
	tokens  int // per request
	target  float64
}

var workloads = []workload{
	{"paced: 300 streams, a token each 20 ms", "token", "ttft=50ms&itl=20ms&max-num-seqs=100000", 300, 200, 1.15},
	{"paced: 100 streams, a token each 10 ms", "token", "ttft=50ms&itl=10ms&max-num-seqs=100000", 100, 200, 1.15},
	{"one-token requests, 20 at a time", "request", "ttft=0s&itl=0s&max-num-seqs=100000", 20, 1, 1.6},
	{"full speed, 20 streams", "token", "ttft=0s&itl=0s&tokens-per-chunk=1&max-num-seqs=100000", 20, 200, 0},
}

func bench(rounds int, length time.Duration, k6 string) error {
	fmt.Printf("%d rounds of %v a row; CPU of the client's process, median (least to most) over the rounds\n", rounds,
		length)
	for _, w := range workloads {
		url, stop, err := startServer(w.server)
		if err != nil {
			return err
		}
		err = compare(w, url, rounds, length, k6)
		stop()
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
	var bare, own, ratio, whole, wholeRatio []float64
	for range rounds {
		b, err := measure(w, length, bareClient(url, w.tokens))
		if err != nil {
			return err
		}
		do, err := llmClient(url, w.tokens)
		if err != nil {
			return err
		}
		o, err := measure(w, length, do)
		if err != nil {
			return err
		}
		bare, own, ratio = append(bare, b), append(own, o), append(ratio, o/b)
		if k6 == "" {
			continue
		}
		cost, err := measureK6(w, url, length, k6)
		if err != nil {
			return err
		}
		whole, wholeRatio = append(whole, cost), append(wholeRatio, cost/b)
	}
	row("bare net/http, reads lines", bare)
	row("llm/client with record and samples", own)
	row("ratio", ratio)
	printTarget("target", median(ratio), w.target)
	if k6 != "" {
		row("k6: JavaScript, iteration, metrics, start", whole)
		row("ratio", wholeRatio)
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

// startServer runs this program as the simulator. It is a separate process, so that its CPU does not count.
func startServer(query string) (url string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	return serveBy(exec.Command(self, "-serve"), query)
}

// startServerOn starts the simulator like startServer, on one processor.
func startServerOn(processor int, query string) (url string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	return serveBy(on(processor, self, "-serve"), query)
}

// serveBy starts the simulator by a command. It returns its URL and a function that ends it.
func serveBy(cmd *exec.Cmd, query string) (url string, stop func(), err error) {
	cmd.Env = append(os.Environ(), "BENCH_SIM="+query)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	if _, err := fmt.Fscanln(out, &url); err != nil {
		return "", nil, fmt.Errorf("the simulator did not start: %w", err)
	}
	return url, func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() }, nil
}

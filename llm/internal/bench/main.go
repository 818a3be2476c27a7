//go:build unix

// Bench measures what the client costs, as ratios to a bare net/http client that only reads lines, both in this one
// process against a simulator in another. docs/performance.md explains the figures.
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
	serve := flag.Bool("serve", false, "be the simulator (used by bench itself)")
	rounds := flag.Int("rounds", 3, "rounds, each of every client in turn")
	seconds := flag.Float64("seconds", 5, "length of one measurement")
	k6 := flag.String("k6", "bin/k6", "k6 with this extension, for the rows with JavaScript; \"\" leaves them out")
	late := flag.String("late", "", "be k6 with a script that tells its lateness (used by bench itself)")
	only := flag.String("only", "", "only one part: cost, bytes, growth, memory, late or tail")
	tailSelf := flag.Bool("tail-client", false, "be the bare client of the tail (used by bench itself)")
	memorySelf := flag.Bool("memory-client", false,
		"be the bare client whose memory is measured (used by bench itself)")
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

// all runs the parts, or only one of them.
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

// workload is one shape of load.
type workload struct {
	name    string
	unit    string // what the cost is per
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

// compare runs the clients in turn, so that a machine that slows down slows all.
func compare(w workload, url string, rounds int, length time.Duration, k6 string) error {
	fmt.Printf("\n%s: µs of CPU per %s\n", w.name, w.unit)
	var bare, ours, ratio, whole, wholeRatio []float64
	for range rounds {
		b, err := measure(w, length, bareClient(url, w.tokens))
		if err != nil {
			return err
		}
		do, err := ourClient(url, w.tokens)
		if err != nil {
			return err
		}
		o, err := measure(w, length, do)
		if err != nil {
			return err
		}
		bare, ours, ratio = append(bare, b), append(ours, o), append(ratio, o/b)
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
	row("llm/client with record and samples", ours)
	row("ratio", ratio)
	aim("target", median(ratio), w.target)
	if k6 != "" {
		row("k6: JavaScript, iteration, metrics, start", whole)
		row("ratio", wholeRatio)
	}
	return nil
}

// aim says whether a value is within its target; 0 is none.
func aim(name string, value, target float64) {
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

// startServer runs this program as the simulator, in a process of its own so that its CPU is not counted.
func startServer(query string) (url string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	return serveBy(exec.Command(self, "-serve"), query)
}

// startServerOn does so on one processor.
func startServerOn(processor int, query string) (url string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	return serveBy(on(processor, self, "-serve"), query)
}

// serveBy gives the simulator's address, and what ends it.
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

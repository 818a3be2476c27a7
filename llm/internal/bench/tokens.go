//go:build unix

package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/seed-307b789f/xk6-llm/convert"
)

// Targets at 100,000 tokens per second on one processor.
const (
	delayTarget    = 3.0 // ms from the simulator's write to our read, p99
	latenessTarget = 1.0 // ms, p99
	tokenTarget    = 9.0 // µs of CPU per token, for the whole of k6
	memoryTarget   = 250 // MB
	wholeTarget    = 1.1 // whole of k6 over the bare client, per paced token
)

// tokens prints the figures of 100,000 tokens per second on one processor: of the bare client, and of k6, which sends
// at the same instants.
func tokens(rounds int, length time.Duration, k6 string) error {
	l := stamped{rate: 1000, tokens: 100, itl: 10 * time.Millisecond, length: length, processors: "0", procs: 1}
	fmt.Printf("\n%.0f requests/s of %d tokens for %v, Poisson arrivals, on one processor\n", l.rate, l.tokens, length)
	printHeader()
	for range rounds {
		bare, err := l.bare()
		if err != nil {
			return err
		}
		bare.print("bare net/http, reads lines", "")
		for _, c := range contenders {
			o, err := l.by(c, k6)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			o.print(c.name, o.health.Verdict)
			for _, reason := range o.health.Reasons {
				fmt.Println("   ", reason)
			}
			if !c.native {
				continue
			}
			fmt.Printf("    %s: %s (VALID)\n", o.health.Verdict, verdict(o.health.Verdict == convert.Valid))
			printTarget("delay p99, ms", o.All.P99, delayTarget)
			printTarget("lateness p99, ms", o.lateness(), latenessTarget)
			printTarget("µs of CPU per token", o.perToken(), tokenTarget)
			printTarget("memory, MB", float64(o.memory)/1e6, memoryTarget)
			printTarget("ratio to the bare client, per token", o.perToken()/bare.perToken(), wholeTarget)
		}
	}
	return nil
}

func printHeader() {
	fmt.Printf("  %-44s %8s %8s %8s %8s %8s %6s %9s %6s\n", "", "p50, ms", "p99, ms", "max, ms", "late p99", "µs/token",
		"MB", "simulator", "host")
}

// print prints the delays from the simulator's writing of a token to its reading, the lateness, and what they cost.
func (o outcome) print(name, note string) {
	fmt.Printf("  %-44s %8.3f %8.3f %8.1f %8.3f %8.2f %6.0f %8.0f%% %5.1f%%  %d tokens, %d dropped %s\n", name,
		o.All.P50, o.All.P99, o.All.Max, o.lateness(), o.perToken(), float64(o.memory)/1e6, 100*o.busy, 100*o.host,
		o.Tokens, o.end.Dropped, note)
}

// procs prints what GOMAXPROCS does to a load of 50,000 tokens per second. The simulator keeps the second processor,
// and the client may use all.
func procs(length time.Duration, k6 string) error {
	fmt.Printf("\nGOMAXPROCS at 500 requests/s of 100 tokens for %v; the simulator has one of the %d processors too\n",
		length, runtime.NumCPU())
	printHeader()
	for _, n := range []int{1, 2, 4} {
		l := stamped{rate: 500, tokens: 100, itl: 10 * time.Millisecond, length: length, procs: n}
		bare, err := l.bare()
		if err != nil {
			return err
		}
		bare.print(fmt.Sprintf("GOMAXPROCS=%d: bare net/http", n), "")
		c := contenders[len(contenders)-1]
		o, err := l.by(c, k6)
		if err != nil {
			return err
		}
		o.print(fmt.Sprintf("GOMAXPROCS=%d: %s", n, c.name), o.health.Verdict)
	}
	return nil
}

//go:build unix

package main

import (
	"fmt"
	"time"
)

const tailTarget = 2.0

// tail prints the time from the simulator's writing of a token to the client's reading of it, on one processor: for a
// bare client, then for k6, which send at the same instants. With the extension's default settings there may be no
// garbage collection in a minute, so k6 runs once more with Go's default GOGC.
func tail(length time.Duration, k6 string) error {
	l := stamped{rate: 100, tokens: 200, itl: 50 * time.Millisecond, length: length, processors: "0", procs: 1}
	fmt.Printf("\nreceive delay of a token, ms, on one processor: %.0f streams of 20 tokens/s, Poisson arrivals, %v\n",
		l.streams(), length)
	fmt.Printf("  %-44s %8s %8s %8s   %8s %8s\n", "", "p50", "p99", "max", "p99 first", "p99 gap")
	bare, err := l.bare()
	if err != nil {
		return err
	}
	bare.printDelay("bare net/http, reads lines")
	for _, c := range contenders {
		for _, gogc := range []string{"", "100"} {
			name := c.name
			if c.gogc = gogc; gogc != "" {
				name += ", GOGC=" + gogc
			}
			o, err := l.by(c, k6)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			o.printDelay(name)
			printTarget("ratio of the p99", o.All.P99/bare.All.P99, tailTarget)
		}
	}
	return nil
}

func (o outcome) printDelay(name string) {
	fmt.Printf("  %-44s %8.3f %8.3f %8.1f   %8.3f %8.3f   %d tokens, %d collections, %d dropped, host took %.1f %%\n",
		name, o.All.P50, o.All.P99, o.All.Max, o.First.P99, o.Gaps.P99, o.Tokens, o.end.Health.GCCycles, o.end.Dropped,
		100*o.host)
}

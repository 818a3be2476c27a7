//go:build unix

package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/host"
)

// requestTarget is the rate of one-token requests that one processor is to send.
const requestTarget = 20_000

// requestRates prints the highest rate of one-token requests that k6 sends on one processor, beside the simulator on
// another, without dropping one and with a lateness p99 of at most 1 ms. A rate that it misses is tried once more.
func requestRates(length time.Duration, k6 string) error {
	fmt.Printf("\none-token requests for %v, Poisson arrivals, on one processor\n", length)
	fmt.Printf("  %-44s %8s %8s %8s %9s %10s %9s\n", "", "per s", "late p50", "late p99", "dropped", "µs/request",
		"simulator")
	for _, c := range contenders {
		best := 0
		for rate := 2500; rate <= 30_000; rate += 2500 {
			bears, err := requestsAt(rate, length, c, k6)
			if err == nil && !bears {
				bears, err = requestsAt(rate, length, c, k6)
			}
			if err != nil {
				return err
			}
			if !bears {
				break
			}
			best = rate
		}
		fmt.Printf("  %-44s %8d per s", c.name, best)
		if c.native {
			fmt.Printf("  %s (at least %d)", verdict(best >= requestTarget), requestTarget)
		}
		fmt.Println()
	}
	return nil
}

// requestsAt prints the figures of a rate, and reports whether k6 bears it.
func requestsAt(rate int, length time.Duration, c contender, k6 string) (bears bool, err error) {
	s, err := serve("1", "ttft=0s&itl=0s&max-num-seqs=100000")
	if err != nil {
		return false, err
	}
	defer s.stop()
	load := fmt.Sprintf(`{"stages": [{"rate": %d, "duration": %q}], "arrival": "poisson", "seed": %d,
		"preAllocatedVUs": 300, "maxVUs": 300}`, rate, length, stampedSeed)
	err = scratch(func(dir string) error {
		steal, start := host.ReadSteal(), time.Now()
		u, err := k6Run{contender: c, k6: k6, url: s.url, tokens: 1, load: load, processors: "0", procs: 1}.run(dir)
		if err != nil {
			return err
		}
		busy := s.cpu().Seconds() / time.Since(start).Seconds()
		r, err := readRun(filepath.Join(dir, "run.jsonl"))
		if err != nil {
			return err
		}
		end := r.Ends[0]
		p50, p99 := float64(*end.Health.LatenessP50)/1e6, float64(*end.Health.LatenessP99)/1e6
		bears = end.Dropped == 0 && end.Failed == 0 && p99 <= latenessTarget
		fmt.Printf("  %-44s %8d %8.3f %8.3f %9d %10.1f %8.0f%%   %d failed, host took %.1f %%\n", c.name, rate, p50,
			p99, end.Dropped, float64(u.cpu.Microseconds())/float64(end.Requests), 100*busy, end.Failed,
			100*host.ReadSteal().Since(steal))
		return nil
	})
	return bears, err
}

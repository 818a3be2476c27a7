//go:build unix

package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// apis prints the cost of a token in each API, and its ratio to that in a chat of the same round.
func apis(rounds int, length time.Duration) error {
	w := workload{server: "ttft=50ms&itl=10ms&max-num-seqs=100000", streams: 100, tokens: 200}
	s, err := serve("", w.server)
	if err != nil {
		return err
	}
	defer s.stop()
	fmt.Printf("\nAPIs: 100 streams, a token each 10 ms: µs of CPU per token\n")
	dialects := slices.DeleteFunc(api.All(), func(d api.Dialect) bool { return !d.Input().Generates() })
	costs, ratios := make([][]float64, len(dialects)), make([][]float64, len(dialects))
	for range rounds {
		chat := 0.0
		for i, dialect := range dialects { // chat is the first
			do, err := llmClient(s.url, w.tokens, dialect)
			if err != nil {
				return err
			}
			cost, err := measure(w, length, do)
			if err != nil {
				return err
			}
			if dialect == api.Chat {
				chat = cost
			}
			costs[i], ratios[i] = append(costs[i], cost), append(ratios[i], cost/chat)
		}
	}
	for i, dialect := range dialects {
		row(dialect.Name(), costs[i])
		row("  ratio to chat", ratios[i])
	}
	return nil
}

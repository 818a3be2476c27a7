package command

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"
)

func writeLevelsJSON(w io.Writer, all []measured) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(map[string]any{
		"schema": "xk6-llm-selftest/1", "os": runtime.GOOS, "arch": runtime.GOARCH, "cpus": runtime.NumCPU(), "levels": all, "trusted_up_to": trustedUpTo(all),
	})
}

// trustedUpTo is the busiest level that is trusted, by its streams and tokens per second; nil if none is.
func trustedUpTo(all []measured) map[string]any {
	var best *measured
	for i := range all {
		if m := &all[i]; m.Trusted && (best == nil || m.load() > best.load()) {
			best = m
		}
	}
	if best == nil {
		return nil
	}
	return map[string]any{"streams": best.Streams, "tokens_per_sec": best.load()}
}

func (m *measured) load() float64 { return float64(m.Streams) * m.TokensPerSec }

// writeLevels writes a table and the verdict.
func writeLevels(out io.Writer, all []measured) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\t\n", args...) }
	line("streams\ttokens/s\tfirst token, ms\t\t\tgaps, ms\t\t\tend, ms\t\t\tlate, ms\t\tdropped\tCPU\tsteal\tmemory\tGCs\ttrust")
	line("\tin all\tp50\tp99\tmax\tp50\tp99\tmax\tp50\tp99\tmax\tp50\tp99\t\t\t\t\t\t")
	for _, m := range all {
		trust := "no"
		if m.Trusted {
			trust = "yes"
		}
		line("%d\t%.0f\t%.2f\t%.2f\t%.1f\t%.2f\t%.2f\t%.1f\t%.2f\t%.2f\t%.1f\t%.2f\t%.2f\t%d\t%.0f%%\t%.1f%%\t%.0f MB\t%d\t%s", m.Streams, m.load(), m.First.P50, m.First.P99, m.First.Max,
			m.Gaps.P50, m.Gaps.P99, m.Gaps.Max, m.End.P50, m.End.P99, m.End.Max, m.LatenessP50, m.LatenessP99, m.Dropped, 100*m.CPUShare, 100*m.Steal, float64(m.Memory)/1e6, m.Collections, trust)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	verdict := "This machine adds too much even at the first level: do not trust figures measured on it."
	if best := trustedUpTo(all); best != nil {
		verdict = fmt.Sprintf("On this machine trust it up to %d streams and %.0f tokens/s in all (p99 of every error at most %d ms).", best["streams"], best["tokens_per_sec"], trustP99)
	}
	_, err := fmt.Fprintf(out, "\n%s\nClient and simulator shared %d processors; CPU is the client's share of the %d it may use.\n", verdict, runtime.NumCPU(), runtime.GOMAXPROCS(0))
	return err
}

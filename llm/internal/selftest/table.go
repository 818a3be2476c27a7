package selftest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// WriteJSON writes the levels, the machine, and the loads at which the machine can be trusted.
func WriteJSON(w io.Writer, all []Measured) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(map[string]any{
		"schema": "xk6-llm-selftest/1", "os": runtime.GOOS, "arch": runtime.GOARCH, "cpus": runtime.NumCPU(),
		"levels": all, "trusted_up_to": trustedUpTo(all),
	})
}

// extent is a load at which a machine can be trusted.
type extent struct {
	Streams      int     `json:"streams"`
	TokensPerSec float64 `json:"tokens_per_sec"` // of all streams
}

// trustedUpTo returns the trusted levels that no other trusted level exceeds in both streams and tokens per second, the
// busiest first.
func trustedUpTo(all []Measured) []extent {
	var trusted []extent
	for i := range all {
		if all[i].Trusted {
			trusted = append(trusted, extent{all[i].Streams, all[i].load()})
		}
	}
	slices.SortFunc(trusted, func(a, b extent) int {
		return cmp.Or(cmp.Compare(b.TokensPerSec, a.TokensPerSec), cmp.Compare(b.Streams, a.Streams))
	})
	list := []extent{}
	for _, e := range trusted {
		if len(list) == 0 || e.Streams > list[len(list)-1].Streams {
			list = append(list, e)
		}
	}
	return list
}

func (m *Measured) load() float64 { return float64(m.Streams) * m.TokensPerSec }

// WriteTable writes a table of the levels and the verdict about the machine. There must be a level.
func WriteTable(out io.Writer, all []Measured) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\t\n", args...) }
	line("streams\ttokens/s\tfirst token, ms\t\t\tgaps, ms\t\t\tend, ms\t\t\tlate, " +
		"ms\t\tdropped\tCPU\tsteal\tmemory\tGCs\ttrust")
	line("\tin all\tp50\tp99\tmax\tp50\tp99\tmax\tp50\tp99\tmax\tp50\tp99\t\t\t\t\t\t")
	for _, m := range all {
		if m.LeftOut != "" {
			line("%d\t%.0f"+strings.Repeat("\t", 17)+"left out", m.Streams, m.load())
			continue
		}
		trust := "no"
		if m.Trusted {
			trust = "yes"
		}
		line("%d\t%.0f\t%.2f\t%.2f\t%.1f\t%.2f\t%.2f\t%.1f\t%.2f\t%.2f\t%.1f\t%.2f\t%.2f\t%d\t%.0f%%\t%.1f%%\t%.0f "+
			"MB\t%d\t%s", m.Streams, m.load(), m.First.P50, m.First.P99, m.First.Max,
			m.Gaps.P50, m.Gaps.P99, m.Gaps.Max, m.End.P50, m.End.P99, m.End.Max, m.LatenessP50, m.LatenessP99,
			m.Dropped, 100*m.CPUShare, 100*m.Steal, float64(m.Memory)/1e6, m.Collections, trust)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, m := range all {
		if m.LeftOut != "" {
			_, _ = fmt.Fprintf(out, "\nleft out: %s\n", m.LeftOut)
		}
	}
	verdict := "This machine adds too much even at the first level: do not trust figures measured on it."
	if list := trustedUpTo(all); len(list) > 0 {
		var extents []string
		for _, e := range list {
			extents = append(extents, fmt.Sprintf("%.0f tokens/s of %d streams", e.TokensPerSec, e.Streams))
		}
		verdict = fmt.Sprintf("On this machine trust it up to %s (p99 of every error at most %d ms).",
			strings.Join(extents, ", or "), trustP99)
	}
	_, err := fmt.Fprintf(out,
		"\n%s\nClient and simulator shared %d processors; CPU is the client's share of the %d it may use.\n", verdict,
		runtime.NumCPU(), runtime.GOMAXPROCS(0))
	return err
}

package status

import (
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// class adds up the requests of a label.
type class struct {
	requests, failed, left int64
	judged, good           int64
	ttft                   histogram
}

func (c *class) add(r *record.Request) {
	c.requests++
	switch {
	case r.ErrorType == record.ErrorAbandoned:
		c.left++
		return
	case r.Unfinished():
		return
	case r.Failed():
		c.failed++
	}
	if r.Good != nil {
		c.judged++
		if *r.Good {
			c.good++
		}
	}
	if ttft, known := r.TTFT(); known && !r.Failed() {
		c.ttft.add(ttft)
	}
}

// classify counts a request among those of its label.
func (b *Board) classify(r *record.Request) {
	if r.Label == "" {
		return
	}
	c := b.labels[r.Label]
	if c == nil {
		c = new(class)
		if b.labels == nil {
			b.labels = map[string]*class{}
		}
		b.labels[r.Label] = c
	}
	c.add(r)
}

// Labels returns the labels of the requests that have ended, of a nil board none.
func (b *Board) Labels() []string {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.labels))
}

// classes writes a row for each label, if there are several.
func (s *summaryText) classes() {
	names := slices.Sorted(maps.Keys(s.labels))
	if len(names) < 2 {
		return
	}
	width := labelWidth
	for i := range names {
		width = max(width, 2+utf8.RuneCountInString(plain.OneLine(names[i], longestName)))
	}
	fmt.Fprintf(s, "\n  %-*s%10s%10s%10s%14s%10s%10s\n", width, "class", "requests", "failed", "left", "TTFT p50, ms",
		"p99, ms", "SLO kept")
	for _, name := range names {
		c := s.labels[name]
		fmt.Fprintf(s, "  %-*s%10s%10s%10s%14s%10s%10s\n", width, plain.OneLine(name, longestName), Grouped(c.requests),
			count(c.failed), count(c.left), c.quantile(0.5), c.quantile(0.99), orDash(percent(c.good, c.judged)))
	}
}

func (c *class) quantile(q float64) string {
	d, known := c.ttft.quantile(q)
	if !known {
		return "-"
	}
	return fineMillis(d)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

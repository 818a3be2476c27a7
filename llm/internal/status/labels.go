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

// classes are the requests of each label, or of each endpoint.
type classes map[string]*class

// add counts a request among those of a name, unless it has none.
func (all *classes) add(name string, r *record.Request) {
	if name == "" {
		return
	}
	c := (*all)[name]
	if c == nil {
		c = new(class)
		if *all == nil {
			*all = classes{}
		}
		(*all)[name] = c
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

// longestEndpoint bounds the length of an endpoint's name: that of an address says at its end which it is.
const longestEndpoint = 40

// classes writes a row for each label, or endpoint, if there are several. It leaves out columns in which none has a
// figure.
func (s *summaryText) classes(head string, longest int, all classes) {
	names := slices.Sorted(maps.Keys(all))
	if len(names) < 2 {
		return
	}
	width := labelWidth
	var sum class
	for i := range names {
		width = max(width, 2+utf8.RuneCountInString(plain.OneLine(names[i], longest)))
		sum.left, sum.judged = sum.left+all[names[i]].left, sum.judged+all[names[i]].judged
	}
	line := func(name string, cells ...string) {
		fmt.Fprintf(s, "  %-*s%10s%10s", width, name, cells[0], cells[1])
		if sum.left > 0 {
			fmt.Fprintf(s, "%8s", cells[2])
		}
		fmt.Fprintf(s, "%15s%10s", cells[3], cells[4])
		if sum.judged > 0 {
			fmt.Fprintf(s, "%10s", cells[5])
		}
		s.WriteString("\n")
	}
	quantile := func(c *class, q float64) string { return orDash(s.doubted(&c.ttft, q, alone, fineMillis)) }
	s.WriteString("\n")
	line(head, "requests", "failed", "left", "TTFT p50, ms", "p99, ms", "SLO kept")
	for _, name := range names {
		c := all[name]
		line(plain.OneLine(name, longest), Grouped(c.requests), count(c.failed), count(c.left), quantile(c, 0.5),
			quantile(c, 0.99), orDash(percent(c.good, c.judged)))
	}
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

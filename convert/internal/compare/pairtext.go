package compare

import (
	"fmt"
	"io"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// pairs prints a comparison of pairs.
func (t *lines) pairs(r *Result) {
	if outcome := r.outcome(); outcome != "" {
		t.say("verdict: %s", outcome)
		t.line("")
	}
	for i, arm := range r.Groups {
		if i > 0 {
			t.line("")
		}
		t.say("%s against %s: %s", arm.Group, r.Base.Name, arm.Pairs.text(r.Base.Name, arm.Group))
		t.gates(arm.Gates)
		t.overheads(arm.shown(r.All), arm)
		for _, text := range arm.Pairs.sentences(arm) {
			t.say("%s", text)
		}
	}
}

// shown returns the figures to print: p50, p90 and p99, or all.
func (r *Result) shown(all bool) (list []Metric) {
	gated := map[string]bool{}
	for _, g := range r.Gates {
		gated[g.Metric] = true
	}
	for _, m := range r.Metrics {
		statistic, _, _ := strings.Cut(m.Name, "(")
		if all || gated[m.Name] || statistic == "p50" || statistic == "p90" || statistic == "p99" {
			list = append(list, m)
		}
	}
	return list
}

// text describes how many pairs there are, and in which order they were sent.
func (f *PairFacts) text(base, other string) string {
	text := fmt.Sprintf("%d pairs, %s first in %d, %s in %d", f.Pairs, base, f.BaseFirst, other, f.Pairs-f.BaseFirst)
	var left []string
	for _, why := range []struct {
		n    int
		what string
	}{{f.Failed, "with a failure"}, {f.Abandoned, "whose user left"}, {f.Alone, "without a partner"}} {
		if why.n > 0 {
			left = append(left, fmt.Sprintf("%d %s", why.n, why.what))
		}
	}
	if left != nil {
		text += "; left out: " + strings.Join(left, ", ")
	}
	return text
}

// sentences tells what else is known of the pairs.
func (f *PairFacts) sentences(arm *Result) (list []string) {
	if f.Pairs == 0 {
		return nil
	}
	c := f.Chunks
	chunks := fmt.Sprintf("chunks: %d in %d reads by %s, %d in %d reads by %s", c.Base, c.BaseReads, arm.Base.Name,
		c.Other, c.OtherReads, arm.Group)
	if c.Merged > 0 {
		chunks += fmt.Sprintf("; merged in %d of %d pairs", c.Merged, f.Pairs)
	}
	if c.Split > 0 {
		chunks += fmt.Sprintf("; split in %d of %d pairs", c.Split, f.Pairs)
	}
	if c.Unmatched > 0 {
		chunks += fmt.Sprintf("; %d pairs cannot be matched chunk by chunk", c.Unmatched)
	}
	if d := c.Later; d != nil {
		chunks += fmt.Sprintf("; single chunks are later by %s, %s and %s ms (p50, p90, p99, with their noise)",
			signed(d.P50*1000), signed(d.P90*1000), signed(d.P99*1000))
	}
	bytes := fmt.Sprintf("bytes received: %d by %s, %d by %s; ", f.Bytes.Base, arm.Base.Name, f.Bytes.Other, arm.Group)
	if f.Bytes.Changed > 0 {
		bytes += fmt.Sprintf("other in %d of %d pairs", f.Bytes.Changed, f.Pairs)
	} else {
		bytes += "as many in each pair"
	}
	return append(append([]string{chunks, bytes}, f.orderTexts()...), arm.Notes...)
}

// orderTexts tells what being second of a pair does to a request, by the figure of which that is surest.
func (f *PairFacts) orderTexts() []string {
	for _, name := range []string{"p50(ttft)", "mean(ttft)", "p50(request_latency)", "mean(request_latency)"} {
		for _, e := range f.Order {
			if e.Name != name {
				continue
			}
			how, change, low, high := "slower: the server may still be busy with the first", e.Change,
				e.Interval.Low, e.Interval.High
			if e.Change < 0 {
				how, change, low, high = "faster: "+f.cache(), -change, -high, -low
			}
			return []string{fmt.Sprintf("the second of a pair is %s ms [%s, %s] %s (%s; it is not in the overhead)",
				digits(change*1000), digits(low*1000), digits(high*1000), how, name)}
		}
	}
	return nil
}

// cache tells why the second of a pair may be faster: for sure only if the server found more of its prompt cached.
func (f *PairFacts) cache() string {
	if f.CachedSecond > f.CachedFirst {
		return fmt.Sprintf("the server caches prompts, %d cached tokens against %d of the first", f.CachedSecond,
			f.CachedFirst)
	}
	return "the server may cache prompts"
}

// overheads prints the overheads of an arm.
func (t *lines) overheads(metrics []Metric, r *Result) {
	if len(metrics) == 0 {
		return
	}
	t.line("")
	t.grid(func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "metric\t%s\t%s\tdifference, ms [%s %%]\n", plain.Terminal(r.Base.Name),
			plain.Terminal(r.Group), percentText(r.Level))
		for i := range metrics {
			m := &metrics[i]
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", plain.Terminal(m.Name), optional(m.Base, m.Unit),
				optional(m.New, m.Unit), m.overhead())
		}
	})
}

// overhead formats the overhead with its interval: +5.02 [+4.97, +5.07].
func (m *Metric) overhead() string {
	if m.Change == nil {
		return "-"
	}
	text := hundredths(*m.Change)
	if m.Interval != nil {
		text += fmt.Sprintf(" [%s, %s]", hundredths(m.Interval.Low), hundredths(m.Interval.High))
	}
	if len(m.Warnings) > 0 {
		text += " (" + strings.Join(m.Warnings, "; ") + ")"
	}
	return text
}

// hundredths formats seconds as milliseconds with two decimals.
func hundredths(seconds float64) string {
	text := fmt.Sprintf("%+.2f", seconds*1000)
	if text == "-0.00" {
		return "+0.00"
	}
	return text
}

// overheadCase returns an overhead as a test case, which fails for nothing but a gate.
func (m *Metric) overheadCase() junitCase {
	status := GatePassed
	if m.Interval == nil {
		status = GateUndecided
	}
	return newJUnitCase("overhead", m.Name, status, "", m.overhead()+" ms")
}

func (t *lines) markdownPairs(r *Result) {
	title := "### Overhead"
	if outcome := r.outcome(); outcome != "" {
		title += ": " + outcome
	}
	t.line("%s", title)
	for _, arm := range r.Groups {
		t.line("")
		t.line("**%s** against %s: %s", plain.Markdown(arm.Group), plain.Markdown(r.Base.Name),
			plain.Markdown(arm.Pairs.text(r.Base.Name, arm.Group)))
		t.markdownGates(arm.Gates)
		t.line("")
		t.line("| metric | %s | %s | difference, ms [%s %%] |", plain.Markdown(r.Base.Name), plain.Markdown(arm.Group),
			percentText(r.Level))
		t.line("|---|---:|---:|---:|")
		for _, m := range arm.shown(true) {
			t.line("| %s | %s | %s | %s |", plain.Markdown(m.Name), optional(m.Base, m.Unit), optional(m.New, m.Unit),
				plain.Markdown(m.overhead()))
		}
		t.line("")
		for _, text := range arm.Pairs.sentences(arm) {
			t.line("- %s", plain.Markdown(text))
		}
	}
}

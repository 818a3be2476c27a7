package probe

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// line is a fact on the terminal.
type line struct{ name, text string }

// lines returns the facts in the order in which users ask for them.
func (r *Result) lines() (list []line) {
	add := func(name, text string) {
		if text != "" {
			list = append(list, line{name, text})
		}
	}
	add("server", r.server())
	add("path", r.Endpoint)
	add("model", r.model())
	add("key", r.Key)
	if r.Usable {
		add("stream", r.stream())
		add("usage", r.usage())
		add("cache", r.cache())
		add("ignore_eos", r.keptEOS())
		add("max_tokens", r.keptLimit())
		add("min_tokens", r.MinTokens)
	}
	add("metrics", r.MetricsPage)
	if r.Usable || r.Tokenize != "" {
		add("tokens", r.counting())
	}
	return list
}

func (r *Result) server() string {
	name := strings.TrimSpace(r.Software + " " + r.Version)
	if r.RoundTrip == 0 {
		return name
	}
	if name == "" {
		name = "unknown software"
	}
	return fmt.Sprintf("%s, %s away", name, milliseconds(r.RoundTrip))
}

// milliseconds returns a time with two figures that count.
func milliseconds(ms float64) string {
	if ms < 10 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

// mostListed is how many models a message lists.
const mostListed = 4

// listed joins names, and counts those beyond the most.
func listed(names []string, most int) string {
	text := strings.Join(names[:min(len(names), most)], ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func (r *Result) model() string {
	model := r.Settings.Model
	switch {
	case model == "":
		return ""
	case len(r.Models) == 0:
		return model + " (the server lists none)"
	case len(r.Models) == 1 && r.Models[0] == model:
		return model
	}
	return fmt.Sprintf("%s; served are %s", model, listed(r.Models, mostListed))
}

func (r *Result) stream() string {
	switch {
	case !r.Streams:
		return "no: answers come whole, so there is no TTFT and no ITL"
	case r.Events == 0:
		return fmt.Sprintf("yes, but no text within %d tokens", limit)
	case r.AtOnce:
		return "yes, but all at once at the end: something on the way holds events back"
	case r.TokensPerEvent == 0:
		return "yes"
	case r.TokensPerEvent < 1.1 && r.TokensPerEvent > 0.9:
		return "yes, one token an event"
	case r.TokensPerEvent <= 0.9:
		return fmt.Sprintf("yes, %d events for %.0f tokens", r.Events, r.TokensPerEvent*float64(r.Events))
	}
	return fmt.Sprintf("yes, about %.1f tokens an event", r.TokensPerEvent)
}

func (r *Result) usage() string {
	switch {
	case r.Usage && r.UsageUnstreamed:
		return "with and without streaming"
	case r.Usage:
		return "with streaming alone"
	case r.UsageUnstreamed:
		return "without streaming alone: of streams, events or a tokenizer count tokens"
	}
	return "none: events or a tokenizer count tokens"
}

func (r *Result) cache() string {
	if r.CachedTokens == nil {
		return "cached tokens are not reported"
	}
	return fmt.Sprintf("%d of %d prompt tokens at the second time", *r.CachedTokens, r.PromptTokens)
}

func (r *Result) keptEOS() string {
	switch {
	case r.IgnoreEOS == Kept && r.Stopped == 0:
		return fmt.Sprintf("kept: %d tokens, where the model stops earlier", limit)
	case r.IgnoreEOS == Kept:
		return fmt.Sprintf("kept: %d tokens, where the model stops after %d", limit, r.Stopped)
	case r.IgnoreEOS == Accepted && r.MaxTokens == Kept:
		return fmt.Sprintf("accepted: %d tokens came for %d asked", limit, limit)
	case r.IgnoreEOS == Ignored:
		return "ignored: answers end where the model stops"
	}
	return r.IgnoreEOS
}

func (r *Result) keptLimit() string {
	switch {
	case r.MaxTokens == Ignored:
		return fmt.Sprintf("ignored: more than %d tokens came", limit)
	case r.Settings.MaxTokensField != maxCompletionTokens:
		return r.MaxTokens
	}
	return r.MaxTokens + ", as " + maxCompletionTokens
}

func (r *Result) counting() string {
	if r.Tokenize == "" {
		return "no /tokenize"
	}
	return "counted by " + r.Tokenize
}

// nameWidth is the width of the column of names.
const nameWidth = 12

// WriteText writes a line for each fact, of at most so many columns, and what to do about it.
func (r *Result) WriteText(w io.Writer, columns int) error {
	out := bufio.NewWriter(w)
	for _, l := range r.lines() {
		WriteLine(out, l.name, l.text, columns)
	}
	r.writeAdvice(out, columns)
	return out.Flush()
}

// briefly reports whether a load is begun with a fact: what it measures, and what the server does not keep.
func (r *Result) briefly(name string) bool {
	switch name {
	case "server", "path", "model", "stream":
		return true
	case "usage":
		return !r.Usage
	case ignoreEOS:
		return r.IgnoreEOS == Ignored
	case "max_tokens":
		return r.MaxTokens == Ignored
	}
	return false
}

// WriteBrief writes what a load is begun with: the server, what it does not keep, and the flags that the load adopts.
func (r *Result) WriteBrief(w io.Writer, columns int) error {
	out := bufio.NewWriter(w)
	for _, l := range r.lines() {
		if r.briefly(l.name) {
			WriteLine(out, l.name, l.text, columns)
		}
	}
	for _, a := range r.Advice {
		WriteLine(out, map[bool]string{true: "adopted", false: "advice"}[a.Settled], a.Flag+": "+a.Why, columns)
	}
	return out.Flush()
}

func (r *Result) writeAdvice(out *bufio.Writer, columns int) {
	for _, a := range r.Advice {
		text := a.Flag + ": " + a.Why
		if a.Settled {
			text += "; bench adopts it"
		}
		WriteLine(out, "advice", text, columns)
	}
}

// WriteLine writes a name and a text, which goes on below itself where the line is full.
func WriteLine(out *bufio.Writer, name, text string, columns int) {
	fmt.Fprintf(out, "%-*s", nameWidth, name)
	room := max(columns-nameWidth, nameWidth)
	used := 0
	for i, word := range strings.Fields(plain.Terminal(text)) {
		n := len([]rune(word))
		switch {
		case i == 0:
		case used+1+n > room:
			fmt.Fprintf(out, "\n%*s", nameWidth, "")
			used = 0
		default:
			_ = out.WriteByte(' ') // Flush reports the error
			used++
		}
		_, _ = out.WriteString(word) // likewise
		used += n
	}
	_ = out.WriteByte('\n') // likewise
}

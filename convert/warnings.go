package convert

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// hasNote reports whether the client made a note about an answer.
func hasNote(q *run.Request, note string) bool { return strings.Contains(q.Note, note) }

// hasZeroUsage reports whether the server reported no output tokens for an answer that has content.
func hasZeroUsage(q *run.Request) bool {
	return hasNote(q, record.NoteZeroUsage) || q.ServerCompletion == 0 && q.ChunkCount > 0
}

// The finish reasons of answers, as servers and APIs name them.
var (
	stopReasons  = []string{"stop", "eos", "eos_token", "end_turn", "stop_sequence", "completed"}
	limitReasons = []string{"length", "max_tokens", "max_new_tokens", "max_output_tokens"}
	abortReasons = []string{"abort", "aborted", "error", "cancelled", "canceled"}
)

// endedBy adds up the counts of the given finish reasons, whatever their case.
func endedBy(counts map[string]int, reasons []string) (n int) {
	for reason, count := range counts {
		if slices.Contains(reasons, strings.ToLower(reason)) {
			n += count
		}
	}
	return n
}

// warner collects warnings.
type warner struct{ list []string }

func (w *warner) warn(when bool, format string, args ...any) {
	if when {
		w.list = append(w.list, fmt.Sprintf(format, args...))
	}
}

// warnings returns what a reader of the group's figures should know.
func (g *subset) warnings(a *Additions) []string {
	w := &warner{list: []string{}}
	w.warn(a.Simulator, "the answers came from the built-in simulator: these figures say nothing about any model")
	w.warnOfStop(g)
	w.warnOfWarmups(g.run)
	w.warnOfTimeouts(g)
	w.warnOfEnds(g, a.Finish)
	w.warnOfContent(g, a)
	w.warnOfNotes(g)
	w.warnOfChunks(g, a.Tokens, a.Health)
	w.warnOfCounts(g, a.Tokens)
	w.warnOfLengths(g, a.Tokens.Limit)
	w.warnOfCuts(g)
	w.warnOfVectors(a.Inputs[record.APIEmbeddings])
	if a.Media != nil {
		a.Media.warn(w, g)
	}
	for _, b := range a.blocks() {
		b.warn(w)
	}
	return w.list
}

// notes returns what a reader of the JSON should know, and no other.
func notes(a *Additions) []string {
	w := &warner{}
	w.warn(a.Requests.OneToken > 0,
		"%d answers of one token have no time_to_first_token in inference-perf's format; see latency.ttft",
		a.Requests.OneToken)
	return w.list
}

// warnOfAdapters warns if there are too many adapters to report on each.
func (p *Report) warnOfAdapters(reported map[string][]*run.Request) {
	if len(reported) < mostAdapters {
		return
	}
	all := map[string]bool{}
	for _, q := range p.run.Requests {
		all[q.Adapter] = q.Adapter != ""
	}
	delete(all, "")
	w := &warner{p.Summary.Additions.Warnings}
	w.warn(len(all) > len(reported),
		"the run has %d adapters: only the %d with the most requests have reports of their own; --adapter reports "+
			"on others", len(all), len(reported))
	p.Summary.Additions.Warnings = w.list
}

// addServer adds the state of the server, and warns if the server was restarted.
func (a *Additions) addServer(s *ServerState) {
	a.Server = s
	if s == nil {
		return
	}
	w := &warner{a.Warnings}
	w.warn(s.Restarts > 0,
		"the counters of a server's page began anew %d times: it was started again, or several servers answer under "+
			"its URL; its counts are null", s.Restarts)
	if c := s.Counts; c != nil {
		w.warn(c.unknown > 0,
			"the server gave up %s beside this run's failures: a gateway on the way sends requests again, or others "+
				"use the server", plural(c.unknown, "request"))
	}
	a.Warnings = w.list
}

// warnOfEnds warns of answers that may not be whole. The results of other tools lack the finish reason.
func (w *warner) warnOfEnds(g *subset, reasons map[string]int) {
	n := len(g.texts)
	if none := reasons[""]; g.run.Origin == "" {
		w.warn(none > 0 && none < n, "%d of %d answers ended without a finish reason: cut off by the server?", none, n)
		w.warn(none > 0 && none == n,
			"none of the %d answers has a finish reason: nobody can tell whether the server cut them off", n)
	}
	cut := endedBy(reasons, abortReasons)
	w.warn(cut > 0, "%d of %d answers were given up by the server (finish reason abort or error), and count as "+
		"successes", cut, n)
}

// warnOfContent warns of answers without content, which have no TTFT.
func (w *warner) warnOfContent(g *subset, a *Additions) {
	c, n := a.Requests, len(g.texts)
	content, see := "", ": TTFT is of the others; see ttfo"
	if c.NoContent == n {
		see = ", so there is no TTFT; see ttfo"
	}
	switch {
	case c.ReasoningOnly > 0 && c.ToolCallsOnly > 0:
		content = "reasoning or tool calls"
	case c.ToolCallsOnly > 0:
		content = "tool calls"
	case c.ReasoningOnly > 0:
		content = "reasoning"
	}
	if reasonsToTheLimit(g) {
		content += " (raise MAX_TOKENS)"
	}
	w.warnOfReasoning(g)
	only := c.ReasoningOnly + c.ToolCallsOnly
	w.warn(only > 0, "%d of %d answers have no content, only %s%s", only, n, content, see)
	empty := c.NoContent - only
	w.warn(empty > 0, "%d of %d answers are empty: they have no content, no reasoning and no tool call, and so no TTFT",
		empty, n)
}

// warnOfNotes counts the notes of the client that bear on the figures.
func (w *warner) warnOfNotes(g *subset) {
	for _, about := range []struct{ note, format string }{
		{record.NoteWhole,
			"%d of %d answers came whole although a stream was asked for: they have no TTFT, ITL and TPOT"},
		{record.NoteStreamed, "%d of %d answers were streamed although no stream was asked for"},
		{record.NoteChoices, "%d of %d answers have several choices: text, times and tokens are of the first"},
		{record.NoteCumulative, "%d of %d answers came in chunks of all the text so far, which counts once"},
		{record.NoteResent,
			"%d of %d requests were sent again at once: the server had closed the connection that it kept " +
				"alive, or gave them up"},
		{record.NoteCompressed,
			"%d of %d answers came compressed: their chunks come in blocks, so times of tokens, TTFT too, are not " +
				"the server's; take Accept-Encoding out of headers, or turn compression off in the proxy"},
		{record.NoteBroken, "%d of %d answers were whole when their connection broke, and count as successes"},
	} {
		times := 0
		for _, q := range g.ok {
			if hasNote(q, about.note) {
				times++
			}
		}
		w.warn(times > 0, about.format, times, len(g.ok))
	}
}

// warnOfReasoning shows how much of TTFT is reasoning.
func (w *warner) warnOfReasoning(g *subset) {
	var first, content []float64
	for _, q := range g.ok {
		if q.TTFR() < q.TTFT { // false if either is unknown
			first, content = append(first, q.TTFO()), append(content, q.TTFT)
		}
	}
	if len(first) == 0 {
		return
	}
	const ms = 1000
	median := func(values []float64) float64 {
		slices.Sort(values)
		return values[len(values)/2] * ms
	}
	w.warn(true, "%d of %d answers reason before their content, which TTFT includes: its median is %.0f ms, that of "+
		"the first output of any kind %.0f ms (latency.ttfo)",
		len(first), len(g.ok), median(content), median(first))
}

// reasonsToTheLimit reports whether an answer reached its limit of tokens before any content.
func reasonsToTheLimit(g *subset) bool {
	return slices.ContainsFunc(g.ok, func(q *run.Request) bool {
		return q.HasReasoning && !q.HasToolCalls && lacksContent(g, q) &&
			slices.Contains(limitReasons, strings.ToLower(q.FinishReason))
	})
}

// mostByLateness is the percentage of chunks up to which a load generator that reads late may be why they came
// together.
const mostByLateness = 60

// warnOfChunks warns if gaps between chunks are not gaps between tokens, or are artefacts.
func (w *warner) warnOfChunks(g *subset, t TokenCounts, h ClientHealth) {
	if d := t.PerChunk; d != nil {
		note := "inter_token_latency is of chunks, not of tokens; a tokenizer for the client would count them"
		if t.Output[record.ClientTokenizer] == len(g.texts) {
			note = "tokens of one chunk share a time, so that inter_token_latency has gaps of 0; see chunk_gap"
		}
		w.warn(d.Mean > 1.05, "chunks hold %.2f tokens on average: %s", d.Mean, note)
	}
	if slices.ContainsFunc(g.ok, func(q *run.Request) bool { return hasNote(q, record.NoteCompressed) }) {
		return // warnOfNotes names the cause
	}
	share := 100 * float64(t.Gaps.ChunkTogether) / float64(max(t.Gaps.Chunk, 1))
	if share > mostByLateness {
		w.warn(true,
			"%.1f %% of the chunks arrived together with the one before: the server, a proxy or the network holds "+
				"them (nginx needs proxy_http_version 1.1 or proxy_buffering off); read p50 of ITL with care", share)
		return
	}
	if len(h.Errors) > 0 && float64(h.Heartbeats.P99) > lateBounds[0] {
		w.warn(share > 1,
			"%.1f %% of the chunks were read together with the one before, because this load generator read late: "+
				"read p50 of ITL with care", share)
		return
	}
	if beats := h.Heartbeats; beats != nil && len(beats.Seconds) > 0 {
		w.warn(share > 1,
			"%.1f %% of the chunks came together with the one before: the server, a proxy or the network holds them, "+
				"or this load generator read late, as in %d of its seconds; read p50 of ITL with care", share,
			len(beats.Seconds))
		return
	}
	if h.Heartbeats == nil {
		w.warn(share > 1,
			"%.1f %% of the chunks arrived together with the one before: the server, a proxy or the network holds "+
				"them, or this load generator read late, which records alone tell; read p50 of ITL with care", share)
		return
	}
	w.warn(share > 1,
		"%.1f %% of the chunks arrived together with the one before: the server, a proxy or the network holds them; "+
			"read p50 of ITL with care", share)
}

// warnOfCounts warns of token counts that differ or cannot be relied on.
func (w *warner) warnOfCounts(g *subset, t TokenCounts) {
	w.warn(t.Differed > 0,
		"%d of %d prompts do not have the tokens they were made to have: is it the model's tokenizer?", t.Differed,
		t.Asked)
	w.warn(t.Prompt.Differed > 0,
		"the server counts other prompt tokens than the client in %d of %d requests (%d against %d in all)",
		t.Prompt.Differed, t.Prompt.Compared, t.Prompt.Server, t.Prompt.Client)
	w.warn(t.ZeroUsage > 0,
		"the server reports usage of no tokens, or of one for many chunks, in %d of %d answers: give a tokenizer, "+
			"so that the client counts", t.ZeroUsage, len(g.ok))
	w.warn(t.Completion.Differed > 0,
		"the server counts other output tokens than the client in %d of %d answers (%d against %d in all)%s",
		t.Completion.Differed, t.Completion.Compared, t.Completion.Server, t.Completion.Client, causeOfDifference(g))
	w.warn(t.Output[record.ContentChunks] > 0,
		"output tokens of %d answers are their chunks, for want of a better count", t.Output[record.ContentChunks])
}

// causeOfDifference names what the server and the client may count differently in the answers: reasoning or tool calls.
// It returns "" if the answers hold content alone.
func causeOfDifference(g *subset) string {
	reasoned, called, tokens := 0, 0, int64(0)
	for _, q := range g.ok {
		if !q.HasReasoning && !q.HasToolCalls {
			continue
		}
		d := q.Details()
		if q.ServerCompletion == none || d.ClientCompletion == none || q.ServerCompletion == d.ClientCompletion {
			continue
		}
		if q.HasReasoning {
			reasoned++
			tokens += int64(max(d.ServerReasoning, 0))
		}
		if q.HasToolCalls {
			called++
		}
	}
	var parts []string
	if reasoned > 0 {
		part := fmt.Sprintf("%d of them have reasoning", reasoned)
		if tokens > 0 {
			part += fmt.Sprintf(" (%d tokens by the server's count)", tokens)
		}
		parts = append(parts, part)
	}
	if called > 0 {
		parts = append(parts, fmt.Sprintf("%d of them have tool calls", called))
	}
	if parts == nil {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// warnOfLengths warns of answers that are shorter or longer than requested, by finish reason. If the model was free to
// end its answers, a stop is no reason for a warning.
func (w *warner) warnOfLengths(g *subset, l Limited) {
	many := func(n int) bool { return n*100 > l.Requests }
	stopped, called := endedBy(l.ShortBy, stopReasons), endedBy(l.ShortBy, run.ToolCallReasons)
	if ignoresEOS(g.run) {
		culprit := "the server does not heed it"
		if sendsStop(g.run) {
			culprit = "at a stop sequence of the request, or the server does not heed it"
		}
		w.warn(many(stopped),
			"%d of %d answers are shorter than asked although ignore_eos was sent: %s (%d of %d tokens came)", stopped,
			l.Requests, culprit, l.Delivered, l.Asked)
		others, n := otherReasons(l.ShortBy)
		w.warn(many(n), "%d of %d answers are shorter than asked although ignore_eos was sent (finish reasons: %s)",
			n, l.Requests, plain.OneLine(fmt.Sprintf("%q", named(others[:min(len(others), shownRunes)])), shownRunes))
		w.warn(many(called),
			"%d of %d answers are shorter than asked: they ended with a tool call, which ignore_eos does not hinder",
			called, l.Requests)
	}
	limited := endedEarly(g)
	w.warn(many(limited),
		"%d of %d answers are shorter than asked, and ended by the server's own limit (finish reason length): "+
			"prompt and answer fill its context, or it caps max_tokens", limited, l.Requests)
	w.warn(l.Long > 0, "%d of %d answers are longer than asked", l.Long, l.Requests)
}

// named replaces an empty reason by a word.
func named(reasons []string) []string {
	names := slices.Clone(reasons)
	if i := slices.Index(names, ""); i >= 0 {
		names[i] = "none"
	}
	return names
}

// otherReasons returns the finish reasons that are in none of the lists above, the empty one included, in lower case
// and in order, and how many requests ended for one of them.
func otherReasons(counts map[string]int) (reasons []string, n int) {
	known := slices.Concat(stopReasons, limitReasons, run.ToolCallReasons, abortReasons)
	others := map[string]bool{}
	for reason, count := range counts {
		if reason = strings.ToLower(reason); !slices.Contains(known, reason) {
			others[reason] = true
			n += count
		}
	}
	return slices.Sorted(maps.Keys(others)), n
}

// endedEarly counts answers that the server ended for their length before they had the requested number of tokens. The
// client's count is no measure here: a tokenizer does not always cut text into the tokens that were generated.
func endedEarly(g *subset) (n int) {
	for _, q := range g.ok {
		out := q.ServerCompletion
		if q.HasReasoning { // some servers count it separately
			out += max(q.Details().ServerReasoning, 0)
		}
		if q.ServerCompletion != none && !hasZeroUsage(q) && out < q.MaxTokens &&
			slices.Contains(limitReasons, strings.ToLower(q.FinishReason)) {
			n++
		}
	}
	return n
}

// ignoresEOS reports whether all clients asked for answers of exact lengths.
func ignoresEOS(r *run.Run) bool {
	for _, c := range r.Clients {
		if v, isBool := c.Options["ignoreEOS"].(bool); isBool && !v {
			return false
		}
	}
	return len(r.Clients) > 0
}

// sendsStop reports whether a client's requests set stop sequences.
func sendsStop(r *run.Run) bool {
	for _, c := range r.Clients {
		extra, _ := c.Options["extraBody"].(map[string]any)
		if extra["stop"] != nil || extra["stop_token_ids"] != nil {
			return true
		}
	}
	return false
}

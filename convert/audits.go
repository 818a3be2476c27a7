package convert

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// Audit is a check of whether the run was what it seems to be.
type Audit struct {
	Name    string             `json:"name"`
	Outcome string             `json:"outcome"` // one of the constants Audit…
	Text    string             `json:"text"`
	Figures map[string]float64 `json:"figures"`
}

// Outcomes of an audit.
const (
	AuditOK      = "ok"
	AuditOff     = "off"     // something is not as it should be
	AuditUnknown = "unknown" // the records do not tell, or there was nothing to check
)

func (a Audit) concluded(outcome, format string, args []any) Audit {
	a.Outcome, a.Text = outcome, fmt.Sprintf(format, args...)
	if a.Figures == nil {
		a.Figures = map[string]float64{}
	}
	return a
}

func (a Audit) ok(format string, args ...any) Audit  { return a.concluded(AuditOK, format, args) }
func (a Audit) off(format string, args ...any) Audit { return a.concluded(AuditOff, format, args) }
func (a Audit) unknown(format string, args ...any) Audit {
	return a.concluded(AuditUnknown, format, args)
}

// The bounds of the audits.
const (
	auditShare  = 0.01 // of the requests that may be other than asked; of all tokens that counts may differ by
	cachedShare = 0.05 // of the prompts' tokens that the server may have cached beyond what is expected
)

// audits checks the run by the figures of its summary.
func auditsOf(p *Report) []Audit {
	a := p.Summary.Additions
	return []Audit{
		auditOutputs(p.run, a.Tokens.Limit), auditPrompts(a.Tokens),
		auditCounts("prompt_counts", "prompt", a.Tokens.Prompt),
		auditCounts("completion_counts", "output", a.Tokens.Completion),
		auditCached(p, a.Tokens.Cached), auditRepeats(p.run), auditEnds(a.Finish,
			p.run.Origin == ""), sameInputs(p.run),
	}
}

// auditOutputs checks whether answers have the lengths that were asked for.
func auditOutputs(r *run.Run, l Limited) Audit {
	a := Audit{Name: "output_lengths", Figures: map[string]float64{
		"requests": float64(l.Requests), "asked_tokens": float64(l.Asked), "delivered_tokens": float64(l.Delivered),
		"short": float64(l.Short), "long": float64(l.Long)}}
	many := func(n int) bool { return float64(n) > auditShare*float64(l.Requests) }
	switch exact := ignoresEOS(r); {
	case l.Requests == 0:
		return a.unknown("no answer with a limit was counted")
	case l.Long > 0:
		return a.off("%d of %d answers are longer than asked", l.Long, l.Requests)
	case exact && many(l.Short):
		return a.off("%d of %d answers are shorter than asked, although they were to ignore the end of the text: %d "+
			"of "+
			"%d tokens came", l.Short, l.Requests, l.Delivered, l.Asked)
	case exact:
		return a.ok("%d of %d answers have the length that was asked for", l.Requests-l.Short, l.Requests)
	}
	return a.ok("no answer is longer than its limit; %d of %d ended before it, as they may", l.Short, l.Requests)
}

// auditPrompts checks whether prompts that were made up have the lengths that were asked for.
func auditPrompts(t TokenCounts) Audit {
	a := Audit{Name: "prompt_lengths",
		Figures: map[string]float64{"requests": float64(t.Asked), "differed": float64(t.Differed)}}
	switch {
	case t.Asked == 0:
		return a.unknown("no prompt was made to have a given length")
	case float64(t.Differed) > auditShare*float64(t.Asked):
		return a.off("%d of %d prompts do not have the tokens they were made to have", t.Differed, t.Asked)
	}
	return a.ok("%d of %d prompts have the length that was asked for", t.Asked-t.Differed, t.Asked)
}

// auditCounts checks whether server and client count the same tokens.
func auditCounts(name, what string, c Counted) Audit {
	a := Audit{Name: name, Figures: map[string]float64{"requests": float64(c.Compared),
		"differed": float64(c.Differed), "server_tokens": float64(c.Server), "client_tokens": float64(c.Client)}}
	if c.Compared == 0 {
		return a.unknown("no request has the %s tokens of both server and client", what)
	}
	off := math.Abs(float64(c.Server-c.Client)) / math.Max(float64(c.Server), 1)
	if off > auditShare {
		return a.off("the server counts %d %s tokens where the client counts %d: %.1f %% apart", c.Server, what,
			c.Client, 100*off)
	}
	return a.ok("server and client agree on the %s tokens within %.1f %%, in %d requests", what, 100*auditShare,
		c.Compared)
}

// uniquePrompts are the types of data sets whose prompts have no part in common.
var uniquePrompts = []string{"random"}

// auditCached checks whether the server had more of the prompts in its cache than could be there.
func auditCached(p *Report, c CachedTokens) Audit {
	a := Audit{Name: "cached_tokens", Figures: map[string]float64{"requests": float64(c.Requests),
		"prompt_tokens": float64(c.Prompt), "cached_tokens": float64(c.Cached)}}
	if c.Requests == 0 {
		return a.unknown("the server does not tell how much of the prompts it had in its cache")
	}
	cached, prompt := float64(c.Cached), float64(c.Prompt)
	expected, known := 0.0, hasUniquePrompts(p.run)
	if p.Sessions != nil && p.Sessions.Additions.Reuse != nil {
		u := p.Sessions.Additions.Reuse
		cached, prompt, expected, known = float64(u.Cached), float64(u.ReportedPrompt), float64(u.ExpectedOfThese), true
	}
	prompt = math.Max(prompt, 1)
	share, due := 100*cached/prompt, 100*expected/prompt
	if !known {
		return a.unknown("the server had %.1f %% of the prompts in its cache; the records do not tell how much they "+
			"have "+
			"in common", share)
	}
	a.Figures["expected_tokens"] = expected
	if cached > expected+cachedShare*prompt {
		return a.off("the server had %.1f %% of the prompts in its cache, where %.1f %% can be: were they sent before?",
			share, due)
	}
	return a.ok("the server had %.1f %% of the prompts in its cache, where up to %.1f %% can be", share, due)
}

// hasUniquePrompts reports whether all prompts of the run were made up so that none begins as another does.
func hasUniquePrompts(r *run.Run) bool {
	made := 0
	for _, c := range r.Clients {
		for _, g := range c.Generated {
			if made++; !slices.Contains(uniquePrompts, g.Type) {
				return false
			}
		}
	}
	inSession := func(q *run.Request) bool { return q.InSession || q.Replayed }
	return made > 0 && !slices.ContainsFunc(r.Requests, inSession)
}

// auditEnds checks why answers ended. The results of other tools lack the finish reason.
func auditEnds(reasons map[string]int, ours bool) Audit {
	a := Audit{Name: "finish_reasons", Figures: map[string]float64{}}
	total, none := 0, reasons[""]
	var names []string
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		total += reasons[reason]
		if reason == "" {
			continue
		}
		a.Figures[reason] = float64(reasons[reason])
		names = append(names, fmt.Sprintf("%s (%d)", plain.OneLine(reason, shownRunes), reasons[reason]))
	}
	if none > 0 {
		a.Figures["none"] = float64(none)
	}
	switch cut := endedBy(reasons, abortReasons); {
	case total == 0 || total == none && !ours:
		return a.unknown("no answer has a finish reason")
	case cut > 0:
		return a.off("%d of %d answers were given up by the server", cut, total)
	case float64(none) > auditShare*float64(total) && ours:
		return a.off("%d of %d answers ended without a finish reason", none, total)
	}
	return a.ok("answers ended by %s", strings.Join(names[:min(len(names), 8)], ", "))
}

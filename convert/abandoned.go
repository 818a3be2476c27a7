package convert

import (
	"fmt"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Abandoned sums up the requests whose users left before their answers were over, as the load asked. They are neither
// successes nor failures, and in no percentile.
type Abandoned struct {
	Requests   int            `json:"requests"`
	Share      Float          `json:"share"`           // of all requests sent
	Rules      map[string]int `json:"by_rule"`         // when they left, as the script has it
	WithOutput int            `json:"with_output"`     // requests of which some output came before
	Chunks     int64          `json:"chunks"`          // that came before, of any kind
	Tokens     int64          `json:"tokens"`          // likewise, as the client counts them
	Until      *Distribution  `json:"seconds"`         // from the start until the user left
	Answered   int            `json:"answered_before"` // requests whose users were to leave, but were answered before
	Audit      *LeavingAudit  `json:"audit,omitempty"` // of the whole run, if the server's page was read
}

const abandonedDefinition = "requests whose users left before their answers were over, as the load asked: they were " +
	"sent, and count in requests.sent, sent_rate, time_series and client_health, and are neither successes nor " +
	"failures, in no latency and in none of inference-perf's figures; share of all requests sent; chunks of any kind " +
	"and tokens that came before; seconds from start until the user left; audit: whether the server freed their " +
	"places, by its own page: within_ms, until when each was seen to be gone; tokens_for_nobody, generated less " +
	"received"

// newAbandoned returns nil if no user of the group was to leave.
func newAbandoned(g *subset) *Abandoned {
	answered := 0
	for _, q := range g.all {
		answered += count(q.Leaves != "")
	}
	if len(g.left)+answered == 0 {
		return nil
	}
	a := &Abandoned{Requests: len(g.left), Answered: answered, Rules: map[string]int{}}
	a.Share = Float(float64(a.Requests) / float64(len(g.sent)))
	var rec record.Request
	for _, q := range g.left {
		a.Rules[q.Leaves]++
		q.Unpack(&rec)
		chunks := int64(rec.OutputChunks())
		a.WithOutput += count(chunks > 0)
		a.Chunks += chunks
		a.Tokens += receivedTokens(q)
	}
	a.Until = g.sum(g.left, func(g *subset, q *run.Request) float64 { return g.run.Seconds(q.End - q.Start) })
	return a
}

// count returns how many left; a may be nil.
func (a *Abandoned) count() int {
	if a == nil {
		return 0
	}
	return a.Requests
}

// receivedTokens returns how many tokens came of a request whose answer was not over.
func receivedTokens(q *run.Request) int64 { return int64(max(q.CompletionTokens, q.ChunkCount)) }

// Lines tells how many users left, when and what they had got by then, and what the server made of it.
func (a *Abandoned) Lines() []string {
	if a.Requests == 0 {
		return []string{fmt.Sprintf("users left: none of %d who were to, for they were answered before", a.Answered)}
	}
	var rules []string
	for _, rule := range sortedKeys(a.Rules) {
		rules = append(rules, fmt.Sprintf("%d by %q", a.Rules[rule], rule))
	}
	text := fmt.Sprintf("users left: %d (%.3g %% of what was sent): %s; %d had output, %s in all", a.Requests,
		100*float64(a.Share), strings.Join(rules, ", "), a.WithOutput,
		plural(int(a.Tokens), "token"))
	if a.Answered > 0 {
		text += fmt.Sprintf("; %d were to leave and were answered before", a.Answered)
	}
	lines := []string{text}
	if a.Audit != nil {
		lines = append(lines, "places of users who left: "+a.Audit.String())
	}
	return lines
}

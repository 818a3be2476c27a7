package convert

import (
	"math"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/run"
)

// sessionFacts is what the reports tell of one session. Figures are NaN where the session has none.
type sessionFacts struct {
	*run.Session
	duration       float64 // seconds
	cancelled      int     // calls that neither completed nor failed
	input, output  float64 // tokens
	cached, prompt float64 // tokens, over the successes for which the server told how many were cached
	tfut           float64 // seconds
	tfutNone       string  // why tfut is unknown
	retried        int     // attempts beyond the first
	recovered      int     // requests that succeeded after them
}

// Reasons for which a session has no time to the first token of the user. The names are inference-perf's.
const (
	noUserFacing = "no_user_facing"
	notStreamed  = "non_streaming"
	noTokens     = "no_output_tokens"
)

// factsOf returns the facts of a session.
func factsOf(g *subset, s *run.Session) sessionFacts {
	f := sessionFacts{Session: s, duration: g.run.Seconds(s.End - s.Start), cached: unknown, prompt: unknown,
		tfut: unknown}
	failed := 0
	for _, q := range s.Requests {
		if q.Retried {
			f.retried += int(q.Details().Retries)
			f.recovered += count(!q.Failed())
		}
		if q.Failed() {
			failed += count(!unfinished(q))
			continue
		}
		f.input, f.output = f.input+inputTokens(g, q), f.output+outputTokens(g, q)
		f.addCached(q)
	}
	f.setTFUT(g.run)
	if !s.Succeeded() {
		f.cancelled = max(0, s.Calls-s.Completed-max(1, failed))
	}
	return f
}

// addCached adds the cached tokens of a success whose server told them.
func (f *sessionFacts) addCached(q *run.Request) {
	if q.ServerCached == none || q.PromptTokens <= 0 {
		return
	}
	if math.IsNaN(f.prompt) {
		f.cached, f.prompt = 0, 0
	}
	f.prompt += float64(q.PromptTokens)
	f.cached += float64(max(0, min(q.ServerCached, q.PromptTokens)))
}

// setTFUT sets the time from the session's start to the first token of a call that answers the user.
func (f *sessionFacts) setTFUT(r *run.Run) {
	f.tfutNone = noUserFacing
	streamed := false
	for _, q := range f.Requests {
		if !q.Call().UserFacing {
			continue
		}
		f.tfutNone = notStreamed
		streamed = streamed || q.Streaming
		if q.Failed() || q.TokenTimes == 0 || !q.Streaming {
			continue
		}
		at := r.Seconds(q.Start-f.Start) + q.FirstToken()
		if math.IsNaN(f.tfut) || at < f.tfut {
			f.tfut = at
		}
	}
	switch {
	case !math.IsNaN(f.tfut):
		f.tfutNone = ""
	case streamed:
		f.tfutNone = noTokens
	}
}

// hitPercent is the share of the prompts that the server had in its cache.
func (f *sessionFacts) hitPercent() float64 { return 100 * f.cached / f.prompt }

// substitution describes the recorded tool calls that took the place of live ones, in inference-perf's words.
func (f *sessionFacts) substitution() string {
	return "substitutions=" + strconv.Itoa(len(f.Substituted)) + " event_ids=" + pythonList(f.Substituted)
}

// pythonList writes a list of texts as Python does.
func pythonList(list []string) string {
	quoted := make([]string, len(list))
	for i, text := range list {
		quoted[i] = pythonString(text)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// pythonString quotes a text as Python does: in single quotes, unless it has some and no double ones.
func pythonString(text string) string {
	quote := "'"
	if strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		quote = `"`
	}
	escape := strings.NewReplacer(`\`, `\\`, quote, `\`+quote, "\n", `\n`, "\r", `\r`, "\t", `\t`)
	return quote + escape.Replace(text) + quote
}

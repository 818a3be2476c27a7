package convert

import "bytes"

// sessionLabel counts the sessions that failed for one cause.
type sessionLabel struct {
	Count    int              `json:"count"`
	Messages []sessionMessage `json:"messages"`

	label string
	list  messageList
}

// sessionLabels is sorted by count, the largest first.
type sessionLabels []sessionLabel

// MarshalJSON writes an object whose members have the order of the list.
func (l sessionLabels) MarshalJSON() ([]byte, error) {
	var buf bytes.Buffer
	buf.WriteByte('{')
	for i, c := range l {
		if i > 0 {
			buf.WriteByte(',')
		}
		key, err := plainJSON(c.label)
		if err != nil {
			return nil, err
		}
		value, err := plainJSON(c)
		if err != nil {
			return nil, err
		}
		buf.Write(append(append(key, ':'), value...))
	}
	buf.WriteByte('}')
	return buf.Bytes(), nil
}

// sessionDefinitions describes the figures of sessions.
var sessionDefinitions = map[string]string{
	"session": "from when its first call could go to the end of its last call, or to its first failure; sessions " +
		"that the end of the load cut are in `unfinished` alone",
	"num_events_cancelled": "calls that neither completed nor failed",
	"tfut_sec": "from the session's start to the first token of the first call that answers the user; the reason " +
		"no_output_tokens includes calls that failed",
	"critical_path": "the call that ended last, the wait before it, the call before it that ended last, and so on " +
		"to the session's start: model, with the server; tool, think and pause, what the trace asked to wait " +
		"(pause: it does not tell why); waiting, the rest: the load generator was late",
	"fidelity": "score: the mean of the parts' kept shares by weight, times 100; gaps: calls sent within 10 ms or " +
		"5 % of the wait asked, after the last call that they waited for ended; order: calls that began after those; " +
		"sent: calls that were sent, of sessions that were not cut; output_tokens, prompt_tokens: within 5 % of " +
		"those recorded",
	"prefix_reuse": "successes with recorded blocks: expected, the tokens of full blocks that an earlier request of " +
		"the same client had, by start, if the server forgets nothing (limited: if it holds cache_tokens, and drops " +
		"what was not used for longest); cached, what its usage told",
}

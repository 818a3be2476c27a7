package convert

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
	var o orderedObject
	for _, c := range l {
		o.add(c.label, c)
	}
	return o.end()
}

// reasonCounts counts reasons, in the order in which they first came.
type reasonCounts []reasonCount

type reasonCount struct {
	reason string
	n      int
}

func (l *reasonCounts) add(reason string) {
	for i := range *l {
		if (*l)[i].reason == reason {
			(*l)[i].n++
			return
		}
	}
	*l = append(*l, reasonCount{reason, 1})
}

// MarshalJSON writes an object whose members have the order of the list, and null for an empty list.
func (l reasonCounts) MarshalJSON() ([]byte, error) {
	if len(l) == 0 {
		return []byte("null"), nil
	}
	var o orderedObject
	for _, c := range l {
		o.add(c.reason, c.n)
	}
	return o.end()
}

// sessionDefinitions describes the figures of sessions.
var sessionDefinitions = map[string]string{
	"session": "from when its first call could go to the end of its last call, or to its first failure; sessions " +
		"that the end of the load cut, or whose users left, are in `unfinished` alone",
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

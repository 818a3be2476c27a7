package foreign

import "encoding/json"

// dropZeros forgets counts of 0 that cannot be: of a prompt, and of a completion that has output. Servers and tools
// write them where nobody counted. A failed request's own counts stay: 0 there is a prompt that was not counted in.
func (q *Request) dropZeros() {
	output := q.TTFT != nil || q.First != nil || len(q.Chunks) > 0 || !isZero(q.OutputTokens) && q.OutputTokens != nil
	before := len(q.Usage)
	q.dropUsageZeros(output)
	q.ZeroUsage = len(q.Usage) < before
	if q.Failed {
		return
	}
	if isZero(q.InputTokens) {
		q.InputTokens = nil
	}
	if isZero(q.OutputTokens) && usageCount(q.Usage, "completion_tokens", "output_tokens") > 0 {
		q.OutputTokens = nil // the server knows better
	}
}

func isZero(n *int) bool { return n != nil && *n == 0 }

// dropUsageZeros takes the zeros out of the server's map, which becomes nil if nothing is left.
func (q *Request) dropUsageZeros(output bool) {
	if len(q.Usage) == 0 {
		return
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(q.Usage, &members) != nil {
		return
	}
	dropped := false
	for _, name := range [...]string{"prompt_tokens", "input_tokens", "completion_tokens", "output_tokens"} {
		prompt := name == "prompt_tokens" || name == "input_tokens"
		if (prompt || output) && zeroNumber(members[name]) {
			delete(members, name)
			dropped = true
		}
	}
	if !dropped {
		return
	}
	if zeroNumber(members["total_tokens"]) {
		delete(members, "total_tokens")
	}
	if q.Usage = nil; len(members) > 0 {
		q.Usage, _ = json.Marshal(members) // of valid JSON
	}
}

func zeroNumber(raw json.RawMessage) bool {
	var n *float64
	return raw != nil && json.Unmarshal(raw, &n) == nil && n != nil && *n == 0
}

// usageCount is the first of some counts of a usage map, 0 for none.
func usageCount(usage json.RawMessage, names ...string) float64 {
	var members map[string]json.RawMessage
	if len(usage) == 0 || json.Unmarshal(usage, &members) != nil {
		return 0
	}
	for _, name := range names {
		var n float64
		if json.Unmarshal(members[name], &n) == nil && n > 0 {
			return n
		}
	}
	return 0
}

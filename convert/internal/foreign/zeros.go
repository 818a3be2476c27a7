package foreign

import (
	"encoding/json"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// dropZeros forgets counts of 0 that cannot be: of a prompt, and of a completion that has output. Servers and tools
// write them where nobody counted. A failed request's own counts stay: 0 there is a prompt that was not counted in.
func (q *Request) dropZeros() {
	output := q.TTFT != nil || q.First != nil || len(q.Chunks) > 0 || !isZero(q.OutputTokens) && q.OutputTokens != nil
	q.Usage, q.ZeroUsage = record.PlausibleUsage(q.Usage, output, 0)
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

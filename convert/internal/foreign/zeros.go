package foreign

import (
	"encoding/json"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// dropZeros removes counts of 0 that cannot be right: of a prompt, and of a completion with output. Servers and tools
// write 0 if they did not count. The tool's own counts of a failed request stay: 0 means there that the prompt was not
// counted.
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
		q.OutputTokens = nil // the server's count is the better one
	}
}

func isZero(n *int) bool { return n != nil && *n == 0 }

// usageCount returns the first positive count of a usage map among the named ones, or 0 if there is none.
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

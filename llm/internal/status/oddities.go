package status

import (
	"fmt"
	"sync/atomic"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Oddities counts requests of the process that are not what they look like: doubtful successes, and failures that this
// machine caused rather than the server. The zero value is empty. It may be used concurrently.
type Oddities struct{ successes, unfinished, withoutContent, own atomic.Int64 }

// Add counts a request.
func (o *Oddities) Add(r *record.Request) {
	if r.Noted(record.NoteOwnFault) {
		o.own.Add(1)
	}
	if r.Failed() {
		return
	}
	o.successes.Add(1)
	if r.Noted(record.NoteNoFinish) {
		o.unfinished.Add(1)
	}
	if r.Streaming && len(r.Chunks) == 0 && r.OutputChunks() > 0 {
		o.withoutContent.Add(1)
	}
}

// Lines returns a line for each kind of oddity that occurred, with its number of requests.
func (o *Oddities) Lines() (lines []string) {
	of := Grouped(o.successes.Load()) + " answers"
	if n := o.unfinished.Load(); n > 0 {
		lines = append(lines, fmt.Sprintf("%s of %s ended without a finish reason: cut off by the server?",
			Grouped(n), of))
	}
	if n := o.withoutContent.Load(); n > 0 {
		lines = append(lines, fmt.Sprintf("%s of %s have reasoning or tool calls alone: TTFT and ITL are of the others",
			Grouped(n), of))
	}
	if n := o.own.Load(); n > 0 {
		lines = append(lines,
			Grouped(n)+
				" requests met a failure of this machine, not of the server: no figure of this run is good")
	}
	return lines
}

package trace

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// turn is when a call of a session went, as far as a trace tells.
type turn struct {
	record Record
	end    time.Duration // when its answer ended, on the clock of Record.Start
	ended  bool          // end is known
	delay  time.Duration // from the end of the turn before to this one
	paused bool          // delay is known
}

// inOrder puts records into the order of their instants. Those without one stay behind the record before them, or ahead
// of the first that has one.
func inOrder(records []Record) []Record {
	records = slices.Clone(records)
	at := time.Duration(0)
	if first := slices.IndexFunc(records, func(r Record) bool { return r.Timed }); first >= 0 {
		at = records[first].Start
	}
	for i := range records {
		if records[i].Timed {
			at = records[i].Start
		}
		records[i].Start = at
	}
	slices.SortStableFunc(records, func(a, b Record) int { return cmp.Compare(a.Start, b.Start) })
	return records
}

// chain makes calls wait for one another in their order. A call follows the end of the one before it by its delay, or
// by the time that passed between both if the trace tells when that one ended. Otherwise it goes as long after the
// session's beginning as it did in the trace.
func chain(calls []workload.Call, turns []turn, idle time.Duration) {
	at := squeezed(turns, idle)
	for i := range calls {
		c := &calls[i]
		c.ID = strconv.Itoa(i + 1)
		if i == 0 {
			continue
		}
		c.After = []workload.Edge{{Call: i - 1, Causal: follows(c.Prompt, i-1)}}
		switch before := turns[i-1]; {
		case turns[i].paused:
			c.Wait = turns[i].delay
			if idle > 0 {
				c.Wait = min(c.Wait, idle)
			}
		case !turns[i].record.Timed:
		case before.ended && before.record.Timed:
			c.Wait = max(0, at[i]-at[i-1]-(before.end-before.record.Start))
		default:
			c.Clocked, c.Wait = true, at[i]-at[0]
		}
	}
}

// squeezed returns when the turns went, with idle times cut.
func squeezed(turns []turn, idle time.Duration) []time.Duration {
	at := make([]time.Duration, len(turns))
	for i, t := range turns {
		at[i] = t.record.Start
	}
	return Squeeze(at, idle)
}

// follows reports whether a prompt has the answer of a call.
func follows(prompt []workload.Part, call int) bool {
	return slices.ContainsFunc(prompt, func(p workload.Part) bool {
		return p.Call == call && (p.Kind == workload.Answered || p.Kind == workload.Quoted)
	})
}

// people marks the calls that answer a person, and the waits that are a person's, by the role of the last message of
// each prompt; "" where the trace does not tell. An answer before the result of a tool called that tool.
func people(calls []workload.Call, roles []string) {
	for i, role := range roles {
		if role == "" {
			continue
		}
		calls[i].UserFacing = i+1 == len(roles) || roles[i+1] != "tool"
		switch {
		case i > 0 && role == "tool":
			calls[i].Pause = workload.PauseTool
		case i > 0 && role == "user":
			calls[i].Pause = workload.PauseThink
		}
	}
}

// lastRole returns the role of the last message of a prompt.
func lastRole(prompt []workload.Part) string {
	messages := prompt[len(prompt)-1].Messages
	return messages[len(messages)-1].Role
}

// grow makes a prompt of messages that repeat a whole conversation: if they begin with those of the call before and an
// answer, live ones take their place. Otherwise they stay as they are.
func grow(messages, before []workload.Message, call int) []workload.Part {
	n := len(before)
	if n == 0 || len(messages) < n+2 || messages[n].Role != "assistant" ||
		!reflect.DeepEqual(messages[:n], before) {
		return []workload.Part{{Messages: messages}}
	}
	return []workload.Part{
		{Kind: workload.Sent, Call: call, Count: -1, Messages: before},
		{Kind: workload.Answered, Call: call, Messages: messages[n : n+1]},
		{Messages: messages[n+1:]},
	}
}

// extend makes a prompt that continues the conversation of the call before with messages of its own.
func extend(messages []workload.Message, call int) []workload.Part {
	if call < 0 {
		return []workload.Part{{Messages: messages}}
	}
	return []workload.Part{
		{Kind: workload.Sent, Call: call, Count: -1}, {Kind: workload.Answered, Call: call}, {Messages: messages},
	}
}

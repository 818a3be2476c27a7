package datasets

import (
	"fmt"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// Conversations are scripts as sessions: each turn is a call that waits for the one before it, repeats what was said,
// and asks its own. Where Sessions hands out turns and leaves a failed one out of the history, a replay leads the whole
// conversation, and a failed turn ends it.
type Conversations struct{ Scripts }

// Session returns conversation number i.
func (c Conversations) Session(i int64) (*workload.Session, error) {
	script, err := c.Script(i)
	if err != nil {
		return nil, err
	}
	s := &workload.Session{ID: fmt.Sprintf("session-%d", i), Calls: make([]workload.Call, len(script.Turns))}
	for k := range script.Turns {
		s.Calls[k] = script.call(k)
	}
	return s, s.Check()
}

// call returns turn k as a call of a session.
func (s *Script) call(k int) workload.Call {
	call := workload.Call{ID: fmt.Sprintf("turn_%d", k), MaxTokens: s.Turns[k].MaxTokens, UserFacing: true}
	question := []workload.Message{{Role: "user", Text: s.Turns[k].Text}}
	switch {
	case k > 0:
		call.After = []workload.Edge{{Call: k - 1, Causal: true}}
		call.Prompt = []workload.Part{{Kind: workload.Sent, Call: k - 1, Count: -1},
			{Kind: workload.Answered, Call: k - 1}}
		if call.Wait = s.Turns[k-1].Pause; call.Wait > 0 {
			call.Pause = workload.PauseTool
		}
	case s.System != "":
		question = []workload.Message{{Role: "system", Text: s.System}, question[0]}
	}
	call.Prompt = append(call.Prompt, workload.Part{Kind: workload.Own, Messages: question})
	return call
}

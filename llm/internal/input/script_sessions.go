package input

import (
	"fmt"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// scriptSessions are conversations as sessions: each turn is a call that waits for the one before it.
type scriptSessions struct{ datasets.Scripts }

// Session returns conversation number i.
func (s scriptSessions) Session(i int64) (*workload.Session, error) {
	script, err := s.Script(i)
	if err != nil {
		return nil, err
	}
	session := &workload.Session{ID: fmt.Sprintf("session-%d", i)}
	for k, turn := range script.Turns {
		call := workload.Call{ID: fmt.Sprintf("turn_%d", k), MaxTokens: turn.MaxTokens, UserFacing: true}
		question := []workload.Message{{Role: "user", Text: turn.Text}}
		switch {
		case k > 0:
			call.After = []workload.Edge{{Call: k - 1, Causal: true}}
			call.Prompt = []workload.Part{{Kind: workload.Sent, Call: k - 1, Count: -1},
				{Kind: workload.Answered, Call: k - 1}}
			if call.Wait = script.Turns[k-1].Pause; call.Wait > 0 {
				call.Pause = workload.PauseTool
			}
		case script.System != "":
			question = append([]workload.Message{{Role: "system", Text: script.System}}, question...)
		}
		call.Prompt = append(call.Prompt, workload.Part{Kind: workload.Own, Messages: question})
		session.Calls = append(session.Calls, call)
	}
	return session, session.Check()
}

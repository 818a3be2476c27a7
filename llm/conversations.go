package llm

import (
	"errors"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/internal/input"
)

// nextTurn waits for the next turn of one of the conversations, and returns it. If the script did not send the turn
// before, that turn counts as failed.
func (d *jsDataset) nextTurn(c *input.Conversations) (sobek.Value, error) {
	state := d.m.vu.State()
	if err := c.Divide(state); err != nil {
		return nil, err
	}
	if d.pending != nil {
		d.pending.Done("", false)
		if d.m.turns[d.pending.SessionID] == d.pending { // not sent
			delete(d.m.turns, d.pending.SessionID)
		}
	}
	asked, err := c.Next(d.m.vu.Context())
	if err != nil {
		return nil, err
	}
	d.pending = asked
	if asked.Cut {
		c.WarnOfCut(state.Logger, asked)
	}
	if d.m.turns == nil {
		d.m.turns = map[string]*datasets.Asked{}
	}
	d.m.turns[asked.SessionID] = asked
	obj, err := d.object(asked.Item)
	return obj, errors.Join(err, obj.Set("sessionID", asked.SessionID), obj.Set("turn", asked.Turn))
}

// askedTurn returns the turn that a request asks, or nil if no data set returned such a turn to this VU.
func (m *ModuleInstance) askedTurn(j *job) *datasets.Asked {
	asked := m.turns[j.sessionID]
	if asked == nil || asked.Turn != j.turn {
		return nil
	}
	delete(m.turns, j.sessionID)
	return asked
}

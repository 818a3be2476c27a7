package llm

import (
	"errors"
	"fmt"
	"sync"

	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/datasets"
)

// conversations is a data set of several turns. Its items are the first turns.
type conversations struct {
	datasets.Sessions
	place sync.Once
	limit int       // tokens of a request and its answer, 0 for none
	cut   sync.Once // tells that a prompt was cut
}

// name tells the conversations of the process's set number n, from 1, from those of the others, which a VU may lead,
// too.
func (c *conversations) name(n int64) {
	if n > 1 {
		c.Prefix = fmt.Sprintf("%d-", n)
	}
}

// At is the first turn of conversation number i.
func (c *conversations) At(i int64) (datasets.Item, error) { return c.First(i) }

// Len is the number of conversations.
func (c *conversations) Len() (int64, bool) { return c.Scripts.Len() }

// divide gives this instance its share of the conversations that are open at once, and numbers its own so that no other
// instance leads them.
func (c *conversations) divide(state *lib.State) error {
	var err error
	c.place.Do(func() {
		var et *lib.ExecutionTuple
		et, err = lib.NewExecutionTuple(state.Options.ExecutionSegment, state.Options.ExecutionSegmentSequence)
		if err != nil {
			return
		}
		c.Open = int(max(1, et.ScaleInt64(int64(c.Open))))
		start, offsets, cycle := et.GetStripedOffsets()
		c.Number = func(k int64) int64 {
			n := int64(len(offsets))
			number := start + k/n*cycle
			for _, step := range offsets[:k%n] {
				number += step
			}
			return number
		}
	})
	return err
}

// nextTurn gives the next turn of one of the conversations; it waits for one. A turn that was given before and not sent
// counts as failed.
func (d *jsDataset) nextTurn(c *conversations) (sobek.Value, error) {
	state := d.m.vu.State()
	if err := c.divide(state); err != nil {
		return nil, err
	}
	if d.pending != nil {
		d.pending.Done("", false)
		if d.m.turns[d.pending.SessionID] == d.pending { // it was not sent
			delete(d.m.turns, d.pending.SessionID)
		}
	}
	asked, err := c.Next(d.m.vu.Context())
	if err != nil {
		return nil, err
	}
	d.pending = asked
	if asked.Cut {
		c.noteCut(state.Logger, asked)
	}
	if d.m.turns == nil {
		d.m.turns = map[string]*datasets.Asked{}
	}
	d.m.turns[asked.SessionID] = asked
	obj, err := d.object(asked.Item)
	return obj, errors.Join(err, obj.Set("sessionID", asked.SessionID), obj.Set("turn", asked.Turn))
}

// taken is the turn a request asks, nil if it is none that a data set gave to this VU.
func (m *ModuleInstance) taken(j *job) *datasets.Asked {
	asked := m.turns[j.sessionID]
	if asked == nil || asked.Turn != j.turn {
		return nil
	}
	delete(m.turns, j.sessionID)
	return asked
}

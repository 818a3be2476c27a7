package input

import (
	"fmt"
	"sync"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/datasets"
)

// Conversations is a data set of several turns. Its items are the first turns.
type Conversations struct {
	datasets.Sessions
	divided sync.Once
	limit   int       // tokens of a request and its answer; 0 means no limit
	cut     sync.Once // guards the warning that a prompt was cut
}

// name tells the conversations of the process's set number n, from 1, from those of the others, which a VU may lead,
// too.
func (c *Conversations) name(n int64) {
	if n > 1 {
		c.Prefix = fmt.Sprintf("%d-", n)
	}
}

// At is the first turn of conversation number i.
func (c *Conversations) At(i int64) (datasets.Item, error) { return c.First(i) }

// Len is the number of conversations.
func (c *Conversations) Len() (int64, bool) { return c.Scripts.Len() }

// Divide gives this instance its share of the conversations that are open at once, and numbers its own so that no other
// instance leads them.
func (c *Conversations) Divide(state *lib.State) error {
	var err error
	c.divided.Do(func() {
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

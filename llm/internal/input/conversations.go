package input

import (
	"fmt"
	"sync"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/datasets"
)

// Conversations is a data set of conversations with several turns. As a datasets.Set its items are the first turns.
type Conversations struct {
	*datasets.Sessions
	divided sync.Once
	limit   int       // tokens of a request and its answer; 0 means no limit
	cut     sync.Once // guards the warning that a prompt was cut
}

// name gives the session ids of set number n of the process, from 1, a prefix, because a VU may lead conversations of
// several sets.
func (c *Conversations) name(n int64) {
	if n > 1 {
		c.Prefix = fmt.Sprintf("%d-", n)
	}
}

// At returns the first turn of conversation number i.
func (c *Conversations) At(i int64) (datasets.Item, error) { return c.First(i) }

// Len returns the number of conversations, and false if it is unlimited.
func (c *Conversations) Len() (int64, bool) { return c.Scripts.Len() }

// Divide reduces the conversations that are open at once to this instance's share, and numbers its conversations so
// that no other instance leads them. Only the first call has an effect.
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

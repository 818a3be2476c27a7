package engine

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// markTag is the tag of k6 whose values are marks: the first request with a value says when that began.
const markTag = "mark"

// mostMarks is how many marks a process writes at most, for a tag that differs with each request is none.
const mostMarks = 1000

// marks are the values of the tag that were seen.
type marks struct {
	seen  sync.Map
	count atomic.Int64
}

// isNew reports whether a value is seen for the first time, and is to be written.
func (m *marks) isNew(text string) bool {
	if _, known := m.seen.Load(text); known || text == "" || m.count.Load() >= mostMarks {
		return false
	}
	if _, known := m.seen.LoadOrStore(text, true); known {
		return false
	}
	return m.count.Add(1) <= mostMarks
}

// noteMark writes the mark that the tag of a request sets, if it is the first with it.
func noteMark(c *Call) {
	text, tagged := c.tags.Tags.Get(markTag)
	if !tagged || !c.client.vu.process.marks.isNew(text) {
		return
	}
	push(c.ctx, c.state, c.client.vu.metrics.Event(
		&record.Mark{Time: record.UnixNano(time.Now()), Text: text, Source: record.MarkTag}, c.tags.Tags))
}

// Mark writes a mark of the script. It returns an error outside of the VU context, without a text, and if the process
// has written as many as it may.
func Mark(v *VU, text string) error {
	state := v.k6.State()
	switch {
	case state == nil:
		return errors.New("mark can be called in setup, in a VU's function and in teardown only: nothing runs before")
	case text == "":
		return errors.New("mark takes a text that says what happened")
	case v.process.marks.count.Add(1) > mostMarks:
		return fmt.Errorf("mark was called more than %d times: call it in one VU, when something happens", mostMarks)
	}
	push(v.k6.Context(), state, v.metrics.Event(
		&record.Mark{Time: record.UnixNano(time.Now()), Text: text, Source: record.MarkScript},
		state.Tags.GetCurrentValues().Tags))
	return nil
}

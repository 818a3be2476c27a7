package record

import (
	"errors"
	"fmt"
)

// validate refuses what no writer of this format writes, so that readers need no checks of their own.
func validate(line Line) error {
	switch l := line.(type) {
	case *Run:
		return l.validate()
	case *Request:
		return l.Validate()
	case *Dropped:
		if l.Count < 0 {
			return fmt.Errorf("negative count %d", l.Count)
		}
	case *Heartbeat:
		return l.validate()
	}
	return nil
}

func (r *Run) validate() error {
	if r.Schema != Schema {
		return fmt.Errorf("schema %q is not %q: written by another version", r.Schema, Schema)
	}
	for _, s := range r.Scenarios {
		for _, stage := range s.Stages {
			for _, x := range [...]*float64{stage.From, stage.Rate} {
				if x != nil && *x < 0 {
					return fmt.Errorf("stage %d: negative rate %v", stage.Index, *x)
				}
			}
			if stage.Duration != nil && *stage.Duration <= 0 {
				return fmt.Errorf("stage %d: duration %v is not positive", stage.Index, *stage.Duration)
			}
		}
	}
	return nil
}

// validate wants spans within the line's own time, but for what went on when it began.
func (b *Heartbeat) validate() error {
	length := (b.End - b.Start) / 1000
	if b.Start <= 0 || b.End < b.Start || b.Beats < 0 || b.P99 < 0 || b.Max < b.P99 || b.CPU < 0 {
		return errors.New("no heartbeat has such figures")
	}
	for _, span := range b.Late {
		if span[1] < 0 || span[0] > length || span[0]+span[1] > length+1 {
			return fmt.Errorf("late span %d does not lie in the line's time", span)
		}
	}
	return nil
}

// Validate names what no writer of this format writes.
func (r *Request) Validate() error {
	switch {
	case r.Index < 0 || r.Seq < 0:
		return fmt.Errorf("negative number %d.%d", r.Index, r.Seq)
	case r.Start <= 0:
		return errors.New(`missing field "start_ns"`)
	case r.End == 0:
		return errors.New(`missing field "end_ns"`)
	case r.End < r.Start:
		return errors.New("end_ns lies before start_ns")
	case len(r.ChunkTokens) > 0 && len(r.ChunkTokens) != len(r.Chunks):
		return fmt.Errorf("%d chunk_tokens for %d chunks_us", len(r.ChunkTokens), len(r.Chunks))
	}
	for _, us := range [...][]int64{r.Chunks, r.Reasoning, r.ToolCalls} {
		if err := ascending(us); err != nil {
			return err
		}
	}
	tokens := 0
	for _, n := range r.ChunkTokens {
		// A chunk is at most an event; more tokens than this would make AppendTokenTimes eat the reader's memory.
		if n < 0 || tokens+n > maxTokens {
			return fmt.Errorf("chunk_tokens out of range at %d", n)
		}
		tokens += n
	}
	return nil
}

// maxTokens bounds what one answer may hold.
const maxTokens = 1 << 26

func ascending(us []int64) error {
	var last int64
	for _, t := range us {
		if t < last {
			return fmt.Errorf("chunk times go backwards at %d", t)
		}
		last = t
	}
	return nil
}

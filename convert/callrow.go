package convert

import (
	"encoding/json"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/prefix"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// setCall sets the columns of a call of a replayed session.
func (m rowMaker) setCall(row *run.Row, q *run.Request) {
	c := q.Call()
	if c == nil {
		return
	}
	row.CallNumber, row.CallID, row.After = new(narrow(c.Number)), &c.ID, narrowed(c.After)
	row.UserFacing = &c.UserFacing
	row.Wait, row.Held = milliseconds(float64(c.Wait)/1e6), milliseconds(float64(c.Held)/1e6)
	row.Ready, row.Pause = &c.Ready, &c.Pause
	row.RecordedInput, row.RecordedOutput = orMissing(c.PromptTokens), orMissing(c.OutputTokens)
	if gap, known := m.gaps[q]; known {
		row.Gap = milliseconds(m.run.Seconds(gap))
	}
	if len(c.Labels) > 0 {
		text, _ := json.Marshal(c.Labels) // texts always marshal
		row.CallLabels = new(string(text))
	}
	if c.BlockSize > 0 {
		row.BlockSize, row.SharedWith, row.Shared = new(narrow(c.BlockSize)), new(narrow(c.SharedWith)),
			new(narrow(c.Shared))
		hashes, _ := prefix.Decode(c.Blocks) // the reader refuses other blocks
		for _, h := range hashes {
			row.Blocks = append(row.Blocks, int64(h))
		}
		row.Expected = new(int64(m.known[q].expected))
	}
}

// orMissing returns nil for 0, which stands for an unknown count.
func orMissing(n int) *int64 {
	if n == 0 {
		return nil
	}
	return new(int64(n))
}

// primerLine returns the line of a request in no figure that holds what fills the server's cache.
func primerLine(q *run.Request) *record.Request {
	return &record.Request{ID: q.ID(), Client: q.Client, Scenario: q.Scenario, Stage: int(q.Stage), Warmup: true,
		Index: q.Index, Seq: int(q.Seq), SessionID: q.SessionID(), API: q.API, Model: q.Model, Start: q.Start,
		End: q.End, Chunks: []int64{}, ErrorType: q.ErrorType, Call: q.Call()}
}

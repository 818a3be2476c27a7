package trace

import (
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// burstGPT reads the traces of BurstGPT: tables with the columns Timestamp in seconds, Model, Request tokens, Response
// tokens and Log Type. Those of release 2.0 have Session ID, by which rows are calls of one conversation, and Elapsed
// time, after which the answer had ended. A row with an answer of no token is a failed call.
type burstGPT struct{ Options }

func newBurstGPT(o Options) Format { return burstGPT{o} }

func (burstGPT) Name() string { return "burstgpt" }

func (burstGPT) Detects(record []byte) bool {
	f := pick(record, "Timestamp", "Request tokens", "Response tokens")
	return f[0].Exists() && f[1].Exists() && f[2].Exists()
}

func (burstGPT) Needed(name string) bool {
	return name == "Timestamp" || name == "Session ID" || name == "Response tokens"
}

func (b burstGPT) Index(record []byte) (Entry, error) {
	f := pick(record, "Timestamp", "Session ID", "Response tokens")
	e, err := timed(f[0], "Timestamp", 1)
	e.Session = f[1].String()
	if err == nil && !b.IncludeErrors {
		n, err := tokens(f[2], "Response tokens")
		e.Skip = n == 0
		return e, err
	}
	return e, err
}

func (b burstGPT) Session(records []Record) (*workload.Session, error) {
	s := &workload.Session{}
	var turns []turn
	for _, r := range inOrder(records) {
		t := turn{record: r}
		c, err := b.call(&t)
		if err != nil {
			return nil, r.Fault(err)
		}
		s.Calls, turns = append(s.Calls, c), append(turns, t)
	}
	s.ID = pick(records[0].Data, "Session ID")[0].String()
	chain(s.Calls, turns, b.IdleGapCap)
	return s, nil
}

// call makes the call of a row, and notes when it ended.
func (b burstGPT) call(t *turn) (c workload.Call, err error) {
	f := pick(t.record.Data, "Request tokens", "Response tokens", "Model", "Log Type", "Elapsed time")
	prompt, err := tokens(f[0], "Request tokens")
	if err != nil {
		return c, err
	}
	answer, err := tokens(f[1], "Response tokens")
	if err != nil {
		return c, err
	}
	if given(f[4]) {
		seconds, err := amount(f[4], "Elapsed time")
		if err != nil {
			return c, err
		}
		t.end, t.ended = t.record.Start+time.Duration(seconds*float64(time.Second)), true
	}
	c = sized(t.record, prompt, answer)
	c.Answer.Failed, c.Model = answer == 0, f[2].String()
	if c.UserFacing = f[3].String() == "Conversation log"; c.UserFacing {
		c.Pause = workload.PauseThink
	}
	return c, nil
}

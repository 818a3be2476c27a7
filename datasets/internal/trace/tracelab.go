package trace

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// traceLab reads the traces of coding agents of TraceLab (arXiv 2606.30560). A record is a round, which is one call of
// a model, with lengths but no text and no hashes. The rounds of a session are a chain. What a round found in the cache
// is the beginning of the prompt before it, to whole blocks; the rest of its prompt is new.
type traceLab struct{ Options }

func newTraceLab(o Options) Format { return traceLab{o} }

// traceLabBlock is the usual size of blocks in tokens.
const traceLabBlock = 64

func (traceLab) Name() string { return "tracelab" }

func (traceLab) Detects(record []byte) bool {
	f := pick(record, "session_id", "input_tokens_total", "prefix_tokens")
	return f[0].Exists() && f[1].Exists() && f[2].Exists()
}

func (traceLab) Index(record []byte) (Entry, error) {
	f := pick(record, "session_id", "timing_events")
	if !given(f[0]) {
		return Entry{}, errors.New("no session_id")
	}
	e := Entry{Session: f[0].String()}
	f[1].ForEach(func(_, event gjson.Result) bool {
		e.Time = event.Get("timestamp").String()
		return e.Time == ""
	})
	return e, nil
}

// round is a record of a trace.
type round struct {
	record             Record
	index              int
	input, prefix, out int
	ready, end         time.Time // of the last input, and of the last output; zero if the trace does not tell
	tools, byTool      bool      // its answer calls tools; its input came from tools
	model              string
}

func (l traceLab) Session(records []Record) (*workload.Session, error) {
	rounds := make([]round, len(records))
	for i, r := range records {
		var err error
		if rounds[i], err = readRound(r); err != nil {
			return nil, r.Fault(err)
		}
	}
	slices.SortStableFunc(rounds, func(a, b round) int { return cmp.Compare(a.index, b.index) })
	for i := 1; i < len(rounds); i++ {
		if rounds[i].index == rounds[i-1].index {
			return nil, rounds[i].record.Fault(fmt.Errorf("round %d is in %s, too", rounds[i].index,
				rounds[i-1].record.Origin))
		}
	}
	s := &workload.Session{ID: records[0].sessionID(), Scope: "session"}
	size := cmp.Or(l.BlockSize, traceLabBlock)
	var blocks []workload.Block
	next := uint64(0)
	for i, r := range rounds {
		blocks = mint(blocks, r, size, &next)
		s.Calls = append(s.Calls, l.call(rounds, i, blocks))
	}
	return s, nil
}

// readRound reads a record.
func readRound(r Record) (out round, err error) {
	names := []string{"round_index", "input_tokens_total", "prefix_tokens", "output_tokens"}
	f := pick(r.Data, append(names, "timing_events", "tools", "first_input_event_type", "model")...)
	out.record = r
	for i, to := range []*int{&out.index, &out.input, &out.prefix, &out.out} {
		if *to, err = tokens(f[i], names[i]); err != nil {
			return out, err
		}
	}
	if out.prefix > out.input {
		return out, fmt.Errorf("prefix_tokens must be at most input_tokens_total, got %d and %d", out.prefix, out.input)
	}
	f[4].ForEach(func(_, event gjson.Result) bool {
		at, parseErr := time.Parse(time.RFC3339Nano, event.Get("timestamp").String())
		if parseErr != nil {
			err = fmt.Errorf("%.40q in timing_events is no instant", event.Get("timestamp").String())
			return false
		}
		switch event.Get("event_type").Str {
		case "user_message", "tool_result":
			out.ready = later(out.ready, at)
		case "text", "reasoning", "tool_call":
			out.end = later(out.end, at)
		}
		return true
	})
	out.tools, out.byTool, out.model = len(f[5].Array()) > 0, f[6].Str == "tool_result", f[7].String()
	return out, err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// mint returns the blocks of a round: those of the round before that it found in the cache, and new ones.
func mint(before []workload.Block, r round, size int, next *uint64) (blocks []workload.Block) {
	for _, b := range before[:min(len(before), r.prefix/size)] {
		if b.Tokens < size {
			break
		}
		blocks = append(blocks, b)
	}
	for left := max(1, r.input) - len(blocks)*size; left > 0; left -= size {
		*next++
		blocks = append(blocks, workload.Block{Hash: *next, Tokens: min(left, size)})
	}
	return blocks
}

// call makes the call of a round.
func (l traceLab) call(rounds []round, i int, blocks []workload.Block) workload.Call {
	r := rounds[i]
	c := workload.Call{
		ID: fmt.Sprint(r.index), Prompt: user(workload.Message{Blocks: blocks}), PromptTokens: r.input,
		MaxTokens: max(1, r.out), Model: r.model, Answer: workload.Answer{Tokens: r.out}, UserFacing: !r.tools,
	}
	if !r.ready.IsZero() && r.end.After(r.ready) {
		c.Answer.Took = r.end.Sub(r.ready)
	}
	if i == 0 {
		return c
	}
	c.After = []workload.Edge{{Call: i - 1}}
	c.Pause = workload.PauseThink
	if r.byTool {
		c.Pause = workload.PauseTool
	}
	if before := later(rounds[i-1].end, rounds[i-1].ready); !r.ready.IsZero() && !before.IsZero() {
		c.Wait = max(0, r.ready.Sub(before))
	}
	if l.IdleGapCap > 0 {
		c.Wait = min(c.Wait, l.IdleGapCap)
	}
	return c
}

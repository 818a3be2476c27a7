package trace

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// bailian reads the traces that Alibaba published of Qwen on Bailian: records with chat_id, parent_chat_id (-1 for the
// first of a conversation), timestamp in seconds, input_length, output_length, type, turn, and hash_ids of 16 tokens,
// which cover the whole prompt. Equal hashes are equal texts in the whole trace.
type bailian struct{ Options }

func newBailian(o Options) Format { return bailian{o} }

func (bailian) Name() string { return "bailian" }

func (bailian) Detects(record []byte) bool {
	f := pick(record, "chat_id", "parent_chat_id", "input_length", "output_length")
	return f[0].Exists() && f[1].Exists() && f[2].Exists() && f[3].Exists()
}

func (bailian) Index(record []byte) (Entry, error) {
	f := pick(record, "timestamp", "chat_id", "parent_chat_id")
	e, err := timed(f[0], "timestamp", 1)
	if err == nil && !given(f[1]) {
		err = fmt.Errorf("no chat_id")
	}
	e.Session = f[1].String()
	if parent := f[2].String(); given(f[2]) && parent != "-1" {
		e.Links = []string{parent}
	}
	return e, err
}

// chat is a call with the chats that link it.
type chat struct {
	turn
	id, parent string
	call       workload.Call
}

func (b bailian) Session(records []Record) (*workload.Session, error) {
	chats := make([]chat, len(records))
	for i, r := range inOrder(records) {
		chats[i] = chat{turn: turn{record: r}}
		if err := b.read(&chats[i]); err != nil {
			return nil, r.Fault(err)
		}
	}
	chats, err := parentsFirst(chats)
	if err != nil {
		return nil, err
	}
	s := &workload.Session{ID: chats[0].id, Calls: make([]workload.Call, len(chats)), Scope: scoped(b.Scope)}
	b.link(s.Calls, chats)
	return s, nil
}

// read reads the record of a chat.
func (b bailian) read(c *chat) error {
	f := pick(c.record.Data, "chat_id", "parent_chat_id", "input_length", "output_length", "hash_ids", "type")
	c.id, c.parent = f[0].String(), f[1].String()
	prompt, err := tokens(f[2], "input_length")
	if err != nil {
		return err
	}
	answer, err := tokens(f[3], "output_length")
	if err != nil {
		return err
	}
	c.call = sized(c.record, prompt, answer)
	c.call.ID, c.call.UserFacing, c.call.Pause = c.id, true, workload.PauseThink
	if kind := f[5].String(); kind != "" {
		c.call.Attributes = map[string]string{"type": kind}
	}
	c.call.Prompt[0].Messages[0].Blocks, err = blocks(c.record, f[4], prompt, cmp.Or(b.BlockSize, 16))
	return err
}

// parentsFirst puts chats in an order in which each comes behind its parent, and otherwise in that of time.
func parentsFirst(chats []chat) ([]chat, error) {
	place := map[string]int{}
	for i, c := range chats {
		if before, ok := place[c.id]; ok {
			return nil, c.record.Fault(fmt.Errorf("chat %q is in %s, too", c.id, chats[before].record.Origin))
		}
		place[c.id] = i
	}
	out := make([]chat, 0, len(chats))
	const begun, done = 1, 2
	state := make([]int, len(chats))
	for i := range chats {
		var path []int // from chat i upwards to an ancestor that is out
		for k, ok := i, true; ok && state[k] != done; k, ok = place[chats[k].parent] {
			if state[k] == begun {
				return nil, chats[k].record.Fault(fmt.Errorf("chat %q is its own ancestor", chats[k].id))
			}
			state[k] = begun
			path = append(path, k)
		}
		for _, k := range slices.Backward(path) {
			state[k] = done
			out = append(out, chats[k])
		}
	}
	return out, nil
}

// link makes the calls of chats wait for their parents. They go when they went in the trace.
func (b bailian) link(calls []workload.Call, chats []chat) {
	at := make([]time.Duration, len(chats))
	for i, c := range chats {
		at[i] = c.record.Start
	}
	at = Squeeze(at, b.IdleGapCap)
	begin := slices.Min(at)
	place := map[string]int{}
	for i, c := range chats {
		place[c.id] = i
		calls[i] = c.call
		if parent, ok := place[c.parent]; ok {
			calls[i].After = []workload.Edge{{Call: parent}}
		}
		if calls[i].Wait = at[i] - begin; calls[i].Wait > 0 {
			calls[i].Clocked = true
		}
	}
}

// scoped returns the scope of a session's blocks, which is the whole trace unless the session is asked for.
func scoped(option string) string {
	if option == "session" {
		return option
	}
	return ""
}

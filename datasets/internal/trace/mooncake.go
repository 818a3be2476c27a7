package trace

import (
	"cmp"
	"errors"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// mooncake reads the traces that Mooncake published: records with timestamp in milliseconds, input_length,
// output_length, and hash_ids of 512 tokens, which are equal texts in the whole trace. It reads what AIPerf adds: a
// prompt as text_input, messages (with tools) or payload in place of input_length, and session_id, by which records are
// turns of one conversation, in which later ones follow by delay, in milliseconds.
//
// A later turn goes on with the conversation, except that messages and payload are whole prompts, unless message_mode
// is delta.
type mooncake struct{ Options }

func newMooncake(o Options) Format { return mooncake{o} }

func (mooncake) Name() string { return "mooncake" }

func (mooncake) Detects(record []byte) bool {
	f := pick(record, "input_length", "text_input", "payload", "messages", "output_length", "message_mode", "delay")
	return f[0].Exists() && f[4].Exists() || f[1].Exists() || f[2].IsObject() ||
		f[3].IsArray() && (f[4].Exists() || f[5].Exists() || f[6].Exists())
}

func (mooncake) Index(record []byte) (Entry, error) {
	f := pick(record, "session_id", "timestamp")
	e := Entry{Session: f[0].String()}
	if given(f[1]) {
		e.Time, e.Unit = plain(f[1]), 1e3
	}
	return e, nil
}

func (m mooncake) Session(records []Record) (*workload.Session, error) {
	s := &workload.Session{Scope: scoped(m.Scope)}
	var turns []turn
	for i, r := range inOrder(records) {
		t := turn{record: r}
		c, err := m.call(&t, i-1)
		if err != nil {
			return nil, r.Fault(err)
		}
		s.Calls, turns = append(s.Calls, c), append(turns, t)
	}
	s.ID = strings.Clone(pick(records[0].Data, "session_id")[0].String())
	chain(s.Calls, turns, m.IdleGapCap)
	return s, nil
}

// call makes the call of a record, which follows the call before it; that is -1 for the first.
func (m mooncake) call(t *turn, before int) (c workload.Call, err error) {
	f := pick(t.record.Data, "output_length", "delay", "payload", "context_mode", "message_mode")
	if given(f[1]) {
		ms, err := amount(f[1], "delay")
		if err != nil {
			return c, err
		}
		t.delay, t.paused = time.Duration(ms*float64(time.Millisecond)), true
	}
	if given(f[2]) {
		c, err = readBody(f[2])
	} else {
		whole := f[3].String() == "message_array_with_responses"
		c, err = m.prompt(t.record, before, whole, f[4].String() == "delta")
	}
	if err != nil || !given(f[0]) {
		return c, err
	}
	if c.Answer.Tokens, err = tokens(f[0], "output_length"); err != nil {
		return c, err
	}
	c.MaxTokens = max(1, c.Answer.Tokens)
	return c, nil
}

// prompt reads the prompt of a record without a payload.
func (m mooncake) prompt(r Record, before int, whole, delta bool) (c workload.Call, err error) {
	f := pick(r.Data, "messages", "text_input", "input_length", "hash_ids", "tools")
	var messages []workload.Message
	switch {
	case given(f[0]):
		whole = !delta
		if messages, err = readMessages(f[0]); err == nil {
			c.Tools, err = readTools(f[4])
		}
	case given(f[1]):
		messages = []workload.Message{{Role: "user", Text: strings.Clone(f[1].String())}}
	case given(f[2]):
		if c.PromptTokens, err = tokens(f[2], "input_length"); err == nil {
			messages, err = m.hashed(r, f[3], c.PromptTokens)
		}
	default:
		err = errors.New("it has none of input_length, text_input, messages and payload")
	}
	if whole {
		before = -1
	}
	c.Prompt = extend(messages, before)
	return c, err
}

// hashed returns a prompt of n tokens by its hashes.
func (m mooncake) hashed(r Record, hashes gjson.Result, n int) ([]workload.Message, error) {
	list, err := blocks(r, hashes, n, cmp.Or(m.BlockSize, 512))
	return []workload.Message{{Role: "user", Blocks: list}}, err
}

package trace

import (
	"cmp"
	"encoding/json"
	"errors"
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

// The fields of a record, by their places in mooncakeFields.
const (
	mcSession = iota
	mcMessages
	mcText
	mcInput
	mcOutput
	mcHashes
	mcDelay
	mcTools
	mcPayload
	mcContext
	mcMode
	mcExtra
)

var mooncakeFields = []string{
	"session_id", "messages", "text_input", "input_length", "output_length", "hash_ids", "delay", "tools", "payload",
	"context_mode", "message_mode", "extra",
}

func (m mooncake) Session(records []Record) (*workload.Session, error) {
	s := &workload.Session{Scope: scoped(m.Scope)}
	var turns []turn
	for i, r := range inOrder(records) {
		t := turn{record: r}
		f := pick(r.Data, mooncakeFields...)
		c, err := m.call(&t, f, i-1)
		if err != nil {
			return nil, r.Fault(err)
		}
		s.ID = f[mcSession].String()
		s.Calls, turns = append(s.Calls, c), append(turns, t)
	}
	chain(s.Calls, turns, m.IdleGapCap)
	return s, nil
}

// call makes the call of a record, which follows the call before it; that is -1 for the first.
func (m mooncake) call(t *turn, f []gjson.Result, before int) (c workload.Call, err error) {
	if given(f[mcDelay]) {
		ms, err := amount(f[mcDelay], "delay")
		if err != nil {
			return c, err
		}
		t.delay, t.paused = time.Duration(ms*float64(time.Millisecond)), true
	}
	if given(f[mcPayload]) {
		c, err = readBody(f[mcPayload])
	} else {
		c, err = m.prompt(t.record, f, before)
	}
	if f[mcExtra].IsObject() && c.Params == nil {
		c.Params = json.RawMessage(f[mcExtra].Raw)
	}
	if err != nil || !given(f[mcOutput]) {
		return c, err
	}
	if c.Answer.Tokens, err = tokens(f[mcOutput], "output_length"); err != nil {
		return c, err
	}
	c.MaxTokens = max(1, c.Answer.Tokens)
	return c, nil
}

// prompt reads the prompt of a record without a payload.
func (m mooncake) prompt(r Record, f []gjson.Result, before int) (c workload.Call, err error) {
	var messages []workload.Message
	whole := f[mcContext].String() == "message_array_with_responses"
	switch {
	case given(f[mcMessages]):
		whole = f[mcMode].String() != "delta"
		if messages, err = readMessages(f[mcMessages]); err == nil {
			c.Tools, err = readTools(f[mcTools])
		}
	case given(f[mcText]):
		messages = []workload.Message{{Role: "user", Text: f[mcText].String()}}
	case given(f[mcInput]):
		if c.PromptTokens, err = tokens(f[mcInput], "input_length"); err == nil {
			messages, err = m.hashed(r, f[mcHashes], c.PromptTokens)
		}
	default:
		err = errors.New("it has none of input_length, text_input, messages and payload")
	}
	if whole {
		before = -1
	}
	if c.Prompt = extend(messages, before); before >= 0 {
		c.PromptTokens = 0 // the record has the length of what is added
	}
	return c, err
}

// hashed returns a prompt of n tokens by its hashes.
func (m mooncake) hashed(r Record, hashes gjson.Result, n int) ([]workload.Message, error) {
	list, err := blocks(r, hashes, n, cmp.Or(m.BlockSize, 512))
	return []workload.Message{{Role: "user", Blocks: list}}, err
}

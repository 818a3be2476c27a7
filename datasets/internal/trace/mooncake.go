package trace

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
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
// is delta, and so are hashes that begin with those of the turn before.
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
	var roles []string
	for _, r := range inOrder(records) {
		t := turn{record: r}
		f := pick(r.Data, mooncakeFields...)
		c, err := m.call(&t, f, s.Calls, turns)
		if err != nil {
			return nil, r.Fault(err)
		}
		s.ID = f[mcSession].String()
		s.Calls, turns, roles = append(s.Calls, c), append(turns, t), append(roles, lastRole(c.Prompt))
	}
	chain(s.Calls, turns, m.IdleGapCap)
	people(s.Calls, roles)
	return s, nil
}

// call makes the call of a record, which follows the calls of the turns before it.
func (m mooncake) call(t *turn, f []gjson.Result, calls []workload.Call, turns []turn) (c workload.Call, err error) {
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
		c, err = m.prompt(t.record, f, calls, turns)
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
func (m mooncake) prompt(r Record, f []gjson.Result, calls []workload.Call, turns []turn,
) (c workload.Call, err error) {
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
		whole = whole || err == nil && len(calls) > 0 && m.repeats(messages, calls[len(calls)-1], turns[len(turns)-1])
	default:
		err = errors.New("it has none of input_length, text_input, messages and payload")
	}
	before := len(calls) - 1
	if whole || before < 0 {
		c.Prompt = extend(messages, -1)
		return c, err
	}
	c.Prompt = extend(messages, before)
	c.PromptTokens = added(calls[before], c.PromptTokens)
	return c, err
}

// added returns the tokens of a prompt that adds some to a call and its answer; 0 if the trace does not tell.
func added(before workload.Call, tokens int) int {
	if tokens == 0 || before.PromptTokens == 0 || before.Answer.Tokens == 0 {
		return 0
	}
	return before.PromptTokens + before.Answer.Tokens + tokens
}

// repeats reports whether the hashes of a turn begin with those of the turn before, except one of a block that the turn
// before did not fill.
func (m mooncake) repeats(messages []workload.Message, before workload.Call, at turn) bool {
	own, old := messages[0].Blocks, before.Prompt[len(before.Prompt)-1].Messages[0].Blocks
	if n := len(old); n > 0 && old[n-1].Hash == unique(at.record) {
		old = old[:n-1]
	}
	if n := len(old); n > 1 && old[n-1].Tokens < m.size() {
		old = old[:n-1]
	}
	equal := func(a, b workload.Block) bool { return a.Hash == b.Hash }
	return len(old) > 0 && len(own) >= len(old) && slices.EqualFunc(own[:len(old)], old, equal)
}

// size returns the number of tokens of a block.
func (m mooncake) size() int { return cmp.Or(m.BlockSize, 512) }

// hashed returns a prompt of n tokens by its hashes.
func (m mooncake) hashed(r Record, hashes gjson.Result, n int) ([]workload.Message, error) {
	list, err := blocks(r, hashes, n, m.size())
	return []workload.Message{{Role: "user", Blocks: list}}, err
}

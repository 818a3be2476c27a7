package replay

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/internal/prefix"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// prompts is what a session has sent and received so far, as far as later calls repeat it.
type prompts struct {
	*Player
	session *workload.Session
	calls   []workload.Call
	scope   string // of the texts of blocks
	first   string // goes before the first message of a prompt
	own     string // goes before each message of a call's own
	said    []said // by call

	mu      sync.Mutex // guards what follows
	instead []bool     // by call: its recorded tool calls replaced live ones; nil if none did
	tools   map[string]*toolset

	hashing sync.Mutex   // guards the chains of all messages; a call that is to be sent waits for no hashing
	empty   prefix.Chain // of a prompt without messages
}

// said is what a call sent and received.
type said struct {
	uses   atomic.Int32     // by calls whose prompts, or their blocks, are still to be made
	prompt *message         // the last of its messages; nil before it is sent, and after the last use
	answer *workload.Answer // likewise
}

func newPrompts(p *Player, t *Turn) *prompts {
	s := t.Session
	m := &prompts{Player: p, session: s, calls: s.Calls, said: make([]said, len(s.Calls)),
		empty: prefix.New(p.Rules.blockSize(), p.Tokenizer)}
	if s.Scope != "" {
		m.scope = s.Scope + ":" + s.ID
	}
	m.first, m.own = p.Rules.marks(t)
	return m
}

// plan counts how often each call is used.
func (m *prompts) plan() {
	for i := range m.calls {
		c := &m.calls[i]
		for _, p := range c.Prompt {
			if p.Kind != workload.Own {
				m.said[p.Call].uses.Add(1)
			}
		}
		if k := kin(c); k >= 0 {
			m.said[k].uses.Add(1)
		}
	}
}

// kin returns the call whose prompt a call's prompt most likely goes on from, -1 if there is none.
func kin(c *workload.Call) int {
	for _, p := range c.Prompt {
		if p.Kind == workload.Sent {
			return p.Call
		}
	}
	if n := len(c.After); n > 0 {
		return c.After[n-1].Call
	}
	return -1
}

// make makes the prompt of a call. The calls that it repeats have ended.
func (m *prompts) make(i int) (last *message, err error) {
	c := &m.calls[i]
	for j := range c.Prompt {
		if last, err = m.add(last, &c.Prompt[j]); err != nil {
			return nil, err
		}
	}
	for _, p := range c.Prompt {
		if p.Kind != workload.Own {
			m.release(p.Call)
		}
	}
	return last, nil
}

// sent takes the prompt that a call was sent with.
func (m *prompts) sent(i int, last *message) {
	if s := &m.said[i]; s.uses.Load() > 0 {
		s.prompt = last
	}
}

// release forgets what a call said if this was its last use.
func (m *prompts) release(i int) {
	if s := &m.said[i]; s.uses.Add(-1) == 0 {
		s.prompt, s.answer = nil, nil
	}
}

// keep takes what was recorded of a call that is not sent.
func (m *prompts) keep(i int) error {
	last, err := m.make(i)
	if err != nil {
		return err
	}
	m.sent(i, last)
	m.answer(i, &m.calls[i].Answer)
	return nil
}

// answer takes a call's answer.
func (m *prompts) answer(i int, a *workload.Answer) {
	if s := &m.said[i]; s.uses.Load() > 0 {
		s.answer = a
	}
}

// add adds a part to a prompt.
func (m *prompts) add(last *message, p *workload.Part) (*message, error) {
	if p.Kind == workload.Own {
		return m.addOwn(last, p.Messages)
	}
	s, id := &m.said[p.Call], m.calls[p.Call].ID
	switch {
	case s.prompt == nil || p.Kind != workload.Sent && s.answer == nil:
		return nil, fmt.Errorf("it repeats call %q, which has not ended", id)
	case p.Kind == workload.Sent:
		return m.addSent(last, s.prompt, p.Count), nil
	case p.Kind == workload.Answered:
		return m.addAnswer(last, p)
	}
	text := s.answer.Text
	if recorded := &m.calls[p.Call].Answer; m.Rules.Recorded && recorded.Text != "" {
		text = recorded.Text
	}
	return last.add(&workload.Message{Role: "user", Text: p.Before + text + p.After}, ""), nil
}

// addOwn adds messages of the call's own.
func (m *prompts) addOwn(last *message, messages []workload.Message) (*message, error) {
	for i := range messages {
		own, mark := messages[i], m.own
		if last == nil {
			mark = m.first + mark
		}
		if own.Blocks != nil {
			if m.Texts == nil {
				return nil, errors.New("nothing makes text of the hashes of its blocks")
			}
			var err error
			if own.Text, err = m.Texts.Text(m.scope, own.Blocks); err != nil {
				return nil, err
			}
		}
		if own.Role == "tool" {
			own.ToolCallID = last.callID(&own)
		}
		last = last.add(&own, mark)
	}
	return last, nil
}

// addSent adds the first messages that another call sent, all of them if count is negative. A prompt that begins with
// them shares them.
func (m *prompts) addSent(last, sent *message, count int) *message {
	for count >= 0 && sent != nil && sent.number > count {
		sent = sent.before
	}
	if last == nil || sent == nil {
		return sent
	}
	return last.copy(sent.messages())
}

// addAnswer adds an earlier call's answer.
func (m *prompts) addAnswer(last *message, p *workload.Part) (*message, error) {
	recorded, live := &m.calls[p.Call].Answer, m.said[p.Call].answer
	if m.Rules.Recorded && (len(p.Messages) > 0 || recorded.Text != "" || recorded.ToolCalls != nil) {
		return last.addRecorded(p, recorded), nil
	}
	if len(recorded.ToolCalls) == 0 || m.Rules.takes(live) {
		return last.addLive(recorded.ToolCalls, live), nil
	}
	id := m.calls[p.Call].ID
	switch {
	case !m.Rules.UseRecorded:
		return nil, &fault{record.SessionToolCallExpected, fmt.Sprintf("call %q answered in text in place of a tool "+
			"call: badToolCalls 'use_recorded' goes on with the recorded one", id)}
	case !readable(recorded.ToolCalls):
		return nil, &fault{record.SessionMalformedFallback, fmt.Sprintf("the recorded tool call of call %q, which was "+
			"to replace that of its answer, has arguments that are not JSON", id)}
	}
	m.replaced(p.Call)
	return last.addRecorded(p, recorded), nil
}

// replaced counts a call whose recorded tool calls replaced live ones.
func (m *prompts) replaced(i int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.instead == nil {
		m.instead = make([]bool, len(m.calls))
	}
	m.instead[i] = true
}

// substituted returns the ids of the calls whose recorded tool calls replaced live ones.
func (m *prompts) substituted() (ids []string) {
	for i, yes := range m.instead {
		if yes {
			ids = append(ids, m.calls[i].ID)
		}
	}
	return ids
}

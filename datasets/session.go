package datasets

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
)

// Script is the user's part of a conversation. The server's answers complete it.
type Script struct {
	System string // system prompt; "" means no system prompt
	Turns  []Turn
}

// Turn is a text of the user and the limit of the answer.
type Turn struct {
	Text      string
	MaxTokens int
	// Pause is the time between the answer and the next turn, such as that of a running tool.
	Pause time.Duration
}

// Scripts returns conversations by number. It may be used concurrently.
type Scripts interface {
	// Script returns conversation number i, from 0; past its end a finite set begins again.
	Script(i int64) (Script, error)
	// Len returns the number of distinct conversations, and false if the set is endless.
	Len() (int64, bool)
}

// Sessions leads conversations: each turn carries what was said before, including the server's own answers, and no turn
// is asked before the one before it is answered. It may be used concurrently.
//
// Up to Open conversations are open at once. A caller that asks for a turn gets a new conversation while fewer are
// open, otherwise the next turn of the conversation idle longest; if none is idle, the caller waits. A conversation
// that has ended is followed by the next.
type Sessions struct {
	Scripts Scripts
	Form    Form
	Open    int
	// Prefix begins the ids of the conversations.
	Prefix string
	// Number returns the number, in the whole test, of the k-th conversation of this instance. Nil numbers them as they
	// come.
	Number func(k int64) int64
	// Over, if set, returns by how many tokens a request, including its answer, is longer than the model can read; 0 or
	// less if it fits. A request that is too long loses its oldest turns, then words off the end of the system prompt,
	// then words off the end of the turn.
	Over func(Item) int

	mu      sync.Mutex
	idle    []*session
	waiting []chan *session // a caller that receives nil opens a new conversation
	open    int
	begun   int64
}

// Anew returns sessions of other conversations with the same options. They are numbered on from those that were begun,
// none of which goes on there.
func (s *Sessions) Anew(scripts Scripts) *Sessions {
	return &Sessions{Scripts: scripts, Form: s.Form, Open: s.Open, Prefix: s.Prefix, Number: s.Number, Over: s.Over,
		begun: s.Begun()}
}

// Begun returns the number of conversations that were begun.
func (s *Sessions) Begun() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begun
}

// First returns the request of the first turn. The script must have a turn.
func (s Script) First(form Form) Item {
	r := request{system: s.System, text: s.Turns[0].Text, maxTokens: s.Turns[0].MaxTokens}
	return r.item(form)
}

// session is a conversation under way.
type session struct {
	id      string
	script  Script
	history []Message // messages of the user and the assistant by turns
	turn    int
}

// Asked is a turn that was handed out. The caller must call Done once.
type Asked struct {
	Item
	SessionID string
	Turn      int  // from 0
	Cut       bool // words of the system prompt or of the turn were left out so that the model can read the request

	sessions *Sessions
	session  *session
	text     string // the user's text as it was asked
	once     sync.Once
}

// Next returns the next turn to ask. It waits for one until ctx ends.
func (s *Sessions) Next(ctx context.Context) (*Asked, error) {
	s.mu.Lock()
	if s.open < max(1, s.Open) {
		s.open++
		s.mu.Unlock()
		return s.openNext()
	}
	if len(s.idle) > 0 {
		c := s.idle[0]
		s.idle = s.idle[1:]
		s.mu.Unlock()
		return s.ask(c)
	}
	turn := make(chan *session, 1)
	s.waiting = append(s.waiting, turn)
	s.mu.Unlock()
	select {
	case c := <-turn:
		if c == nil {
			return s.openNext()
		}
		return s.ask(c)
	case <-ctx.Done():
		s.stopWaiting(turn)
		return nil, ctx.Err()
	}
}

// stopWaiting removes a waiting caller. Whatever was handed to that caller in the meantime goes to the next.
func (s *Sessions) stopWaiting(turn chan *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.waiting, turn); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
		return
	}
	s.handOver(<-turn)
}

// openNext opens the next conversation. The caller has made room for it.
func (s *Sessions) openNext() (*Asked, error) {
	s.mu.Lock()
	k := s.begun
	s.begun++
	s.mu.Unlock()
	if s.Number != nil {
		k = s.Number(k)
	}
	script, err := s.Scripts.Script(k)
	if err == nil && len(script.Turns) == 0 {
		err = fmt.Errorf("conversation %d has no turn", k)
	}
	if err != nil {
		s.mu.Lock()
		s.handOver(nil)
		s.mu.Unlock()
		return nil, err
	}
	return s.ask(&session{id: fmt.Sprintf("%ssession-%d", s.Prefix, k), script: script})
}

// ask returns the request of a conversation's turn. A request that cannot be made counts as failed.
func (s *Sessions) ask(c *session) (*Asked, error) {
	a := &Asked{SessionID: c.id, Turn: c.turn, sessions: s, session: c}
	r, err := s.fit(c)
	if err != nil {
		a.Done("", false)
		return nil, fmt.Errorf("%s, turn %d: %w", a.SessionID, a.Turn, err)
	}
	a.Item, a.text, a.Cut = r.item(s.Form), r.text, r.system != c.script.System || r.text != c.script.Turns[c.turn].Text
	return a, nil
}

// request is the content of a turn: the system prompt, the history, and the user's text.
type request struct {
	system    string
	history   []Message
	text      string
	maxTokens int
}

// fit returns the request of a conversation's turn, shortened until the model can read it.
func (s *Sessions) fit(c *session) (request, error) {
	turn := c.script.Turns[c.turn]
	r := request{system: c.script.System, history: c.history, text: turn.Text, maxTokens: turn.MaxTokens}
	if s.Over == nil || s.Over(r.item(s.Form)) <= 0 {
		return r, nil
	}
	skip := 2 * sort.Search(len(c.history)/2, func(i int) bool { // a question and its answer are left out together
		r.history = c.history[2*i:]
		return s.Over(r.item(s.Form)) <= 0
	})
	r.history = c.history[skip:]
	for {
		over := s.Over(r.item(s.Form))
		if over <= 0 {
			return r, nil
		}
		if !r.shorten(over) {
			return r,
				fmt.Errorf("a prompt of one word, with an answer of %d tokens, is %d tokens longer than the model "+
					"can read",
					turn.MaxTokens, over)
		}
	}
}

// shorten removes the last n words of the system prompt. If there is no system prompt it removes words of the turn,
// except its first. It reports whether there was a word to remove.
func (r *request) shorten(n int) bool {
	if r.system != "" {
		r.system = withoutLast(r.system, n)
		return true
	}
	first, _, more := strings.Cut(r.text, " ")
	r.text = cmp.Or(withoutLast(r.text, n), first)
	return more
}

// withoutLast returns a text without its last n words, "" if it has no more than that.
func withoutLast(text string, n int) string {
	for ; n > 0 && text != ""; n-- {
		text = text[:max(0, strings.LastIndexByte(text, ' '))]
	}
	return text
}

// item returns the request as an item of a form.
func (r *request) item(form Form) Item {
	item := Item{MaxTokens: r.maxTokens}
	var messages []Message
	if r.system != "" {
		messages = append(messages, Message{Role: "system", Content: r.system})
	}
	messages = append(append(messages, r.history...), Message{Role: "user", Content: r.text})
	if form == AsChat {
		item.Messages = messages
		return item
	}
	texts := make([]string, len(messages))
	for i, m := range messages {
		texts[i] = m.Content
	}
	item.Prompt = strings.Join(texts, " ")
	return item
}

// Done takes the answer and lets the conversation go on. After a failure the turn is left out of the history.
func (a *Asked) Done(answer string, ok bool) {
	a.once.Do(func() {
		turn := a.session.script.Turns[a.Turn]
		if ok {
			a.session.history = append(a.session.history, Message{Role: "user", Content: a.text},
				Message{Role: "assistant", Content: answer})
		}
		a.session.turn++
		if turn.Pause > 0 && a.session.turn < len(a.session.script.Turns) {
			time.AfterFunc(turn.Pause, func() { a.sessions.release(a.session) })
			return
		}
		a.sessions.release(a.session)
	})
}

func (s *Sessions) release(c *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.turn == len(c.script.Turns) {
		c = nil
	}
	s.handOver(c)
}

// handOver passes a conversation, or with nil the room for a new one, to the caller that has waited longest.
func (s *Sessions) handOver(c *session) {
	switch {
	case len(s.waiting) > 0:
		turn := s.waiting[0]
		s.waiting = s.waiting[1:]
		turn <- c
	case c == nil:
		s.open--
	default:
		s.idle = append(s.idle, c)
	}
}

// First returns the first turn of conversation number i as an item.
func (s *Sessions) First(i int64) (Item, error) {
	script, err := s.Scripts.Script(i)
	if err != nil || len(script.Turns) == 0 {
		return Item{}, err
	}
	r, err := s.fit(&session{script: script})
	return r.item(s.Form), err
}

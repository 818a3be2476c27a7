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

// Script is a conversation as the user leads it; what the model says is the server's to add.
type Script struct {
	System string // "" for none
	Turns  []Turn
}

// Turn is what the user says, and how long the answer may be.
type Turn struct {
	Text      string
	MaxTokens int
	// Pause passes after the answer before the next turn may be asked, as of a tool that runs.
	Pause time.Duration
}

// Scripts gives conversations by number. It may be used concurrently.
type Scripts interface {
	// Script is conversation number i, from 0; past the end a set of finite length begins again.
	Script(i int64) (Script, error)
	// Len is the number of distinct conversations, and false if there is no end of them.
	Len() (int64, bool)
}

// Sessions leads conversations: each turn carries what was said before, the server's own answers included, and none is
// asked before the one before it is answered. It may be used concurrently.
//
// So many are open at once as Open says. Whoever asks for a turn gets a new conversation while fewer are open, else the
// next turn of the one idle longest; if none is idle he waits. A conversation that is through is followed by the next.
type Sessions struct {
	Scripts Scripts
	Form    Form
	Open    int
	// Prefix begins the ids of the conversations.
	Prefix string
	// Number is the number, in the whole test, of the k-th conversation of this instance; nil numbers them as they
	// come.
	Number func(k int64) int64
	// Over, if set, is by how many tokens a request, its answer included, is longer than the model can read; none if it
	// fits. One that is longer loses its oldest turns, then words off the end of the system prompt, then off that of
	// the turn.
	Over func(Item) int

	mu      sync.Mutex
	idle    []*session
	waiting []chan *session // who gets nil begins a new one
	open    int
	begun   int64
}

// First is the request of the first turn, of which there must be one.
func (s Script) First(form Form) Item {
	r := request{s.System, nil, s.Turns[0].Text, s.Turns[0].MaxTokens}
	return r.item(form)
}

// session is a conversation under way.
type session struct {
	id     string
	script Script
	said   []Message // by user and assistant in turn
	turn   int
}

// Asked is a turn that was handed out. Done must be called, once.
type Asked struct {
	Item
	SessionID string
	Turn      int  // from 0
	Cut       bool // words of the system prompt or of the turn were left out, for the model to be able to read it

	all  *Sessions
	of   *session
	text string // what the user says
	once sync.Once
}

// Next is the next turn to ask. It waits for one until ctx ends.
func (s *Sessions) Next(ctx context.Context) (*Asked, error) {
	s.mu.Lock()
	if s.open < max(1, s.Open) {
		s.open++
		s.mu.Unlock()
		return s.begin()
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
			return s.begin()
		}
		return s.ask(c)
	case <-ctx.Done():
		s.giveUp(turn)
		return nil, ctx.Err()
	}
}

// giveUp takes a waiter away; what it was handed meanwhile goes to the next.
func (s *Sessions) giveUp(turn chan *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.waiting, turn); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
		return
	}
	s.pass(<-turn)
}

// begin opens the next conversation, for which there is a place.
func (s *Sessions) begin() (*Asked, error) {
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
		s.pass(nil)
		s.mu.Unlock()
		return nil, err
	}
	return s.ask(&session{id: fmt.Sprintf("%ssession-%d", s.Prefix, k), script: script})
}

// ask makes the request of a conversation's turn. One that cannot be made counts as failed.
func (s *Sessions) ask(c *session) (*Asked, error) {
	a := &Asked{SessionID: c.id, Turn: c.turn, all: s, of: c}
	r, err := s.fit(c)
	if err != nil {
		a.Done("", false)
		return nil, fmt.Errorf("%s, turn %d: %w", a.SessionID, a.Turn, err)
	}
	a.Item, a.text, a.Cut = r.item(s.Form), r.text, r.system != c.script.System || r.text != c.script.Turns[c.turn].Text
	return a, nil
}

// request is what a turn carries: the system prompt, what was said, and what the user says now.
type request struct {
	system    string
	said      []Message
	text      string
	maxTokens int
}

// fit makes the request of a conversation's turn, short enough for the model.
func (s *Sessions) fit(c *session) (request, error) {
	turn := c.script.Turns[c.turn]
	r := request{c.script.System, c.said, turn.Text, turn.MaxTokens}
	if s.Over == nil || s.Over(r.item(s.Form)) <= 0 {
		return r, nil
	}
	skip := 2 * sort.Search(len(c.said)/2, func(i int) bool { // questions with their answers
		r.said = c.said[2*i:]
		return s.Over(r.item(s.Form)) <= 0
	})
	r.said = c.said[skip:]
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

// shorten leaves out the last n words of the system prompt, else of the turn but for its first word, and reports
// whether there was one to leave out.
func (r *request) shorten(n int) bool {
	if r.system != "" {
		r.system = withoutLast(r.system, n)
		return true
	}
	first, _, more := strings.Cut(r.text, " ")
	r.text = cmp.Or(withoutLast(r.text, n), first)
	return more
}

// withoutLast is a text without its last n words, "" if it has no more.
func withoutLast(text string, n int) string {
	for ; n > 0 && text != ""; n-- {
		text = text[:max(0, strings.LastIndexByte(text, ' '))]
	}
	return text
}

// item is the request in a form.
func (r *request) item(form Form) Item {
	item := Item{MaxTokens: r.maxTokens}
	var messages []Message
	if r.system != "" {
		messages = append(messages, Message{"system", r.system})
	}
	messages = append(append(messages, r.said...), Message{"user", r.text})
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

// Done tells the answer, and lets the conversation go on. After a failure the turn is left out of what was said.
func (a *Asked) Done(answer string, ok bool) {
	a.once.Do(func() {
		turn := a.of.script.Turns[a.Turn]
		if ok {
			a.of.said = append(a.of.said, Message{"user", a.text}, Message{"assistant", answer})
		}
		a.of.turn++
		if turn.Pause > 0 && a.of.turn < len(a.of.script.Turns) {
			time.AfterFunc(turn.Pause, func() { a.all.release(a.of) })
			return
		}
		a.all.release(a.of)
	})
}

func (s *Sessions) release(c *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.turn == len(c.script.Turns) {
		c = nil
	}
	s.pass(c)
}

// pass hands a conversation, or with nil a place for a new one, to who waits longest.
func (s *Sessions) pass(c *session) {
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

// First is the first turn of conversation number i, as a set of items has it.
func (s *Sessions) First(i int64) (Item, error) {
	script, err := s.Scripts.Script(i)
	if err != nil || len(script.Turns) == 0 {
		return Item{}, err
	}
	r, err := s.fit(&session{script: script})
	return r.item(s.Form), err
}

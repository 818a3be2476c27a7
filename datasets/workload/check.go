package workload

import (
	"errors"
	"fmt"
)

// Check returns an error, with the call's id, if the session is not a graph that can be replayed: it has no call, a
// call has no prompt, waits for a call that does not exist or comes later, or repeats one that need not have ended.
func (s *Session) Check() error {
	if len(s.Calls) == 0 {
		return fmt.Errorf("session %q has no call", s.ID)
	}
	ids := make(map[string]bool, len(s.Calls))
	for i := range s.Calls {
		c := &s.Calls[i]
		if ids[c.ID] {
			return fmt.Errorf("session %q has two calls %q", s.ID, c.ID)
		}
		ids[c.ID] = true
		if err := s.checkCall(i); err != nil {
			return fmt.Errorf("session %q, call %q: %w", s.ID, c.ID, err)
		}
	}
	return nil
}

// checkCall checks a call by its place in the session.
func (s *Session) checkCall(place int) error {
	c := &s.Calls[place]
	for i, e := range c.After {
		switch {
		case e.Call < 0 || e.Call >= place:
			return fmt.Errorf("it waits for call number %d, which does not come before it", e.Call)
		case i > 0 && e.Call <= c.After[i-1].Call:
			return errors.New("the calls that it waits for are not in order")
		}
	}
	if len(c.Prompt) == 0 {
		return errors.New("it has no message")
	}
	if err := s.checkPrompt(place); err != nil {
		return err
	}
	if c.Wait < 0 || c.MaxTokens < 0 || c.PromptTokens < 0 || c.Answer.Tokens < 0 {
		return fmt.Errorf("its wait and its tokens must not be negative, got %v, at most %d, %d and %d", c.Wait,
			c.MaxTokens, c.PromptTokens, c.Answer.Tokens)
	}
	return nil
}

// checkPrompt checks that the calls that a call repeats have ended before it goes, and the messages of its own.
func (s *Session) checkPrompt(place int) error {
	var ended []bool // calls that have; nil before it is needed
	for _, p := range s.Calls[place].Prompt {
		if err := p.check(); err != nil {
			return err
		}
		if p.Kind == Own || s.Calls[place].after(p.Call) {
			continue
		}
		if p.Call < 0 || p.Call >= place {
			return fmt.Errorf("it repeats call number %d, which does not come before it", p.Call)
		}
		if ended == nil {
			ended = s.ended(place)
		}
		if !ended[p.Call] {
			return fmt.Errorf("it repeats call number %d, for which it does not wait", p.Call)
		}
	}
	return nil
}

// after reports whether a call is among those that c waits for.
func (c *Call) after(call int) bool {
	for _, e := range c.After {
		if e.Call == call {
			return true
		}
	}
	return false
}

// ended returns which of the calls before a place have ended when the call at that place goes.
func (s *Session) ended(place int) []bool {
	ended := make([]bool, place)
	for at := []int{place}; len(at) > 0; {
		last := at[len(at)-1]
		at = at[:len(at)-1]
		for _, e := range s.Calls[last].After {
			if !ended[e.Call] {
				ended[e.Call] = true
				at = append(at, e.Call)
			}
		}
	}
	return ended
}

// check checks the messages of a part.
func (p *Part) check() error {
	if p.Kind == Own && len(p.Messages) == 0 {
		return errors.New("it has no message")
	}
	for i := range p.Messages {
		m := &p.Messages[i]
		if m.Role == "" {
			return fmt.Errorf("message %d has no role", i+1)
		}
		for _, b := range m.Blocks {
			if b.Tokens <= 0 {
				return fmt.Errorf("message %d has a block of %d tokens", i+1, b.Tokens)
			}
		}
	}
	return nil
}

package workload

import "fmt"

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
		err := c.check(i)
		if err == nil {
			err = s.checkParts(i)
		}
		if err != nil {
			return fmt.Errorf("session %q, call %q: %w", s.ID, c.ID, err)
		}
	}
	return nil
}

// check checks a call at its place in the session.
func (c *Call) check(place int) error {
	earlier := func(call int) bool { return 0 <= call && call < place }
	if len(c.Prompt) == 0 {
		return fmt.Errorf("it has no message")
	}
	for i, e := range c.After {
		switch {
		case !earlier(e.Call):
			return fmt.Errorf("it waits for call number %d, which does not come before it", e.Call)
		case i > 0 && e.Call <= c.After[i-1].Call:
			return fmt.Errorf("the calls that it waits for are not in order")
		}
	}
	for _, p := range c.Prompt {
		if p.Kind != Own && !earlier(p.Call) {
			return fmt.Errorf("it repeats call number %d, which does not come before it", p.Call)
		}
	}
	if c.Wait < 0 || c.MaxTokens < 0 {
		return fmt.Errorf("its wait and its limit must not be negative, got %v and %d", c.Wait, c.MaxTokens)
	}
	return nil
}

// checkParts checks that the calls that a call repeats have ended before it goes.
func (s *Session) checkParts(place int) error {
	var ended []bool // calls that have; nil before it is needed
	for _, p := range s.Calls[place].Prompt {
		if p.Kind == Own || s.Calls[place].after(p.Call) {
			continue
		}
		if ended == nil {
			ended = make([]bool, place)
			s.markEnded(ended, place)
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

// markEnded marks the calls that have ended when a call goes.
func (s *Session) markEnded(ended []bool, place int) {
	for _, e := range s.Calls[place].After {
		if !ended[e.Call] {
			ended[e.Call] = true
			s.markEnded(ended, e.Call)
		}
	}
}

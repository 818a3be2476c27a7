package workload

import "fmt"

// Check returns an error, with the call's id, if the session is not a graph that can be replayed: it has no call, a
// call has no prompt, waits for a call that does not exist or comes later, or repeats the messages of such a call.
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
		if err := c.check(i); err != nil {
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

package workload

import (
	"strings"
	"testing"
	"time"
)

// three returns a valid session: the second call waits for the first, and the third for the second.
func three() *Session {
	say := []Part{{Messages: []Message{{Role: "user", Text: "hi"}}}}
	return &Session{ID: "s", Calls: []Call{
		{ID: "a", Prompt: say},
		{ID: "b", Prompt: say, After: []Edge{{Call: 0}}},
		{ID: "c", Prompt: append([]Part{{Kind: Sent, Call: 0, Count: -1}}, say...), After: []Edge{{Call: 1}}},
	}}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		want   string
		change func(s *Session)
	}{
		{"", func(*Session) {}},
		{`session "s" has no call`, func(s *Session) { s.Calls = nil }},
		{`session "s" has two calls "a"`, func(s *Session) { s.Calls[2].ID = "a" }},
		{`session "s", call "b": it has no message`, func(s *Session) { s.Calls[1].Prompt = nil }},
		{`session "s", call "b": it has no message`, func(s *Session) { s.Calls[1].Prompt = []Part{{}} }},
		{`session "s", call "b": message 1 has no role`, func(s *Session) {
			s.Calls[1].Prompt = []Part{{Messages: []Message{{Text: "hi"}}}}
		}},
		{`session "s", call "b": message 1 has a block of 0 tokens`, func(s *Session) {
			s.Calls[1].Prompt = []Part{{Messages: []Message{{Role: "user", Blocks: []Block{{Hash: 1}}}}}}
		}},
		{`call "b": it waits for call number 1, which does not come before it`, func(s *Session) {
			s.Calls[1].After[0].Call = 1
		}},
		{`call "b": it waits for call number -1, which does not`, func(s *Session) { s.Calls[1].After[0].Call = -1 }},
		{`call "c": the calls that it waits for are not in order`, func(s *Session) {
			s.Calls[2].After = []Edge{{Call: 1}, {Call: 0}}
		}},
		{`call "c": it repeats call number 2, which does not come before it`, func(s *Session) {
			s.Calls[2].Prompt[0].Call = 2
		}},
		{`call "c": it repeats call number 0, for which it does not wait`, func(s *Session) { s.Calls[1].After = nil }},
		{`call "c": its wait and its tokens must not be negative, got -1s, at most 0, 0 and 0`, func(s *Session) {
			s.Calls[2].Wait = -time.Second
		}},
		{`call "c": its wait and its tokens must not be negative, got 0s, at most 0, 0 and -5`, func(s *Session) {
			s.Calls[2].Answer.Tokens = -5
		}},
	} {
		s := three()
		tt.change(s)
		err := s.Check()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
}

// A session of many calls that all repeat the first one is checked in a moment.
func TestCheckOfLongSession(t *testing.T) {
	t.Parallel()
	s := three()
	for i := 3; i < 2000; i++ {
		s.Calls = append(s.Calls, Call{ID: strings.Repeat("x", i), After: []Edge{{Call: i - 1}},
			Prompt: []Part{{Kind: Sent, Call: 0, Count: -1}, {Messages: []Message{{Role: "user"}}}}})
	}
	begin := time.Now()
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
}

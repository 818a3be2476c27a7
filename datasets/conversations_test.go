package datasets

import (
	"fmt"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

func TestConversationsAreSessions(t *testing.T) {
	t.Parallel()
	turns := []Turn{{Text: "one", MaxTokens: 5, Pause: time.Second}, {Text: "two", MaxTokens: 6}, {Text: "three"}}
	source := Conversations{&ScriptList{scripts: []Script{{System: "be brief", Turns: turns}, {Turns: turns[:1]}, {}}}}
	for i, want := range []string{
		"session-0: turn_0 [] 0s 5 system:be brief user:one; turn_1 [{0 true}] 1s tool 6 sent 0 answered 0 user:two; " +
			"turn_2 [{1 true}] 0s 0 sent 1 answered 1 user:three",
		"session-1: turn_0 [] 0s 5 user:one",
		`error: session "session-2" has no call`,
	} {
		s, err := source.Session(int64(i))
		got := fmt.Sprint("error: ", err)
		if err == nil {
			got = describe(s)
		}
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if n, finite := source.Len(); n != 3 || !finite {
		t.Errorf("got %d sessions, %v", n, finite)
	}
}

// describe writes a session in a line.
func describe(s *workload.Session) string {
	text := s.ID + ":"
	for i, c := range s.Calls {
		if i > 0 {
			text += ";"
		}
		text += fmt.Sprint(" ", c.ID, " ", c.After, " ", c.Wait)
		if c.Pause != "" {
			text += " " + string(c.Pause)
		}
		text += fmt.Sprint(" ", c.MaxTokens)
		for _, p := range c.Prompt {
			switch {
			case p.Kind == workload.Sent && p.Count < 0:
				text += fmt.Sprint(" sent ", p.Call)
			case p.Kind == workload.Answered:
				text += fmt.Sprint(" answered ", p.Call)
			}
			for _, m := range p.Messages {
				text += " " + m.Role + ":" + m.Text
			}
		}
	}
	return text
}

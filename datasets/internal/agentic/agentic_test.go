package agentic

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

func fixed(n int) Draw { return func(*rand.Rand) int { return n } }

// between draws all whole numbers from low to high.
func between(low, high int) Draw {
	return func(rng *rand.Rand) int { return low + below(rng, high-low+1) }
}

func countWords(text string) int { return len(strings.Fields(text)) }

// plain returns options of sessions without sub-agents. A word is a token.
func plain() Options {
	return Options{
		Seed: 42, Themes: []Weight{{"generic", 1}}, Rounds: fixed(1), Input: fixed(300), Output: fixed(100),
		SystemPrompt: 200, Loop: fixed(2), Tools: fixed(8), Parallel: fixed(1), SubAgents: fixed(2), MaxDepth: 1,
		MaxCalls: 64, ToolTime: fixed(1000), ThinkTime: fixed(10000),
		Measure: Measure{Prose: countWords, JSON: func(text string) int { return len(text) / 4 }, PerWord: 1},
	}
}

// varied returns options that draw all that can be drawn.
func varied(seed int64) Options {
	o := plain()
	o.Seed, o.Fanout, o.MaxDepth, o.MaxCalls = seed, 0.5, 3, 90
	for name := range strings.SplitSeq(knownThemes, ", ") {
		o.Themes = append(o.Themes, Weight{name, 1})
	}
	o.Rounds, o.Loop, o.Tools, o.Parallel = between(1, 4), between(0, 4), between(0, 12), between(1, 4)
	o.SubAgents, o.Input, o.Output = between(1, 4), between(10, 900), between(1, 300)
	o.ToolTime, o.ThinkTime = between(0, 5000), between(0, 60000)
	o.Compaction = &Compaction{Trigger: between(1000, 9000), Target: between(50, 400)}
	return o
}

func newGenerator(t testing.TB, o Options) *Generator {
	t.Helper()
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestSessionsCanBeReplayed(t *testing.T) {
	for seed := range int64(10) {
		o := varied(seed)
		g := newGenerator(t, o)
		for i := range int64(10) {
			s := g.Session(i)
			if err := s.Check(); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
			if len(s.Calls) > o.MaxCalls {
				t.Errorf("seed %d, session %s has %d calls, want at most %d", seed, s.ID, len(s.Calls), o.MaxCalls)
			}
			for _, fault := range faults(s) {
				t.Errorf("seed %d, session %s: %s", seed, s.ID, fault)
			}
		}
	}
}

// faults returns what is wrong with the calls of a session.
func faults(s *workload.Session) (list []string) {
	for i, c := range s.Calls {
		if i > 0 && len(c.After) == 0 {
			list = append(list, fmt.Sprintf("call %s waits for no other", c.ID))
		}
		if (c.Answer.ToolCalls == nil) != c.UserFacing {
			list = append(list, fmt.Sprintf("call %s: user-facing is %v", c.ID, c.UserFacing))
		}
		offered := map[string]bool{}
		for _, name := range toolNames(c.Tools) {
			offered[name] = true
		}
		for _, x := range c.Answer.ToolCalls {
			if !offered[x.Name] {
				list = append(list, fmt.Sprintf("call %s should call %s, which is not offered", c.ID, x.Name))
			}
			if !json.Valid([]byte(x.Arguments)) {
				list = append(list, fmt.Sprintf("call %s has the arguments %s", c.ID, x.Arguments))
			}
		}
		list = append(list, unanswered(s, &c)...)
	}
	return list
}

// unanswered returns the tool calls of the answers that a call repeats for which it has no result behind them.
func unanswered(s *workload.Session, c *workload.Call) (list []string) {
	for i, p := range c.Prompt {
		if p.Kind != workload.Answered {
			continue
		}
		calls := s.Calls[p.Call].Answer.ToolCalls
		messages := c.Prompt[i+1].Messages
		for k, x := range calls {
			if k >= len(messages) || messages[k].Role != "tool" || messages[k].ToolCallID != x.ID {
				list = append(list, fmt.Sprintf("call %s lacks the result of %s", c.ID, x.ID))
			}
		}
	}
	return list
}

func toolNames(definitions json.RawMessage) (names []string) {
	var list []struct{ Function struct{ Name string } }
	if definitions != nil && json.Unmarshal(definitions, &list) != nil {
		return []string{"no JSON"}
	}
	for _, x := range list {
		names = append(names, x.Function.Name)
	}
	return names
}

func TestSessionsDependOnNumberAndSeedAlone(t *testing.T) {
	g, again := newGenerator(t, varied(7)), newGenerator(t, varied(7))
	for _, i := range []int64{5, 0, 3, 5} {
		if !reflect.DeepEqual(g.Session(i), again.Session(i)) {
			t.Errorf("session %d is another one the second time", i)
		}
		again.Session(i + 1) // what was made before must not matter
	}
	if reflect.DeepEqual(g.Session(1).Calls[0], g.Session(2).Calls[0]) {
		t.Error("sessions 1 and 2 begin alike")
	}
	if reflect.DeepEqual(newGenerator(t, varied(8)).Session(1).Calls, g.Session(1).Calls) {
		t.Error("seeds 7 and 8 make the same session")
	}
}

// TestSessionsStayTheSame notices a change of draws or texts: runs of one seed are compared over releases, so such a
// change belongs into the CHANGELOG.
func TestSessionsStayTheSame(t *testing.T) {
	g := newGenerator(t, varied(1))
	h := sha256.New()
	var wg sync.WaitGroup
	sessions := make([][]byte, 8)
	for i := range sessions {
		wg.Go(func() { sessions[i], _ = json.Marshal(g.Session(int64(i))) })
	}
	wg.Wait()
	for _, s := range sessions {
		h.Write(s)
	}
	const want = "d81a8a10a05974cc"
	if got := hex.EncodeToString(h.Sum(nil)[:8]); got != want {
		t.Errorf("got sessions with the hash %s, want %s", got, want)
	}
}

func TestOneDrawLeavesOthersAlone(t *testing.T) {
	o := varied(3)
	o.Compaction = nil
	g := newGenerator(t, o)
	o.ToolTime, o.Output = fixed(1), fixed(50)
	changed := newGenerator(t, o)
	for i := range int64(20) {
		was, is := g.Session(i), changed.Session(i)
		if len(was.Calls) != len(is.Calls) {
			t.Fatalf("session %d has %d calls, and %d with other times", i, len(was.Calls), len(is.Calls))
		}
		for k := range was.Calls {
			if was.Calls[k].ID != is.Calls[k].ID || !reflect.DeepEqual(was.Calls[k].Prompt, is.Calls[k].Prompt) {
				t.Errorf("session %d: call %s is another one with other times", i, was.Calls[k].ID)
			}
		}
	}
}

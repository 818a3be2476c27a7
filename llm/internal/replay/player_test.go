package replay

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// server answers calls after a time, and notes when they came and went.
type server struct {
	took   func(id string) time.Duration
	answer func(a *Ask) Got // nil answers "answer of <id>"

	began time.Time
	mu    sync.Mutex
	lines []line
}

// line is a request that was sent. Times are since the server's beginning.
type line struct {
	id         string
	start, end time.Duration
	ask        *Ask
}

// asks is a server on which each call takes a time.
func asks(took time.Duration) *server {
	return &server{began: time.Now(), took: func(string) time.Duration { return took }}
}

func (s *server) send(ctx context.Context, a *Ask) Got {
	select {
	case <-time.After(time.Until(a.At)):
	case <-a.Stop:
		return Got{Unsent: true}
	case <-ctx.Done():
		return Got{Unsent: true}
	}
	l := line{id: a.Call.ID, start: time.Since(s.began), ask: a}
	got := Got{Text: "answer of " + a.Call.ID}
	select {
	case <-time.After(s.took(a.Call.ID)):
		if s.answer != nil {
			got = s.answer(a)
		}
	case <-ctx.Done():
		got = Got{ErrorType: record.ErrorCanceled}
	}
	got.End = time.Now()
	l.end = got.End.Sub(s.began)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, l)
	return got
}

// String tells what was sent, in the order of the starts: "a 0-1s, b 1s-2s".
func (s *server) String() string {
	slices.SortStableFunc(s.lines, func(a, b line) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.id, b.id))
	})
	texts := make([]string, len(s.lines))
	for i, l := range s.lines {
		texts[i] = fmt.Sprintf("%s %v-%v", l.id, l.start, l.end)
	}
	return strings.Join(texts, ", ")
}

// find returns the request of a call.
func (s *server) find(t *testing.T, id string) *Ask {
	t.Helper()
	for _, l := range s.lines {
		if l.id == id {
			return l.ask
		}
	}
	t.Fatalf("call %s was not sent", id)
	return nil
}

// call is a call with a text of its own after others, each with a wait.
func call(id string, wait time.Duration, after ...int) workload.Call {
	c := workload.Call{ID: id, Wait: wait,
		Prompt: []workload.Part{{Messages: []workload.Message{{Role: "user", Text: "ask " + id}}}}}
	for _, i := range after {
		c.After = append(c.After, workload.Edge{Call: i, Causal: true})
	}
	return c
}

func session(calls ...workload.Call) *workload.Session {
	return &workload.Session{ID: "s", Origin: "trace.jsonl:3", Calls: calls}
}

// play replays a session to a server by rules, from the defaults.
func play(t *testing.T, s *server, change func(*Rules), turn Turn) *record.Session {
	t.Helper()
	p := &Player{Rules: DefaultRules()}
	if change != nil {
		change(&p.Rules)
	}
	if turn.ID = "r"; turn.Session == nil {
		t.Fatal("no session")
	}
	return p.Play(t.Context(), turn, s.send)
}

const second = time.Second

func TestCallsGoWhenTheGraphLetsThem(t *testing.T) {
	t.Parallel()
	clocked := func(c workload.Call) workload.Call {
		c.Clocked = true
		return c
	}
	for _, tt := range []struct {
		name  string
		rules func(*Rules)
		calls []workload.Call
		want  string
	}{
		{"a chain", nil, []workload.Call{call("a", 0), call("b", 2*second, 0), call("c", 0, 1)},
			"a 0s-1s, b 3s-4s, c 4s-5s"},
		{"roots wait from the session's beginning", nil, []workload.Call{call("a", 3*second), call("b", second)},
			"b 1s-2s, a 3s-4s"},
		{"a fork and its join", nil,
			[]workload.Call{call("a", 0), call("b", 0, 0), call("c", 5*second, 0), call("d", second, 1, 2)},
			"a 0s-1s, b 1s-2s, c 6s-7s, d 8s-9s"},
		{"half the speed", func(r *Rules) { r.Speed = 0.5 },
			[]workload.Call{call("a", second), call("b", second, 0)}, "a 2s-3s, b 5s-6s"},
		{"a speed that makes a wait too long to hold", func(r *Rules) { r.Speed, r.MaxWait = 1e-300, second/2 },
			[]workload.Call{call("a", 0), call("b", 9*second, 0)}, "a 0s-1s, b 1.5s-2.5s"},
		{"waits of half a second at most", func(r *Rules) { r.MaxWait = second / 2 },
			[]workload.Call{call("a", 9*second), call("b", 9*second, 0), call("c", second/4, 1)},
			"a 500ms-1.5s, b 2s-3s, c 3.25s-4.25s"},
		{"the clock of the trace", nil,
			[]workload.Call{clocked(call("a", 0)), clocked(call("b", 5*second, 0)), clocked(call("c", 2*second, 1)),
				clocked(call("d", 8*second, 2))}, "a 0s-1s, b 5s-6s, c 6s-7s, d 8s-9s"},
		{"the clock of the trace, twice as fast and bounded", func(r *Rules) { r.Speed, r.MaxWait = 2, second/2 },
			[]workload.Call{clocked(call("a", 0)), clocked(call("b", 2*second, 0)), clocked(call("c", 9*second, 1))},
			"a 0s-1s, b 1s-2s, c 2.5s-3.5s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := asks(second)
				got := play(t, s, tt.rules, Turn{Session: session(tt.calls...)})
				if s.String() != tt.want {
					t.Errorf("got %v, want %v", s, tt.want)
				}
				if n := len(tt.calls); got.ErrorType != "" || got.Calls != n || got.Completed != n || got.Sent != n {
					t.Errorf("got %+v, want %d calls, all sent and completed", got, n)
				}
				last := slices.MaxFunc(s.lines, func(a, b line) int { return cmp.Compare(a.end, b.end) }).end
				if d := time.Duration(got.End - got.Start); d != last {
					t.Errorf("the session took %v, want %v", d, last)
				}
			})
		})
	}
}

func TestPlaceIsThatOfTheGraph(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := call("b", 9*second, 0)
		b.Pause, b.PromptTokens, b.Answer.Tokens, b.UserFacing = workload.PauseTool, 70, 30, true
		b.Attributes = map[string]string{"user.id": "u7"}
		a := call("a", 0)
		a.Structured = true
		s, began := asks(second), time.Now()
		got := play(t, s, func(r *Rules) {
			r.MaxWait = 2 * second
			r.Headers = map[string]string{"user.id": "x-user", "tier": "x-tier"}
			r.Labels = map[string]string{"user.id": "user"}
		}, Turn{Session: session(a, b)})
		ask := s.find(t, "b")
		want := record.Call{Number: 1, ID: "b", After: []int{0}, Ready: record.UnixNano(began.Add(3 * second)),
			Wait: 2e6, Held: 7e6, Pause: "tool", PromptTokens: 70, OutputTokens: 30, UserFacing: true,
			Labels: map[string]string{"user": "u7"}}
		if fmt.Sprint(ask.Place) != fmt.Sprint(want) {
			t.Errorf("got %+v, want %+v", ask.Place, want)
		}
		if fmt.Sprint(ask.Headers) != "map[x-tier:default x-user:u7]" || ask.MaxTokens != 30 {
			t.Errorf("got headers %v and limit %d", ask.Headers, ask.MaxTokens)
		}
		if fmt.Sprint(got.UserFacing) != "[b]" || got.Structured != 1 || got.ID != "r" ||
			got.Origin != "trace.jsonl:3" {
			t.Errorf("got %+v", got)
		}
	})
}

// A call must not go before those that it waits for have ended, each goes once, and all of them take as long as the
// longest path.
func TestOrderOfRandomGraphs(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			calls, took, longest := randomGraph(rng)
			s := &server{began: time.Now(), took: func(id string) time.Duration { return took[id] }}
			got := play(t, s, nil, Turn{Session: session(calls...)})
			if d := time.Duration(got.End - got.Start); d != longest || got.Completed != len(calls) {
				t.Errorf("seed %d: %d calls took %v, want %d in %v", seed, got.Completed, d, len(calls), longest)
			}
			ends := map[string]time.Duration{}
			for _, l := range s.lines {
				if _, twice := ends[l.id]; twice {
					t.Errorf("seed %d: call %s was sent twice", seed, l.id)
				}
				ends[l.id] = l.end
			}
			for _, l := range s.lines {
				from := time.Duration(0)
				for _, e := range l.ask.Call.After {
					from = max(from, ends[calls[e.Call].ID])
				}
				if l.start != from+l.ask.Call.Wait {
					t.Errorf("seed %d: call %s was sent at %v, want %v", seed, l.id, l.start, from+l.ask.Call.Wait)
				}
			}
		})
	}
}

// randomGraph returns calls with the time that each takes, and the length of the longest path.
func randomGraph(rng *rand.Rand) (calls []workload.Call, took map[string]time.Duration, longest time.Duration) {
	took = map[string]time.Duration{}
	ends := make([]time.Duration, 1+rng.IntN(80))
	for i := range ends {
		var after []int
		from := time.Duration(0)
		for j := range i {
			if rng.IntN(i) < 2 {
				after = append(after, j)
				from = max(from, ends[j])
			}
		}
		c := call(fmt.Sprint("c", i), time.Duration(rng.IntN(3000))*time.Millisecond, after...)
		for _, j := range after {
			c.Prompt = append(c.Prompt, workload.Part{Kind: workload.Answered, Call: j})
		}
		calls = append(calls, c)
		took[c.ID] = time.Duration(rng.IntN(2000)) * time.Millisecond
		ends[i] = from + c.Wait + took[c.ID]
		longest = max(longest, ends[i])
	}
	return calls, took, longest
}

// A session of thousands of calls takes a goroutine only for those that wait or are in flight.
func TestGoroutinesAreThoseOfCallsThatMayGo(t *testing.T) {
	t.Parallel()
	calls := []workload.Call{call("c0", 0)}
	for i := 1; i < 5000; i++ {
		calls = append(calls, call(fmt.Sprint("c", i), 0, i-1))
	}
	p := &Player{Rules: DefaultRules()}
	var mu sync.Mutex
	flying, most := 0, 0
	got := p.Play(t.Context(), Turn{Session: session(calls...)}, func(context.Context, *Ask) Got {
		mu.Lock()
		flying++
		most = max(most, flying)
		mu.Unlock()
		defer func() {
			mu.Lock()
			flying--
			mu.Unlock()
		}()
		return Got{End: time.Now()}
	})
	if got.Completed != 5000 || most != 1 {
		t.Errorf("got %d completed, %d at once, want 5000 and 1", got.Completed, most)
	}
}

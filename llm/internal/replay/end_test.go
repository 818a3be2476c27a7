package replay

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// fork is a call that takes a second, two after it, and two after each of those.
func fork() *workload.Session {
	return session(call("a", 0), call("b", 0, 0), call("c", 1500*time.Millisecond, 0), call("d", 0, 1), call("e", 0, 2))
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	refuse := func(id string) func(*Ask) Got {
		return func(a *Ask) Got {
			if a.Call.ID == id {
				return Got{ErrorType: "http", Error: "status 500"}
			}
			return Got{}
		}
	}
	for _, tt := range []struct {
		name   string
		rules  func(*Rules)
		answer func(*Ask) Got
		over   time.Duration // when no further call may be sent
		cut    time.Duration // when the context ends
		sent   string
		want   string // cause, completed, sent and end
		words  string
	}{
		{name: "all calls", sent: "a 0s-1s, b 1s-2s, d 2s-3s, c 2.5s-3.5s, e 3.5s-4.5s", want: " 5 5 4.5s"},
		{name: "a call fails, and that in flight ends", answer: refuse("d"),
			sent: "a 0s-1s, b 1s-2s, d 2s-3s, c 2.5s-3.5s", want: "request_failed 3 4 3s",
			words: `trace.jsonl:3: session "s", call "d": http: status 500`},
		{name: "the first fails", answer: refuse("a"), sent: "a 0s-1s", want: "request_failed 0 1 1s",
			words: `trace.jsonl:3: session "s", call "a": http: status 500`},
		{name: "the user leaves a call", answer: func(a *Ask) Got {
			if a.Call.ID == "d" {
				return Got{ErrorType: record.ErrorAbandoned, Error: "the user left"}
			}
			return Got{}
		}, sent: "a 0s-1s, b 1s-2s, d 2s-3s, c 2.5s-3.5s", want: "abandoned 3 4 3s",
			words: `trace.jsonl:3: session "s", call "d": the user left`},
		{name: "a call cannot be built", answer: func(a *Ask) Got {
			if a.Call.ID == "d" {
				return Got{Unsent: true, Error: "no header"}
			}
			return Got{}
		}, sent: "a 0s-1s, b 1s-2s, d 2s-3s, c 2.5s-3.5s", want: "unknown 3 3 3s",
			words: `trace.jsonl:3: session "s", call "d": no header`},
		{name: "no further call may go", over: 2400 * time.Millisecond, sent: "a 0s-1s, b 1s-2s, d 2s-3s",
			want: "canceled 3 3 3s", words: "the end of the load cut it"},
		{name: "no call may go when the last is in flight", over: 4 * second,
			sent: "a 0s-1s, b 1s-2s, d 2s-3s, c 2.5s-3.5s, e 3.5s-4.5s", want: " 5 5 4.5s"},
		{name: "no call may go at all", over: -1, want: "canceled 0 0 0s", words: "the end of the load cut it"},
		{name: "the context ends", cut: 1500 * time.Millisecond, sent: "a 0s-1s, b 1s-1.5s",
			want: "canceled 1 2 1.5s", words: "the end of the load cut it"},
		{name: "calls do not end in time", rules: func(r *Rules) { r.PredecessorTimeout = 3 * second },
			sent: "a 0s-1s, b 1s-2s, d 2s-3s, c 2.5s-3.5s", want: "predecessor_wait_failed 4 4 3s",
			words: `trace.jsonl:3: session "s", call "e": the calls that it waits for did not end within 3s`},
		{name: "all calls wait for none when the time is over",
			rules: func(r *Rules) { r.PredecessorTimeout = 4 * second },
			sent:  "a 0s-1s, b 1s-2s, d 2s-3s, c 2.5s-3.5s, e 3.5s-4.5s", want: " 5 5 4.5s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := asks(second)
				s.answer = tt.answer
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				over := make(chan struct{})
				if tt.over < 0 {
					close(over)
				} else if tt.over > 0 {
					time.AfterFunc(tt.over, func() { close(over) })
				}
				if tt.cut > 0 {
					time.AfterFunc(tt.cut, cancel)
				}
				p := &Player{Rules: DefaultRules()}
				if tt.rules != nil {
					tt.rules(&p.Rules)
				}
				r := p.Play(ctx, Turn{Session: fork(), Over: over}, s.send)
				got := fmt.Sprintln(r.ErrorType, r.Completed, r.Sent, time.Duration(r.End-r.Start))
				if got != tt.want+"\n" || s.String() != tt.sent || r.Error != tt.words {
					t.Errorf("got %s%v: %s\nwant %s\n%s: %s", got, s, r.Error, tt.want, tt.sent, tt.words)
				}
			})
		})
	}
}

// The session ends at its first failure, though calls in flight end later.
func TestFirstFailureCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{began: time.Now(),
			took:   func(id string) time.Duration { return time.Duration(id[0]-'a'+1) * second },
			answer: func(a *Ask) Got { return Got{ErrorType: "http", Error: a.Call.ID} }}
		r := play(t, s, nil, Turn{Session: session(call("c", 0), call("b", 0), call("a", 0))})
		if d := time.Duration(r.End - r.Start); d != second || !strings.Contains(r.Error, `call "a"`) || r.Sent != 3 ||
			time.Since(s.began) != 3*second {
			t.Errorf("got %v, %v after %v, want the failure of a after 1s, and a return after 3s", r, d,
				time.Since(s.began))
		}
	})
}

// What a sender leaves for after a request delays no call, and is done before the session's record is.
func TestThenDelaysNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := asks(second)
		var done atomic.Int32
		send := func(ctx context.Context, a *Ask) Got {
			got := s.send(ctx, a)
			got.Then = func() { time.Sleep(10 * second); done.Add(1) }
			return got
		}
		p := &Player{Rules: DefaultRules()}
		r := p.Play(t.Context(), Turn{Session: session(call("a", 0), call("b", 0, 0))}, send)
		if s.String() != "a 0s-1s, b 1s-2s" || done.Load() != 2 || r.Completed != 2 {
			t.Errorf("got %v, %d done, %+v", s, done.Load(), r)
		}
	})
}

func TestSessionThatIsNoGraph(t *testing.T) {
	t.Parallel()
	strange := call("b", 0, 0)
	strange.Prompt = []workload.Part{{Kind: workload.Sent, Call: 1}}
	unrelated := call("c", 0)
	unrelated.Prompt = []workload.Part{{Kind: workload.Answered, Call: 0}}
	hashed := call("a", 0)
	hashed.Prompt[0].Messages[0].Blocks = []workload.Block{{Hash: 1, Tokens: 16}}
	tooled := call("a", 0)
	tooled.Tools = []byte(`{"a":`)
	for _, tt := range []struct {
		calls []workload.Call
		want  string
	}{
		{nil, `session "s" has no call`},
		{[]workload.Call{call("a", 0), strange},
			`session "s", call "b": it repeats call number 1, which does not come before it`},
		{[]workload.Call{call("a", 0), unrelated},
			`session "s", call "c": it repeats call number 0, for which it does not wait`},
		{[]workload.Call{hashed}, `trace.jsonl:3: session "s", call "a": nothing makes text of the hashes of its blocks`},
		{[]workload.Call{tooled}, `trace.jsonl:3: session "s", call "a": its tools are no list in JSON`},
	} {
		r := play(t, asks(0), nil, Turn{Session: session(tt.calls...)})
		if r.ErrorType != record.SessionUnknown || r.Error != tt.want {
			t.Errorf("got %s: %s, want %s", r.ErrorType, r.Error, tt.want)
		}
	}
}

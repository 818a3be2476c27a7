package replay

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// recordedAgents is a trace of a chain of four calls, the second of which starts an agent of two calls:
//
//	a 0-1s   b 2-3s   c 8-9s    d 10-11s
//	                  x 3-5s    y 6-7s (an end that nothing waits for)
func recordedAgents() *workload.Session {
	took := func(c workload.Call, d time.Duration, goesOn bool) workload.Call {
		c.Answer = workload.Answer{Text: "recorded " + c.ID, Took: d}
		if n := len(c.After); goesOn && n > 0 {
			last := c.After[n-1].Call
			c.Prompt = append([]workload.Part{{Kind: workload.Sent, Call: last, Count: -1},
				{Kind: workload.Answered, Call: last}}, c.Prompt...)
		}
		return c
	}
	return session(took(call("a", 0), second, true), took(call("b", second, 0), second, true),
		took(call("x", 0, 1), 2*second, false), took(call("c", 5*second, 1), second, true),
		took(call("y", second, 2), second, true), took(call("d", second, 3), second, true))
}

// inside lets a session begin at a share of its 11 seconds.
func inside(share float64) func(*Rules) {
	return func(r *Rules) { r.BeginFrom, r.BeginTo = share, share }
}

func TestBeginningInside(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		rules func(*Rules)
		sent  string // * marks primes
		calls int
		d     string // the prompt of d
	}{
		{"at the very beginning", inside(0), "a 0s-1s, b 2s-3s, x 3s-4s, y 5s-6s, c 8s-9s, d 10s-11s", 6,
			"u:ask a | a:live a | u:ask b | a:live b | u:ask c | a:live c | u:ask d"},
		{"in the first answer", inside(0.5 / 11), "*a 0s-1s, b 2.5s-3.5s, x 3.5s-4.5s, y 5.5s-6.5s, c 8.5s-9.5s, " +
			"d 10.5s-11.5s", 5, "u:ask a | a:recorded a | u:ask b | a:live b | u:ask c | a:live c | u:ask d"},
		{"when two streams are under way", inside(5.5 / 11),
			"*b 0s-1s, *x 0s-1s, y 1.5s-2.5s, c 3.5s-4.5s, d 5.5s-6.5s", 3,
			"u:ask a | a:recorded a | u:ask b | a:recorded b | u:ask c | a:live c | u:ask d"},
		{"twice as fast", func(r *Rules) { inside(5.5 / 11)(r); r.Speed = 2 },
			"*b 0s-1s, *x 0s-1s, y 1.25s-2.25s, c 2.25s-3.25s, d 3.75s-4.75s",
			3, "u:ask a | a:recorded a | u:ask b | a:recorded b | u:ask c | a:live c | u:ask d"},
		{"with waits of a second at most", func(r *Rules) { inside(5.5 / 11)(r); r.MaxWait = second },
			"*b 0s-1s, *x 0s-1s, c 1.5s-2.5s, d 3.5s-4.5s, y 3.5s-4.5s",
			3, "u:ask a | a:recorded a | u:ask b | a:recorded b | u:ask c | a:live c | u:ask d"},
		{"past the last call", inside(1), "*c 0s-1s, d 1s-2s", 1,
			"u:ask a | a:recorded a | u:ask b | a:recorded b | u:ask c | a:recorded c | u:ask d"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := asks(second)
				s.answer = func(a *Ask) Got { return Got{Text: "live " + a.Call.ID} }
				r := play(t, s, tt.rules, Turn{Session: recordedAgents(), Begins: true})
				got := s.String()
				began := time.Duration(0)
				for _, l := range s.lines {
					if l.ask.Place.Primes {
						got = strings.Replace(got, l.ask.Call.ID+" ", "*"+l.ask.Call.ID+" ", 1)
						began = second
					}
				}
				if got != tt.sent || r.Calls != tt.calls || r.Sent != tt.calls || r.Completed != tt.calls {
					t.Errorf("got %s, %+v, want %s, %d calls", got, r, tt.sent, tt.calls)
				}
				if d := brief(s.find(t, "d").Messages); d != tt.d {
					t.Errorf("got  %s\nwant %s", d, tt.d)
				}
				if start := time.Unix(0, r.Start).Sub(time.Unix(0, record.UnixNano(s.began))); start != began {
					t.Errorf("got a session from %v on, want %v", start, began)
				}
			})
		})
	}
}

// The record of a call tells its wait from the calls that were replayed.
func TestPlacesOfABeginningInside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := asks(second)
		r := play(t, s, inside(5.5/11), Turn{Session: recordedAgents(), Begins: true})
		for id, want := range map[string]string{
			"b": "1 [] -1s 0 true 1", "c": "3 [] 2.5s 2500000 false 0", "y": "4 [] 500ms 500000 false 0",
			"d": "5 [3] 4.5s 1000000 false 0",
		} {
			a := s.find(t, id)
			got := fmt.Sprint(a.Place.Number, a.Place.After, time.Duration(a.Place.Ready-r.Start), a.Place.Wait,
				a.Place.Primes, a.MaxTokens)
			if got != want {
				t.Errorf("%s: got %s, want %s", id, got, want)
			}
		}
	})
}

func TestPrimeFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := asks(second)
		s.answer = func(a *Ask) Got {
			if a.Call.ID == "x" {
				return Got{ErrorType: "http", Error: "status 500"}
			}
			return Got{}
		}
		r := play(t, s, inside(5.5/11), Turn{Session: recordedAgents(), Begins: true})
		want := `trace.jsonl:3: session "s", call "x": the request for one token before it: http: status 500`
		if r.ErrorType != record.SessionRequestFailed || r.Error != want || r.Sent != 0 || len(s.lines) != 2 {
			t.Errorf("got %+v, %v sent, want %s", r, s, want)
		}
	})
}

func TestPrimesAreCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := asks(second)
		ctx, cancel := context.WithTimeout(t.Context(), second/2)
		defer cancel()
		p := &Player{Rules: DefaultRules()}
		inside(0.5)(&p.Rules)
		r := p.Play(ctx, Turn{Session: recordedAgents(), Begins: true}, s.send)
		if r.ErrorType != record.ErrorCanceled || r.Sent != 0 || time.Since(s.began) != second/2 {
			t.Errorf("got %+v after %v", r, time.Since(s.began))
		}
	})
}

// The place depends on the seed and the arrival alone, and lies between the bounds.
func TestPlaceIsDrawn(t *testing.T) {
	t.Parallel()
	calls := []workload.Call{call("c0", 0)}
	for i := 1; i < 100; i++ { // of a second each, in a trace without times
		calls = append(calls, call(fmt.Sprint("c", i), 0, i-1))
	}
	begins := map[int]bool{}
	for number := range int64(40) {
		synctest.Test(t, func(t *testing.T) {
			first := -1
			for range 2 {
				s := asks(0)
				r := play(t, s, func(r *Rules) { r.BeginFrom, r.BeginTo = 0.25, 0.75 },
					Turn{Session: session(calls...), Number: number, Begins: true})
				if skipped := 100 - r.Calls; skipped < 25 || skipped > 75 || first >= 0 && first != skipped {
					t.Errorf("arrival %d: got %d calls skipped, and then %d, want 25 to 75", number, first, skipped)
				}
				first = 100 - r.Calls
			}
			begins[first] = true
		})
	}
	if len(begins) < 15 {
		t.Errorf("got %d places of 40 sessions", len(begins))
	}
}

// Wherever a session begins, what follows keeps its order, and the waits of calls that follow replayed ones alone.
func TestOrderAfterABeginningInside(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			calls, took, _ := randomGraph(rand.New(rand.NewPCG(seed, 2)))
			for i := range calls {
				calls[i].Answer.Took = took[calls[i].ID]
			}
			s := &server{began: time.Now(), took: func(id string) time.Duration { return took[id] }}
			r := play(t, s, func(r *Rules) { r.BeginTo = 1 },
				Turn{Session: session(calls...), Number: int64(seed), Begins: true})
			ends, primes := map[int]time.Duration{}, time.Duration(0)
			for _, l := range s.lines {
				if l.ask.Place.Primes {
					primes = max(primes, l.end)
				} else if ends[l.ask.Place.Number] = l.end; l.start < primes {
					t.Errorf("seed %d: call %s was sent at %v, before %v", seed, l.id, l.start, primes)
				}
			}
			if len(ends) != r.Calls || r.Completed != r.Calls || r.Calls == 0 {
				t.Errorf("seed %d: %d calls, %d sent, %s", seed, r.Calls, len(ends), r.Error)
			}
			for _, l := range s.lines {
				from := primes
				for _, number := range l.ask.Place.After {
					from = max(from, ends[number])
				}
				if wait := l.start - from; !l.ask.Place.Primes && (wait < 0 ||
					len(l.ask.Place.After) == len(l.ask.Call.After) && from > primes && wait != l.ask.Call.Wait) {
					t.Errorf("seed %d: call %s was sent after %v, want %v", seed, l.id, wait, l.ask.Call.Wait)
				}
			}
		})
	}
}

package datasets

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// counted are endless conversations of some turns; what the user says names conversation and turn.
type counted int

func (n counted) Script(i int64) (Script, error) {
	s := Script{System: "S"}
	for t := range int(n) {
		s.Turns = append(s.Turns, Turn{Text: fmt.Sprintf("q%d.%d", i, t), MaxTokens: 1})
	}
	return s, nil
}

func (n counted) Len() (int64, bool) { return 0, false }

func next(t *testing.T, s *Sessions) *Asked {
	t.Helper()
	a, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestSessionCarriesItsAnswers(t *testing.T) {
	t.Parallel()
	s := &Sessions{Scripts: counted(3), Form: AsCompletion, Open: 1}
	var prompts []string
	for i := range 4 {
		a := next(t, s)
		prompts = append(prompts, fmt.Sprintf("%s/%d: %s", a.SessionID, a.Turn, a.Prompt))
		a.Done(fmt.Sprintf("a%d", i), i != 1) // the second fails
		a.Done("twice", true)
	}
	want := []string{"session-0/0: S q0.0", "session-0/1: S q0.0 a0 q0.1", "session-0/2: S q0.0 a0 q0.2", "session-1/0: S q1.0"}
	if !reflect.DeepEqual(prompts, want) {
		t.Errorf("got %q\nwant %q", prompts, want)
	}
	chat := &Sessions{Scripts: counted(2), Form: AsChat, Open: 1, Number: func(k int64) int64 { return 3*k + 2 }}
	next(t, chat).Done("a", true)
	if got, want := next(t, chat).Messages, []Message{{"system", "S"}, {"user", "q2.0"}, {"assistant", "a"}, {"user", "q2.1"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// As many are open as may be; then the one idle longest goes on; then whoever asks waits.
func TestSessionsInterleave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &Sessions{Scripts: counted(2), Open: 2}
		a, b := next(t, s), next(t, s)
		if a.SessionID != "session-0" || b.SessionID != "session-1" {
			t.Fatalf("got %s and %s", a.SessionID, b.SessionID)
		}
		b.Done("", true)
		a.Done("", true)
		if b, a = next(t, s), next(t, s); b.SessionID != "session-1" || a.SessionID != "session-0" || a.Turn != 1 {
			t.Fatalf("idle longest: got %s, then %s turn %d", b.SessionID, a.SessionID, a.Turn)
		}
		got := make(chan string)
		for range 2 {
			go func() {
				w, err := s.Next(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				got <- fmt.Sprintf("%s/%d", w.SessionID, w.Turn)
			}()
			synctest.Wait()
		}
		if len(s.waiting) != 2 {
			t.Fatalf("%d wait", len(s.waiting))
		}
		a.Done("", true) // its last turn
		if g := <-got; g != "session-2/0" {
			t.Errorf("the first to wait got %s", g)
		}
		b.Done("", true)
		if g := <-got; g != "session-3/0" {
			t.Errorf("the second to wait got %s", g)
		}
	})
}

func TestWaitingEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &Sessions{Scripts: counted(2), Open: 1}
		a := next(t, s)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		a.Done("", true)
		if b := next(t, s); b.Turn != 1 {
			t.Errorf("turn %d", b.Turn)
		}
	})
}

func TestPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		script := Script{Turns: []Turn{{Text: "a", Pause: time.Minute}, {Text: "b", Pause: time.Minute}}}
		s := &Sessions{Scripts: &ScriptList{scripts: []Script{script}}, Open: 1}
		next(t, s).Done("", true)
		begun := time.Now()
		next(t, s).Done("", true)
		if waited := time.Since(begun); waited != time.Minute {
			t.Errorf("waited %v", waited)
		}
		next(t, s) // a new conversation begins at once
		if waited := time.Since(begun); waited != time.Minute {
			t.Errorf("after the last turn waited until %v", waited)
		}
	})
}

// The oldest turns go when the prompt grows beyond what the model can read.
func TestLimit(t *testing.T) {
	t.Parallel()
	s := &Sessions{Scripts: counted(5), Form: AsCompletion, Open: 1, Limit: 6, Length: func(i Item) int { return len(strings.Fields(i.Prompt)) }}
	var prompt string
	for range 5 {
		a := next(t, s)
		prompt = a.Prompt
		a.Done("x", true)
	}
	if want := "S q0.3 x q0.4"; prompt != want {
		t.Errorf("got %q, want %q", prompt, want)
	}
}

func TestReadScripts(t *testing.T) {
	t.Parallel()
	records := `{"conversations": [{"from": "system", "value": "S"}, {"from": "gpt", "value": "welcome"}, {"from": "human", "value": "a"}, {"from": "gpt", "value": "x y"}, {"from": "human", "value": "b"}, {"from": "gpt", "value": "z"}, {"from": "human", "value": "last"}]}
		{"conversations": [{"from": "human", "value": "alone"}]}`
	words := Options{Count: func(s string) int { return len(strings.Fields(s)) }}
	l, err := ReadScripts([]File{file("f.jsonl", records)}, ShareGPT, words)
	if err != nil {
		t.Fatal(err)
	}
	want := Script{System: "S", Turns: []Turn{{Text: "a", MaxTokens: 2}, {Text: "b", MaxTokens: 1}}}
	if got, _ := l.Script(7); !reflect.DeepEqual(got, want) || !reflect.DeepEqual(l.Counts, Counts{Kept: 1, Empty: 1, Turns: 3}) {
		t.Errorf("got %+v %+v", got, l.Counts)
	}
	for want, f := range map[string]File{"f.jsonl: none of 1 records has a question": file("f.jsonl", `{"conversations": []}`), "f.jsonl:2: invalid": file("f.jsonl", "{\"conversations\": []}\n{,}")} {
		if _, err := ReadScripts([]File{f}, ShareGPT, words); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := ReadScripts(nil, CNNDailyMail, words); err == nil {
		t.Error("articles are no conversations")
	}
}

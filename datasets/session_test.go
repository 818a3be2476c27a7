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

// counted makes endless conversations of the given number of turns. The user's text names conversation and turn.
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
		a.Done(fmt.Sprintf("a%d", i), i != 1) // the second turn fails
		a.Done("twice", true)
	}
	want := []string{"session-0/0: S q0.0", "session-0/1: S q0.0 a0 q0.1", "session-0/2: S q0.0 a0 q0.2",
		"session-1/0: S q1.0"}
	if !reflect.DeepEqual(prompts, want) {
		t.Errorf("got %q\nwant %q", prompts, want)
	}
	chat := &Sessions{Scripts: counted(2), Form: AsChat, Open: 1, Number: func(k int64) int64 { return 3*k + 2 }}
	next(t, chat).Done("a", true)
	if got, want := next(t, chat).Messages, []Message{{"system", "S"}, {"user", "q2.0"}, {"assistant", "a"},
		{"user", "q2.1"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// New conversations are opened up to the limit; then the conversation idle longest goes on; then callers wait.
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

// words returns the number of words of a request's prompt and of its answer's tokens.
func words(i Item) int {
	n := i.MaxTokens + len(strings.Fields(i.Prompt))
	for _, m := range i.Messages {
		n += len(strings.Fields(m.Content))
	}
	return n
}

// within returns sessions whose requests have at most limit words.
func within(limit int, scripts Scripts, form Form) *Sessions {
	return &Sessions{Scripts: scripts, Form: form, Open: 1, Over: func(i Item) int { return words(i) - limit }}
}

// A prompt that grows beyond what the model can read loses its oldest turns, then the end of the system prompt, then
// the end of the turn except one word.
func TestLimit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		limit  int
		script Script
		answer string
		want   []string // of each turn, / for one that was cut
	}{
		{"all fits", 9, Script{System: "S", Turns: []Turn{{Text: "a", MaxTokens: 1}, {Text: "b", MaxTokens: 4}}}, "x y",
			[]string{"S a", "S a x y b"}},
		{"oldest turns", 6,
			Script{System: "S", Turns: []Turn{{Text: "a", MaxTokens: 1}, {Text: "b", MaxTokens: 1},
				{Text: "c", MaxTokens: 1}, {Text: "d", MaxTokens: 1}}}, "x",
			[]string{"S a", "S a x b", "S b x c", "S c x d"}},
		{"a long answer", 6, Script{System: "S", Turns: []Turn{{Text: "a", MaxTokens: 1}, {Text: "b", MaxTokens: 1}}},
			"1 2 3 4 5 6 7", []string{"S a", "S b"}},
		{"room for an answer", 9,
			Script{System: "S", Turns: []Turn{{Text: "a", MaxTokens: 1}, {Text: "b", MaxTokens: 7}}}, "x",
			[]string{"S a", "S b"}},
		{"the system prompt's end", 6,
			Script{System: "S1 S2 S3 S4 S5", Turns: []Turn{{Text: "a b", MaxTokens: 1}, {Text: "c", MaxTokens: 2}}},
			"x",
			[]string{"S1 S2 S3 a b/", "S1 S2 S3 c/"}},
		{"all of the system prompt", 3, Script{System: "S1 S2", Turns: []Turn{{Text: "a b", MaxTokens: 1}}}, "x",
			[]string{"a b/"}},
		{"the turn's end", 3,
			Script{System: "S1 S2", Turns: []Turn{{Text: "a b c d", MaxTokens: 1}, {Text: "e", MaxTokens: 1}}}, "x",
			[]string{"a b/", "S1 e/"}},
		{"what was cut is not in the history", 8,
			Script{Turns: []Turn{{Text: "a b c", MaxTokens: 6}, {Text: "d", MaxTokens: 1}}}, "x",
			[]string{"a b/", "a b x d"}},
		{"a word of the turn", 3, Script{Turns: []Turn{{Text: "a b", MaxTokens: 2}}}, "", []string{"a/"}},
	} {
		for _, form := range []Form{AsCompletion, AsChat} {
			s := within(tt.limit, &ScriptList{scripts: []Script{tt.script}}, form)
			for turn, want := range tt.want {
				a := next(t, s)
				got := a.Prompt
				for _, m := range a.Messages {
					got = strings.TrimSpace(got + " " + m.Content)
				}
				if a.Cut {
					got += "/"
				}
				if got != want || a.Turn != turn || words(a.Item) > tt.limit {
					t.Errorf("%s, form %v, turn %d: got %q of turn %d, want %q", tt.name, form, turn, got, a.Turn, want)
				}
				a.Done(tt.answer, true)
			}
			if first, err := s.First(0); err != nil || words(first) > tt.limit {
				t.Errorf("%s: the first item is %+v, %v", tt.name, first, err)
			}
		}
	}
}

// A turn that cannot be asked is an error; the conversation goes on.
func TestLimitWithoutAPlaceForAWord(t *testing.T) {
	t.Parallel()
	s := within(4, &ScriptList{
		scripts: []Script{{System: "S", Turns: []Turn{{Text: "a", MaxTokens: 9}, {Text: "b", MaxTokens: 1}}}}}, AsChat)
	const want = "session-0, turn 0: a prompt of one word, with an answer of 9 tokens, is 6 tokens longer than the " +
		"model can read"
	if a, err := s.Next(t.Context()); err == nil || err.Error() != want {
		t.Errorf("got %v, %v, want %s", a, err, want)
	}
	if a := next(t, s); a.Turn != 1 || a.Messages[len(a.Messages)-1].Content != "b" {
		t.Errorf("then came %+v", a.Item)
	}
	if _, err := s.First(0); err == nil {
		t.Error("First returned no error")
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
	if got, _ := l.Script(7); !reflect.DeepEqual(got, want) ||
		!reflect.DeepEqual(l.Counts, Counts{Kept: 1, Empty: 1, Turns: 3}) {
		t.Errorf("got %+v %+v", got, l.Counts)
	}
	for want, f := range map[string]File{"f.jsonl: none of 1 records has a question": file("f.jsonl",
		`{"conversations": []}`), "f.jsonl:2: invalid": file("f.jsonl", "{\"conversations\": []}\n{,}")} {
		if _, err := ReadScripts([]File{f}, ShareGPT, words); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := ReadScripts(nil, CNNDailyMail, words); err == nil {
		t.Error("articles were read as conversations")
	}
}

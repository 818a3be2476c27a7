package replay

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/internal/prefix"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// talk is a conversation whose turns have 3 words each, after a system prompt of 2.
func talk(turns int) *workload.Session {
	s := &workload.Session{ID: "s"}
	for i := range turns {
		c := workload.Call{ID: fmt.Sprint("t", i), MaxTokens: 4}
		if i == 0 {
			c.Prompt = []workload.Part{own(workload.Message{Role: "system", Text: "be brief"})}
		} else {
			c.After = []workload.Edge{{Call: i - 1}}
			c.Prompt = []workload.Part{{Kind: workload.Sent, Call: i - 1, Count: -1},
				{Kind: workload.Answered, Call: i - 1}}
		}
		c.Prompt = append(c.Prompt, own(user(fmt.Sprint("turn number ", i))))
		s.Calls = append(s.Calls, c)
	}
	return s
}

func TestOldestTurnsAreDropped(t *testing.T) {
	t.Parallel()
	bytes := func(messages, _ json.RawMessage) int { return len(messages) }
	for _, tt := range []struct {
		most  int
		count func(messages, tools json.RawMessage) int
		want  string // turns that the prompts of t0 to t4 begin with
	}{
		{0, nil, "0 0 0 0 0"},
		{2 + 5*3 + 4*1 + 4, nil, "0 0 0 0 0"},
		{2 + 5*3 + 4*1 + 3, nil, "0 0 0 0 1"},
		{2 + 3*3 + 2*1 + 4, nil, "0 0 0 1 2"},
		{2 + 3 + 4, nil, "0 1 2 3 4"},
		{250, bytes, "0 0 0 1 2"},
	} {
		s := asks(0)
		s.answer = func(*Ask) Got { return Got{Text: "well"} }
		p := &Player{Rules: DefaultRules(), Count: tt.count}
		p.Rules.MaxModelLen, p.Rules.DropOldest = tt.most, true
		r := p.Play(t.Context(), Turn{Session: talk(5)}, s.send)
		var got []string
		for i := range 5 {
			begins := 0
			prompt := brief(s.find(t, fmt.Sprint("t", i)).Messages)
			for !strings.HasPrefix(prompt, fmt.Sprint("s:be brief | u:turn number ", begins)) {
				if begins++; begins == 5 {
					t.Fatalf("got %s", prompt)
				}
			}
			if !strings.HasSuffix(prompt, fmt.Sprint("u:turn number ", i)) {
				t.Errorf("got %s, want turn %d last", prompt, i)
			}
			got = append(got, fmt.Sprint(begins))
		}
		if text := strings.Join(got, " "); text != tt.want || r.ErrorType != "" {
			t.Errorf("%d: got prompts from turns %s on, %s, want %s", tt.most, text, r.Error, tt.want)
		}
	}
	p := &Player{Rules: DefaultRules()}
	p.Rules.MaxModelLen, p.Rules.DropOldest = 8, true
	r := p.Play(t.Context(), Turn{Session: talk(2)}, asks(0).send)
	if r.ErrorType != record.SessionTooLong || r.Sent != 0 {
		t.Errorf("got %+v of a first turn that is too long", r)
	}
}

// The blocks of prompts that are sent as one text are those of the text.
func TestBlocksOfJoinedPrompts(t *testing.T) {
	t.Parallel()
	s := asks(0)
	p := &Player{Rules: DefaultRules(), Joined: true}
	p.Rules.BlockSize = 2
	r := p.Play(t.Context(), Turn{Session: talk(3)}, s.send)
	if r.ErrorType != "" {
		t.Fatal(r.Error)
	}
	ask := s.find(t, "t2")
	want := "be brief turn number 0 answer of t0 turn number 1 answer of t1 turn number 2"
	if got := Join(ask.Messages); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	place := ask.Place
	ask.Blocks(&place)
	whole := prefix.New(2, nil).Append(prefix.Message{Texts: []string{Join(ask.Messages)}})
	if own := whole.Beyond(place.Shared); string(place.Blocks) != string(prefix.Encode(own)) || place.Shared != 5 {
		t.Errorf("got %d blocks shared, and others than %x", place.Shared, own)
	}
}

package replay

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
	"github.com/seed-307b789f/xk6-llm/internal/prefix"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// growing is a chain of calls each of which repeats all before it and adds words of its own.
func growing(calls, words int) *workload.Session {
	s := &workload.Session{ID: "s"}
	for i := range calls {
		text := strings.TrimSpace(strings.Repeat(fmt.Sprint("w", i, " "), words))
		c := workload.Call{ID: fmt.Sprint("c", i), Prompt: []workload.Part{own(user(text))}}
		if i > 0 {
			c.After = []workload.Edge{{Call: i - 1, Causal: true}}
			c.Prompt = slices.Concat([]workload.Part{{Kind: workload.Sent, Call: i - 1, Count: -1},
				{Kind: workload.Answered, Call: i - 1}}, c.Prompt)
		}
		s.Calls = append(s.Calls, c)
	}
	return s
}

// records replays a session and returns the places of its calls, complete with their blocks, and the blocks that their
// prompts have.
func records(t *testing.T, s *workload.Session, change func(*Rules), turn Turn) (places map[int]record.Call,
	blocks map[int][]prefix.Hash) {
	t.Helper()
	srv := asks(0)
	p := &Player{Rules: DefaultRules()}
	if change != nil {
		change(&p.Rules)
	}
	places, blocks = map[int]record.Call{}, map[int][]prefix.Hash{}
	send := func(ctx context.Context, a *Ask) Got {
		got := srv.send(ctx, a)
		got.Then = func() {
			place := a.Place
			a.Blocks(&place)
			srv.mu.Lock()
			defer srv.mu.Unlock()
			places[place.Number] = place
			blocks[place.Number] = prefix.New(p.Rules.BlockSize, nil).Append(prefix.ReadChat(a.Messages)...).Hashes()
		}
		return got
	}
	turn.Session = s
	if r := p.Play(t.Context(), turn, send); r.ErrorType != "" {
		t.Fatal(r.Error)
	}
	return places, blocks
}

// whole returns the hashes of a call's blocks, by the calls whose blocks it shares.
func whole(t *testing.T, places map[int]record.Call, number int) []prefix.Hash {
	t.Helper()
	place, found := places[number]
	if !found {
		t.Fatalf("call %d has no record", number)
	}
	own, err := prefix.Decode(place.Blocks)
	if err != nil {
		t.Fatal(err)
	}
	if place.Shared == 0 {
		return own
	}
	return append(slices.Clone(whole(t, places, place.SharedWith)[:place.Shared]), own...)
}

func TestBlocksOfAGrowingContext(t *testing.T) {
	t.Parallel()
	places, _ := records(t, growing(4, 40), nil, Turn{})
	for i, want := range []string{"16 0 0 2", "16 0 2 3", "16 1 5 2", "16 2 7 3"} { // 40, 83, 126, 169 words
		p := places[i]
		if got := fmt.Sprint(p.BlockSize, p.SharedWith, p.Shared, len(p.Blocks)/8); got != want {
			t.Errorf("call %d: got %s, want %s", i, got, want)
		}
	}
	if none, _ := records(t, growing(2, 40), func(r *Rules) { r.BlockSize = 0 }, Turn{}); none[0].Blocks != nil {
		t.Errorf("got blocks of size 0: %+v", none[0])
	}
}

// The blocks of a session are those of its requests' messages, however its calls go on from each other.
func TestBlocksAreThoseOfTheMessages(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		s := session()
		for i := range 30 {
			c := call(fmt.Sprint("c", i), 0)
			c.Prompt = nil
			if i > 0 && rng.IntN(4) > 0 {
				from := rng.IntN(i)
				c.After = []workload.Edge{{Call: from}}
				if rng.IntN(3) > 0 {
					c.Prompt = append(c.Prompt, workload.Part{Kind: workload.Sent, Call: from, Count: rng.IntN(4) - 1})
				}
				c.Prompt = append(c.Prompt, workload.Part{Kind: workload.Answered, Call: from})
			}
			c.Prompt = append(c.Prompt, own(user(strings.Repeat("w ", rng.IntN(50))), user("x")))
			s.Calls = append(s.Calls, c)
		}
		places, blocks := records(t, s, func(r *Rules) { r.BlockSize = 4 }, Turn{})
		for i := range s.Calls {
			if got := whole(t, places, i); !slices.Equal(got, blocks[i]) {
				t.Errorf("seed %d, call %d: got %d blocks, want %d", seed, i, len(got), len(blocks[i]))
			}
		}
	}
}

// Also the blocks of a session that begins inside are known from its records alone.
func TestBlocksOfABeginningInside(t *testing.T) {
	t.Parallel()
	places, blocks := records(t, growing(20, 40), inside(0.5), Turn{Begins: true})
	if len(places) != 11 || !places[9].Primes {
		t.Fatalf("got %d records, of which call 9 is %+v, want 10 after that of one token", len(places), places[9])
	}
	for i := range places {
		if got := whole(t, places, i); !slices.Equal(got, blocks[i]) {
			t.Errorf("call %d: got %d blocks, want %d", i, len(got), len(blocks[i]))
		}
	}
	if p := places[10]; p.SharedWith != 9 || p.Shared == 0 {
		t.Errorf("got %+v, want blocks shared with call 9", p)
	}
}

// Nothing of a call is kept when no later call repeats it.
func TestPromptsAreForgotten(t *testing.T) {
	t.Parallel()
	s := growing(10, 5)
	turn := Turn{Session: s}
	r := newRun(t.Context(), &Player{Rules: DefaultRules()}, turn, func(_ context.Context, a *Ask) Got {
		place := a.Place
		return Got{End: time.Now(), Text: "x", Then: func() { a.Blocks(&place) }}
	})
	r.plan()
	r.begin()
	r.watch()
	for i := range s.Calls {
		if said := &r.prompts.said[i]; said.prompt != nil || said.answer != nil || said.uses.Load() != 0 {
			t.Errorf("call %d: got %d uses left", i, said.uses.Load())
		}
	}
}

// The cost of a call of a growing context is that of copying its prompt once.
func BenchmarkGrowingContext(b *testing.B) {
	for _, size := range []int{4_000, 400_000} {
		b.Run(fmt.Sprint(size, " bytes"), func(b *testing.B) {
			s := growing(50, 100)
			s.Calls[0].Prompt[0].Messages[0].Text = strings.Repeat("a word. ", size/8)
			p := &Player{Rules: DefaultRules()}
			p.Rules.BlockSize = 0
			answer := strings.Repeat("so ", 200)
			calls := 0
			b.ReportAllocs()
			for b.Loop() {
				p.Play(b.Context(), Turn{Session: s}, func(context.Context, *Ask) Got {
					calls++
					return Got{End: time.Now(), Text: answer}
				})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(calls), "ns/call")
		})
	}
}

// The blocks of a growing context cost what is new in each call.
func BenchmarkBlocks(b *testing.B) {
	s := growing(50, 100)
	s.Calls[0].Prompt[0].Messages[0].Text = strings.Repeat("a word. ", 50_000)
	p := &Player{Rules: DefaultRules()}
	var spent time.Duration
	calls := 0
	for b.Loop() {
		p.Play(b.Context(), Turn{Session: s}, func(_ context.Context, a *Ask) Got {
			return Got{End: time.Now(), Text: "so", Then: func() {
				place, began := a.Place, time.Now()
				a.Blocks(&place)
				spent += time.Since(began)
				calls++
			}}
		})
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(calls), "ns/call")
}

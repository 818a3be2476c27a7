package input

import (
	"sync"
	"testing"

	"github.com/seed-307b789f/xk6-llm/datasets"
)

// VUs that come to a salt at the same time lead the same conversations, numbered on from those of the salt before.
func TestSaltsConcurrently(t *testing.T) {
	t.Parallel()
	list, err := datasets.NewReplay(datasets.Replay{
		Tokenizer: counterWith(t, "bpe-gpt2", ""), Conversations: 99, System: 20, Dynamic: datasets.Constant(1),
		Turns: datasets.Constant(1), Input: datasets.Constant(3), Output: datasets.Constant(1),
		Pause: datasets.Constant(0),
	})
	if err != nil {
		t.Fatal(err)
	}
	set := &Set{Set: &Conversations{Sessions: &datasets.Sessions{Scripts: list, Open: 99}}}
	seen := map[string]int{}
	for _, salt := range []string{"a", "b"} {
		var mu sync.Mutex
		var vus sync.WaitGroup
		for range 8 {
			vus.Go(func() {
				salted, err := set.With(salt)
				if err != nil {
					t.Error(err)
					return
				}
				asked, err := salted.(*Conversations).Next(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				seen[asked.SessionID]++
			})
		}
		vus.Wait()
	}
	if len(seen) != 16 || seen["session-15"] != 1 {
		t.Errorf("the sessions are %v, want 16 of one turn each", seen)
	}
}

package input

import (
	"testing"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/datasets"
)

// Together, the instances lead each conversation exactly once.
func TestConversationsAreDivided(t *testing.T) {
	t.Parallel()
	seen := map[int64]int{}
	open := 0
	for _, segment := range []string{"0:1/3", "1/3:2/3", "2/3:1"} {
		es, err := lib.NewExecutionSegmentFromString(segment)
		if err != nil {
			t.Fatal(err)
		}
		sequence, err := lib.NewExecutionSegmentSequenceFromString("0,1/3,2/3,1")
		if err != nil {
			t.Fatal(err)
		}
		c := &Conversations{Sessions: &datasets.Sessions{Open: 7}}
		if err := c.Divide(
			&lib.State{Options: lib.Options{ExecutionSegment: es, ExecutionSegmentSequence: &sequence}}); err != nil {
			t.Fatal(err)
		}
		open += c.Open
		for k := range int64(10) {
			seen[c.Number(k)]++
		}
	}
	if open != 7 {
		t.Errorf("%d are open at once, want 7", open)
	}
	for n := range int64(30) {
		if seen[n] != 1 {
			t.Errorf("conversation %d is led %d times", n, seen[n])
		}
	}
}

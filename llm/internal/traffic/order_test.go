package traffic_test

import (
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
)

func TestTheOrderOfPairsIsBalanced(t *testing.T) {
	var o, other traffic.Order
	kinds := map[string]int{}
	for block := range int64(250) {
		order, swapped := "", 0
		for k := range int64(4) {
			is := o.Swapped(3, block*4+k)
			if is != other.Swapped(3, block*4+k) {
				t.Fatalf("pair %d has two orders", block*4+k)
			}
			if is {
				swapped++
				order += "B"
			} else {
				order += "A"
			}
		}
		if swapped != 2 {
			t.Errorf("block %d: %s, want two of each", block, order)
		}
		kinds[order]++
	}
	for order, n := range kinds { // 42 of each are expected
		if n < 18 || n > 70 {
			t.Errorf("%s in %d of 250 blocks: %v", order, n, kinds)
		}
	}
	if len(kinds) != 6 {
		t.Errorf("got %v, want all 6 orders of a block", kinds)
	}
}

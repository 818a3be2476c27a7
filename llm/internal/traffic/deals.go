package traffic

import (
	"sync"

	"github.com/seed-307b789f/xk6-llm/internal/deal"
)

// deals keeps a deal by the same shares for each seed. The zero value is empty, and it may be used concurrently.
type deals struct{ bySeed sync.Map } // of *deal.Deal

// part returns the part that thing number k is dealt to by a seed. The shares are known to be right.
func (d *deals) part(seed, k int64, shares ...float64) int {
	kept, known := d.bySeed.Load(seed)
	if !known {
		fresh, _ := deal.New(seed, shares...)
		kept, _ = d.bySeed.LoadOrStore(seed, fresh)
	}
	part, _ := kept.(*deal.Deal).At(k)
	return part
}

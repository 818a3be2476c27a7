package traffic

import (
	"sync"

	"github.com/seed-307b789f/xk6-llm/internal/deal"
)

// Order tells in which order the two requests of a pair are sent: half of each four pairs begin with the second. The
// zero value is ready for use, and it may be used concurrently.
type Order struct{ deals sync.Map } // of *deal.Deal by seed

// Swapped reports whether pair number k begins with its second request.
func (o *Order) Swapped(seed, k int64) bool {
	part, _ := dealOf(&o.deals, seed^0x70616972, 0.25, 0.25, 0.25, 0.25).At(k)
	return part >= 2
}

// dealOf returns the deal of a seed, which deals keeps. The shares are known to be right.
func dealOf(deals *sync.Map, seed int64, shares ...float64) *deal.Deal {
	d, known := deals.Load(seed)
	if !known {
		fresh, _ := deal.New(seed, shares...)
		d, _ = deals.LoadOrStore(seed, fresh)
	}
	return d.(*deal.Deal)
}

package traffic

// Order tells in which order the two requests of a pair are sent: half of each four pairs begin with the second. The
// zero value is ready for use, and it may be used concurrently.
type Order struct{ deals deals }

// Swapped reports whether pair number k begins with its second request.
func (o *Order) Swapped(seed, k int64) bool {
	return o.deals.part(seed^0x70616972, k, 0.25, 0.25, 0.25, 0.25) >= 2
}

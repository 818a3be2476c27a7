package status

import (
	"testing"
	"time"
)

// A high quantile of few requests is no fact, but about or at least that; one of enough is as it was measured.
func TestDoubtOfFewRequests(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n, units int64
		q        float64
		sign     string
		value    time.Duration // in ms
	}{
		{0, alone, 0.99, "", 0},
		{1, alone, 0.9, "~ ", 1},
		{1, alone, 0.5, "", 1},
		{100, alone, 0.5, "", 51},
		{35, alone, 0.9, "≥ ", 28},
		{159, alone, 0.9, "~ ", 143},
		{160, alone, 0.9, "", 144},
		{367, alone, 0.99, "≥ ", 359},
		{368, alone, 0.99, "", 364},
		{10, certain, 0.99, "", 10},
		// gaps of few answers, all of whose gaps may be alike, and of enough
		{1000, 10, 0.99, "≥ ", 900},
		{1000, 160, 0.99, "", 990},
	} {
		var h histogram
		for i := range tt.n {
			h.add(time.Duration(i+1) * time.Millisecond)
		}
		sign, value, known := h.doubt(tt.q, tt.units)
		if sign != tt.sign || value.Round(time.Millisecond)/time.Millisecond != tt.value || known != (tt.n > 0) {
			t.Errorf("%v of %d from %d: got %q and %v, want %q and %d ms", tt.q, tt.n, tt.units, sign, value, tt.sign,
				tt.value)
		}
	}
}

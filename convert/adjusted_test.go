package convert

import (
	"encoding/json"
	"testing"
)

// A request without success is slower than any success: a percentile that meets one is unknown, and the others move.
func TestAdjustedPercentiles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		sorted []float64
		slower int64
		want   string
	}{
		{[]float64{1, 2, 3}, 2, `{"median":3.0,"p75":null,"p99":null}`},
		{[]float64{1, 2, 3, 4, 5}, 4, `{"median":5.0,"p75":null,"p99":null}`},
		{[]float64{1, 2, 3, 4, 5, 6, 7, 8}, 1, `{"median":5.0,"p75":7.0,"p99":null}`},
		{[]float64{1}, 3, `{"median":null,"p75":null,"p99":null}`},
		{[]float64{1, 2}, 1 << 62, `{"median":null,"p75":null,"p99":null}`},
	} {
		got, err := json.Marshal(adjusted(tt.sorted, tt.slower, []float64{50, 75, 99}))
		if err != nil || string(got) != tt.want {
			t.Errorf("%v and %d slower: got %s, %v, want %s", tt.sorted, tt.slower, got, err, tt.want)
		}
	}
}

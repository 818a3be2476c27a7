package rank

import "testing"

func TestNearest(t *testing.T) {
	t.Parallel()
	ten := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for _, tt := range []struct {
		values []int
		share  float64
		want   int
	}{
		{ten, 0.5, 5}, {ten, 0.51, 6}, {ten, 0.99, 10}, {ten, 1, 10}, {ten, 0.01, 1}, {ten[:1], 0.5, 1},
		{ten[:3], 0.5, 2},
	} {
		if got := Nearest(tt.values, tt.share); got != tt.want {
			t.Errorf("%v at %v: got %d, want %d", tt.values, tt.share, got, tt.want)
		}
	}
}
